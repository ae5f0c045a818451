# SPDX-License-Identifier: MIT
"""A site that keeps and shows what reaches it, to stand behind a proxy, and a visitor who comes to it
through that proxy from an address of its own."""

import collections
import http.client
import json

import loopback
import web_site
import websocket

# What has reached the site: `fields` is a list of (name, value), as they came.
Request = collections.namedtuple("Request", "method target fields body")

# What a visitor has got: `told` is the Request that the site says it was, without its body.
Page = collections.namedtuple("Page", "status fields told")


class RecordingSite(web_site.WebSite):
    """Answers each request with that request itself, but for its body: a line of JSON. /status/404 has the
    status 404. A WebSocket gets its messages back. `requests` are all of them, `connections` how many
    connections they have come on.

    The body is not sent back, since Caddy sometimes cuts off a large page that follows a large body, whatever
    its configuration: a race between the end of that body and the page, in Go's HTTP server."""

    def __init__(self):
        self.requests, self.connections = [], 0
        site = self

        class Handler(_Handler):
            def setup(self):
                super().setup()
                site.connections += 1

            def record(self, request):
                site.requests.append(request)

        super().__init__(Handler)

    def asked(self, target):
        """The requests for it."""
        return [request for request in self.requests if request.target == target]


class _Handler(web_site.Handler):
    protocol_version = "HTTP/1.1"       # connections are kept
    disable_nagle_algorithm = True

    def _body(self):
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _answer(self):
        request = Request(self.command, self.path, self.headers.items(), self._body())
        self.record(request)
        if self.headers.get("Upgrade", "").lower() == "websocket":
            self._echo()
            return
        head, _, status = self.path.rpartition("/")
        page = json.dumps(request[:3]).encode() + b"\n"
        self.send_response(int(status) if head == "/status" else 200)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer

    def _echo(self):
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", websocket.accept(self.headers["Sec-WebSocket-Key"]))
        self.end_headers()
        self.close_connection = True
        opcode = None
        while opcode != websocket.CLOSE:
            try:
                opcode, payload = websocket.read_frame(self.rfile)
            except EOFError:
                return
            self.wfile.write(websocket.frame(payload, opcode))


class Visitor:
    """With-block that has one connection from `address` to the site's proxy at `endpoint`. `hops` is how
    far away its packets seem to come from."""

    def __init__(self, endpoint, address, hops=0, timeout=20):
        self._connection = http.client.HTTPConnection(*endpoint)
        self._connection.auto_open = False      # a connection that was closed is an error
        self._connection.sock = loopback.connect(address, endpoint, hops=hops)
        self._connection.sock.settimeout(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._connection.close()

    def _send(self, method, target, fields, body=None):
        """`fields` are pairs of any names and values; a body that is a list is sent in chunks."""
        self._connection.putrequest(method, target, skip_accept_encoding=True)
        if isinstance(body, list):
            self._connection.putheader("Transfer-Encoding", "chunked")
        elif body is not None:
            self._connection.putheader("Content-Length", str(len(body)))
        for name, value in fields:
            self._connection.putheader(name, value)
        self._connection.endheaders(body, encode_chunked=isinstance(body, list))
        return self._connection.getresponse()

    def ask(self, target="/", fields=(), method="GET", body=None):
        """The Page for one request; `told` is None if it is none of the site's."""
        response = self._send(method, target, fields, body)
        page = response.read()
        told = None
        if page.startswith(b"["):
            method, target, pairs = json.loads(page)
            told = Request(method, target, [tuple(pair) for pair in pairs], None)
        return Page(response.status, response.getheaders(), told)

    def open_websocket(self, target="/", fields=()):
        """From then on there is only echo()."""
        key = websocket.new_key()
        response = self._send("GET", target, [
            ("Connection", "Upgrade"), ("Upgrade", "websocket"), ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", key), *fields])
        assert response.status == 101, (response.status, response.read())
        assert response.getheader("Sec-WebSocket-Accept") == websocket.accept(key)

    def echo(self, payload, opcode=websocket.BINARY):
        """Send a message and read what comes back, which is it."""
        self._connection.sock.sendall(websocket.frame(payload, opcode, masked=True))
        with self._connection.sock.makefile("rb") as stream:
            assert websocket.read_frame(stream) == (opcode, payload)


def visit(endpoint, address, *request, hops=0, **options):
    """The Page for one request on a connection of its own."""
    with Visitor(endpoint, address, hops) as visitor:
        return visitor.ask(*request, **options)
