"""A filter as tcpdump's -> a BPF program, for a socket that sees every interface, or for the frames of a file.

scapy has libpcap compile it. For a live socket it is compiled for Linux "cooked" frames, and its offsets are then made
relative to the network layer, as libpcap does for its ``any`` device: there is no link layer. The default is kept
compiled, so that libpcap is needed for a filter of one's own alone. scapy is loaded where it is needed, by a live
capture in a process that ends: it takes 36 MB, which would be held for as long as the sniffer runs.
"""

from __future__ import annotations

import ctypes
import struct
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sniffer.decode import ETHERNET, Frame
from sniffer.errors import CaptureError, SnifferError, UsageError

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from scapy.libs.structures import bpf_program

Instruction = tuple[int, int, int, int]
"""(code, jump if true, jump if false, operand), as in linux/filter.h."""

_COOKED = 113  # LINKTYPE_LINUX_SLL
_COOKED_HEADER = 16  # bytes: packet type at 0, protocol at 14
_WHOLE = 0x40000  # bytes to take of a frame: more than there are
# linux/filter.h
_LD_W_ABS, _JA, _JEQ, _RET = 0x20, 0x05, 0x15, 0x06
_CLASS, _LD, _LDX, _MODE = 0x07, 0x00, 0x01, 0xE0
_ABS, _IND, _MSH = 0x20, 0x40, 0xA0
_AD = 0xFFFFF000  # SKF_AD_OFF: what the kernel knows of a packet beside its bytes
_AD_PROTOCOL, _AD_PACKET_TYPE, _AD_INTERFACE, _AD_HARDWARE = _AD, _AD + 4, _AD + 8, _AD + 28
_LOOPBACK, _OUTGOING = 772, 4  # ARPHRD_LOOPBACK, PACKET_OUTGOING
_INSTRUCTION = struct.Struct("=HBBI")

# What the sniffer may find HTTP in. libpcap's own "tcp" takes fragments, and IPv6 only without extension headers.
# The kernel has taken most VLAN tags off; frames that still have one, or MPLS, PPPoE, are sorted out later.
DEFAULT_EXPRESSION = (
    "(tcp and not port 22 and not port 443)"
    " or (ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 44 or ip6[6] = 51 or ip6[6] = 60))"
    " or ether proto 0x8100 or ether proto 0x88a8 or ether proto 0x8847 or ether proto 0x8864"
)
DEFAULT: tuple[Instruction, ...] = (
    (0x28, 0, 0, _AD_PROTOCOL),
    (0x15, 0, 11, 0x0800),  # IPv4, else to IPv6
    (0x30, 0, 0, 9),
    (0x15, 0, 32, 6),  # TCP, else refused
    (0x28, 0, 0, 6),
    (0x45, 29, 0, 0x1FFF),  # a later fragment has no ports: taken
    (0xB1, 0, 0, 0),
    (0x48, 0, 0, 0),  # the source's port
    (0x15, 27, 0, 22),
    (0x15, 26, 0, 443),
    (0x48, 0, 0, 2),  # the destination's
    (0x15, 24, 0, 22),
    (0x15, 23, 22, 443),
    (0x15, 0, 17, 0x86DD),  # IPv6, else to the other protocols
    (0x30, 0, 0, 6),
    (0x15, 0, 6, 6),  # TCP, else to the other headers
    (0x28, 0, 0, 40),
    (0x15, 7, 0, 22),
    (0x15, 6, 0, 443),
    (0x28, 0, 0, 42),
    (0x15, 4, 0, 22),
    (0x15, 3, 13, 443),
    (0x15, 0, 2, 44),
    (0x30, 0, 0, 40),
    (0x15, 10, 0, 6),
    (0x30, 0, 0, 6),
    (0x15, 8, 0, 0),  # headers that may stand before TCP
    (0x15, 7, 0, 43),
    (0x15, 6, 0, 44),
    (0x15, 5, 0, 51),
    (0x15, 4, 5, 60),
    (0x15, 3, 0, 0x8100),
    (0x15, 2, 0, 0x88A8),
    (0x15, 1, 0, 0x8847),
    (0x15, 0, 1, 0x8864),
    (_RET, 0, 0, _WHOLE),
    (_RET, 0, 0, 0),
)
"""``DEFAULT_EXPRESSION`` as ``compile_live`` makes it; a test holds it to that."""


