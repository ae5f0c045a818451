# SPDX-License-Identifier: MIT
"""One client takes all connections that there may be, and uses them, or has upload after upload refused:
others are served all the same. (How soon, is in test_attacks.py.)"""

import socket
import subprocess

import pytest

import processes
from attackers import Hold
from http_client import fetch, open_socket
from http_load import FULL
from waiting import wait_until

MANY = 10_000 if FULL else 160      # as many as there may be
NEWCOMERS = MANY // 5
SETTINGS = {"http.max_connections": str(MANY), "http.trusted_proxies": "192.0.2.1"}
GREEDY = "127.0.0.2"
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


def _metric(daemon, name, source=None):
    """Its name may have labels."""
    text = daemon.get("/metrics", source=source).body.decode()
    return next(int(line.split()[1]) for line in text.splitlines()
                if line.startswith(f"p0f_lookupd_http_{name} "))


def _served(endpoint, source):
    try:
        return fetch(endpoint, "/livez", source=source).status == 200
    except OSError:
        return False


def _refused(endpoint, sources):
    """How many of them are not served, while each keeps what it has got."""
    socks, refused = [], 0
    for source in sources:
        socks.append(open_socket(endpoint, source=source))
        try:
            socks[-1].sendall(LIVEZ)
            refused += not socks[-1].recv(4096).startswith(b"HTTP/1.1 200 ")
        except OSError:
            refused += 1
    for sock in socks:
        sock.close()
    return refused


def _newcomers(count=NEWCOMERS):
    """Addresses, each of another client."""
    return [f"127.1.{number // 250}.{1 + number % 250}" for number in range(count)]


def _full(daemon, source):
    """Whether as many are open as one client can have."""
    return _metric(daemon, "connections", source) >= MANY * 15 // 16


@pytest.fixture(name="many_descriptors", autouse=True)
def _many_descriptors(allow_descriptors):
    allow_descriptors(MANY + 1000)


def test_newcomers_are_served(fake, serve):
    """None of them is refused, though the greedy one comes again and again."""
    with serve(fake, SETTINGS) as daemon:
        daemon.wait_for_p0f()
        with Hold(daemon.port, s=GREEDY, c=MANY) as greedy:
            wait_until(lambda: _full(daemon, "127.0.0.3"), "all to be taken")
            refused = _refused(daemon.endpoint, _newcomers())
            evicted = _metric(daemon, "connections_evicted_total", "127.0.0.3")
            wait_until(lambda: _full(daemon, "127.0.0.3"), "it to take again what they have left")
            said = greedy.end()
        if FULL:
            print(f"\n  {refused} of {NEWCOMERS} newcomers refused, {evicted} evicted; {said}")
        assert refused == 0
        # It has kept all that the others did not need.
        assert said["open"] >= MANY * 7 // 8
        assert _metric(daemon, "connections_refused_total") > 0
        daemon.wait_for_line("refusing connections: http.max_connections")


