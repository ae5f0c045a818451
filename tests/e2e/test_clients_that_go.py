# SPDX-License-Identifier: MIT
"""Who goes while it waits is noticed, and p0f is asked for nobody. Who only says that it will ask no
more is answered with p0f's next word."""

import json
import os
import socket
import struct

import pytest

from http_client import get_bytes, open_socket
from http_load import FULL
from waiting import wait_until

CLIENTS = 400 if FULL else 40
LONG_WAIT = 5       # seconds, which each of them would wait
SOON = LONG_WAIT / 2

# Where the daemon listens: on TCP, or on a unix socket, whose end looks another way.
ENDPOINTS = ["tcp", "unix"]
SETTINGS = {"p0f.timeout": "20s", "p0f.max_repeat_rate": "0", "p0f.max_repeat_rate_per_client": "0"}


def _endpoint(daemon, scratch, kind):
    return daemon.endpoint if kind == "tcp" else os.path.join(scratch, "http.sock")


def _serve(serve, fake, scratch):
    return serve(fake, SETTINGS, also_listen=[f"unix:{scratch}/http.sock"])


def _batch(hosts):
    body = json.dumps(hosts).encode()
    return (b"POST /hosts?wait=5000 HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body))


def _ask(endpoint, request):
    sock = open_socket(endpoint)
    sock.sendall(request)
    return sock


def _asks(kind, number):
    """About hosts that nobody knows, each with all the patience there is."""
    if kind == "batch":
        return _batch([f"10.{number // 250}.{number % 250}.{host}" for host in range(5)])
    return get_bytes(f"/host/10.{number // 250}.{number % 250}.1?wait=5000")


def _pending(daemon):
    return daemon.get("/status").json()["lookups"]["pending"]


def _in_flight(daemon):
    return daemon.get("/status").json()["pool"]["in_flight"]


def _go(sock, how):
    if how == "RST":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def _come_and_go(daemon, endpoint, kind, how):
    """They are no longer pending long before they would have been answered."""
    socks = [_ask(endpoint, _asks(kind, number)) for number in range(CLIENTS)]
    wait_until(lambda: _pending(daemon) >= CLIENTS, "all to wait")
    for sock in socks:
        _go(sock, how)
    wait_until(lambda: _pending(daemon) == 0, "them to be pending no longer", bound=SOON)


@pytest.mark.parametrize("kind", ["host", "batch"])
@pytest.mark.parametrize("endpoint,how", [("tcp", "FIN"), ("tcp", "RST"), ("unix", "close")])
def test_nobody_waits_so_nobody_asks(fake, serve, scratch, kind, endpoint, how):
    with _serve(serve, fake, scratch) as daemon:
        daemon.wait_for_p0f()
        _come_and_go(daemon, _endpoint(daemon, scratch, endpoint), kind, how)
        wait_until(lambda: _in_flight(daemon) == 0, "what has been sent to be answered")
        asked = len(fake.queries)
        wait_until(lambda: daemon.get("/readyz").status == 200, "p0f to be asked by others")
        assert len(fake.queries) <= asked + 2       # readiness has a query of its own


@pytest.mark.parametrize("kind", ["host", "batch"])
@pytest.mark.parametrize("endpoint,how", [("tcp", "RST"), ("unix", "close")])
def test_not_even_p0f_need_answer(fake, serve, scratch, kind, endpoint, how):
    """What was asked stays outstanding, but nobody is pending for it."""
    with _serve(serve, fake, scratch) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        _come_and_go(daemon, _endpoint(daemon, scratch, endpoint), kind, how)
        # Nor is it anybody's error.
        counted = daemon.get("/metrics").body.decode()
        assert 'http_requests_total{route="/host",code="504"} 0' in counted
        assert 'http_requests_total{route="/hosts",code="200"} 0' in counted
        fake.release()


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("kind", ["host", "batch"])
def test_who_only_half_closes_is_answered_soon(fake, serve, scratch, kind, endpoint):
    with _serve(serve, fake, scratch) as daemon:
        daemon.wait_for_p0f()
        with _ask(_endpoint(daemon, scratch, endpoint), _asks(kind, 1)) as sock:
            wait_until(lambda: _pending(daemon) > 0, "it to wait")
            sock.settimeout(SOON)
            sock.shutdown(socket.SHUT_WR)
            with sock.makefile("rb") as stream:
                answer = stream.read()
        assert answer.startswith(b"HTTP/1.1 200 " if kind == "batch" else b"HTTP/1.1 404 "), answer
        assert answer.count(b"no-match") == (5 if kind == "batch" else 1)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_others_who_wait_for_the_same_host_go_on(fake, serve, scratch, endpoint):
    request = get_bytes("/host/10.0.0.1?wait=5000")
    with _serve(serve, fake, scratch) as daemon:
        daemon.wait_for_p0f()
        with _ask(_endpoint(daemon, scratch, endpoint), request) as stays:
            goes = [_ask(_endpoint(daemon, scratch, endpoint), request) for _ in range(5)]
            wait_until(lambda: _pending(daemon) == 6, "all to wait")
            for sock in goes:
                sock.close()
            wait_until(lambda: _pending(daemon) == 1, "the others to be pending no longer",
                       bound=SOON)
            fake.hosts["10.0.0.1"] = {"os_name": "Linux"}
            assert stays.recv(12) == b"HTTP/1.1 200"
