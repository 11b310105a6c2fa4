"""A made-up capture of a stated shape, with what must be found in it. Seeded: the same bytes every time."""

from __future__ import annotations

import random
import struct
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

CONCURRENT = 60  # connections at a time
EXCHANGES = 10  # a connection
MAX_BODY = 100_000  # bytes
MSS = 1460
DISTURBED = 0.001  # of the data segments are sent again, as many come late
STEP = 3_000  # ns between frames

_BODY = bytes(range(256)) * (MSS // 256 + 1)
_ETHERNET = b"\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00"
_IP = struct.Struct("!BBHHHBBH4s4s")
_TCP = struct.Struct("!HHIIBBHHH")
_RECORD = struct.Struct("<IIII")


@dataclass
class Made:
    """What was written: the file, its frames, and the exchanges as (target, status, bytes)."""

    path: Path
    frames: int = 0
    exchanges: list[tuple[str, int, int]] = field(default_factory=list)


def _frame(source: bytes, target: bytes, ports: tuple[int, int], seq: int, ack: int, flags: int, data: bytes) -> bytes:
    ip = _IP.pack(0x45, 0, 40 + len(data), 0, 0x4000, 64, 6, 0, source, target)
    tcp = _TCP.pack(*ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 0x50, flags, 65535, 0, 0)
    return (_ETHERNET + ip + tcp + data).ljust(60, b"\x00")


def _connection(number: int, rng: random.Random, made: Made) -> Iterator[bytes]:
    """One connection: keep-alive, an acknowledgement for every second segment of a body."""
    client = struct.pack("!I", 0x0A000000 + number // 20_000 * 256 + number % 199 + 1)
    server, sport = b"\xc0\x00\x02\x01", 20_000 + number % 40_000
    mine, theirs = rng.getrandbits(32), rng.getrandbits(32)

    def up(flags: int, data: bytes = b"") -> bytes:
        return _frame(client, server, (sport, 80), mine, theirs if flags & 16 else 0, flags, data)

    def down(flags: int, data: bytes = b"") -> bytes:
        return _frame(server, client, (80, sport), theirs, mine, flags, data)

    yield up(2)
    mine += 1
    yield down(18)
    theirs += 1
    yield up(16)
    for count in range(EXCHANGES):
        target, status = f"/{number}/{count}?q={rng.getrandbits(24):x}", rng.choice((200, 200, 200, 206, 404))
        size = rng.randrange(MAX_BODY + 1)
        made.exchanges.append((target, status, size))
        request = f"GET {target} HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
        request += "Accept: */*\r\nAccept-Encoding: gzip, deflate, br\r\nConnection: keep-alive\r\n\r\n"
        yield up(24, request.encode())
        mine += len(request)
        left = (
            f"HTTP/1.1 {status} X\r\nServer: made\r\nContent-Type: text/html\r\nContent-Length: {size}\r\n\r\n".encode()
        )
        odd = 0
        while left or size:
            data = left + _BODY[: min(MSS - len(left), size)]
            size -= len(data) - len(left)
            left = b""
            yield down(24 if not size else 16, data)
            theirs += len(data)
            odd ^= 1
            if not odd or not size:
                yield up(16)
    yield down(17)
    theirs += 1
    yield up(17)
    mine += 1
    yield down(16)


def make(path: Path, frames: int, seed: int = 1) -> Made:
    """Write a capture of about ``frames`` frames."""
    rng = random.Random(seed)
    made = Made(path)
    number, late = 0, deque[tuple[int, bytes]]()
    open_now: list[Iterator[bytes]] = []
    with path.open("wb", buffering=1 << 20) as out:
        out.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))

        def write(frame: bytes) -> None:
            now = 1_700_000_000_000_000_000 + made.frames * STEP
            out.write(_RECORD.pack(now // 10**9, now % 10**9 // 1000, len(frame), len(frame)))
            out.write(frame)
            made.frames += 1

        while open_now or made.frames < frames:
            while len(open_now) < CONCURRENT and made.frames < frames:
                open_now.append(_connection(number, rng, made))
                number += 1
            place = rng.randrange(len(open_now))
            for _ in range(rng.randrange(1, 8)):  # a connection's segments come in bursts
                frame = next(open_now[place], None)
                if frame is None:
                    del open_now[place]
                    break
                chance = rng.random() if len(frame) > 60 else 1.0
                if chance < DISTURBED:
                    late.append((made.frames + 20, frame))
                else:
                    write(frame)
                    if chance < 2 * DISTURBED:
                        late.append((made.frames + 20, frame))
                while late and late[0][0] <= made.frames:
                    write(late.popleft()[1])
        for _, frame in late:
            write(frame)
    return made
