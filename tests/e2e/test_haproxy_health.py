# SPDX-License-Identifier: MIT
"""Which health checks to use: the example in conf/haproxy/p0f-api.cfg with the real HAProxy, and what
happens with others."""

import contextlib
import json
import re

import pytest

import haproxy
from daemon import Daemon
from examples import example_text
from fake_p0f import FakeP0f
from http_client import connect, fetch
from waiting import wait_until

HOSTS = [f"192.0.2.{number}" for number in range(1, 21)]

# What the sections for one daemon and for several listen on.
ONE, SEVERAL = "127.0.0.1:5031", "127.0.0.1:5032"


def _haproxy(directory, bound, ports, *changes):
    """One of the two halves of that example, that which listens at `bound`, in front of daemons on these
    ports. It checks them more often, as we wait for that."""
    text = example_text("haproxy/p0f-api.cfg", [
        ("inter 1s", "inter 50ms"), ("127.0.0.1:5030", f"127.0.0.1:{ports[0]}"),
        ("192.0.2.11:5030", f"127.0.0.1:{ports[0]}"), ("192.0.2.12:5030", f"127.0.0.1:{ports[-1]}"), *changes])
    half, = (half for half in text.split("\n# Several ") if bound in half)
    return haproxy.DebianHaProxy(directory, f"# {half.replace(bound, '127.0.0.1:@port@')}")


def _ask(server, host):
    """The status of the answer, and who it says the host is; None if it is HAProxy's own."""
    connection = connect(server.endpoint)
    try:
        connection.request("GET", f"/host/{host}")
        answer = connection.getresponse()
        ours = "json" in answer.getheader("Content-Type")
        return answer.status, json.loads(answer.read())["os_name"] if ours else None
    finally:
        connection.close()


@pytest.fixture(name="one")
def _one(fake, serve):
    fake.hosts = {host: {"os_name": "Linux"} for host in HOSTS}
    with serve(fake, {"p0f.first_contact_wait": "0",
                      "http.trusted_proxies": "127.0.0.1"}) as daemon:
        yield fake, daemon.wait_for_p0f()


def _wait_for_checks(daemon):
    """Until HAProxy has checked often enough to have drawn its conclusions, and beyond."""
    def checks():
        metrics = daemon.get("/metrics").body.decode()
        return sum(map(int, re.findall(r'http_requests_total{route="/(?:livez|readyz)",.*} (\d+)', metrics)))
    enough = checks() + 5
    wait_until(lambda: checks() >= enough, "HAProxy to check the daemon")


def _p0f_goes_down(fake, daemon):
    fake.stop()
    wait_until(lambda: daemon.get("/readyz").status == 503, "the daemon to notice")
    _wait_for_checks(daemon)


@pytest.mark.parametrize("path", ["/livez", "/readyz?stale=ok"])
def test_one_daemon_serves_what_it_remembers(scratch, one, path):
    fake, daemon = one
    with _haproxy(scratch, ONE, [daemon.port], ("GET /livez", f"GET {path}")) as server:
        assert _ask(server, HOSTS[0]) == (200, "Linux")
        _p0f_goes_down(fake, daemon)
        assert _ask(server, HOSTS[0]) == (200, "Linux")
        # The daemon itself says what is wrong.
        answer = fetch(server.endpoint, f"/host/{HOSTS[1]}")
        assert (answer.status, answer.json()["type"]) == (503, "urn:p0f-lookupd:p0f-unavailable")


def test_readyz_takes_one_daemon_away_from_everybody(scratch, one):
    fake, daemon = one
    with _haproxy(scratch, ONE, [daemon.port], ("GET /livez", "GET /readyz")) as server:
        wait_until(lambda: _ask(server, HOSTS[0]) == (200, "Linux"), "HAProxy to find the daemon ready")
        _p0f_goes_down(fake, daemon)
        wait_until(lambda: _ask(server, HOSTS[0]) == (503, None), "HAProxy to give it up")
        assert daemon.host(HOSTS[0]).status == 200
        fake.start()
        wait_until(lambda: _ask(server, HOSTS[0]) == (200, "Linux"), "HAProxy to take it back")


@pytest.fixture(name="two")
def _two(scratch):
    """Two daemons, each with a p0f of its own, which is called p0f-1 or p0f-2 in all that it says."""
    with contextlib.ExitStack() as stack:
        p0fs, daemons = [], []
        for name in ("p0f-1", "p0f-2"):
            p0fs.append(stack.enter_context(
                FakeP0f(f"{scratch}/{name}.sock", {host: {"os_name": name} for host in HOSTS})))
            daemons.append(stack.enter_context(Daemon(scratch, p0fs[-1].path, {
                "p0f.first_contact_wait": "0", "cache.ttl": "1ms", "cache.incomplete_ttl": "1ms"})))
            daemons[-1].wait_for_p0f()
        yield p0fs, daemons


