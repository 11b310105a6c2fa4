"""Frame -> segment: link layer, IP and TCP headers by offset, no object per layer.

Knows nothing of streams or HTTP. Checksums are not verified: with offload, what a machine sends is captured before
they are computed. Lengths come from the IP header, so padding is never data.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

from sniffer.fragments import Fragments

Frame = tuple[int, int, bytes, int]
"""(time in ns, link type as in pcap files, the bytes captured, the length on the wire)."""

Segment = tuple[int, bytes, int, int, int, int, bytes, int]
"""(time in ns, key, seq, ack, flags, length, data, start).

``key`` is source address, destination address, source port, destination port, as on the wire: 12 bytes for IPv4, 36 for
IPv6. The payload is ``data[start:start + length]``; where the frame was cut by the snap length that is shorter.
"""

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

ETHERNET = 1
_ETHERNET_IPV4_TCP = struct.Struct("!12xHBxHxxHxB14xIIBB").unpack_from
_TCP = struct.Struct("!4xIIBB").unpack_from  # the ports stand in the key
_U16 = struct.Struct("!H").unpack_from

_IPV4, _IPV6, _TEB = 0x0800, 0x86DD, 0x6558
_IP_VERSIONS = {4: _IPV4, 6: _IPV6}
# VLAN tags, VN-Tag, Cisco's metadata. EtherType -> bytes before the next EtherType
_TAGS = {0x8100: 2, 0x88A8: 2, 0x9100: 2, 0x9200: 2, 0x8926: 4, 0x8909: 6}
_MPLS = frozenset((0x8847, 0x8848))
_PPPOE = 0x8864
# What stands between two Ethernet headers: 802.1ah, FabricPath. EtherType -> bytes after it
_SHIMS = {0x88E7: 4, 0x8903: 2}
_ERSPAN, _ERSPAN_3, _GRE_PPP = 0x88BE, 0x22EB, 0x880B
_PPP_PROTOCOLS = {0x0021: _IPV4, 0x0057: _IPV6, 0x0281: 0x8847, 0x0800: _IPV4, 0x86DD: _IPV6}  # the last two: Cisco
_TCP_PROTOCOL, _UDP_PROTOCOL = 6, 17
_IP_IN_IP = {4: _IPV4, 41: _IPV6}
_EXTENSIONS = frozenset((0, 43, 60, 135, 139, 140))  # length in units of 8 octets, the first not counted
_FRAGMENT, _AUTHENTICATION, _GRE, _ETHER_IP = 44, 51, 47, 97
_VXLAN, _GENEVE, _GTP_U, _TEREDO, _AYIYA, _L2TP = (4789, 8472), 6081, 2152, 3544, 5072, 1701  # UDP ports
_VXLAN_GPE, _LISP, _MPLS_IN_UDP = 4790, 4341, 6635
_DEPTH = 16  # headers of link layer and tunnels in one frame; real ones have up to 8

# Link types (tcpdump.org/linktypes.html) that begin with a fixed header whose last two bytes are an EtherType.
_ETHERTYPE_AT = {ETHERNET: 12, 113: 14, 276: 0, 104: 2}
_HEADER = {ETHERNET: 14, 113: 16, 276: 20, 104: 4}
# Link types whose header is followed by IP of either version, or by PPP. Link type -> size of the header; NULL and
# LOOP hold a family of 4 bytes in the order of whoever captured, whose numbers differ between systems.
_IP_BEHIND = {12: 0, 14: 0, 101: 0, 228: 0, 229: 0, 0: 4, 108: 4, 109: 12, 107: 4}
_PPP_BEHIND = {9: 0, 50: 0, 51: 6, 166: 2, 204: 1}
_LLC_BEHIND = {6: 14, 10: 13, 100: 0, 122: 16}  # 802.2 follows: token ring, FDDI, ATM, Fibre Channel
_TOKEN_RING, _NFLOG, _PFLOG, _PPI = 6, 239, 117, 192
_WLAN, _RADIOTAP, _PRISM, _AVS = 105, 127, 119, 163


class _UndecodableError(Exception):
    """Not TCP over IP as far as can be seen."""


class Decoder:
    """Decodes frames of any link type; holds fragments until their datagram is whole."""

    def __init__(self, fragment_bytes: int = 4 * 1024 * 1024) -> None:
        self.fragments = Fragments(fragment_bytes)
        self.other = 0  # frames without TCP
        self.cut = 0  # frames cut by the snap length or malformed before the end of the TCP header
        self.unknown: dict[int, int] = {}  # frames by unknown link type

    def segments(self, frames: Iterable[Frame]) -> list[Segment]:
        """Decode a batch. What is not TCP is counted and left out."""
        found: list[Segment] = []
        append, unpack = found.append, _ETHERNET_IPV4_TCP
        for frame in frames:
            time, link, data, _ = frame
            if link == 1 and len(data) >= 54:
                ethertype, version, total, fragment, protocol, seq, ack, offset, flags = unpack(data)
                if ethertype == 0x0800 and version == 0x45 and protocol == 6 and total and not fragment & 0x3FFF:
                    start = 34 + (offset >> 2 & 0x3C)
                    length = total + 14 - start
                    if length >= 0 and offset >= 0x50:
                        append((time, data[26:38], seq, ack, flags, length, data, start))
                        continue
            try:
                segment = self._frame(frame)
            except _UndecodableError:
                self.other += 1
            except (struct.error, IndexError):
                self.cut += 1
            else:
                if segment is not None:
                    append(segment)
        return found

    def _frame(self, frame: Frame) -> Segment | None:
        time, link, data, wire = frame
        if link in _HEADER:
            return self._network(time, data, _HEADER[link], _U16(data, _ETHERTYPE_AT[link])[0], wire, 0)
        if link in _IP_BEHIND:
            at = _IP_BEHIND[link]
            return self._network(time, data, at, self._by_version(data, at), wire, 0)
        if link in _PPP_BEHIND:
            return self._ppp(time, data, _PPP_BEHIND[link], wire, 0)
        if link in _LLC_BEHIND:
            at = _LLC_BEHIND[link]
            if link == _TOKEN_RING and data[8] & 0x80:  # a route follows the addresses
                at += data[at] & 0x1F
            return self._network(time, data, at, 0, wire, 0)
        if link == _PFLOG:  # its length, padded to a multiple of 4, comes first
            at = data[0] + 3 & ~3
            return self._network(time, data, at, self._by_version(data, at), wire, 0)
        if link == _NFLOG:
            return self._nflog(time, data, wire)
        if link == _WLAN:
            return self._wlan(time, data, 0, wire)
        if link == _RADIOTAP:
            return self._wlan(time, data, data[2] | data[3] << 8, wire)
        if link in (_PRISM, _AVS):
            return self._wlan(time, data, _U16(data, 6)[0] if data[:2] == b"\x80\x21" else 144, wire)
        if link == _PPI and data[4] != _PPI:  # its own header, then a frame of another link type
            size = data[2] | data[3] << 8
            return self._frame((time, int.from_bytes(data[4:8], "little"), data[size:], wire - size))
        self.unknown[link] = self.unknown.get(link, 0) + 1
        return None

    @staticmethod
    def _by_version(data: bytes, at: int) -> int:
        ethertype = _IP_VERSIONS.get(data[at] >> 4)
        if ethertype is None:
            raise _UndecodableError
        return ethertype

    def _ppp(self, time: int, data: bytes, at: int, wire: int, depth: int) -> Segment | None:
        if data[at] in (0xFF, 0x0F, 0x8F):  # address and control, which PPP may leave out
            at += 2
        protocol, size = (data[at], 1) if data[at] & 1 else (_U16(data, at)[0], 2)
        if protocol not in _PPP_PROTOCOLS:
            raise _UndecodableError
        return self._network(time, data, at + size, _PPP_PROTOCOLS[protocol], wire, depth)

    def _nflog(self, time: int, data: bytes, wire: int) -> Segment | None:
        """Linux netfilter log: a header of 4 bytes, then TLVs in host order; type 9 is the packet."""
        order = "<" if data[4] else ">"  # the first length is small
        at = 4
        while at + 4 <= len(data):
            size, kind = struct.unpack_from(order + "HH", data, at)
            if size < 4:
                break
            if kind & 0x7FFF == 9:
                return self._network(time, data, at + 4, self._by_version(data, at + 4), wire, 0)
            at += size + 3 & ~3
        raise _UndecodableError

    def _wlan(self, time: int, data: bytes, at: int, wire: int) -> Segment | None:
        """Decode an unencrypted 802.11 data frame: a header of 24 to 36 bytes, then 802.2; of several, the first."""
        kind, flags = data[at], data[at + 1]
        if kind & 0x0C != 0x08 or kind & 0x40 or flags & 0x40:  # no data, no body, encrypted
            raise _UndecodableError
        at += 24 + 6 * (flags & 3 == 3)
        if kind & 0x80:  # quality of service: one of its bits tells that several packets follow, each with a header
            at += 2 + 4 * (flags >> 7) + 14 * (data[at] >> 7)
        if data[at : at + 4] == b"\x00\x00\xaa\xaa":  # some drivers pad the header to a multiple of 4
            at += 2
        return self._network(time, data, at, 0, wire, 0)

    def _network(self, time: int, data: bytes, at: int, ethertype: int, wire: int, depth: int) -> Segment | None:
        """Decode from the header that ``ethertype`` announces at ``at``."""
        while True:
            depth += 1
            if depth > _DEPTH:
                raise _UndecodableError
            if ethertype == _IPV4:
                return self._ipv4(time, data, at, wire, depth)
            if ethertype == _IPV6:
                return self._ipv6(time, data, at, wire, depth)
            if ethertype in _TAGS:
                at += _TAGS[ethertype]
                ethertype, at = _U16(data, at)[0], at + 2
            elif ethertype in _MPLS:
                while not data[at + 2] & 1:
                    at += 4
                at += 4
                if data[at] >> 4 == 0:  # a pseudo-wire's control word, RFC 4385; then Ethernet
                    at += 4
                    ethertype = _TEB
                else:  # or Ethernet at once
                    ethertype = _IP_VERSIONS.get(data[at] >> 4, _TEB)
            elif ethertype == _PPPOE:
                return self._ppp(time, data, at + 6, wire, depth)
            elif ethertype == _TEB:
                ethertype, at = _U16(data, at + 12)[0], at + 14
            elif ethertype in _SHIMS:
                ethertype, at = _TEB, at + _SHIMS[ethertype]
            elif ethertype < 0x0600:  # an 802.3 length; then 802.2, with SNAP if it is IP
                if data[at : at + 3] == b"\xaa\xaa\x03":
                    ethertype, at = _U16(data, at + 6)[0], at + 8
                elif data[at : at + 3] == b"\x06\x06\x03":
                    ethertype, at = _IPV4, at + 3
                else:
                    raise _UndecodableError
            else:
                raise _UndecodableError

    def _ipv4(self, time: int, data: bytes, at: int, wire: int, depth: int) -> Segment | None:
        header = (data[at] & 0x0F) << 2
        total, fragment, protocol = _U16(data, at + 2)[0], _U16(data, at + 6)[0], data[at + 9]
        if data[at] >> 4 != 4 or header < 20:
            raise _UndecodableError
        # A total length of 0 is a segment over 64 kB, or one that the network card still has to cut up.
        end = at + total if total else wire
        addresses = data[at + 12 : at + 20]
        if fragment & 0x3FFF:
            key = addresses + data[at + 4 : at + 6] + bytes((protocol,))
            whole = self.fragments.add(
                time, key, (fragment & 0x1FFF) << 3, data[at + header : end], not fragment & 0x2000
            )
            if whole is None:
                return None
            return self._transport(time, whole, 0, len(whole), protocol, addresses, depth)
        return self._transport(time, data, at + header, end, protocol, addresses, depth)

    def _ipv6(self, time: int, data: bytes, at: int, wire: int, depth: int) -> Segment | None:
        if data[at] >> 4 != 6:
            raise _UndecodableError
        payload, protocol = _U16(data, at + 4)[0], data[at + 6]
        addresses = data[at + 8 : at + 40]
        at += 40
        end = at + payload if payload else wire
        for _ in range(_DEPTH):
            if protocol in _EXTENSIONS:
                protocol, at = data[at], at + (data[at + 1] + 1) * 8
            elif protocol == _AUTHENTICATION:
                protocol, at = data[at], at + (data[at + 1] + 2) * 4
            elif protocol == _FRAGMENT:
                following, place = data[at], _U16(data, at + 2)[0]
                key = addresses + data[at + 4 : at + 8]
                protocol, at = following, at + 8
                if place & 0xFFF9:  # else an atomic fragment, RFC 6946
                    whole = self.fragments.add(time, key, place & 0xFFF8, data[at:end], not place & 1)
                    if whole is None:
                        return None
                    data, at, end = whole, 0, len(whole)
            else:
                break
        return self._transport(time, data, at, end, protocol, addresses, depth)

    def _transport(
        self, time: int, data: bytes, at: int, end: int, protocol: int, addresses: bytes, depth: int
    ) -> Segment | None:
        if protocol == _AUTHENTICATION:
            protocol, at = data[at], at + (data[at + 1] + 2) * 4
        if protocol == _TCP_PROTOCOL:
            seq, ack, offset, flags = _TCP(data, at)
            start = at + (offset >> 2 & 0x3C)
            if offset < 0x50 or end < start:
                raise IndexError
            return (time, addresses + data[at : at + 4], seq, ack, flags, end - start, data, start)
        if protocol in _IP_IN_IP:
            return self._network(time, data, at, _IP_IN_IP[protocol], end, depth)
        if protocol == _ETHER_IP:  # RFC 3378
            return self._network(time, data, at + 2, _TEB, end, depth)
        if protocol == _GRE:
            return self._gre(time, data, at, end, depth)
        if protocol == _UDP_PROTOCOL:
            return self._udp(time, data, at, end, depth)
        raise _UndecodableError

    def _gre(self, time: int, data: bytes, at: int, end: int, depth: int) -> Segment | None:
        """RFC 2784 and 2890, and version 1 of RFC 2637 (PPTP)."""
        flags, version, ethertype = data[at], data[at + 1] & 7, _U16(data, at + 2)[0]
        size = 4 + 4 * (flags >> 7 & 1) + 4 * (flags >> 5 & 1) + 4 * (flags >> 4 & 1)
        if version == 1 or ethertype == _GRE_PPP:
            return self._ppp(time, data, at + size + 4 * (data[at + 1] >> 7), end, depth)
        if ethertype in (_ERSPAN, _ERSPAN_3):  # type I has no header of its own, II one of 8 bytes, III of 12 or 20
            at += size
            if ethertype == _ERSPAN_3:
                at += 12 + 8 * (data[at + 11] & 1)
            elif size > 4:
                at += 8
            return self._network(time, data, at, _TEB, end, depth)
        return self._network(time, data, at + size, ethertype, end, depth)

    def _udp(self, time: int, data: bytes, at: int, end: int, depth: int) -> Segment | None:
        source, port = _U16(data, at)[0], _U16(data, at + 2)[0]
        at += 8
        if port in _VXLAN and data[at] & 0x08:
            return self._network(time, data, at + 8, _TEB, end, depth)
        if port in (_VXLAN_GPE, _LISP):  # RFC 9300 section 5.1; the other has its shape, and tells what follows
            ether = port == _VXLAN_GPE and data[at + 3] == 3
            return self._network(time, data, at + 8, _TEB if ether else self._by_version(data, at + 8), end, depth)
        if port == _MPLS_IN_UDP:  # RFC 7510
            return self._network(time, data, at, 0x8847, end, depth)
        if port == _GENEVE and data[at] >> 6 == 0:
            return self._network(time, data, at + 8 + 4 * (data[at] & 0x3F), _U16(data, at + 2)[0], end, depth)
        if _GTP_U in (source, port) and data[at] >> 5 == 1 and data[at + 1] == 255:
            following = data[at + 11] if data[at] & 4 else 0
            at += 12 if data[at] & 7 else 8
            while following:
                size = 4 * data[at]
                if not size:
                    raise _UndecodableError
                following, at = data[at + size - 1], at + size
            return self._network(time, data, at, self._by_version(data, at), end, depth)
        if _TEREDO in (source, port):  # RFC 4380 section 5.1.1
            if data[at : at + 2] == b"\x00\x01":
                at += 13 + data[at + 2] + data[at + 3]
            if data[at : at + 2] == b"\x00\x00":
                at += 8
            return self._network(time, data, at, _IPV6, end, depth)
        if _AYIYA in (source, port) and data[at + 3] == 41:
            at += 8 + (1 << (data[at] >> 4)) + 4 * (data[at + 1] >> 4)
            return self._network(time, data, at, _IPV6, end, depth)
        if _L2TP in (source, port) and data[at] & 0x80 == 0 and data[at + 1] & 0x0F == 2:  # RFC 2661 section 3.1
            flags = data[at]
            at += 6 + 2 * (flags >> 6 & 1) + 4 * (flags >> 3 & 1)
            if flags & 2:
                at += 2 + _U16(data, at)[0]
            return self._ppp(time, data, at, end, depth)
        raise _UndecodableError
