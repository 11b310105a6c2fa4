"""Which request a response answers: what the numbers of TCP prove of it, and what is only likely.

Requests are answered in their order, each once (RFC 9112 section 9.3.2). Beside that there are two facts. A response
answers no request that its sender had not received, by the number that it acknowledges: none behind the last that it
*fits*. And it answers none whose client had something of it already when it asked. So:

- As long as nothing was lost, the first request that waits is the one.
- Where responses were lost, those that came are counted, since each answers another request: when they are as many as
  those that they fit, the newest is for the last of these.
- Where requests were lost, nobody knows how many. If the client waits for each answer, the one to its request begins
  exactly where its request's number says: that is the *next*. What is paired so is in doubt, until the client has been
  seen to wait often enough, or to pause; or to the end, if nothing speaks against it. What does is a request sent
  before the answer in front of it was there, a lost one that was not answered before the next was sent, and an answer
  for which no request is left.
- A client that does not wait (pipelining) proves nothing by its numbers. Once it is not known how many of its requests
  are open it never will be: the order is *adrift*, and no answer is given any more.

Knows numbers; not how messages are read, nor what is told.
"""

from __future__ import annotations

from sniffer.head import Head
from sniffer.message import NO_ACK, Request, Response
from sniffer.stream import MASK, distance

MAX_PENDING = 1000  # requests of one connection that wait for a response; browsers pipelined 8, load generators 100
_WAITS = 8  # exchanges in a row, after which a client that waited for each answer is taken to do so always
_INTERIM = 64  # bytes; a shorter answer to a request that expects an interim one is that one
_NEAR = 1 << 30  # bytes; a number further ahead is an old one


