# SPDX-License-Identifier: MIT
"""Random requests with odd framing, straight to the daemon and through real proxies that share their
connections to it: nobody ever gets an answer that belongs to another request.

Each request asks about an address of its own, and so does what is hidden in bodies."""

import collections
import ipaddress
import json
import os
import random
import re
import socket

import pytest

import haproxy
import nginx
from daemon import Daemon, free_port
from fake_p0f import FakeP0f
from http_client import BOUND, read_all
from http_load import FULL
from waiting import wait_until

ROUNDS = 30_000 if FULL else 1_000
SEED = int(os.environ.get("FRAMING_SEED", random.randrange(1 << 32) if FULL else 1))

NGINX = """
    log_format forwarded '$upstream_addr $request';
    upstream daemon {{ server {daemon[0]}:{daemon[1]}; keepalive 4; }}
    server {{
        listen 127.0.0.1:@port@;
        access_log {directory}/forwarded.log forwarded;
        keepalive_timeout 60s;
        ignore_invalid_headers off;
        underscores_in_headers on;
        merge_slashes off;
        location / {{
            proxy_pass http://daemon;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_request_buffering off;
            proxy_ignore_client_abort on;
            proxy_next_upstream off;
        }}
    }}
"""


# Those of another name, or with a bare CR in it, say nothing of a body.
OTHER_FIELDS = ("Content_Length", "Transfer_Encoding", "X: y\r")


# -- what is sent ----------------------------------------------------------------------------------