def compile_live(expression: str) -> list[Instruction]:
    """Compile for a socket of cooked frames. Raises UsageError, or CaptureError without libpcap."""
    from multiprocessing import get_context

    forked = get_context("fork")
    mine, its = forked.Pipe(duplex=False)
    with mine:
        child = forked.Process(target=_compile_for, args=(its, expression))
        child.start()
        its.close()
        try:
            told: list[Instruction] | SnifferError = mine.recv()
        except EOFError:
            told = CaptureError("the process that compiles the filter was ended from outside")
        child.join()
    if isinstance(told, SnifferError):
        raise told
    return told


def _compile_for(parent: Connection, expression: str) -> None:
    try:
        parent.send(_compile_live(expression))
    except SnifferError as error:
        parent.send(error)


def _compile_live(expression: str) -> list[Instruction]:
    from scapy.arch.common import free_filter

    program = []
    compiled = _compile(expression, _COOKED)
    for instruction in (compiled.bf_insns[n] for n in range(compiled.bf_len)):
        code, operand = instruction.code, instruction.k & 0xFFFFFFFF
        kind, mode = code & _CLASS, code & _MODE
        if code == _RET and operand:
            operand = _WHOLE
        elif (kind == _LD and mode in (_ABS, _IND)) or (kind == _LDX and mode == _MSH):
            if operand >= _COOKED_HEADER:
                operand -= _COOKED_HEADER
            elif operand == 14 and mode == _ABS:
                operand = _AD_PROTOCOL
            elif operand == 0 and mode == _ABS:
                operand = _AD_PACKET_TYPE
            else:
                raise UsageError(f"the filter {expression!r} looks at link-layer bytes, which a live capture has not")
        program.append((code, instruction.jt, instruction.jf, operand))
    free_filter(compiled)
    return program


def for_interfaces(program: Sequence[Instruction], indexes: Sequence[int] | None) -> list[Instruction]:
    """Put in front: only the interfaces of these indexes (None: all), and of the loopback only what comes in.

    Everything sent to the loopback comes in there again; what this machine sends elsewhere is seen only going out.
    """
    first = [
        (_LD_W_ABS, 0, 0, _AD_HARDWARE),
        (_JEQ, 0, 3, _LOOPBACK),
        (_LD_W_ABS, 0, 0, _AD_PACKET_TYPE),
        (_JEQ, 0, 1, _OUTGOING),
        (_RET, 0, 0, 0),
    ]
    if indexes is not None:
        first.append((_LD_W_ABS, 0, 0, _AD_INTERFACE))
        for left in range(len(indexes), 0, -1):
            # A conditional jump reaches no further than 255 instructions.
            first += [(_JEQ, 0, 1, indexes[-left]), (_JA, 0, 0, 2 * left - 1)]
        first.append((_RET, 0, 0, 0))
    return [*first, *program]


def packed(program: Sequence[Instruction]) -> bytes:
    """Return the program as the kernel reads it."""
    return b"".join(_INSTRUCTION.pack(*instruction) for instruction in program)


class FileFilter:
    """Chooses frames of capture files, of whatever link types they are."""

    def __init__(self, expression: str) -> None:
        """Compile for Ethernet, to see whether the expression is one at all. Raises UsageError, or CaptureError."""
        self.notes: list[str] = []  # one-line messages, for the caller to take
        self._expression = expression
        self._programs: dict[int, bpf_program | None] = {ETHERNET: _compile(expression, ETHERNET)}
        from scapy.libs.winpcapy import _lib as libpcap  # no sooner: it cannot be imported where libpcap is not

        self._run = libpcap.bpf_filter
        self._run.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint, ctypes.c_uint]

    def matching(self, frames: Iterable[Frame]) -> list[Frame]:
        """Return those of ``frames`` that the filter takes."""
        run, programs = self._run, self._programs
        taken = []
        for frame in frames:
            _, linktype, data, length = frame
            if linktype not in programs:
                programs[linktype] = self._for(linktype)
            program = programs[linktype]
            if program is not None and run(program.bf_insns, data, length, len(data)):
                taken.append(frame)
        return taken

    def _for(self, linktype: int) -> bpf_program | None:
        try:
            return _compile(self._expression, linktype)
        except UsageError as error:
            self.notes.append(f"frames of link type {linktype} are left out: {error}")
            return None


def _compile(expression: str, linktype: int) -> bpf_program:
    if "\0" in expression or not expression.isascii():  # libpcap would stop at the first, and knows no others
        raise UsageError(f"the filter {expression!r} has characters that no filter has")
    from scapy.arch.common import compile_filter
    from scapy.error import Scapy_Exception

    try:
        return compile_filter(expression, linktype=linktype)
    except ImportError as error:
        raise CaptureError("a filter needs libpcap, which is not installed (Debian: apt install libpcap0.8)") from error
    except Scapy_Exception as error:
        raise UsageError(str(error)) from error
