"""What the kernel is asked to hand over: the default, without libpcap, and any interfaces."""

import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from itertools import product

import pytest

from sniffer.capture.filter import (
    DEFAULT,
    DEFAULT_EXPRESSION,
    FileFilter,
    Instruction,
    compile_live,
    for_interfaces,
    packed,
)
from sniffer.decode import Frame
from sniffer.errors import CaptureError, UsageError
from tests.requires import need_libpcap

IPV4, IPV6 = 0x0800, 0x86DD
PROTOCOL, PACKET_TYPE, INTERFACE, HARDWARE = (0xFFFFF000 + n for n in (0, 4, 8, 28))  # linux/filter.h
WIDTHS = {0x20: 4, 0x28: 2, 0x30: 1, 0x40: 4, 0x48: 2, 0x50: 1}  # ld [k], ldh, ldb, and from X on
PORTS = (22, 443, 80, 21, 23, 444, 22 << 8, 0, 65535)


def takes(program: Sequence[Instruction], packet: bytes, kernel: Mapping[int, int]) -> bool:
    """Run a BPF program as the kernel would (Documentation/networking/filter.rst); a read past the end refuses."""
    a = x = at = 0
    while True:
        code, yes, no, k = program[at]
        at += 1
        if code in WIDTHS:
            place = k + x if code & 0xE0 == 0x40 else k
            if place in kernel:
                a = kernel[place]
            elif place + WIDTHS[code] > len(packet):
                return False
            else:
                a = int.from_bytes(packet[place : place + WIDTHS[code]], "big")
        elif code == 0xB1:  # ldxb 4*([k]&0xf)
            if k >= len(packet):
                return False
            x = 4 * (packet[k] & 0xF)
        elif code == 0x05:
            at += k
        elif code == 0x06:
            return k > 0
        else:
            at += yes if {0x15: a == k, 0x25: a > k, 0x35: a >= k, 0x45: bool(a & k)}[code] else no


def ipv4(protocol: int, ports: tuple[int, int], fragment: int, options: int) -> bytes:
    head = bytes([0x45 + options, 0, 0, 60, 0, 1]) + fragment.to_bytes(2, "big") + bytes([64, protocol]) + bytes(10)
    return head + bytes([0, 22, 1, 187] * options) + b"".join(port.to_bytes(2, "big") for port in ports) + bytes(16)


def ipv6(following: int, ports: tuple[int, int]) -> bytes:
    return (
        bytes([0x60, 0, 0, 0, 0, 20, following, 64])
        + bytes(32)
        + b"".join(p.to_bytes(2, "big") for p in ports)
        + bytes(16)
    )


def packets() -> Iterator[tuple[int, bytes, bool]]:
    """EtherType, packet from the network layer on, and whether HTTP may be in it."""
    for ports, protocol in product(product(PORTS, PORTS), (6, 17, 1, 47)):
        plain = protocol == 6 and not {22, 443} & set(ports)
        for fragment, options in product((0, 0x4000, 0x2000, 1, 0x2010), (0, 1, 10)):
            later = protocol == 6 and fragment & 0x1FFF > 0
            yield IPV4, ipv4(protocol, ports, fragment, options), plain or later
        yield IPV6, ipv6(protocol, ports), plain
    for following in (0, 43, 44, 51, 60):
        yield IPV6, ipv6(following, (22, 443)), True
    for kind in (0x8100, 0x88A8, 0x8847, 0x8864):
        yield kind, bytes(64), True
    for kind in (0x0806, 0x88CC, 0x0004, 0x8863):
        yield kind, ipv4(6, (80, 1024), 0, 0), False


def test_the_default_is_tcp_but_two_ports_with_fragments_and_tags() -> None:
    for kind, packet, wanted in packets():
        assert takes(DEFAULT, packet, {PROTOCOL: kind}) == wanted, (hex(kind), packet.hex())