class Stream:
    """Some requests in a row, the last of which is a good one."""

    def __init__(self, rng, addresses):
        self._rng = rng
        self._addresses = addresses
        self.bytes = b""
        self.asked = []     # addresses, in order; those that are hidden may be none
        self.hidden = set() # those that no reading of the framing makes a request
        for _ in range(rng.choice((1, 1, 1, 2, 3))):
            self.bytes += self._request()
        self.asked.append(next(addresses))
        self.bytes += _plain(self.asked[-1], "Connection: close\r\n")

    def _pick(self, usual, *others, share=0.8):
        return usual if self._rng.random() < share else self._rng.choice(others)

    def _request(self):
        address, hidden = next(self._addresses), next(self._addresses)
        self.asked += [address, hidden]
        method = self._pick(self._rng.choice(("GET", "POST", "HEAD", "PUT")), "get", "G\0T", "POST\0",
                            "", share=0.95)
        target = self._pick("/host/{}", "http://x/host/{}", "/host/{}\0", "host/{}", "/host/{}?a=\0",
                            "//host/{}", "*", share=0.9).format(address)
        version = self._pick("HTTP/1.1", "HTTP/1.0", "HTTP/1.2", "HTTP/2.0", "HTTP/1.1\0", "HTTP/1.01",
                             "http/1.1", share=0.92)
        host = self._pick("Host: x", "Host: a b", "Host: a,b", "Host:", "X: y", "Host: x\0y",
                          "Host: x\r\nHost: y", "Host:\r\n x", share=0.9)
        fields, body = self._framing(_plain(hidden).decode(), hidden)
        fields += self._pick([], ["X: y\0z"], ["X\0: y"], ["\0X: y"], ["X: y", " z"], ["X"], ["X(: y"],
                             ["Connection: keep-alive"], ["Connection: Content-Length"],
                             ["Connection: Transfer-Encoding"], ["Expect: 100-continue"])
        self._rng.shuffle(fields)
        lines = [" ".join((method, target, version)), host, *fields, ""]
        # Bare LFs, but not where one could be right behind a NUL: libmicrohttpd 0.9.75 makes NULs of
        # line breaks, and then the two look like CR LF.
        lenient = self._rng.random() < 0.2 and not any(line[-1:] == "\0" for line in lines)
        head = "".join(line + self._pick("\r\n", "\n", share=0.8 if lenient else 1)
                       for line in lines)
        return (head + body).encode("latin-1")

    def _framing(self, text, hidden):
        """Header fields, and what follows: `text` as a body, or as what might be one."""
        kind = self._rng.randrange(5)
        size = len(text)
        if kind == 0:
            return [], ""
        if kind == 1:
            self.hidden.add(hidden)
            return [f"Content-Length: {size}"], text
        if kind == 2:
            self.hidden.add(hidden)
            return ["Transfer-Encoding: chunked"], self._chunks(text)
        fields = [self._odd_length(size)] if kind == 3 else self._odd_coding(size)
        if not fields[0].startswith(OTHER_FIELDS):
            self.hidden.add(hidden)
        return fields, text if kind == 3 else self._chunks(text)

    def _odd_length(self, size):
        value = self._rng.choice((
            f"+{size}", f"{size},{size}", f"{size}, {size}", f" {size}", f"{size} ", f"\t{size}",
            f"0{size}", f"0x{size:x}", "-1", "", f"{size}\0", f"{size}\0x", f"\0{size}", "0\0",
            f"{size}\r\n {size}", f"{(1 << 64) + size}", f"{size};", f"{size}.0", f"'{size}'",
            f"{size}\r\nContent-Length: {size}", f"{size}\r\nContent-Length: 0",
            f"0\r\nContent-Length: {size}"))
        name = self._pick("Content-Length: ", "Content-Length : ", "Content-Length\t:",
                          "Content_Length: ", "Content-Length\0: ", "Content\0-Length: ",
                          "\0Content-Length: ", "content-length:", " Content-Length: ",
                          "X: y\rContent-Length: ")
        return name + value

    def _odd_coding(self, size):
        value = self._rng.choice((
            "chunked", "Chunked", "xchunked", "chunked, identity", "identity, chunked", "identity",
            "chunked, chunked", ", chunked", "chunked,", "chunked\0", "chunked\0x", "\0chunked",
            "\tchunked", "chunked ", "\x0bchunked", "chunked;q=1", "'chunked'", "gzip, chunked",
            "chunked\r\n x", "\r\n chunked", "chunked\r\nTransfer-Encoding: identity",
            "identity\r\nTransfer-Encoding: chunked", ""))
        name = self._pick("Transfer-Encoding: ", "Transfer-Encoding : ", "Transfer-Encoding\t:",
                          "Transfer_Encoding: ", "Transfer\0-Encoding: ", "transfer-encoding:",
                          "Transfer-Encoding\0: ", " Transfer-Encoding: ",
                          "X: y\rTransfer-Encoding: ")
        length = self._pick([], [f"Content-Length: {size}"], ["Content-Length: 0"],
                            ["Content-Length: 5"], share=0.6)
        return [name + value, *length]

    def _chunks(self, text):
        size = self._pick(f"{len(text):x}", f"{len(text):X}", f"0{len(text):x}", f"{len(text):x};a=b",
                          f"{len(text):x} ", f"0x{len(text):x}", f"+{len(text):x}",
                          f"{(1 << 64) + len(text):x}", f"{len(text):x}\0", "", share=0.9)
        end = self._pick("0\r\n\r\n", "0\n\n", "00\r\n\r\n", "0\r\nX: y\r\n\r\n", "0;a\r\n\r\n",
                         "0\r\nContent-Length: 5\r\n\r\n", share=0.9)
        return size + "\r\n" + text + self._pick("\r\n", "\n", "", share=0.95) + end


def _plain(address, fields=""):
    return f"GET /host/{address} HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode()


def _addresses():
    for number in range(int(ipaddress.IPv4Address("10.0.0.1")), 1 << 32):
        yield str(ipaddress.IPv4Address(number))


# -- what comes back -------------------------------------------------------------------------------

def _answers(received):
    """(status, body) of each. To HEAD there is none, whatever Content-Length says."""
    found = []
    while received:
        if received[:1] in (b"<", b"{"):    # nginx, to HTTP/0.9
            return [*found, (0, received)]
        head, end, rest = received.partition(b"\r\n\r\n")
        assert end and re.match(rb"HTTP/1\.[01] [0-9]{3} ", head), received[:300]
        if head[9:10] == b"1":
            received = rest
            continue
        length = int((re.search(rb"\r\nContent-Length: ([0-9]+)", head, re.I) or [0, b"0"])[1])
        if rest[:7] == b"HTTP/1." or (rest[:1] == b"<" and b"json" in head):
            length = 0
        assert length <= len(rest) or not rest, received[:300]
        found.append((int(head[9:12]), rest[:length]))
        received = rest[length:]
    return found


