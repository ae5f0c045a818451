# SPDX-License-Identifier: MIT
"""The p0f API on the wire, written down a second time and from p0f's own header file.

The tests hold the daemon against this, so nothing in here may come from the daemon's code.
All integers are in host byte order and nothing is padded.
"""

import ipaddress
import struct

QUERY_MAGIC = 0x50304601
ANSWER_MAGIC = 0x50304602

BADQUERY = 0x00
OK = 0x10
NO_MATCH = 0x20

QUERY = struct.Struct("=IB16s")

STRINGS = ("os_name", "os_flavor", "http_name", "http_flavor", "link_type", "language")

_HEAD = [("magic", "I"), ("status", "I")]
_HOST = [
    ("first_seen", "I"), ("last_seen", "I"), ("total_conn", "I"),
    ("uptime_min", "I"), ("up_mod_days", "I"), ("last_nat", "I"), ("last_chg", "I"),
    ("distance", "h"), ("bad_sw", "B"), ("os_match_q", "B"),
    ("os_name", "32s"), ("os_flavor", "32s"), ("http_name", "32s"), ("http_flavor", "32s"),
]
_TAIL = [("link_type", "32s"), ("language", "32s")]

# What each dialect adds, in wire order.
EXTRAS = {
    "p0f3": [],
    "mtu": [("link_mtu", "H")],
    "mss": [("mtu", "H"), ("mss", "H")],
    "api2": [("version", "B"), ("last_mtu", "H"), ("last_freq", "d")],
    "sig": [],  # but for the numbers at its end, of which nothing is told
}

FIELDS = {
    "p0f3": _HEAD + _HOST + _TAIL,
    "mtu": _HEAD + _HOST + EXTRAS["mtu"] + _TAIL,
    "mss": _HEAD + _HOST + EXTRAS["mss"] + _TAIL,
    "api2": _HEAD + EXTRAS["api2"] + _HOST + _TAIL,
    "sig": _HEAD + _HOST + _TAIL + [("actual_sig", "512s")],  # u64 actual_sig[64]
}

DIALECTS = tuple(FIELDS)

LAYOUT = {name: struct.Struct("=" + "".join(code for _, code in fields))
          for name, fields in FIELDS.items()}

SIZE = {name: layout.size for name, layout in LAYOUT.items()}

PLAIN = [name for name, _ in _HEAD + _HOST + _TAIL]


def pack_query(address):
    """The 21 bytes that ask about `address` (text or ipaddress object)."""
    ip = ipaddress.ip_address(address)
    return QUERY.pack(QUERY_MAGIC, ip.version, ip.packed.ljust(16, b"\0"))


def unpack_query(data):
    """(magic, type, address): an ipaddress object, or None if the type is unknown."""
    magic, kind, packed = QUERY.unpack(data)
    if kind == 4:
        return magic, kind, ipaddress.IPv4Address(packed[:4])
    if kind == 6:
        return magic, kind, ipaddress.IPv6Address(packed)
    return magic, kind, None


def string_field(value):
    """A string as p0f stores it: cut at 32 bytes, without a NUL if it is that long."""
    data = value.encode() if isinstance(value, str) else bytes(value)
    return data[:32].ljust(32, b"\0")


def pack_answer(status=OK, dialect="p0f3", magic=ANSWER_MAGIC, **fields):
    """One answer; fields not given are zero or empty, and `distance` is 255 as p0f sends it
    when unknown."""
    values = {"magic": magic, "status": status}
    if status == OK:
        values["distance"] = 255
        if dialect == "api2":
            values["version"] = 2
    values.update(fields)
    row = []
    for name, code in FIELDS[dialect]:
        value = values.pop(name, b"" if code.endswith("s") else 0)
        row.append(string_field(value) if code == "32s" else value)
    if values:
        raise TypeError(f"no such field in dialect {dialect}: {', '.join(values)}")
    return LAYOUT[dialect].pack(*row)


def unpack_answer(data, dialect="p0f3"):
    """A dict of the fields; strings are bytes up to the first NUL, or all 32 of them."""
    answer = {}
    for (name, code), value in zip(FIELDS[dialect], LAYOUT[dialect].unpack(data)):
        answer[name] = value.split(b"\0", 1)[0] if code == "32s" else value
    return answer
