# SPDX-License-Identifier: MIT
"""GET /self behind the real nginx: it is about the visitor, not about nginx, whatever the visitor says
of itself."""

import http.client
import socket

import pytest

import loopback
import nginx
from daemon import Daemon, free_port
from http_client import Answer, fetch
from real_p0f import RealP0f
from waiting import wait_until

VISITORS = [f"{loopback.NETWORK}.11.{number}" for number in (1, 2)]
BEFORE = f"{loopback.NETWORK}.11.100"       # a proxy in front of nginx
MADE_UP = f"{loopback.NETWORK}.11.200"
ADD = [("X-Forwarded-For $remote_addr", "X-Forwarded-For $proxy_add_x_forwarded_for")]


@pytest.fixture(name="daemon", scope="module")
def _daemon(needs_p0f, module_scratch):
    """With the real p0f, which knows the visitors and the one whom they pretend to be. The default,
    to trust all of 127.0.0.0/8, would make proxies of them."""
    with RealP0f(module_scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            loopback.WebServer() as web, \
            Daemon(module_scratch, p0f.socket,
                   {"http.trusted_proxies": f"127.0.0.1, {BEFORE}"}) as daemon:
        for address in (*VISITORS, MADE_UP):
            loopback.visit(address, web.address)
            wait_until(lambda a=address: p0f.known(a), "p0f to see a visit")
        yield daemon.wait_for_p0f()


def _nginx(scratch, daemon, changes=()):
    port = free_port()
    return nginx.Nginx(scratch, nginx.cache_example(scratch, daemon.port, port, changes), port)


def _self(server, visitor, *forwarded):
    """Whom the answer is about; X-Forwarded-For as the visitor sends it."""
    lines = "".join(f"X-Forwarded-For: {field}\r\n" for field in forwarded)
    with socket.create_connection(server.endpoint, 30, (visitor, 0)) as sock:
        sock.sendall(f"GET /self HTTP/1.0\r\n{lines}\r\n".encode())
        response = http.client.HTTPResponse(sock)
        response.begin()
        answer = Answer(response)
    assert answer.status == 200, answer
    return answer.json()["ip"]


PRETENCES = [(), (MADE_UP,), (f"{MADE_UP}, 127.0.0.1",), ("127.0.0.1", MADE_UP), ("nonsense",),
             (f"{MADE_UP},",), (f"{MADE_UP}, {BEFORE}",)]


@pytest.mark.parametrize("changes", [(), ADD], ids=["remote_addr", "add"])
def test_it_is_about_the_visitor(scratch, daemon, changes):
    with _nginx(scratch, daemon, changes) as server:
        for visitor in VISITORS:
            for pretence in PRETENCES:
                assert _self(server, visitor, *pretence) == visitor


def test_behind_another_proxy(scratch, daemon):
    """Which adds the visitor's address to what that says of itself."""
    with _nginx(scratch, daemon, ADD) as server:
        for visitor in VISITORS:
            for pretence in PRETENCES:
                field = ", ".join([*pretence, visitor])
                assert _self(server, BEFORE, field) == visitor


def test_nginx_keeps_it_for_nobody_else(scratch, daemon):
    with _nginx(scratch, daemon) as server:
        for _ in range(3):
            for visitor in VISITORS:
                answer = fetch(server.endpoint, "/self", source=visitor)
                assert answer.json()["ip"] == visitor
                assert "private" in answer["Cache-Control"]


def test_nginx_on_a_unix_socket(scratch, daemon):
    """It has no $remote_addr then, but for its realip module."""
    path = f"{scratch}/nginx.sock"
    real_ip = "set_real_ip_from unix:; real_ip_header X-Forwarded-For;"
    port = free_port()
    changes = [(f"listen 127.0.0.1:{port};", f"listen 127.0.0.1:{port}; listen unix:{path}; {real_ip}")]
    with nginx.Nginx(scratch, nginx.cache_example(scratch, daemon.port, port, changes), port):
        forwarded = {"X-Forwarded-For": f"{MADE_UP}, {VISITORS[0]}"}
        assert fetch(path, "/self", forwarded).json()["ip"] == VISITORS[0]
