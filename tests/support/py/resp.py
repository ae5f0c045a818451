# SPDX-License-Identifier: MIT
"""RESP, the protocol of Valkey and Redis, implemented independently: a small client, and the parts of a server."""

import socket

BOUND = 30


class StoreError(Exception):
    """What a server refuses a command with."""


def command(*words):
    """A command as a client sends it."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def bulk(value):
    value = value if isinstance(value, bytes) else str(value).encode()
    return b"$%d\r\n%s\r\n" % (len(value), value)


def array(*encoded):
    """An array of what is encoded already."""
    return b"*%d\r\n" % len(encoded) + b"".join(encoded)


def read_reply(stream):
    """The next reply: bytes, int, list, None or a StoreError, which is not raised."""
    line = stream.readline()
    if not line.endswith(b"\r\n"):
        raise ConnectionError("the server has closed the connection")
    kind, text = line[:1], line[1:-2]
    if kind == b"+":
        return text
    if kind == b"-":
        return StoreError(text.decode(errors="backslashreplace"))
    if kind == b":":
        return int(text)
    count = int(text)
    if kind == b"*":
        return None if count < 0 else [read_reply(stream) for _ in range(count)]
    assert kind == b"$", line
    if count < 0:
        return None
    value = stream.read(count + 2)
    if len(value) != count + 2:
        raise ConnectionError("the server has closed the connection")
    return value[:-2]


def read_command(stream):
    """The words of the next command that a client has sent; None when it has closed the connection."""
    head = stream.readline()
    if not head:
        return None
    assert head.startswith(b"*"), head
    words = []
    for _ in range(int(head[1:])):
        size = stream.readline()
        assert size.startswith(b"$"), size
        words.append(stream.read(int(size[1:]) + 2)[:-2])
    return words


class Client:
    """A connection to a server; with-block. `endpoint` is (host, port) or the path of a unix socket; `login`,
    if there is one, is (user, password)."""

    def __init__(self, endpoint, login=None, timeout=BOUND):
        if isinstance(endpoint, tuple):
            self._sock = socket.create_connection(endpoint, timeout)
        else:
            self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self._sock.settimeout(timeout)
            try:
                self._sock.connect(str(endpoint))
            except OSError:
                self._sock.close()
                raise
        self._stream = self._sock.makefile("rb")
        if login:
            self.call("AUTH", *login)

    def call(self, *words):
        """One command and its reply."""
        return self.pipeline([words])[0]

    def pipeline(self, commands):
        """Many commands at once; their replies, in order."""
        self._sock.sendall(b"".join(command(*words) for words in commands))
        replies = [read_reply(self._stream) for _ in commands]
        for reply in replies:
            if isinstance(reply, StoreError):
                raise reply
        return replies

    def close(self):
        self._stream.close()
        self._sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
