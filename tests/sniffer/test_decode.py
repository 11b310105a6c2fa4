"""Every encapsulation leads to the same segment; padding is no data; what can't be read is counted."""

from __future__ import annotations

import struct

import pytest

from sniffer.decode import ACK, PSH, Decoder, Frame, Segment
from sniffer.fragments import TIMEOUT, Fragments
from tests.sniffer.wire import ethernet, ip4, ip6, tcp

DATA = b"GET / HTTP/1.1\r\n\r\n"
SEGMENT = tcp(40000, 80, 7, 9, PSH | ACK, DATA)
V4 = ip4("10.0.0.1", "10.0.0.2", 6, SEGMENT)
V6 = ip6("2001:db8::1", "2001:db8::2", 6, SEGMENT)
MACS = bytes(12)


def frame(data: bytes, link: int = 1, wire: int | None = None) -> Frame:
    return (5, link, data, len(data) if wire is None else wire)


def decode(*frames: Frame) -> list[Segment]:
    return Decoder().segments(frames)


def payload(segment: Segment) -> bytes:
    _, _, _, _, _, length, data, start = segment
    return data[start : start + length]


def label(last: bool) -> bytes:
    return struct.pack("!I", 100 << 12 | last << 8 | 64)


def udp(port: int, data: bytes) -> bytes:
    return ip4("10.9.0.1", "10.9.0.2", 17, struct.pack("!HHHH", 5555, port, 8 + len(data), 0) + data)