def _about(body):
    """The address that an answer is about, or None."""
    return json.loads(body).get("ip") if body.startswith(b"{") else None


def _send(endpoint, data):
    with socket.create_connection(endpoint, BOUND) as sock:
        try:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass        # it has been refused already
        return read_all(sock)


def _judge(stream, received):
    """Each answer is about one of the requests, in their order, and none about two."""
    answers = _answers(received)
    assert len(answers) <= len(stream.asked), "more answers than requests"
    rest = iter(stream.asked)
    for _, body in answers:
        about = _about(body)
        assert about is None or about in rest, f"an answer about {about}, whose turn it is not"


def _judge_straight(stream, received):
    """No body is taken for a request, and nothing follows a refusal of what is malformed."""
    answers = _answers(received)
    assert not {_about(body) for _, body in answers} & stream.hidden, "a body was a request"
    assert not {status for status, _ in answers[:-1]} & {400, 413, 431, 505}, "more after a refusal"


def _check(endpoint, seed, rounds, straight):
    """Returns what was asked about last. `straight`: there is no proxy."""
    rng, addresses = random.Random(seed), _addresses()
    for number in range(rounds):
        stream = Stream(rng, addresses)
        probe = next(addresses)
        received = _send(endpoint, stream.bytes)
        after = _send(endpoint, _plain(probe, "Connection: close\r\n"))
        try:
            _judge(stream, received)
            if straight:
                _judge_straight(stream, received)
            (status, body), = _answers(after)
            assert (status, _about(body)) == (404, probe), after
        except Exception as error:
            raise AssertionError(f"seed {seed}, round {number}: {error}\nsent: {stream.bytes}\n"
                                 f"received: {received}\nand after that: {after}") from error
    return probe


# -- the tests -------------------------------------------------------------------------------------

@pytest.fixture(name="lab")
def _lab(scratch):
    with FakeP0f(f"{scratch}/p0f.sock") as fake, \
            Daemon(scratch, fake.path, {"http.access_log": "yes", "p0f.first_contact_wait": "0",
                                        "http.idle_timeout": "20s"}) as daemon:
        yield fake, daemon.wait_for_p0f()


def _counted(lines):
    found = collections.Counter()
    for line in lines:
        if about := re.search(r"/host/(10\.[0-9.]+)", line):
            found[about[1]] += 1
    return found


def test_straight(lab):
    _, daemon = lab
    _check(daemon.endpoint, SEED, ROUNDS, straight=True)
    daemon.wait_for_log()
    assert max(_counted(daemon.log().split("\n")).values()) == 1, "one request has been two"


def _assert_as_forwarded(daemon, forwarded, last):
    """What the proxy has passed on as one request was one. `last` is about whom the last one was."""
    wait_until(lambda: last in _counted(forwarded()), "the proxy to log all")
    daemon.wait_for_log()
    passed_on, served = _counted(forwarded()), _counted(daemon.log().split("\n"))
    more = {about: count for about, count in served.items() if count > passed_on[about]}
    assert not more, f"these have been served, but not passed on: {more}"
    assert len(served) > ROUNDS


def test_behind_nginx(scratch, lab):
    _, daemon = lab

    def forwarded():
        with open(f"{scratch}/forwarded.log", encoding="utf-8", errors="replace") as log:
            return [line for line in log if not line.startswith("- ")]

    config = NGINX.format(daemon=daemon.endpoint, directory=scratch)
    with nginx.Nginx(scratch, config, free_port()) as server:
        last = _check(server.endpoint, SEED, ROUNDS, straight=False)
        _assert_as_forwarded(daemon, forwarded, last)


def test_behind_haproxy(scratch, lab):
    _, daemon = lab
    with haproxy.HaProxy(scratch, daemon.endpoint) as server:
        last = _check(server.endpoint, SEED, ROUNDS, straight=False)
        _assert_as_forwarded(daemon, server.forwarded, last)
