# SPDX-License-Identifier: MIT
"""GET /self: what is known of who asks, wherever the request came through."""

import http.client

import pytest

import host_json
import loopback
from daemon import Daemon, free_port
from fake_p0f import FakeP0f
from http_client import ask, fetch, fetch_target
from problems import assert_problem
from real_p0f import RealP0f
from waiting import wait_until

VISITOR = "198.51.100.1"
PROXY = "192.0.2.10"
PEER = "127.0.0.1"
ANEW = {"Cache-Control": "no-cache"}
KNOWN = {VISITOR: {"os_name": "visitor"}, "2001:db8::1": {"os_name": "visitor of today"},
         PROXY: {"os_name": "proxy"}, PEER: {"os_name": "peer"}}


def _forwarded(*addresses):
    return {"X-Forwarded-For": ", ".join(addresses)}


def _ip(answer):
    assert answer.status == 200, answer
    return answer.json()["ip"]


@pytest.fixture(name="lab", scope="module")
def _lab(module_scratch):
    """(daemon, path): with a proxy elsewhere, and a unix socket at the path."""
    unix = f"{module_scratch}/http.sock"
    trusted = {"http.trusted_proxies": f"127.0.0.0/8, {PROXY}"}
    with FakeP0f(f"{module_scratch}/p0f.sock", KNOWN) as fake, \
            Daemon(module_scratch, fake.path, trusted, also_listen=[f"unix:{unix}"]) as daemon:
        daemon.wait_for_p0f()
        yield daemon, unix


@pytest.fixture(name="daemon")
def _daemon(lab):
    return lab[0]


# -- who asks --------------------------------------------------------------------------------------

FORWARDED = {
    "": PEER,
    VISITOR: VISITOR,
    f"{VISITOR}:4711": VISITOR,
    f"::ffff:{VISITOR}": VISITOR,
    "[2001:db8::1]:4711": "2001:db8::1",
    f"{VISITOR}, {PROXY}": VISITOR,
    f"{VISITOR}, {PROXY}, 127.0.0.7": VISITOR,
    f"10.9.8.7, {VISITOR}": VISITOR,            # the visitor's own words before it are not believed
    f"10.9.8.7, {VISITOR}, {PROXY}": VISITOR,
    f"{VISITOR}, , {PROXY},": VISITOR,
    f"{VISITOR}, unknown, {PROXY}": PROXY,      # nor is what is left of an entry that is no address
    f"{VISITOR}, unknown": PEER,
    "nonsense": PEER,
    f"{PROXY}, 127.0.0.7": PROXY,               # all of them trusted: whoever is farthest away
}


@pytest.mark.parametrize("field", FORWARDED)
def test_behind_trusted_proxies(daemon, field):
    assert _ip(daemon.get("/self", {"X-Forwarded-For": field})) == FORWARDED[field]


def test_without_the_field(daemon):
    assert _ip(daemon.get("/self")) == PEER


def test_the_field_repeated(daemon):
    """Several fields are one list; and no number of them is too many."""
    lines = ["X-Forwarded-For: 10.9.8.7", f"X-Forwarded-For: {VISITOR}",
             f"x-forwarded-for: {PROXY}"]
    assert _ip(fetch_target(daemon.endpoint, "/self", *lines)) == VISITOR
    answer = fetch_target(daemon.endpoint, "/self", *reversed(lines))
    assert_problem(answer, 404, "no-match", "10.9.8.7")
    many = [f"X-Forwarded-For: {VISITOR}"] + ["X-Forwarded-For: 127.0.0.1"] * 100
    assert _ip(fetch_target(daemon.endpoint, "/self", *many)) == VISITOR


def test_spoofing_from_a_peer_that_is_not_trusted(fake, serve):
    fake.hosts.update(KNOWN)
    with serve(fake, {"http.trusted_proxies": "10.0.0.0/8, ::1"}) as daemon:
        daemon.wait_for_p0f()
        for field in FORWARDED:
            assert _ip(daemon.get("/self", {"X-Forwarded-For": field})) == PEER
        assert fake.counts[VISITOR] == 0


def test_nobody_is_trusted(fake, serve):
    fake.hosts.update(KNOWN)
    with serve(fake, {"http.trusted_proxies": ""}) as daemon:
        daemon.wait_for_p0f()
        assert _ip(daemon.get("/self", _forwarded(VISITOR))) == PEER


def test_over_a_unix_socket(lab):
    """Who may connect there is trusted, and has no address to fall back to."""
    _, unix = lab
    assert _ip(fetch(unix, "/self", _forwarded(VISITOR, PROXY))) == VISITOR
    for headers in ({}, _forwarded("nonsense"), _forwarded(VISITOR, "unknown")):
        problem = assert_problem(fetch(unix, "/self", headers), 400, "bad-address")
        assert "X-Forwarded-For" in problem["detail"]
        assert "ip" not in problem


# -- what is answered ------------------------------------------------------------------------------

def test_it_is_as_for_a_host(daemon):
    for query in ("", "?format=parsed", "?format=raw", "?wait=5", "?wait=0&format=raw&x=y"):
        mine = daemon.get(f"/self{query}", _forwarded(VISITOR))
        host = daemon.host(VISITOR, query)
        assert mine.status == 200
        assert mine.body == host.body
        assert mine["ETag"] == host["ETag"]
        assert mine["Content-Type"] == host["Content-Type"]
        assert int(mine["Age"]) >= 0
        assert mine.cache_status()


