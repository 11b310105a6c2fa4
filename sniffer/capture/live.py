"""Interfaces -> batches of frames, through one packet socket and a ring of memory that the kernel fills.

One socket that is bound to no interface sees all that there are and will be, so an interface may go and come back when
no privilege is left; the kernel drops what was not asked for. Frames come without their link layer, whatever that was,
and are handed on with an Ethernet header whose type alone is filled in. scapy's own sockets are bound to one interface
and read a packet a call from 64 kB of buffer: they lose most of a busy loopback's packets.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import mmap
import os
import select
import socket
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from sniffer.capture import filter as bpf
from sniffer.decode import ETHERNET, Frame
from sniffer.errors import CaptureError
from sniffer.privileges import how_to_capture

RING = 64 << 20  # bytes: two thirds of a second of 100 MB/s
_SMALLEST_RING = 4 << 20
_BLOCK = 256 << 10  # bytes; holds any frame, and 256 of them last 10 s when each is handed over half empty
_BULK = 64  # blocks of a full ring given back at once, so that what is kept and what is dropped comes in long runs
_HANDOVER = 40  # ms after which the kernel hands over a block that is not full
# linux/if_packet.h, linux/sockios.h, linux/rtnetlink.h
_SOL_PACKET, _SO_ATTACH_FILTER = 263, 26
_PACKET_ADD_MEMBERSHIP, _PACKET_RX_RING, _PACKET_STATISTICS, _PACKET_VERSION = 1, 5, 6, 10
_TPACKET_V3 = 2
_PROMISCUOUS = 1
_ETH_P_ALL = 3
_SIOCGIFFLAGS, _IFF_UP = 0x8913, 1
_RTMGRP_LINK = 1
_BLOCK_STATUS = 8  # offset; then the number of packets and the offset of the first
_OURS, _LOSING = 1, 4  # TP_STATUS_USER; TP_STATUS_LOSING: frames were dropped since drops were counted last
_BLOCK_HEADER = struct.Struct("=III")
# struct tpacket3_hdr: next, s, ns, captured, length, [status], offset of the data, [...]; sockaddr_ll's protocol
_PACKET = struct.Struct("=IIIII4xH24xH")
_ETHERNET_HEADER = 14  # bytes; the kernel leaves 16 free before the data
_TYPE = struct.Struct("=H")
_IPV4, _IPV6, _VLAN = socket.htons(0x0800), socket.htons(0x86DD), socket.htons(0x8100)  # as in the ring
_FIRST_BYTE = {_IPV4: 0x45, _IPV6: 0x60}  # of most packets
_VERSION = {_IPV4: 4, _IPV6: 6}


@dataclass(frozen=True, slots=True)
class Interface:
    """A network interface as it is now."""

    name: str
    index: int
    up: bool
    addresses: tuple[str, ...] = ()


class Live:
    """The frames of the interfaces named, or of all. Opened with the privilege to capture; later none is needed."""

    def __init__(self, names: Sequence[str], expression: str | None) -> None:
        """Open the socket and begin to capture. Raises CaptureError, or UsageError for the filter."""
        self.notes: list[str] = []  # one-line messages, for the caller to take
        self.dropped = 0  # frames lost by the kernel, as far as counted
        self.losing = False  # it dropped some not long before what was read last
        self._names = None if not names or "any" in names else tuple(dict.fromkeys(names))
        self._program = bpf.compile_live(expression) if expression else bpf.DEFAULT
        self._seen: dict[str, Interface] = {}
        with contextlib.ExitStack() as stack:  # closes what is open already where something fails
            self._socket = stack.enter_context(_open_socket())
            kind = socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC
            self._links = stack.enter_context(socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE))
            self._begin()
            stack.pop_all()
        self._blocks = len(self._ring) // _BLOCK
        self._block = 0  # the next one to be read
        self._read = 0  # how many before it were read, and are still to be given back
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._poll.register(self._links, select.POLLIN)

    def _begin(self) -> None:
        """Have the kernel fill the ring with what was asked for."""
        self._links.bind((0, _RTMGRP_LINK))
        if self._names is None:
            self._attach(None)
        else:
            self._look(self._names)
            if len(self._seen) < len(self._names):
                missing = ", ".join(name for name in self._names if name not in self._seen)
                raise CaptureError(
                    f"no interface {missing}; there are {', '.join(n for _, n in socket.if_nameindex())}"
                )
            self.notes = [note for note in self.notes if not note.endswith(" is up")]
        try:
            self._ring = self._map_ring()
            _bind_to_all(self._socket)
        except OSError as error:
            raise CaptureError(f"cannot capture: {error.strerror}") from error

    def _map_ring(self) -> mmap.mmap:
        self._socket.setsockopt(_SOL_PACKET, _PACKET_VERSION, _TPACKET_V3)
        size = RING
        while True:
            request = struct.pack("=7I", _BLOCK, size // _BLOCK, 2048, size // 2048, _HANDOVER, 0, 0)
            try:
                self._socket.setsockopt(_SOL_PACKET, _PACKET_RX_RING, request)
                return mmap.mmap(self._socket.fileno(), size)
            except OSError as error:
                if error.errno != errno.ENOMEM or size <= _SMALLEST_RING:
                    raise
                size //= 2
                self.notes.append(f"memory is short: {size >> 20} MiB of packets are buffered, not {RING >> 20}")

    def watch(self, descriptor: int) -> None:
        """Let ``wait`` return, too, when ``descriptor`` can be read."""
        self._poll.register(descriptor, select.POLLIN)

    def wait(self, timeout: float) -> None:
        """Wait until frames have come, interfaces have changed or a watched descriptor is ready, or ``timeout`` s."""
        for descriptor, events in self._poll.poll(timeout * 1000):
            if descriptor == self._links.fileno():
                self._drain_links()
                if self._names is not None:
                    self._look(self._names)
            elif descriptor == self._socket.fileno() and events & select.POLLERR:
                number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                self.notes.append(f"capturing: {os.strerror(number)}")

    def read(self) -> list[Frame]:
        """Return the frames of the next block that the kernel has handed over; none when there is no such block."""
        ring = self._ring
        start = self._block * _BLOCK
        status, count, offset = _BLOCK_HEADER.unpack_from(ring, start + _BLOCK_STATUS)
        if not status & _OURS:
            self._give_back()
            self.losing = False
            return []
        self.losing |= bool(status & _LOSING)
        frames: list[Frame] = []
        append, at = frames.append, start + offset
        unpack, fill, usual = _PACKET.unpack_from, _TYPE.pack_into, _FIRST_BYTE
        for _ in range(count):
            step, seconds, nanoseconds, captured, length, data, protocol = unpack(ring, at)
            data += at
            if ring[data] != usual.get(protocol) and _is_tagged(ring[data : data + 5], protocol):
                protocol = _VLAN
            fill(ring, data - 2, protocol)
            append(
                (
                    seconds * 1_000_000_000 + nanoseconds,
                    ETHERNET,
                    ring[data - _ETHERNET_HEADER : data + captured],
                    length + _ETHERNET_HEADER,
                )
            )
            at += step
        self._block = (self._block + 1) % self._blocks
        self._read += 1
        if self._read >= min(_BULK, self._blocks // 2) or not self._is_full():
            self._give_back()
        return frames

    def _is_full(self) -> bool:
        """Whether the kernel has no block left to fill, so that it drops what comes."""
        last = (self._block - self._read - 1) % self._blocks
        return bool(_BLOCK_HEADER.unpack_from(self._ring, last * _BLOCK + _BLOCK_STATUS)[0] & _OURS)

    def _give_back(self) -> None:
        """Let the kernel have the blocks that were read."""
        for back in range(self._read, 0, -1):
            block = (self._block - back) % self._blocks
            _TYPE.pack_into(self._ring, block * _BLOCK + _BLOCK_STATUS, 0)
        self._read = 0

    def count_drops(self) -> None:
        """Ask the kernel what it dropped since the last call, and add it to ``dropped``."""
        _, dropped, _ = struct.unpack("=III", self._socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 12))
        self.dropped += dropped

    def close(self) -> None:
        """Let go of the sockets and the ring."""
        self._ring.close()
        self._socket.close()
        self._links.close()

    def _drain_links(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                try:
                    self._links.recv(1 << 16)
                except OSError as error:
                    if error.errno != errno.ENOBUFS:  # messages were lost, but there is something to look at
                        raise

    def _look(self, names: Sequence[str]) -> None:
        """Look which of the interfaces are there, and have the kernel hand over their frames."""
        before = self._seen
        self._seen = {
            name: Interface(name, index, _is_up(self._socket, name))
            for index, name in socket.if_nameindex()
            if name in names
        }
        for name in names:
            old, new = before.get(name), self._seen.get(name)
            if _state(old) != _state(new):
                self.notes.append(f"{name} is {_state(new)}" + ("" if new and new.up else ": waiting for it"))
            if new and (old is None or old.index != new.index):
                _be_promiscuous(self._socket, new.index)
        self._attach([one.index for one in self._seen.values()])

    def _attach(self, indexes: Sequence[int] | None) -> None:
        program = bpf.packed(bpf.for_interfaces(self._program, indexes))
        buffer = ctypes.create_string_buffer(program, len(program))
        request = struct.pack("HP", len(program) // 8, ctypes.addressof(buffer))
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, request)
        except OSError as error:
            raise CaptureError(f"the kernel refuses the filter: {error.strerror}") from error


def interfaces() -> list[Interface]:
    """Return the interfaces of this machine, by index."""
    # Here alone: scapy costs 36 MB, and time, that a capture need not spend.
    import scapy.arch.linux  # noqa: F401 - tells scapy's configuration of the interfaces
    from scapy.config import conf

    found = []
    for one in conf.ifaces.values():
        addresses = tuple(address for family in one.ips.values() for address in family)
        found.append(Interface(one.name, one.index, bool(one.flags & _IFF_UP), addresses))
    return sorted(found, key=lambda one: one.index)


def _state(interface: Interface | None) -> str:
    if interface is None:
        return "gone"
    return "up" if interface.up else "down"


def _open_socket() -> socket.socket:
    """Open a socket for frames without their link layer, which gets none before it is bound."""
    if not hasattr(socket, "AF_PACKET"):
        raise CaptureError("capturing needs Linux; elsewhere write a capture with tcpdump and read it with -r")
    try:
        return socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, 0)
    except PermissionError as error:
        raise CaptureError(how_to_capture(sys.executable)) from error
    except OSError as error:
        raise CaptureError(f"cannot capture: {error.strerror}") from error


def _bind_to_all(packets: socket.socket) -> None:
    """Bind to interface 0, which is all of them; Python's own bind wants a name. Raises OSError."""
    address = struct.pack("=HHiHBB8x", socket.AF_PACKET, socket.htons(_ETH_P_ALL), 0, 0, 0, 0)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.bind(packets.fileno(), address, len(address)) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _be_promiscuous(packets: socket.socket, index: int) -> None:
    """See what a switch's mirror port sends here, as tcpdump does on an interface that it is given."""
    with contextlib.suppress(OSError):  # the interface has gone again, or has no such thing
        request = struct.pack("=iHH8x", index, _PROMISCUOUS, 0)
        packets.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, request)


def _is_tagged(data: bytes, protocol: int) -> bool:
    """Tell whether a VLAN tag stands before the packet: newer kernels then name the packet's protocol anyway."""
    if protocol not in _VERSION or len(data) < 5:
        return False
    within = int.from_bytes(data[2:4], sys.byteorder)
    return (within == _VLAN or data[4] >> 4 == _VERSION.get(within)) and (
        data[0] >> 4 != _VERSION[protocol] or within in _VERSION
    )


def _is_up(any_socket: socket.socket, name: str) -> bool:
    request = struct.pack("16s16x", name.encode())
    try:
        answer = fcntl.ioctl(any_socket, _SIOCGIFFLAGS, request)
    except OSError:  # gone meanwhile: there will be another message about it
        return False
    return bool(struct.unpack_from("=H", answer, 16)[0] & _IFF_UP)
