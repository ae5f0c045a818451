# SPDX-License-Identifier: MIT
"""Building TCP packets and capture files, byte by byte."""

import ipaddress
import struct

FIN, SYN, RST, PSH, ACK, URG = 1, 2, 4, 8, 16, 32

CLIENT_MAC = bytes.fromhex("020000000001")
SERVER_MAC = bytes.fromhex("020000000002")

_PCAP_MAGIC, _ETHERNET, _TCP = 0xA1B2C3D4, 1, 6


def _checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp_options(layout, mss=0, scale=0, stamp=0, echo=0):
    """The option bytes for a layout as p0f writes it: mss, nop, ws, sok, ts, eol+N."""
    out = b""
    for option in layout:
        if option.startswith("eol+"):
            out += b"\0" * (1 + int(option[4:]))
        else:
            out += {
                "nop": b"\1",
                "mss": struct.pack("!BBH", 2, 4, mss),
                "ws": struct.pack("!BBB", 3, 3, scale),
                "sok": b"\4\2",
                "ts": struct.pack("!BBII", 8, 10, stamp, echo),
            }[option]
    assert len(out) % 4 == 0, f"options {layout} do not fill whole words"
    return out


def tcp(source, target, ports, flags, seq, ack=0, window=8192, options=b"", payload=b"", urgent=0):
    """A TCP segment with its checksum; the addresses are ipaddress objects."""
    head = struct.pack("!HHIIBBHHH", *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF,
                       (20 + len(options)) // 4 << 4, flags, window, 0, urgent)
    segment = head + options + payload
    if source.version == 4:
        pseudo = source.packed + target.packed + struct.pack("!BBH", 0, _TCP, len(segment))
    else:
        pseudo = source.packed + target.packed + struct.pack("!II", len(segment), _TCP)
    return segment[:16] + struct.pack("!H", _checksum(pseudo + segment)) + segment[18:]


def ip(source, target, segment, ttl=64, dont_fragment=True, ident=1, flow=0):
    """The segment in an IPv4 or IPv6 packet."""
    if source.version == 6:
        return struct.pack("!IHBB", 6 << 28 | flow, len(segment), _TCP, ttl) \
            + source.packed + target.packed + segment
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(segment), ident,
                       0x4000 if dont_fragment else 0, ttl, _TCP, 0, source.packed, target.packed)
    return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + segment


def frame(packet, from_client=True):
    """The packet as it goes over Ethernet."""
    kind = 0x0800 if packet[0] >> 4 == 4 else 0x86DD
    ends = SERVER_MAC + CLIENT_MAC if from_client else CLIENT_MAC + SERVER_MAC
    return ends + struct.pack("!H", kind) + packet


def write_pcap(path, timed_frames, start=1_700_000_000):
    """A capture file of (seconds, frame) pairs, which may come in any order."""
    with open(path, "wb") as out:
        out.write(struct.pack("=IHHiIII", _PCAP_MAGIC, 2, 4, 0, 0, 65535, _ETHERNET))
        for at, data in sorted(timed_frames, key=lambda pair: pair[0]):
            micros = round(at * 1_000_000)
            out.write(struct.pack("=IIII", start + micros // 1_000_000, micros % 1_000_000,
                                  len(data), len(data)) + data)


def addresses(network, first=1):
    """Endless supply of addresses of a network, in order."""
    base = ipaddress.ip_network(network)[first]
    while True:
        yield base
        base += 1
