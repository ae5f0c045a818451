# SPDX-License-Identifier: MIT
"""GET /forward-auth: what is known of a visitor as header fields, for a web server to pass on. It is
always a 204, so that nobody is turned away from a site for what we do not know."""

import urllib.parse

import pytest

import host_json
import loopback
import p0f_wire
from daemon import Daemon
from fake_p0f import FakeP0f, Reply
from http_client import fetch
from problems import assert_problem
from real_p0f import RealP0f
from waiting import wait_until

VISITOR = "198.51.100.1"
ANEW = {"Cache-Control": "no-cache"}
FULL = {"os_name": "Linux", "os_flavor": "3.11 and newer", "http_name": "Firefox",
        "http_flavor": "10.x or newer", "link_type": "DSL", "language": "English", "distance": 11,
        "uptime_min": 12345, "last_nat": 1_700_000_000, "bad_sw": 2, "os_match_q": 3}


def _fields(answer):
    """The X-P0F- fields of a 204, as they came."""
    assert answer.status == 204, answer
    assert answer.body == b""
    assert answer["Cache-Control"] == "no-store"
    found = [(name[6:], value) for name, value in answer.headers.items()
             if name.startswith("X-P0F-")]
    assert len(dict(found)) == len(found), f"a field is there twice: {found}"
    for _, value in found:
        assert value and all(" " <= c <= "~" for c in value), value
    return dict(found)


def _decoded(answer):
    return {name: urllib.parse.unquote(value, errors="strict")
            for name, value in _fields(answer).items()}


def _ask(daemon, address=VISITOR, path="/forward-auth", headers=None, **options):
    return daemon.get(path, {"X-Forwarded-For": address, **(headers or {})}, **options)


# -- the real p0f ----------------------------------------------------------------------------------

def test_the_fields_are_those_of_p0f(needs_p0f, scratch, serve):
    addresses = [f"{loopback.NETWORK}.8.{number}" for number in (1, 2, 3)]
    with loopback.WebServer() as web, \
            RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            serve(p0f) as daemon:
        loopback.visit(addresses[0], web.address, language="fr", segment_size=1412, hops=3,
                       enough=lambda: (p0f.known(addresses[0]) or {}).get("uptime_min"))
        loopback.visit(addresses[1], web.address, agent="not ELinks at all")
        loopback.connect(addresses[2], web.address).close()
        for address in addresses[:2]:
            wait_until(lambda a=address: (p0f.known(a) or {}).get("language"),
                       f"p0f to read the request of {address}")
        wait_until(lambda: p0f.known(addresses[2]), "p0f to see a connection")
        for address in addresses:
            assert _decoded(_ask(daemon, address)) == host_json.header_fields(p0f.ask(address))
        # Else the comparison would prove little.
        first, liar, quiet = (_fields(_ask(daemon, address)) for address in addresses)
        assert first["OS"].startswith("Linux ") and first["OS-Name"] == "Linux"
        assert first["HTTP"].startswith("elinks") or first["HTTP"].startswith("ELinks")
        assert (first["Language"], first["Distance"]) == ("French", "3")
        assert int(first["Uptime-Min"]) > 0
        assert liar["Bad-SW"] == "2"
        assert "HTTP" not in quiet and "Bad-SW" not in quiet
        assert _fields(_ask(daemon, f"{loopback.NETWORK}.8.99")) == {"Status": "no-match"}


def test_the_real_p0f_is_dead(needs_p0f, scratch, serve):
    """Nobody waits for it: p0f.timeout is longer than this test would wait."""
    with RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            serve(p0f, {"p0f.timeout": "1h", "p0f.first_contact_wait": "0"}) as daemon:
        daemon.wait_for_p0f()
        assert _fields(_ask(daemon)) == {"Status": "no-match"}
        p0f.kill()
        for _ in range(3):
            assert _fields(_ask(daemon, "198.51.100.2")) == {"Status": "error"}


# -- everything p0f can say ------------------------------------------------------------------------

def _served(answer):
    """What a fake host looks like as p0f would send it."""
    return p0f_wire.unpack_answer(p0f_wire.pack_answer(**answer))


HOSTS = {
    "198.51.100.10": FULL,
    "198.51.100.11": {},
    "198.51.100.12": {"distance": 0, "os_name": "Windows"},
    "198.51.100.13": {"os_name": b"\xffis\xe9", "os_flavor": "ü%41 \r\nX-Evil: yes"},
    "198.51.100.14": {"http_name": "x" * 32, "http_flavor": "y" * 32, "language": b"\xff" * 32},
    "198.51.100.15": {"link_type": "a\0b", "language": "100 % sure", "os_name": "日本"},
    "198.51.100.16": {"uptime_min": 0xFFFFFFFF, "last_nat": 0xFFFFFFFF, "distance": 32767},
    "198.51.100.17": {"http_name": " ", "language": "\t", "link_type": "  two  "},
}


@pytest.fixture(name="lab", scope="module")
def _lab(module_scratch):
    unix = f"{module_scratch}/http.sock"
    with FakeP0f(f"{module_scratch}/p0f.sock", HOSTS) as fake, \
            Daemon(module_scratch, fake.path, also_listen=[f"unix:{unix}"]) as daemon:
        daemon.wait_for_p0f()
        yield daemon, unix


@pytest.fixture(name="daemon")
def _daemon(lab):
    return lab[0]


@pytest.mark.parametrize("address", HOSTS)
def test_what_p0f_says_arrives_unharmed(daemon, address):
    answer = _ask(daemon, address)
    expected = host_json.header_fields(_served(HOSTS[address]))
    if address.endswith(".17"):         # p0f's name is a blank: OS and HTTP keep even that
        expected["HTTP"] = " "
    assert _decoded(answer) == expected
    assert answer["X-Evil"] is None