def test_head_and_not_modified(daemon):
    whole = daemon.get("/self", _forwarded(VISITOR))
    head = daemon.get("/self", _forwarded(VISITOR), method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert (head["ETag"], head["Content-Length"]) == (whole["ETag"], str(len(whole.body)))
    same = daemon.get("/self", {**_forwarded(VISITOR), "If-None-Match": whole["ETag"]})
    assert (same.status, same.body) == (304, b"")
    assert "private" in same["Cache-Control"]


def test_bad_parameters(daemon):
    for query, name in (("?format=xml", "format"), ("?wait=5001", "wait"), ("?wait=", "wait")):
        problem = assert_problem(daemon.get(f"/self{query}"), 400, "bad-parameter")
        assert name in problem["detail"]


@pytest.mark.parametrize("path", ["/self/", "/selfish", "/Self", f"/self/{VISITOR}"])
def test_no_such_path(daemon, path):
    assert_problem(daemon.get(path), 404, "not-found")


def test_methods(daemon):
    answer = daemon.get("/self", method="POST", body=b"{}")
    assert_problem(answer, 405, "method-not-allowed")
    assert answer["Allow"] == "GET, HEAD, OPTIONS"
    answer = daemon.get("/self", method="OPTIONS")
    assert (answer.status, answer["Allow"]) == (204, "GET, HEAD, OPTIONS")


def test_the_index_names_it(daemon):
    paths = daemon.get("/").json()["paths"]
    assert "/self" in paths and "/forward-auth" in paths


def test_no_shared_cache_may_keep_it(daemon):
    """What it says depends on who asks, which the address alone does not tell a cache."""
    for _ in range(4):          # the same response may be served again, but not to the other path
        mine = daemon.get("/self", _forwarded(VISITOR)).cache_control()
        host = daemon.host(VISITOR).cache_control()
        assert mine.pop("private") is True
        assert mine == host
    unknown = daemon.get("/self", _forwarded("198.51.100.77"))
    assert_problem(unknown, 404, "no-match", "198.51.100.77")
    assert unknown.cache_control()["private"] is True
    assert "no-store" in daemon.get("/self?wait=x")["Cache-Control"]


# -- the host is here now --------------------------------------------------------------------------

def test_a_remembered_no_match_does_not_do(fake, serve):
    settings = {"cache.negative_ttl": "1h", "p0f.first_contact_wait": "5s"}
    with serve(fake, settings) as daemon:
        assert daemon.host(VISITOR, "?wait=0").status == 404
        fake.hosts[VISITOR] = lambda nth: {"os_name": "Linux"} if nth >= 4 else None
        # Who says not to wait, does not; but p0f is asked.
        assert daemon.get("/self?wait=0", _forwarded(VISITOR)).status == 404
        assert fake.counts[VISITOR] == 2
        # Who does not want p0f to be asked, gets nothing.
        only_if_cached = {**_forwarded(VISITOR), "Cache-Control": "only-if-cached"}
        assert_problem(daemon.get("/self", only_if_cached), 504, "p0f-timeout", VISITOR)
        assert fake.counts[VISITOR] == 2
        assert daemon.get("/self", _forwarded(VISITOR)).status == 200
        assert fake.counts[VISITOR] == 4


def test_p0f_is_asked_also_where_first_contacts_are_not_waited_for(fake, serve):
    with serve(fake, {"cache.negative_ttl": "1h", "p0f.first_contact_wait": "0"}) as daemon:
        assert daemon.host(VISITOR).status == 404
        fake.hosts[VISITOR] = {"os_name": "Linux"}
        assert daemon.host(VISITOR).status == 404
        assert daemon.get("/self", _forwarded(VISITOR)).status == 200


def test_first_contact_with_the_real_p0f(needs_p0f, scratch, serve):
    """A fresh host asks about itself on its first connection."""
    source = f"{loopback.NETWORK}.7.1"
    with RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            serve(p0f, {"p0f.first_contact_wait": "5s", "p0f.timeout": "15s"}) as daemon:
        connection = http.client.HTTPConnection(*daemon.endpoint, timeout=30,
                                                source_address=(source, 0))
        mine = ask(connection, "/self")
        assert _ip(mine) == source
        assert mine.json()["os_name"] == p0f.ask(source)["os_name"].decode()
        connection.close()


def test_first_contact_over_ipv6(needs_p0f, scratch, serve):
    port = free_port()
    with RealP0f(scratch, packets="ip6") as p0f, \
            serve(p0f, {"p0f.first_contact_wait": "5s", "p0f.timeout": "15s"},
                  also_listen=[f"[::1]:{port}"]) as daemon:
        assert _ip(fetch(("::1", port), "/self")) == "::1"
        auth = fetch(("::1", port), "/forward-auth")
        assert auth["X-P0F-Status"] == "ok"
        assert auth["X-P0F-Distance"] == str(p0f.ask("::1")["distance"])


def test_every_field_is_that_of_p0f(needs_p0f, scratch, serve):
    visitor = f"{loopback.NETWORK}.7.2"
    with loopback.WebServer() as web, \
            RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            serve(p0f) as daemon:
        loopback.visit(visitor, web.address, language="fr")
        wait_until(lambda: (p0f.known(visitor) or {}).get("language"), "p0f to read the request")
        headers = {**ANEW, **_forwarded(visitor)}
        answer = daemon.get("/self", headers)
        assert list(answer.json().items()) == \
            list(host_json.parsed(visitor, p0f.ask(visitor)).items())
        answer = daemon.get("/self?format=raw", headers)
        assert list(answer.json().items()) == \
            list(host_json.raw(visitor, p0f.ask(visitor)).items())