def test_the_default_is_what_libpcap_makes_of_its_expression() -> None:
    need_libpcap()
    compiled = compile_live(DEFAULT_EXPRESSION)
    if compiled == list(DEFAULT):
        return
    for kind, packet, _ in packets():  # another version's optimizer may put the same in other words
        for cut in range(len(packet)):
            kernel = {PROTOCOL: kind}
            assert takes(compiled, packet[:cut], kernel) == takes(DEFAULT, packet[:cut], kernel), packet[:cut].hex()


@pytest.mark.parametrize("count", [0, 1, 2, 255, 256, 700])
def test_of_any_number_of_interfaces_those_named_are_taken(count: int) -> None:
    indexes = range(10, 10 + count)
    program = for_interfaces([(0x06, 0, 0, 1)], indexes)
    assert len(packed(program)) == 8 * len(program)
    for index in (9, 10, 11, 9 + count, 10 + count):
        kernel = {HARDWARE: 1, PACKET_TYPE: 4, INTERFACE: index}
        assert takes(program, b"", kernel) == (index in indexes)


def test_of_the_loopback_what_goes_out_is_refused_and_of_no_other_interface() -> None:
    for program in (for_interfaces([(0x06, 0, 0, 1)], None), for_interfaces([(0x06, 0, 0, 1)], [1])):
        for hardware, kind in product((772, 1, 65534), range(7)):
            kernel = {HARDWARE: hardware, PACKET_TYPE: kind, INTERFACE: 1}
            assert takes(program, b"", kernel) == ((hardware, kind) != (772, 4))


def test_what_a_filter_asks_of_the_link_layer_is_asked_of_the_kernel_or_refused() -> None:
    need_libpcap()
    packet = ipv4(6, (80, 1024), 0, 0)
    for kind in range(5):
        assert takes(compile_live("outbound"), packet, {PACKET_TYPE: kind, PROTOCOL: IPV4}) == (kind == 4)
    for kind in (IPV4, IPV6):
        assert takes(compile_live("ip"), packet, {PROTOCOL: kind}) == (kind == IPV4)
    with pytest.raises(UsageError, match=r"'ether\[4:2\] = 1' looks at link-layer bytes"):
        compile_live("ether[4:2] = 1")


@pytest.mark.parametrize("expression", ["tcp port", "port http://", "ether host x"])
def test_an_expression_that_is_none_is_a_usage_error(expression: str) -> None:
    need_libpcap()
    for compiled in (compile_live, FileFilter):
        with pytest.raises(UsageError):
            compiled(expression)  # type: ignore[operator]


@pytest.mark.parametrize("expression", ["tcp \0 port 80", "tcp \udcff port 80", "host h\u00f6st"])
def test_characters_that_no_filter_has_are_refused_and_nothing_is_read_up_to_them(expression: str) -> None:
    for compiled in (compile_live, FileFilter):
        with pytest.raises(UsageError, match="has characters that no filter has"):
            compiled(expression)


def test_frames_of_a_link_type_that_the_filter_means_nothing_to_are_left_out_and_that_is_said_once() -> None:
    need_libpcap()
    chosen = FileFilter("ether src 02:02:02:02:02:02")
    mine, other = b"\x04" * 6 + b"\x02" * 6 + b"\x08\x00" + bytes(40), bytes(54)
    frames: list[Frame] = [
        (n, link, data, 54) for n, (link, data) in enumerate([(1, mine), (101, mine), (1, other)] * 2)
    ]
    assert [time for time, *_ in chosen.matching(frames)] == [0, 3]
    (note,) = chosen.notes
    assert note.startswith("frames of link type 101 are left out: ")


def test_a_process_that_is_ended_from_outside_while_it_compiles_is_a_named_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "sniffer.capture.filter._compile_for", lambda end, expression: os.kill(os.getpid(), signal.SIGKILL)
    )
    with pytest.raises(CaptureError, match="ended from outside"):
        compile_live("tcp")