def test_newcomers_stay(fake, serve):
    """Each keeps the connection that it got, and is served on it as long as the greedy one has more."""
    with serve(fake, SETTINGS) as daemon:
        daemon.wait_for_p0f()
        with Hold(daemon.port, s=GREEDY, c=MANY):
            wait_until(lambda: _full(daemon, "127.0.0.3"), "all to be taken")
            socks = [open_socket(daemon.endpoint, source=source) for source in _newcomers(MANY // 4)]
            for _ in range(2):
                for sock in socks:
                    sock.sendall(LIVEZ)
                assert all(sock.recv(4096).startswith(b"HTTP/1.1 200 ") for sock in socks)
            evicted = _metric(daemon, "connections_evicted_total", "127.0.0.3")
            assert MANY // 8 < evicted
            for sock in socks:
                sock.close()


def test_whoever_speaks_for_many_is_not_one_client(fake, serve):
    """A trusted proxy may have all connections, and loses none of those that it uses."""
    count = 150     # not so many that it could be slow to use one
    settings = {"http.max_connections": "160", "http.trusted_proxies": GREEDY}
    with serve(fake, settings) as daemon:
        daemon.wait_for_p0f()
        with Hold(daemon.port, s=GREEDY, c=count) as proxy:
            wait_until(lambda: _metric(daemon, 'requests_total{route="/livez",code="200"}') > 2 * count,
                       "each to have been used again")
            for source in _newcomers(20):
                assert _served(daemon.endpoint, source)
            assert _metric(daemon, "connections_evicted_total", "127.0.0.3") == 0
            said = proxy.end()
        assert said["open"] == said["opened"] == count


@pytest.fixture(name="prefix")
def _prefix():
    """A network of IPv6 whose addresses are all ours."""
    network = "2001:db8::/32"
    command = ["ip", "-6", "route", "add", "local", network, "dev", "lo"]
    if subprocess.run(command, check=False, stdin=subprocess.DEVNULL).returncode != 0:
        pytest.skip("there is no IPv6")
    yield network
    command[3] = "del"
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("width", [64, 56, 48])
def test_a_whole_network_is_one_client(fake, serve, prefix, width):
    """One who has a /48 can have an address, a /64 and a /56 of its own for each connection; and one
    who has one of those, as many addresses within it."""
    port = socket.create_server(("::1", 0), family=socket.AF_INET6).getsockname()[1]
    # Each connection has another prefix that is longer, as far as there are any.
    options = {64: {"w": 128, "m": MANY}, 56: {"w": 64, "m": min(MANY, 256)},
               48: {"w": 56, "m": min(MANY, 256)}}[width]
    with serve(fake, SETTINGS, also_listen=[f"[::1]:{port}"]) as daemon:
        daemon.wait_for_p0f()
        with Hold(port, s="2001:db8:1::1", c=MANY, **options):
            wait_until(lambda: _full(daemon, "127.0.0.3"), "all to be taken")
            refused = _refused(("::1", port), [f"2001:db8:{2 + n:x}::1" for n in range(NEWCOMERS)])
        assert refused == 0


def test_many_clients_with_few(fake, serve):
    """With as many connections, each of another client, all are equal: room is made by those that have
    asked nothing for a while, if there are any."""
    with serve(fake, SETTINGS) as daemon:
        daemon.wait_for_p0f()
        socks = [open_socket(daemon.endpoint, source=source) for source in _newcomers(MANY)]
        wait_until(lambda: _served(daemon.endpoint, "127.0.0.4"), "room to be made")
        assert wait_until(lambda: _metric(daemon, "connections_evicted_total", "127.0.0.4"), "the metric") > 0
        for sock in socks:
            sock.close()
        wait_until(lambda: processes.descriptors(daemon.process.pid) < MANY // 4, "them to be gone")


def _answered(sock):
    sock.sendall(b"PUT /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n")
    return sock.recv(4096).startswith(b"HTTP/1.1 405 ")


def test_refused_uploads_are_waited_for_by_the_few(fake, serve):
    """What more of them one client has are closed; those of others are not."""
    with serve(fake, SETTINGS) as daemon:
        daemon.wait_for_p0f()
        before = processes.descriptors(daemon.process.pid)

        def open_now():
            return processes.descriptors(daemon.process.pid) - before
        socks = [open_socket(daemon.endpoint, source=GREEDY) for _ in range(30)]
        assert all(_answered(sock) for sock in socks)
        wait_until(lambda: open_now() <= 4, "all but four to be closed")
        others = [open_socket(daemon.endpoint, source=source) for source in _newcomers(10)]
        assert all(_answered(sock) for sock in others)
        wait_until(lambda: open_now() <= 14, "their connections to be closed")
        for sock in others:
            sock.sendall(b"x" * 100_000)    # it is taken, and nobody is told that it is not
        assert open_now() >= 10
        for sock in socks + others:
            sock.close()
        wait_until(lambda: open_now() <= 0, "them to be gone")
