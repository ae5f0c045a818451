# SPDX-License-Identifier: MIT
"""As much of WebSocket (RFC 6455) as it takes to see that a proxy passes it on: the handshake, and messages
of one frame."""

import base64
import hashlib
import os
import struct

BINARY, CLOSE = 2, 8

_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def new_key():
    return base64.b64encode(os.urandom(16)).decode()


def accept(key):
    """What the server answers to the client's key."""
    return base64.b64encode(hashlib.sha1((key + _GUID).encode()).digest()).decode()


def _mask(payload, mask):
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def frame(payload, opcode=BINARY, masked=False):
    """A message as bytes. Clients have to mask theirs."""
    length = len(payload)
    if length < 126:
        head = struct.pack(">BB", 0x80 | opcode, length)
    elif length < 65536:
        head = struct.pack(">BBH", 0x80 | opcode, 126, length)
    else:
        head = struct.pack(">BBQ", 0x80 | opcode, 127, length)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head[:1] + bytes([head[1] | 0x80]) + head[2:] + mask + _mask(payload, mask)


def _exactly(stream, count):
    data = stream.read(count)
    if len(data) < count:
        raise EOFError("the connection has ended")
    return data


def read_frame(stream):
    """(opcode, payload) of the next message; EOFError when there is none."""
    first, second = _exactly(stream, 2)
    length = second & 0x7F
    if length == 126:
        length, = struct.unpack(">H", _exactly(stream, 2))
    elif length == 127:
        length, = struct.unpack(">Q", _exactly(stream, 8))
    mask = _exactly(stream, 4) if second & 0x80 else bytes(4)
    return first & 0x0F, _mask(_exactly(stream, length), mask)
