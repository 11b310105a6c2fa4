"""Frames -> transactions: the whole way, without I/O and on the packets' own time."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sniffer.decode import Decoder, Frame
from sniffer.flow import Limits
from sniffer.flows import Flows
from sniffer.pairing import Counts
from sniffer.transaction import Transaction


@dataclass(frozen=True, slots=True)
class ObserverCounts:
    """What was observed so far."""

    frames: int
    segments: int
    other: int  # frames without TCP
    cut: int  # frames cut before the end of the TCP header
    fragments: int  # datagrams that never became whole
    unknown_links: int  # frames of link types that can't be read
    gaps: int
    gap_bytes: int
    flows: int
    evicted: int  # flows closed at a bound
    transactions: int
    unanswered: int
    orphans: int
    not_http: int  # flows


class Observer:
    """Observes HTTP in frames. ``feed`` them as captured; ``tick`` when none come; ``finish`` at the end."""

    def __init__(self, limits: Limits | None = None) -> None:
        self._decoder = Decoder()
        self._counts = Counts()
        self._flows = Flows(limits or Limits(), self._counts)
        self._frames = 0
        self._segments = 0

    def feed(self, frames: Iterable[Frame], hurried: bool = False) -> list[Transaction]:
        """Take a batch of frames; return the transactions that ended in it.

        ``hurried``: frames were dropped lately, so that nothing that is acknowledged is waited for.
        """
        batch = frames if isinstance(frames, list) else list(frames)
        if not batch:
            return []
        segments = self._decoder.segments(batch)
        self._frames += len(batch)
        self._segments += len(segments)
        self._flows.feed(segments, hurried)
        return self.tick(batch[-1][0])

    def tick(self, now: int) -> list[Transaction]:
        """Let time pass: ``now`` is in ns, on the frames' clock."""
        self._flows.tick(now)
        return self._taken()

    def finish(self) -> list[Transaction]:
        """End all flows; return what was open."""
        self._flows.finish()
        return self._taken()

    @property
    def counts(self) -> ObserverCounts:
        """What was observed so far."""
        decoder, counts = self._decoder, self._counts
        return ObserverCounts(
            frames=self._frames,
            segments=self._segments,
            other=decoder.other,
            cut=decoder.cut,
            fragments=decoder.fragments.dropped,
            unknown_links=sum(decoder.unknown.values()),
            gaps=counts.gaps,
            gap_bytes=counts.gap_bytes,
            flows=counts.flows,
            evicted=counts.evicted,
            transactions=counts.transactions,
            unanswered=counts.unanswered,
            orphans=counts.orphans,
            not_http=counts.not_http,
        )

    def _taken(self) -> list[Transaction]:
        taken = self._flows.out[:]
        self._flows.out.clear()
        return taken
