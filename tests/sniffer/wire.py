"""Builds traffic for tests: a scripted connection as frames, and capture files of frames. Nothing here is random."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from socket import AF_INET, AF_INET6, inet_pton

from sniffer.decode import ACK, FIN, PSH, RST, SYN, Frame
from sniffer.observer import Observer
from sniffer.transaction import Transaction

START = 1_700_000_000 * 10**9  # ns
CLIENT, SERVER = ("192.0.2.1", 40000), ("198.51.100.1", 80)


def ip4(source: str, destination: str, protocol: int, payload: bytes, **header: int) -> bytes:
    """An IPv4 packet. ``header``: total (length), fragment (flags and offset), ident, options (words)."""
    options = b"\x01" * 4 * header.get("options", 0)
    total = header.get("total", 20 + len(options) + len(payload))
    words = struct.pack(
        "!BBHHHBBH",
        0x45 + len(options) // 4,
        0,
        total,
        header.get("ident", 1),
        header.get("fragment", 0),
        64,
        protocol,
        0,
    )
    return words + inet_pton(AF_INET, source) + inet_pton(AF_INET, destination) + options + payload


def ip6(source: str, destination: str, protocol: int, payload: bytes, length: int | None = None) -> bytes:
    """An IPv6 packet; extension headers are part of the payload."""
    words = struct.pack("!IHBB", 6 << 28, len(payload) if length is None else length, protocol, 64)
    return words + inet_pton(AF_INET6, source) + inet_pton(AF_INET6, destination) + payload


def tcp(sport: int, dport: int, seq: int, ack: int, flags: int, data: bytes = b"", options: int = 0) -> bytes:
    """A TCP segment; ``options`` in words."""
    head = struct.pack(
        "!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, (5 + options) << 4, flags, 65535, 0, 0
    )
    return head + b"\x01" * 4 * options + data


def ethernet(payload: bytes, ethertype: int = 0x0800) -> bytes:
    """An Ethernet frame, padded to the least length."""
    return (b"\x02" * 6 + b"\x04" * 6 + struct.pack("!H", ethertype) + payload).ljust(60, b"\x00")


@dataclass
class Wire:
    """A connection being written down. Each call appends frames, ``step`` ns apart."""

    client: tuple[str, int] = CLIENT
    server: tuple[str, int] = SERVER
    now: int = START
    step: int = 1_000_000  # ns
    mss: int = 1460
    begins: tuple[int, int] = (1000, 5_000_000)  # initial sequence numbers
    frames: list[Frame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.next = list(self.begins)

    def send(self, side: int, flags: int, data: bytes = b"", back: int = 0) -> Wire:
        """Append one segment of a side (0: the client); ``back``: how far behind its place it is sent again."""
        ends = (self.client, self.server) if side == 0 else (self.server, self.client)
        (source, sport), (destination, dport) = ends
        segment = tcp(sport, dport, self.next[side] - back, self.next[1 - side] if flags & ACK else 0, flags, data)
        if ":" in source:
            packet = ethernet(ip6(source, destination, 6, segment), 0x86DD)
        else:
            packet = ethernet(ip4(source, destination, 6, segment))
        self.frames.append((self.now, 1, packet, len(packet)))
        self.now += self.step
        if not back:
            self.next[side] = (self.next[side] + len(data) + bool(flags & (SYN | FIN))) & 0xFFFFFFFF
        return self

    def open(self) -> Wire:
        """The handshake."""
        return self.send(0, SYN).send(1, SYN | ACK).send(0, ACK)

    def say(self, side: int, data: bytes) -> Wire:
        """Send data, cut into segments, and have it acknowledged."""
        for at in range(0, len(data), self.mss):
            self.send(side, PSH | ACK, data[at : at + self.mss])
        return self.send(1 - side, ACK)

    def ask(self, data: bytes) -> Wire:
        """The client speaks."""
        return self.say(0, data)

    def answer(self, data: bytes) -> Wire:
        """The server speaks."""
        return self.say(1, data)

    def close(self) -> Wire:
        """Both sides end."""
        return self.send(1, FIN | ACK).send(0, FIN | ACK).send(1, ACK)

    def reset(self, side: int = 1) -> Wire:
        """One side breaks off."""
        return self.send(side, RST | ACK)

    def lose(self, *places: int) -> Wire:
        """Take frames out again, by place."""
        gone = {place % len(self.frames) for place in places}
        self.frames = [frame for place, frame in enumerate(self.frames) if place not in gone]
        return self


def observe(frames: Iterable[Frame], observer: Observer | None = None, batch: int = 7) -> list[Transaction]:
    """What an observer makes of frames, fed in small batches, to the end."""
    observer = observer or Observer()
    given = list(frames)
    found: list[Transaction] = []
    for at in range(0, len(given), batch):
        found += observer.feed(given[at : at + batch])
    return found + observer.finish()


def seen(transactions: Iterable[Transaction]) -> list[tuple[str, int | None, int | None]]:
    """The parts that most tests look at: request line, status, bytes."""
    return [(t.line.decode("latin-1"), t.status, t.size) for t in transactions]


def pcap(frames: Iterable[Frame], link: int = 1, order: str = "<", nano: bool = False) -> Iterator[bytes]:
    """A classic capture file, piece by piece."""
    yield struct.pack(order + "IHHIIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)
    unit = 1 if nano else 1000
    for time, _, data, length in frames:
        yield struct.pack(order + "IIII", time // 10**9, time % 10**9 // unit, len(data), length) + data


def pcapng(
    frames: Iterable[Frame], link: int = 1, order: str = "<", resolution: int = 9, snap: int = 0
) -> Iterator[bytes]:
    """A capture file of the next generation, with one interface."""

    def block(kind: int, body: bytes) -> bytes:
        body += b"\x00" * (-len(body) % 4)
        return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)

    yield block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))
    yield block(1, struct.pack(order + "HHIHHBxxxHH", link, 0, snap, 9, 1, resolution, 0, 0))
    for time, _, data, length in frames:
        stamp = time // 10 ** (9 - resolution)
        head = struct.pack(order + "IIIII", 0, stamp >> 32, stamp & 0xFFFFFFFF, len(data), length)
        yield block(6, head + data)
