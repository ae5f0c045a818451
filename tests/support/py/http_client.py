# SPDX-License-Identifier: MIT
"""Small HTTP clients for the tests: a polite one, a raw one for nonsense, and a crowd. Every answer
that one of them gets from the daemon must be as daemon/http/openapi.json says, but for ask_unchecked()."""

import http.client
import io
import json
import selectors
import socket

import openapi
from waiting import SLOWDOWN

BOUND = 30 * SLOWDOWN
IP_FREEBIND = 15     # of linux/in.h


class Answer:
    """One HTTP answer, read completely."""

    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()
        self.version = response.version

    def __getitem__(self, name):
        return self.headers[name]

    def json(self):
        """The body as JSON, which the contract wants in UTF-8 and ended by a newline."""
        assert self.body.endswith(b"\n"), f"no newline at the end of {self.body!r}"
        return json.loads(self.body.decode("utf-8"), parse_constant=_no_constant)

    def cache_status(self):
        """The parameters of Cache-Status as a dict; a bare one has the value True."""
        name, *parts = [part.strip() for part in self.headers["Cache-Status"].split(";")]
        assert name == "p0f-lookupd", self.headers["Cache-Status"]
        return {key: value or True for key, _, value in (part.partition("=") for part in parts)}

    def cache_control(self):
        """The directives of Cache-Control as a dict; numbers as numbers."""
        parts = (part.strip().partition("=") for part in self.headers["Cache-Control"].split(","))
        return {key: int(value) if value else True for key, _, value in parts}

    def __repr__(self):
        return f"<{self.status} {dict(self.headers)} {self.body[:300]!r}>"


def _no_constant(name):
    raise ValueError(f"{name} is not JSON")


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, **options):
        super().__init__("localhost", **options)
        self._path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def connect(endpoint, timeout=BOUND, source=None):
    """A http.client connection to (host, port), from the address `source` if that is given, or to
    the path of a unix socket."""
    if isinstance(endpoint, tuple):
        return http.client.HTTPConnection(*endpoint, timeout=timeout,
                                          source_address=source and (source, 0))
    return _UnixConnection(str(endpoint), timeout=timeout)


def ask(connection, path, headers=None, method="GET", body=None):
    """One request on a connection that may be used again."""
    answer = ask_unchecked(connection, path, headers, method, body)
    openapi.check(method, path, answer)
    return answer


def ask_unchecked(connection, path, headers=None, method="GET", body=None):
    """The same for thousands of requests: whether the answer is as described is not looked at."""
    connection.request(method, path, body=body, headers=headers or {})
    return Answer(connection.getresponse())


def fetch(endpoint, path, headers=None, method="GET", body=None, timeout=BOUND, source=None):
    """One request on a connection of its own."""
    connection = connect(endpoint, timeout, source)
    try:
        return ask(connection, path, headers, method, body)
    finally:
        connection.close()


class _Bytes:
    def __init__(self, data):
        self._data = data

    def makefile(self, _mode):
        return io.BytesIO(self._data)


def parse(data, method="GET", target=None):
    """The first answer in bytes that came off a socket, to a request for `target` if that is known."""
    response = http.client.HTTPResponse(_Bytes(data), method=method)
    response.begin()
    answer = Answer(response)
    openapi.check(method, target, answer)
    return answer


def open_socket(endpoint, timeout=BOUND, source=None):
    if isinstance(endpoint, tuple) and not source:
        return socket.create_connection(endpoint, timeout)
    if source:
        sock = socket.socket(socket.AF_INET6 if ":" in source else socket.AF_INET)
        # An address of IPv6 may be there only by a route.
        sock.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
        sock.bind((source, 0))
    else:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        endpoint = str(endpoint)
    sock.settimeout(timeout)
    try:
        sock.connect(endpoint)
    except OSError:
        sock.close()
        raise
    return sock


def read_all(sock):
    """What comes until the connection is closed, by FIN or by RST."""
    received = b""
    try:
        while chunk := sock.recv(65536):
            received += chunk
    except ConnectionResetError:
        pass
    return received


def send_bytes(endpoint, data, timeout=BOUND):
    """Everything the server says to these bytes until it closes; we finish our side first, so that
    a server that waits for more learns that none will come."""
    with open_socket(endpoint, timeout) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        except (BrokenPipeError, ConnectionResetError):
            pass        # it has said enough already: read what it said
        return read_all(sock)


def get_bytes(target, *headers, version="1.1", method="GET", host="localhost"):
    """A request as bytes, with any target at all."""
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    lines += [*headers, "Connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")


def fetch_target(endpoint, target, *headers, method="GET", **options):
    """One request with a target that a polite client would refuse to send."""
    data = get_bytes(target, *headers, method=method, **options)
    with open_socket(endpoint) as sock:
        try:
            sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        received = read_all(sock)
    assert received, f"no answer at all to {data[:200]!r}"
    return parse(received, method, target)


class Crowd:
    """Many requests at once, each on a connection of its own, without a thread for each: all from the
    address `source` if that is given, and with these header lines, and one `each` of its own."""

    def __init__(self, endpoint, paths, *headers, source=None, each=None):
        self._received = {}
        self._selector = selectors.DefaultSelector()
        self._order = []
        self._paths = list(paths)
        for path in self._paths:
            sock = open_socket(endpoint, source=source)
            self._order.append(sock)
            self._received[sock] = []
        for sock, path, *own in zip(self._order, self._paths, *([each] if each else [])):
            sock.sendall(get_bytes(path, *headers, *own))
            sock.setblocking(False)
            self._selector.register(sock, selectors.EVENT_READ)

    def answers(self, bound=BOUND):
        """All answers in the order of the paths; each connection must be closed by the server."""
        while self._selector.get_map():
            events = self._selector.select(bound)
            assert events, f"{len(self._selector.get_map())} requests unanswered"
            for key, _ in events:
                self._read(key.fileobj)
        return [parse(b"".join(self._received[sock]), target=path)
                for sock, path in zip(self._order, self._paths)]

    def waiting(self):
        """How many have not been answered yet."""
        for key, _ in self._selector.select(0):
            self._read(key.fileobj)
        return len(self._selector.get_map())

    def _read(self, sock):
        data = sock.recv(65536)
        if data:
            self._received[sock].append(data)
        else:
            self._selector.unregister(sock)
            sock.close()

    def leave(self):
        """Close all connections without waiting for an answer."""
        for sock in self._order:
            sock.close()
        self._selector.close()