def test_the_example_of_the_contract(daemon):
    fields = _fields(_ask(daemon, "198.51.100.10"))
    assert fields["OS"] == "Linux 3.11 and newer"
    assert fields["NAT"] == "2023-11-14T22:13:20Z"


def test_head(daemon):
    address = "198.51.100.10"
    assert _fields(_ask(daemon, address, method="HEAD")) == _fields(_ask(daemon, address))


def test_other_methods(daemon):
    answer = _ask(daemon, method="POST", body=b"{}")
    assert_problem(answer, 405, "method-not-allowed")
    assert answer["Allow"] == "GET, HEAD, OPTIONS"


# -- never in the way ------------------------------------------------------------------------------

@pytest.mark.parametrize("query", ["?format=xml", "?wait=-1", "?wait=x&format=", "?%zz=%00"])
def test_wrong_parameters_are_ignored(daemon, query):
    assert _fields(_ask(daemon, "198.51.100.10", f"/forward-auth{query}"))["Status"] == "ok"


def test_fields_that_are_the_visitors(fake, serve):
    """A web server passes them on: a visitor who reloads, or who has big cookies, or tells of pages
    that it has, is a visitor all the same, and no reason to ask p0f again."""
    fake.hosts[VISITOR] = FULL
    with serve(fake, {"cache.ttl": "1h"}) as daemon:
        daemon.wait_for_p0f()
        for headers in ({"Cache-Control": "only-if-cached"}, {"Cache-Control": "no-cache"},
                        {"Cache-Control": "max-age=0"}, {"If-None-Match": "*"},
                        {"Cookie": "c" * 7_000}, {"Expect": "200-maybe"},
                        {"Authorization": "Basic eDp5"}, {"Range": "bytes=0-1"}):
            assert _fields(_ask(daemon, headers=headers))["OS-Name"] == "Linux"
        assert fake.counts[VISITOR] == 1


@pytest.mark.parametrize("size", [1, 100_000, 3_000_000])
def test_a_visitors_body(daemon, size):
    """Web servers should keep it to themselves; but not all are told to."""
    answer = _ask(daemon, "198.51.100.10", body=b"x" * size)
    assert _fields(answer)["Status"] == "ok"


def test_who_it_is_cannot_be_told(lab):
    _, unix = lab
    assert _fields(fetch(unix, "/forward-auth")) == {"Status": "error"}
    headers = {"X-Forwarded-For": "198.51.100.10"}
    assert _fields(fetch(unix, "/forward-auth", headers))["Status"] == "ok"


def test_a_visitor_is_not_believed_what_it_says_of_itself(fake, serve):
    fake.hosts.update({VISITOR: FULL, "127.0.0.1": {"os_name": "peer"}})
    with serve(fake, {"http.trusted_proxies": "10.0.0.0/8"}) as daemon:
        daemon.wait_for_p0f()
        assert _fields(_ask(daemon))["OS-Name"] == "peer"


WRONG = {
    "bad magic": Reply(p0f_wire.pack_answer(magic=0x12345678)),
    "bad status": Reply(p0f_wire.pack_answer(status=0x30)),
    "bad query": Reply(p0f_wire.pack_answer(status=p0f_wire.BADQUERY)),
    "bad_sw out of range": {"bad_sw": 3},
    "os_match_q out of range": {"os_match_q": 4},
}


@pytest.mark.parametrize("what", WRONG)
def test_p0f_answers_nonsense(fake, serve, what):
    fake.hosts[VISITOR] = WRONG[what]
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        assert _fields(_ask(daemon)) == {"Status": "error"}


def test_p0f_does_not_answer(fake, serve):
    with serve(fake, {"p0f.timeout": "300ms"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        assert _fields(_ask(daemon)) == {"Status": "error"}
        fake.release()


def test_p0f_was_never_there(scratch, serve):
    with serve(f"{scratch}/nothing.sock", {"p0f.timeout": "1h"}) as daemon:
        assert _fields(_ask(daemon)) == {"Status": "error"}


def test_too_many_lookups(fake, serve):
    with serve(fake, {"p0f.max_pending": "1", "p0f.timeout": "25s"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold("198.51.100.2")
        first = daemon.connect()
        first.request("GET", "/host/198.51.100.2")
        wait_until(lambda: fake.counts["198.51.100.2"], "the first lookup")
        assert _fields(_ask(daemon)) == {"Status": "error"}
        fake.release()
        assert first.getresponse().status == 404
        first.close()


def test_what_is_remembered_is_told_when_p0f_is_gone(fake, serve):
    fake.hosts[VISITOR] = FULL
    settings = {"cache.ttl": "1ms", "cache.stale_while_revalidate": "0", "p0f.timeout": "1h"}
    with serve(fake, settings) as daemon:
        assert daemon.wait_for_p0f() and _fields(_ask(daemon))["Status"] == "ok"
        fake.stop()
        wait_until(lambda: daemon.host("198.51.100.3").status == 503, "the loss to be noticed")
        assert _fields(_ask(daemon)) == host_json.header_fields(_served(FULL))
        assert fake.counts[VISITOR] == 1


def test_a_remembered_no_match_does_not_do(fake, serve):
    """The visitor is here now: p0f has surely just seen it."""
    settings = {"cache.negative_ttl": "1h", "p0f.first_contact_wait": "5s"}
    with serve(fake, settings) as daemon:
        assert daemon.host(VISITOR, "?wait=0").status == 404
        fake.hosts[VISITOR] = lambda nth: FULL if nth >= 4 else None
        assert _fields(_ask(daemon))["Status"] == "ok"
        assert fake.counts[VISITOR] == 4