INNER = ethernet(V4)
SNAP = b"\xaa\xaa\x03\x00\x00\x00\x08\x00"
FRAMES = {
    "ethernet": frame(ethernet(V4)),
    "ethernet, IPv6": frame(ethernet(V6, 0x86DD)),
    "802.1Q": frame(MACS + b"\x81\x00\x00\x05\x08\x00" + V4),
    "QinQ": frame(MACS + b"\x88\xa8\x00\x05\x81\x00\x00\x06\x08\x00" + V4),
    "MPLS": frame(MACS + b"\x88\x47" + label(False) + label(True) + V4),
    "MPLS in VLAN": frame(MACS + b"\x81\x00\x00\x05\x88\x47" + label(True) + V6),
    "Ethernet over MPLS": frame(MACS + b"\x88\x47" + label(True) + bytes(4) + INNER),
    "PPPoE": frame(MACS + b"\x88\x64\x11\x00\x00\x01\x00\x40\x00\x21" + V4),
    "802.2 SNAP": frame(MACS + b"\x00\x50\xaa\xaa\x03\x00\x00\x00\x08\x00" + V4),
    "802.2, IP": frame(MACS + b"\x00\x50\x06\x06\x03" + V4),
    "cooked": frame(struct.pack("!HHH8sH", 0, 1, 6, bytes(8), 0x0800) + V4, 113),
    "cooked, with VLAN": frame(struct.pack("!HHH8sH", 0, 1, 6, bytes(8), 0x8100) + b"\x00\x05\x08\x00" + V4, 113),
    "cooked 2": frame(struct.pack("!HHIHBB8s", 0x86DD, 0, 3, 1, 0, 6, bytes(8)) + V6, 276),
    "NULL, little endian": frame(b"\x02\x00\x00\x00" + V4, 0),
    "NULL, big endian": frame(b"\x00\x00\x00\x1e" + V6, 0),
    "LOOP": frame(b"\x00\x00\x00\x02" + V4, 108),
    "raw": frame(V4, 101),
    "raw, IPv6": frame(V6, 12),
    "IPv4": frame(V4, 228),
    "PPP": frame(b"\xff\x03\x00\x21" + V4, 9),
    "PPP, short": frame(b"\x21" + V4, 9),
    "PPP over Ethernet": frame(b"\x11\x00\x00\x01\x00\x40\x00\x57" + V6, 51),
    "NFLOG": frame(b"\x02\x00\x00\x05" + struct.pack("<HHI", 8, 5, 3) + struct.pack("<HH", 4 + len(V4), 9) + V4, 239),
    "IPv4 options": frame(ethernet(ip4("10.0.0.1", "10.0.0.2", 6, SEGMENT, options=2))),
    "TCP options": frame(ethernet(ip4("10.0.0.1", "10.0.0.2", 6, tcp(40000, 80, 7, 9, 24, DATA, options=5)))),
    "IPv6 hop-by-hop and destination": frame(
        ethernet(ip6("::1", "::2", 0, b"\x3c\x00" + bytes(6) + b"\x06\x01" + bytes(14) + SEGMENT), 0x86DD)
    ),
    "IPv4 authentication": frame(ethernet(ip4("10.0.0.1", "10.0.0.2", 51, b"\x06\x01" + bytes(10) + SEGMENT))),
    "IPv6 atomic fragment": frame(ethernet(ip6("::1", "::2", 44, b"\x06" + bytes(7) + SEGMENT), 0x86DD)),
    "IPv6 authentication": frame(ethernet(ip6("::1", "::2", 51, b"\x06\x01" + bytes(10) + SEGMENT), 0x86DD)),
    "total length 0": frame(ethernet(ip4("10.0.0.1", "10.0.0.2", 6, SEGMENT, total=0))),
    "payload length 0": frame(ethernet(ip6("::1", "::2", 6, SEGMENT, length=0), 0x86DD)),
    "IP in IP": frame(ethernet(ip4("1.1.1.1", "1.1.1.2", 4, V4))),
    "IPv6 in IPv4": frame(ethernet(ip4("1.1.1.1", "1.1.1.2", 41, V6))),
    "IPv4 in IPv6": frame(ethernet(ip6("::1", "::2", 4, V4), 0x86DD)),
    "GRE": frame(ethernet(ip4("1.1.1.1", "1.1.1.2", 47, b"\x00\x00\x08\x00" + V4))),
    "GRE with key and sequence, Ethernet in it": frame(
        ethernet(ip4("1.1.1.1", "1.1.1.2", 47, b"\x30\x00\x65\x58" + bytes(8) + INNER))
    ),
    "VXLAN": frame(ethernet(udp(4789, b"\x08" + bytes(7) + INNER))),
    "Geneve": frame(ethernet(udp(6081, b"\x01\x00\x65\x58" + bytes(4) + bytes(4) + INNER))),
    "VN-Tag": frame(MACS + b"\x89\x26" + bytes(4) + b"\x08\x00" + V4),
    "Cisco metadata": frame(MACS + b"\x89\x09" + bytes(6) + b"\x08\x00" + V4),
    "EtherIP": frame(ethernet(ip4("1.1.1.1", "1.1.1.2", 97, b"\x30\x00" + INNER))),
    "VXLAN-GPE": frame(ethernet(udp(4790, b"\x0c\x00\x00\x02" + bytes(4) + V6))),
    "VXLAN-GPE, Ethernet in it": frame(ethernet(udp(4790, b"\x0c\x00\x00\x03" + bytes(4) + INNER))),
    "LISP": frame(ethernet(udp(4341, bytes(8) + V4))),
    "MPLS in UDP": frame(ethernet(udp(6635, label(True) + V4))),
    "pf log": frame(bytes([61]) + bytes(63) + V4, 117),
    "frame relay": frame(b"\x18\x41\x03\xcc" + V4, 107),
    "802.1ah": frame(MACS + b"\x88\xe7" + bytes(4) + INNER),
    "FabricPath": frame(MACS + b"\x89\x03" + bytes(2) + INNER),
    "802.11": frame(b"\x88\x01" + bytes(24) + SNAP + V4, 105),
    "radiotap": frame(b"\x00\x00\x08\x00" + bytes(4) + b"\x08\x02" + bytes(22) + SNAP + V4, 127),
    "ERSPAN I": frame(ethernet(ip4("1.1.1.1", "1.1.1.2", 47, b"\x00\x00\x88\xbe" + INNER))),
    "ERSPAN II": frame(ethernet(ip4("1.1.1.1", "1.1.1.2", 47, b"\x10\x00\x88\xbe" + bytes(12) + INNER))),
    "ERSPAN III": frame(ethernet(ip4("1.1.1.1", "1.1.1.2", 47, b"\x10\x00\x22\xeb" + bytes(16) + INNER))),
    "Teredo": frame(ethernet(udp(3544, V6))),
    "Teredo, with authentication": frame(ethernet(udp(3544, b"\x00\x01\x03\x02" + bytes(14) + bytes(8) + V6))),
    "Teredo, with origin": frame(ethernet(udp(3544, bytes(8) + V6))),
    "AYIYA": frame(ethernet(udp(5072, b"\x42\x52\x21\x29" + bytes(4) + bytes(16) + bytes(20) + V6))),
    "L2TP": frame(ethernet(udp(1701, b"\x40\x02\x00\x40" + bytes(4) + b"\xff\x03\x00\x21" + V4))),
    "L2TP, with sequence and offset": frame(ethernet(udp(1701, b"\x0a\x02" + bytes(9) + b"\x03pad\x00\x57" + V6))),
    "PPP in GRE": frame(ethernet(ip4("1.1.1.1", "1.1.1.2", 47, b"\x00\x00\x88\x0b\xff\x03\x00\x21" + V4))),
    "Ethernet over MPLS, no control word": frame(MACS + b"\x88\x47" + label(True) + b"\x52" + INNER[1:]),
    "FDDI": frame(b"\x50" + MACS + SNAP + V4, 10),
    "token ring": frame(b"\x10\x40" + MACS + SNAP + V4, 6),
    "token ring, with route": frame(b"\x10\x40" + bytes(6) + b"\x80" + bytes(5) + b"\x04\x30ab" + SNAP + V4, 6),
    "ATM": frame(SNAP + V4, 100),
    "PPI": frame(b"\x00\x00\x08\x00\x69\x00\x00\x00\x08\x02" + bytes(22) + SNAP + V4, 192),
    "Prism": frame(bytes(144) + b"\x08\x02" + bytes(22) + SNAP + V4, 119),
    "AVS": frame(b"\x80\x21\x10\x01\x00\x00\x00\x40" + bytes(56) + b"\x08\x02" + bytes(22) + SNAP + V4, 163),
    "802.11, several in one": frame(b"\x88\x01" + bytes(22) + b"\x80\x00" + bytes(14) + SNAP + V4, 105),
    "802.11, padded": frame(b"\x88\x01" + bytes(26) + SNAP + V4, 105),
    "GTP-U": frame(ethernet(udp(2152, b"\x30\xff" + struct.pack("!HI", len(V4), 1) + V4))),
    "GTP-U, with extensions": frame(
        ethernet(udp(2152, b"\x34\xff" + bytes(9) + b"\x85" + b"\x01ab\x40" + b"\x02" + bytes(7) + V4))
    ),
}


