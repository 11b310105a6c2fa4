"""IP fragments -> datagrams. Knows nothing of what is in them."""

from __future__ import annotations

from collections import OrderedDict

TIMEOUT = 30 * 10**9  # ns; Linux drops an incomplete datagram after 30 s (ipfrag_time)
MAX_DATAGRAM = 65535  # bytes; a fragment beyond is an attack (RFC 791)


class _Datagram:
    """Fragments of one datagram, as they came."""

    __slots__ = ("parts", "since", "size", "total")

    def __init__(self, since: int) -> None:
        self.since = since
        self.parts: dict[int, bytes] = {}
        self.size = 0
        self.total: int | None = None  # known once the last fragment came

    def whole(self) -> bytes | None:
        if self.total is None or self.size < self.total:
            return None
        data = bytearray()
        for at in sorted(self.parts):
            part = self.parts[at]
            if at > len(data):
                return None
            data += part[len(data) - at :]
        return bytes(data[: self.total]) if len(data) >= self.total else None


class Fragments:
    """The incomplete datagrams; at ``limit`` bytes the oldest one is dropped and counted."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.dropped = 0  # datagrams that were never whole
        self._open: OrderedDict[bytes, _Datagram] = OrderedDict()
        self._size = 0

    def add(self, time: int, key: bytes, at: int, data: bytes, last: bool) -> bytes | None:
        """Take one fragment; return the datagram if it is whole now."""
        if at + len(data) > MAX_DATAGRAM:
            return None
        self._expire(time)
        datagram = self._open.get(key)
        if datagram is None:
            datagram = self._open[key] = _Datagram(time)
        if len(data) > len(datagram.parts.get(at, b"")):
            change = len(data) - len(datagram.parts.get(at, b""))
            datagram.parts[at] = data
            datagram.size += change
            self._size += change + 100  # about what the objects take
        if last:
            datagram.total = at + len(data)
        whole = datagram.whole()
        if whole is not None:
            self._close(key)
        while self._size > self.limit:
            self._close(next(iter(self._open)))
            self.dropped += 1
        return whole

    def _expire(self, time: int) -> None:
        while self._open:
            key = next(iter(self._open))
            if time - self._open[key].since < TIMEOUT:
                return
            self._close(key)
            self.dropped += 1

    def _close(self, key: bytes) -> None:
        datagram = self._open.pop(key)
        self._size -= datagram.size + 100 * len(datagram.parts)
        if not self._open:
            self._size = 0