def _answers(server):
    return {_ask(server, host) for host in HOSTS}


FROM_1, FROM_2 = (200, "p0f-1"), (200, "p0f-2")
NO_FALLBACK = ("default_backend p0f-alive", "default_backend p0f-ready")


@pytest.mark.parametrize("changes", [[], [NO_FALLBACK]], ids=["as it is", "/readyz alone"])
def test_another_takes_over(scratch, two, changes):
    (first, second), daemons = two
    with _haproxy(scratch, SEVERAL, [daemon.port for daemon in daemons], *changes) as server:
        wait_until(lambda: _answers(server) == {FROM_1, FROM_2}, "both to be used")
        first.stop()
        wait_until(lambda: _answers(server) == {FROM_2}, "the second to take over")
        second.stop()
        if changes:
            wait_until(lambda: _answers(server) == {(503, None)}, "HAProxy to give both up")
        else:
            wait_until(lambda: _answers(server) == {FROM_1, FROM_2}, "both to serve what they remember")
        first.start()
        wait_until(lambda: _answers(server) == {FROM_1}, "the first to be used again")
        second.start()
        wait_until(lambda: _answers(server) == {FROM_1, FROM_2}, "both to be used")


def test_with_stale_ok_one_without_p0f_stays(scratch, two):
    (first, _), daemons = two
    with _haproxy(scratch, SEVERAL, [daemon.port for daemon in daemons],
                  ("GET /readyz\n", "GET /readyz?stale=ok\n")) as server:
        wait_until(lambda: _answers(server) == {FROM_1, FROM_2}, "both to be used")
        _p0f_goes_down(first, daemons[0])
        assert FROM_1 in _answers(server)


def test_a_daemon_is_gone(scratch, two):
    """What would have been its hosts are the other's, at once."""
    _, daemons = two
    with _haproxy(scratch, SEVERAL, [daemon.port for daemon in daemons]) as server:
        wait_until(lambda: _answers(server) == {FROM_1, FROM_2}, "both to be used")
        daemons[0].stop()
        assert _answers(server) == {FROM_2}
        daemons[0].start()
        wait_until(lambda: _answers(server) == {FROM_1, FROM_2}, "both to be used")


@pytest.mark.parametrize("bound", [ONE, SEVERAL])
def test_self_is_the_client(scratch, one, bound):
    _, daemon = one
    with _haproxy(scratch, bound, [daemon.port]) as server:
        for forged in (None, HOSTS[0], f"{HOSTS[0]}, 127.0.0.1"):
            answer = fetch(server.endpoint, "/self", forged and {"X-Forwarded-For": forged},
                           source="127.0.0.2")
            assert answer.json()["ip"] == "127.0.0.2", answer


# Where HAProxy connects from, as what is trusted must send a PROXY header and we do not.
PROXY = "127.0.0.9"


@pytest.mark.parametrize("bound", [ONE, SEVERAL])
@pytest.mark.parametrize("mode", ["http", "tcp"])
def test_self_with_the_proxy_protocol(scratch, fake, serve, bound, mode):
    changes = [("rise 1\n", f"rise 1 source {PROXY} send-proxy-v2\n")]
    if mode == "tcp":
        changes += [("mode http\n", "mode tcp\n"), ("    option forwardfor\n", ""), ("    balance uri\n", ""),
                    ("    hash-type consistent\n", "")]
    fake.hosts = {host: {"os_name": "Linux"} for host in HOSTS}
    with serve(fake, {"p0f.first_contact_wait": "0", "http.proxy_protocol": "yes",
                      "http.trusted_proxies": PROXY}) as daemon:
        daemon.wait_for_p0f()
        with _haproxy(scratch, bound, [daemon.port], *changes) as server:
            for forged in (None, HOSTS[0], f"{HOSTS[0]}, {PROXY}"):
                answer = fetch(server.endpoint, "/self", forged and {"X-Forwarded-For": forged},
                               source="127.0.0.2")
                assert answer.json()["ip"] == "127.0.0.2", answer
            _wait_for_checks(daemon)
            assert "is DOWN" not in server.log(), server.log()


def test_haproxy_has_no_complaint(scratch):
    assert haproxy.DebianHaProxy(scratch, example_text("haproxy/p0f-api.cfg")).complaint() == ""