@pytest.mark.parametrize("name", FRAMES)
def test_the_segment_is_found(name: str) -> None:
    (segment,) = decode(FRAMES[name])
    time, key, seq, ack, flags, length, _, _ = segment
    assert (time, key[-4:], seq, ack, flags, length) == (5, struct.pack("!HH", 40000, 80), 7, 9, 24, len(DATA))
    assert payload(segment) == DATA


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame_cut_anywhere_is_counted_or_gives_less_data(name: str) -> None:
    _, link, data, wire = FRAMES[name]
    for size in range(len(data)):
        decoder = Decoder()
        found = decoder.segments([(5, link, data[:size], wire)])
        assert found or decoder.cut + decoder.other == 1
        assert all(segment[5] == len(DATA) and DATA.startswith(payload(segment)) for segment in found)


def test_padding_is_no_data() -> None:
    (segment,) = decode(frame(ethernet(ip4("10.0.0.1", "10.0.0.2", 6, tcp(1, 2, 0, 0, ACK)))))
    assert segment[5] == 0


def test_fragments_are_put_together_in_any_order() -> None:
    middle = 24
    first = ip4("10.0.0.1", "10.0.0.2", 6, SEGMENT[:middle], fragment=0x2000, ident=9)
    last = ip4("10.0.0.1", "10.0.0.2", 6, SEGMENT[middle:], fragment=middle // 8, ident=9)
    other = ip4("10.0.0.1", "10.0.0.2", 6, SEGMENT[middle:], fragment=middle // 8, ident=8)
    for order in ((first, last), (last, first), (other, first, first, last)):
        (segment,) = decode(*(frame(ethernet(packet)) for packet in order))
        assert payload(segment) == DATA


def test_fragments_of_ipv6_are_put_together() -> None:
    def part(at: int, data: bytes, more: bool) -> Frame:
        return frame(ethernet(ip6("::1", "::2", 44, struct.pack("!BBHI", 6, 0, at | more, 77) + data), 0x86DD))

    (segment,) = decode(part(32, SEGMENT[32:], False), part(0, SEGMENT[:32], True))
    assert payload(segment) == DATA


def test_fragments_that_never_become_whole_are_bounded() -> None:
    decoder = Decoder(fragment_bytes=100_000)
    for ident in range(1000):
        packet = ip4("10.0.0.1", "10.0.0.2", 6, bytes(1000), fragment=0x2000, ident=ident)
        assert decoder.segments([frame(ethernet(packet))]) == []
    assert decoder.fragments.dropped > 800


def test_an_unknown_link_type_is_counted() -> None:
    decoder = Decoder()
    assert decoder.segments([frame(V4, 147)]) == []
    assert decoder.unknown == {147: 1}


def test_what_is_not_tcp_is_counted() -> None:
    decoder = Decoder()
    packets = [
        ethernet(udp(53, b"x" * 30)),
        ethernet(b"\x00\x01" * 20, 0x0806),
        ethernet(ip4("1.1.1.1", "1.1.1.2", 1, b"")),
    ]
    assert decoder.segments(frame(packet) for packet in packets) == []
    assert decoder.other == 3


def test_tunnels_within_tunnels_end() -> None:
    packet = V4
    for _ in range(40):
        packet = ip4("1.1.1.1", "1.1.1.2", 4, packet)
    decoder = Decoder()
    assert decoder.segments([frame(ethernet(packet))]) == []
    assert decoder.other == 1


OTHER = {
    "raw, of no IP version": frame(b"\x50" + V4[1:], 101),
    "PPP, link control": frame(b"\xff\x03\xc0\x21" + bytes(60), 9),
    "NFLOG, no packet": frame(b"\x02\x00\x00\x05" + struct.pack("<HHI", 8, 5, 3), 239),
    "NFLOG, a length of nothing": frame(b"\x02\x00\x00\x05" + struct.pack("<HH", 3, 9) + V4, 239),
    "802.11 beacon": frame(b"\x80\x00" + bytes(22) + SNAP + V4, 105),
    "802.11 without data": frame(b"\x48\x00" + bytes(22) + SNAP + V4, 105),
    "802.11 encrypted": frame(b"\x08\x41" + bytes(22) + SNAP + V4, 105),
    "IPv4 as IPv6": frame(ethernet(V4, 0x86DD)),
    "IPv6 as IPv4": frame(ethernet(V6)),
    "IPv4 with half a header": frame(ethernet(b"\x44" + V4[1:])),
    "GTP-U, an extension of no length": frame(ethernet(udp(2152, b"\x34\xff" + bytes(9) + b"\x85" + bytes(4) + V4))),
    "17 extension headers": frame(ethernet(ip6("::1", "::2", 0, bytes(8) * 16 + b"\x06" + bytes(7) + SEGMENT), 0x86DD)),
}


@pytest.mark.parametrize("name", OTHER)
def test_a_frame_without_tcp_gives_no_segment_and_is_counted(name: str) -> None:
    decoder = Decoder()
    assert decoder.segments([OTHER[name]]) == []
    assert (decoder.other, decoder.cut) == (1, 0)


def test_16_extension_headers_are_passed_by() -> None:
    packet = ip6("::1", "::2", 0, bytes(8) * 15 + b"\x06" + bytes(7) + SEGMENT)
    (segment,) = decode(frame(ethernet(packet, 0x86DD)))
    assert payload(segment) == DATA


@pytest.mark.parametrize("link", [1, 101])
@pytest.mark.parametrize("offset", [0x40, 0xF0])
def test_a_tcp_header_shorter_than_one_or_longer_than_its_packet_is_malformed(offset: int, link: int) -> None:
    packet = bytearray(ip4("10.0.0.1", "10.0.0.2", 6, tcp(40000, 80, 7, 9, ACK, b"GET / HTTP/1.1\r\n")))
    packet[32] = offset
    decoder = Decoder()
    assert decoder.segments([frame(ethernet(bytes(packet)) if link == 1 else bytes(packet), link)]) == []
    assert (decoder.other, decoder.cut) == (0, 1)


def test_a_datagram_is_whole_when_nothing_is_missing_however_many_bytes_came() -> None:
    fragments = Fragments(10_000)
    data = bytes(range(96))
    for at, stop in ((0, 40), (16, 48), (72, 96)):  # 96 bytes, and a hole
        assert fragments.add(0, b"k", at, data[at:stop], stop == 96) is None
    assert fragments.add(0, b"k", 48, data[48:72], False) == data


def test_a_last_fragment_without_data_makes_nothing_of_what_is_missing() -> None:
    fragments = Fragments(10_000)
    assert fragments.add(0, b"k", 0, bytes(64), False) is None
    assert fragments.add(0, b"k", 96, b"", True) is None
    assert fragments.add(0, b"k", 40, bytes(40), False) is None  # 104 bytes, of which 80 are different
    assert fragments.add(0, b"k", 80, bytes(16), False) == bytes(96)


def test_fragments_behind_the_last_one_make_nothing_whole() -> None:
    fragments = Fragments(10_000)
    assert fragments.add(0, b"k", 0, bytes(8), False) is None
    assert fragments.add(0, b"k", 32, bytes(64), False) is None
    assert fragments.add(0, b"k", 16, bytes(8), True) is None  # 80 bytes of 24, and a hole


def test_a_fragment_beyond_the_largest_datagram_is_not_kept() -> None:
    fragments = Fragments(10_000)
    assert fragments.add(0, b"k", 65528, bytes(8), True) is None
    assert fragments.add(0, b"k", 24, bytes(24), True) is None
    assert fragments.add(0, b"k", 0, bytes(24), False) == bytes(48)


def test_a_datagram_that_is_not_whole_after_30_seconds_is_dropped_and_counted() -> None:
    fragments = Fragments(10_000)
    for key, time in ((b"a", 0), (b"b", 1)):
        fragments.add(time, key, 0, b"12345678", False)
    assert fragments.add(TIMEOUT, b"a", 8, b"90", True) is None
    assert fragments.dropped == 1
    assert fragments.add(TIMEOUT, b"b", 8, b"90", True) == b"1234567890"
