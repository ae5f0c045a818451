# SPDX-License-Identifier: MIT
"""Stops and restarts under load: each request that the daemon has taken is answered, and it ends in time."""

import json
import signal
import time

import pytest

from busy_p0f import BusyP0f
from conservation import Metrics
from http_client import Crowd, open_socket, parse, read_all
from http_load import FULL, Load
from waiting import wait_until

ROUNDS = 20
GET = b"GET /host/10.0.3.1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


@pytest.fixture(name="busy")
def _busy(scratch):
    with BusyP0f(f"{scratch}/p0f.sock") as busy:
        yield busy


def _pending(daemon):
    return Metrics(daemon.get("/metrics").body.decode()).total("lookups_pending")


def _batch(sock, addresses):
    body = json.dumps(addresses).encode()
    sock.sendall(b"POST /hosts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Content-Length: %d\r\n\r\n" % len(body) + body)


def test_500_requests_in_flight(busy, serve):
    """Of them, 20 batches. p0f is slow, and all of them are answered, as long as it takes."""
    daemon = serve(busy, {"p0f.timeout": "20s"}).start()
    try:
        daemon.wait_for_p0f()
        busy.pause()
        crowd = Crowd(daemon.endpoint, [f"/host/10.0.{n // 250}.{n % 250}" for n in range(480)])
        batches = [open_socket(daemon.endpoint) for _ in range(20)]
        for number, sock in enumerate(batches):
            _batch(sock, [f"10.1.{number}.{n}" for n in range(10)])
        wait_until(lambda: _pending(daemon) == 680, "all lookups to be pending")
        daemon.signal(signal.SIGTERM)
        daemon.wait_for_line("still shutting down after 1 s: waiting for 64 answers from p0f, "
                             "500 requests in progress")
        busy.resume()
        answers = crowd.answers()
        assert {(answer.status, answer["Connection"]) for answer in answers} == {(200, "close")}
        for sock in batches:
            with sock:
                answer = parse(read_all(sock), method="POST", target="/hosts")
                assert answer["Connection"] == "close"
                assert [item["status"] for item in answer.json()] == [200] * 10
        assert daemon.wait_end(15) == 0         # less than it takes to give p0f up
        assert "giving up" not in daemon.log()
        daemon.check_log()
    finally:
        busy.resume()
        if not daemon.ended():
            daemon.kill()
            print(daemon.log())


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_connections_that_are_not_accepted_yet(busy, serve, scratch, kind):
    """They have connected, and sent their request, while the daemon did not run."""
    path = f"{scratch}/http.sock"
    daemon = serve(busy, also_listen=(f"unix:{path}",)).start()
    try:
        daemon.wait_for_p0f()
        daemon.signal(signal.SIGSTOP)
        socks = [open_socket(daemon.endpoint if kind == "tcp" else path) for _ in range(50)]
        for sock in socks:
            sock.sendall(GET)
        daemon.signal(signal.SIGTERM)
        daemon.signal(signal.SIGCONT)
        for sock in socks:
            with sock:
                assert read_all(sock).startswith(b"HTTP/1.1 200 ")
        assert daemon.wait_end(5) == 0
        daemon.check_log()
    finally:
        if not daemon.ended():
            daemon.kill()
            print(daemon.log())


def test_a_proxy_header_that_is_not_read_yet(busy, serve):
    daemon = serve(busy, {"http.proxy_protocol": "yes", "http.trusted_proxies": "127.0.0.2"}).start()
    try:
        with open_socket(daemon.endpoint, source="127.0.0.2") as sock:
            sock.sendall(b"PROXY TCP4 192.0.2.7 ")
            assert daemon.get("/livez").status == 200       # it has been read, most likely
            daemon.signal(signal.SIGTERM)
            daemon.wait_for_line("SIGTERM: shutting down")
            sock.sendall(b"127.0.0.1 1 2\r\n" + GET)
            assert read_all(sock).startswith(b"HTTP/1.1 ")
        assert daemon.wait_end(5) == 0
    finally:
        if not daemon.ended():
            daemon.kill()
            print(daemon.log())


@pytest.mark.parametrize("how", [{}, {"h": True}], ids=["kept alive", "a connection each"])
def test_restarts_under_load(busy, serve, how):
    """20 in a row. Without systemd's sockets, connections are refused in between; but no request is lost of
    those that were taken."""
    daemon = serve(busy, {"cache.ttl": "0", "p0f.timeout": "20s"})
    running = None
    answered = 0
    try:
        for _ in range(ROUNDS):
            daemon.start().wait_for_p0f()
            running = Load(daemon, n=100_000_000, c=64, m=60_000, **how)
            before = busy.counts()["queries"]
            wait_until(lambda b=before: busy.counts()["queries"] > b + (5_000 if FULL else 500), "load")
            daemon.stop()
            report = running.end()
            running = None
            assert set(report.statuses) <= {200}, report
            assert report.wrong == report.broken == 0, report
            answered += report.statuses[200]
    finally:
        if running:
            running.end()
        if not daemon.ended():
            daemon.kill()
            print(daemon.log())
    assert answered > ROUNDS * 500
