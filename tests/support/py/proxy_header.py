# SPDX-License-Identifier: MIT
"""PROXY headers, as a proxy begins a connection with."""

import ipaddress
import struct

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
SERVER, PORTS = "192.0.2.80", (56324, 443)

V1_UNKNOWN = b"PROXY UNKNOWN\r\n"


def v1(client):
    """The line for a client; its proxy's address is of the same family."""
    version = ipaddress.ip_address(client).version
    server = SERVER if version == 4 else f"::ffff:{SERVER}"
    return f"PROXY TCP{version} {client} {server} {PORTS[0]} {PORTS[1]}\r\n".encode()


def _binary(command, family, content, tlvs=b""):
    return SIGNATURE + struct.pack(">BBH", 0x20 | command, family, len(content + tlvs)) + content + tlvs


def tlv(kind, value):
    return struct.pack(">BH", kind, len(value)) + value


def v2(client, tlvs=b""):
    address = ipaddress.ip_address(client)
    server = bytes(12) + ipaddress.ip_address(SERVER).packed
    family = 0x11 if address.version == 4 else 0x21
    content = address.packed + server[-len(address.packed):] + struct.pack(">HH", *PORTS)
    return _binary(1, family, content, tlvs)


V2_LOCAL = _binary(0, 0, b"")
V2_UNSPEC = _binary(1, 0, b"")
V2_UNIX = _binary(1, 0x31, b"/run/client".ljust(108, b"\0") + b"/run/proxy".ljust(108, b"\0"))
