# SPDX-License-Identifier: MIT
"""Hosts on the loopback interface for the real p0f to see: clients bound to 127.x.y.z."""

import os
import socket
import threading

from waiting import wait_until

# A network of our own, so that two test runs on one machine do not mix. 127.0 is left to the rest.
NETWORK = f"127.{1 + os.getpid() % 250}"
SERVER = f"{NETWORK}.255.1"

RESPONSE = (b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n"
            b"Content-Type: text/html\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def request(agent, language):
    """A request in the words of ELinks, but for its last, empty line."""
    return (f"GET /some/page HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: {agent}\r\n"
            "Accept: */*\r\nAccept-Encoding: bzip2, deflate, gzip\r\n"
            f"Accept-Language: {language}\r\n").encode()


class WebServer:
    """Accepts, reads a request and answers it; every connection in a thread of its own."""

    def __init__(self, address=(SERVER, 0), on_accept=None):
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.create_server(address, family=family, backlog=200)
        self.address = self.sock.getsockname()[:2]
        self._on_accept = on_accept
        threading.Thread(target=self._run, name="web server", daemon=True).start()

    def _run(self):
        while True:
            try:
                sock, peer = self.sock.accept()
            except OSError:
                return              # closed: the test is over
            threading.Thread(target=self._serve, args=(sock, peer), daemon=True).start()

    def _serve(self, sock, peer):
        with sock:
            if self._on_accept:
                self._on_accept(peer[0])
            data = b""
            try:
                while not data.endswith(b"\r\n\r\n"):
                    piece = sock.recv(4096)
                    if not piece:
                        return
                    data += piece
                sock.sendall(RESPONSE)
            except OSError:
                pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # shutdown, as a close alone would not wake the thread in accept
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


def connect(source, server, segment_size=None, hops=0):
    """A connection from `source`, whose packets look as if they came over that many hops."""
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.settimeout(20)
    if segment_size:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment_size)
    if hops and family == socket.AF_INET:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 64 - hops)
    sock.bind((source, 0))
    sock.connect(server)
    return sock


def visit(source, server, agent="ELinks/0.13", language="en", enough=None, **options):
    """A whole HTTP exchange. If given, `enough()` says when it may end: until then more and more of
    a header is sent, as p0f looks at a host only when a packet of it comes by."""
    with connect(source, server, **options) as sock:
        sock.sendall(request(agent, language) + b"X-Filling: ")

        def fill():
            sock.sendall(b".")
            return enough()
        if enough:
            wait_until(fill, f"p0f to have seen enough of {source}")
        sock.sendall(b"\r\n\r\n")
        while sock.recv(4096):
            pass