class Order:
    """The requests of one flow that wait, in their order, and what is known of it."""

    __slots__ = (
        "_base",
        "_certain",
        "_end",
        "_first",
        "_losses",
        "_marked",
        "_newest",
        "_surplus",
        "_unbroken",
        "_waits",
        "adrift",
        "begun",
        "lost",
        "origin",
        "pending",
        "piled",
    )

    def __init__(self, whole: bool) -> None:
        """``whole``: the connection was seen from its beginning."""
        self.pending: list[Request] = []
        self.begun: list[Response | None] = []  # responses since the last given one; None: in what is missing
        self.lost = False  # responses may be missing since the last one that was given to a request
        self._losses = 0  # how often, since then
        self.piled = False  # the client sends requests before it has the answers to those before
        self.adrift = False  # and nobody knows how many are open
        self._first = True  # nothing was lost, passed by or answered so far
        self._unbroken = not whole  # picked up in the middle, and nothing was lost since
        self._waits = 0  # exchanges whose client waited for the answer before, in all
        self._certain = 0 if whole else _WAITS  # at so many of them ``pending`` is all that waits
        self._newest = self._end = NO_ACK  # where the newest response began, and where it ends at the least
        self._surplus = False  # something began in what is missing, and no request is known for it
        self.origin = NO_ACK  # where the first response begins, if that is known
        self._marked = NO_ACK  # which was the newest when the last of what is unseen was sent
        self._base = NO_ACK  # answers from here on are to requests that are known, if those are all that wait

    @property
    def exact(self) -> bool:
        """Whether ``pending`` is all that waits, but for what it says is unseen."""
        return self._waits >= self._certain

    @property
    def proven(self) -> bool:
        """Whether what is paired now is right."""
        return not self.adrift and (self._waits >= self._certain or (self._waits >= _WAITS and not self.piled))

    @property
    def likely(self) -> bool:
        """Whether something speaks for an answer in doubt that makes all that follows unreadable."""
        return self._unbroken or self._waits > 0

    def passed(self, start: int) -> None:
        """Take note of a request and its response, begun at ``start``, that nobody asked for here."""
        self._newest = start
        self._first = False
        self._waits += 1

    def note(self) -> None:
        """Take note that something was read that is no request and no response."""
        self._first = False

    def asked(self, request: Request) -> None:
        """Take a request."""
        before, unseen = self._newest, False
        for each in reversed(self.pending):
            if each.head is not None:
                before = each.ack
                break
            unseen = each.sure and self._newest == self._marked
        ack = request.ack
        if unseen and before == NO_ACK != self.origin and ack == self.origin:
            self.pile()
        if ack != NO_ACK != before:
            end = self._end if 0 <= distance(self._end, self._newest) < _NEAR and self._end != NO_ACK else before
            if distance(ack, before) <= 0 or distance(ack, end) < (1 if unseen else 0):
                self.pile()
        self.pending.append(request)
        self._surplus = False
        if self._base == NO_ACK:
            self._base = ack
        if len(self.pending) > MAX_PENDING:
            self.lost = True
            if self.piled:
                self.adrift = True

    def unseen(self, start: int, sure: bool) -> None:
        """Take note that any number of requests may have been sent from ``start`` on, up to the next that is seen."""
        if not self.pending or self.pending[-1].head is not None:
            self.pending.append(Request(None, start, NO_ACK, sure=sure))
            self._marked = self._newest
            self._surplus = False

    def missed(self, responses: bool) -> None:
        """Take note that messages may be missing."""
        self._first = False
        if responses:
            self.lost = True
            self._losses += 1
        if self._unbroken:
            self._unbroken = False
            if self.piled and not self.exact:
                self.adrift = True

    def began(self, response: Response | None) -> bool:
        """Take a response that is given to no request so far; return False if it never will be."""
        if len(self.begun) >= len(self.pending):
            self._surplus = response is None
            return False
        self.begun.append(response)
        return True

    def ended(self, response: Response, length: int) -> None:
        """Take note of the end of a whole response of so many bytes."""
        start = response.start
        end = start + length & MASK
        if start == self._newest:
            self._end = end
        for each in self.pending:
            if each.head is not None and (
                each.within(start, end) or (response.request is not None and each.precedes(start))
            ):
                self.pile()

    def match(self, start: int, ack: int, head: Head) -> tuple[int | None, bool]:
        """Find the place of the request that a response answers; None if that is not certain, below 0 if it is none.

        And whether that is so even if the client does not wait.
        """
        end = start + len(head.raw) & MASK
        self._newest, self._end = start, end
        for each in self.pending:
            if each.head is not None and each.within(start, end):
                self.pile()
        place, strict = self._place(start, ack, head)
        if place is not None and 0 <= place < len(self.pending) - 1:
            following = self.pending[place + 1]
            if following.head is None and following.sure and following.fits(start, ack):
                self.pile()  # what its sender had received already, when it answered
        if self.adrift:
            return -1, False
        return (None if self.piled and not (strict or self._unbroken) else place), strict

    def given(self, request: Request, start: int, strict: bool, alone: bool) -> None:
        """Take note that the response that begins at ``start`` was given to a request, which is no longer pending."""
        self.lost = self._first = False
        self._losses = 0
        if alone and not self.piled and request.next(start):
            self._waits += 1
        if not strict:
            self._certain = self._waits + _WAITS
            self._base = request.ack

    def contradicted(self, start: int | None = None) -> None:
        """Take note of what nothing explains but a request that nobody knew of, an answer at ``start`` maybe."""
        if self.exact or self._base == NO_ACK or (start is not None and distance(start, self._base) < 0):
            return
        self.pile()
        self.adrift = True

    def close(self) -> None:
        """Nothing more comes: a response in what is missing for which nobody asked is one to a request unknown."""
        if self._surplus:
            self.contradicted()

    def paused(self) -> None:
        """Take note that nothing came for so long that no request can be open, but for those in ``pending``."""
        self._certain = 0

    def believe(self) -> None:
        """Take what is in doubt for right: nothing spoke against it for long enough."""
        if self.piled:
            self.adrift = True
        else:
            self._certain = 0

    def pile(self) -> None:
        """Take note that the client does not wait for an answer before it asks again."""
        if self.piled:
            return
        self._certain = 0 if self.exact else _WAITS
        self.piled, self._waits = True, 0
        if self._certain and not self._unbroken:
            self.adrift = True

    def _place(self, start: int, ack: int, head: Head) -> tuple[int | None, bool]:
        pending = self.pending
        interim = 100 <= head.status < 200 and head.status != 101
        if not self.lost and not self.begun and pending:
            request = pending[0]  # the first after the one answered last
            if request.head is not None and not request.doubtful and request.fits(start, ack):
                if request.ack != NO_ACK and not request.next(start):
                    self.pile()
                return 0, True
            if request.head is None and request.sure and request.fits(start, ack):
                request.sure = interim
                if len(pending) > 1 and pending[1].precedes(start):
                    self.pile()
                return -1, False
        fitting = 0
        while fitting < len(pending) and pending[fitting].fits(start, ack):
            fitting += 1
        if fitting < len(pending) and pending[fitting].precedes(start):
            self.pile()
        known = all(each.head and not each.doubtful for each in pending[:fitting])
        expected = any(each.expects for each in pending[:fitting])
        last = fitting - 1
        if not fitting or (known and len(self.begun) > last and not expected):
            if head.status != 408:  # which a server sends unasked
                self.contradicted(start)
            self.begun = [each for each in self.begun if each is not None]  # one of those was an interim response
            return -1, False
        if self.adrift:
            return -1, False
        counted = known and len(self.begun) == last and not expected
        if self.piled:
            return self._count(start, last, counted)
        if counted and self.exact:
            return last, True
        for place in range(last, -1, -1):
            if pending[place].next(start):
                request = pending[place]
                whole = request.head is not None and request.head.whole
                unasked = head.status == 100 and whole and not request.expects
                return (None if unasked or self._continued(pending[:place], request) else place), False
        # What the client had not received yet may have been another answer, or told it to go on.
        return (last if pending[last].head and (not self.begun or pending[last].expects) else None), False

    @staticmethod
    def _continued(skipped: list[Request], request: Request) -> bool:
        """Whether all that came between may have been an interim response to one of those that are passed by."""
        asked = next((each for each in skipped if each.expects), None)
        return asked is not None and asked.ack != NO_ACK and distance(request.ack, asked.ack) < _INTERIM

    def _count(self, start: int, last: int, counted: bool) -> tuple[int | None, bool]:
        """Find the place by counting alone."""
        if self._first and last and self.pending[1].next(start):
            return 1, True  # as if the capture began with all that its client sent at once
        if not counted:
            return None, False
        if None not in self.begun:
            return last, True
        if self._losses != self.begun.count(None):
            return None, False
        self._unbroken = True  # what was lost may have been an interim response: the end will tell
        return last, False
