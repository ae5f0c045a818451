# SPDX-License-Identifier: MIT
"""Requests that do not come in http.idle_timeout: whoever has begun one is told so, with a 408; whoever has
not sees its connection closed, and nothing else."""

import re
import select
import socket

import pytest

import processes
from daemon import Daemon
from fake_p0f import FakeP0f
from http_client import open_socket, parse
from problems import assert_problem
from waiting import wait_until

GOOD = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /hosts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

PARTS = {
    "a letter": b"G",
    "half a line": b"GET /liv",
    "a line": b"GET /livez HTTP/1.1\r\n",
    "half a header": b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Fie",
    "a header but for its end": b"GET /livez HTTP/1.1\r\nHost: x\r\n",
    "no body": POST + b"Content-Length: 15\r\n\r\n",
    "half a body": POST + b'Content-Length: 15\r\n\r\n["192.0.',
    "no chunk": POST + b"Transfer-Encoding: chunked\r\n\r\n",
    "half a chunk": POST + b'Transfer-Encoding: chunked\r\n\r\nf\r\n["192.0.',
    "no last chunk": POST + b'Transfer-Encoding: chunked\r\n\r\nf\r\n["192.0.2.1"]  \r\n',
    "half a trailer": POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: y",
}


@pytest.fixture(name="lab", scope="module")
def _lab(module_scratch):
    """(daemon, path of a unix socket)"""
    unix = f"{module_scratch}/http.sock"
    with FakeP0f(f"{module_scratch}/p0f.sock") as fake, \
            Daemon(module_scratch, fake.path, {"http.idle_timeout": "1s", "http.access_log": "yes"},
                   also_listen=[f"unix:{unix}"]) as daemon:
        daemon.wait_for_p0f()
        yield daemon, unix


def _count(daemon, status):
    text = daemon.get("/metrics").body.decode()
    return sum(int(value) for value in re.findall(
        rf'^p0f_lookupd_http_requests_total{{.*code="{status}".*}} (\d+)$', text, re.M))


def _assert_told(received, count=1):
    assert received.count(b"HTTP/1.1 ") == count, received
    answer = parse(received[received.rindex(b"HTTP/1.1 "):])
    problem = assert_problem(answer, 408, "request-timeout")
    assert "1 second" in problem["detail"]
    assert answer["Connection"] == "close"


@pytest.mark.parametrize("over", ["tcp", "unix"])
@pytest.mark.parametrize("before", [b"", GOOD], ids=["at once", "after another"])
def test_parts_of_requests(lab, before, over):
    """All at once, some of each. Others are served meanwhile, and nothing is left of them."""
    daemon, unix = lab
    counted, open_before = _count(daemon, 408), processes.descriptors(daemon.process.pid)
    socks = []
    for name, part in list(PARTS.items()) * 5:
        sock = open_socket(daemon.endpoint if over == "tcp" else unix)
        if before:
            sock.sendall(before)
            assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
        sock.sendall(part)
        socks.append((name, sock))
    for name, sock in socks:
        assert daemon.get("/livez").status == 200
        with sock:
            received = sock.makefile("rb").read()
            assert received, name
            _assert_told(received)
    assert _count(daemon, 408) == counted + len(socks)
    for request in ("- -", "- /livez", "POST /hosts"):
        daemon.wait_for_line(f'"{request}" 408')
    wait_until(lambda: processes.descriptors(daemon.process.pid) <= open_before, "them to be gone")


def test_the_body_that_is_asked_for(lab):
    """With 100 (Continue), which is no answer."""
    daemon, _ = lab
    with open_socket(daemon.endpoint) as sock, sock.makefile("rb") as stream:
        sock.sendall(POST + b"Content-Length: 15\r\nExpect: 100-continue\r\n\r\n")
        received = stream.read()
    assert received.startswith(b"HTTP/1.1 100 ")
    _assert_told(received, 2)


def test_idle_connections(lab):
    daemon, _ = lab
    counted = _count(daemon, 408)
    socks = [open_socket(daemon.endpoint) for _ in range(4)]
    for count, sock in enumerate(socks):
        sock.sendall(GOOD * count)
    for count, sock in enumerate(socks):
        with sock:
            received = sock.makefile("rb").read()
        assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"200"] * count
    assert _count(daemon, 408) == counted


@pytest.mark.parametrize("begin", [b"GET /", b"GET /livez HTTP/1.1\r\nX-Endless: ",
                                   POST + b"Content-Length: 99999\r\n\r\n"], ids=["line", "header", "body"])
def test_a_byte_now_and_then(lab, begin):
    """Whoever goes on sending gets the answer all the same: what it sends is read for a while, so that
    nothing of it is answered with a reset."""
    daemon, _ = lab
    before = processes.descriptors(daemon.process.pid)
    sent = 0
    with open_socket(daemon.endpoint) as sock:
        sock.sendall(begin)
        while not select.select([sock], [], [], 0.1)[0]:
            sock.sendall(b"x")
            sent += 1
        for _ in range(5):
            sock.sendall(b"x")
            select.select([], [], [], 0.1)
        received = sock.makefile("rb").read()
        _assert_told(received)
        assert sent >= 9, "it had its second"
        sock.sendall(b"x")
    wait_until(lambda: processes.descriptors(daemon.process.pid) <= before, "the connection to be closed")


def test_a_head_that_is_not_complete(lab):
    """Its answer has no body."""
    daemon, _ = lab
    with open_socket(daemon.endpoint) as sock:
        sock.sendall(b"HEAD /livez HTTP/1.1\r\nHost: x\r\n")
        received = sock.makefile("rb").read()
    assert received.startswith(b"HTTP/1.1 408 ") and received.endswith(b"\r\n\r\n"), received


def test_the_whole_request_in_time(lab):
    """In pieces, and the last of them only when the others have been read."""
    daemon, _ = lab
    body = b'["192.0.2.1"]'
    with open_socket(daemon.endpoint) as sock, sock.makefile("rb") as stream:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in (POST[:7], POST[7:40], POST[40:], b"Content-Length: 13\r\n\r\n", body[:5], body[5:]):
            sock.sendall(piece)
            assert daemon.get("/livez").status == 200
        assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
