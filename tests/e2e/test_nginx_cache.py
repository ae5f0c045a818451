# SPDX-License-Identifier: MIT
"""The example of an nginx that keeps answers, as it stands in conf/, with the real nginx and p0f: it
goes by what our header fields say."""

import re
import signal

import pytest

import loopback
import nginx
from daemon import Daemon, free_port
from http_client import fetch
from real_p0f import RealP0f
from waiting import wait_until

HOST = f"{loopback.NETWORK}.10.1"
STRANGER = "192.0.2.9"


def configure(scratch, daemon, port, changes=()):
    """That nginx, as nginx.Nginx takes it, in front of the daemon."""
    path = nginx.example("p0f-cache.conf", scratch, [
        ("127.0.0.1:5030", f"127.0.0.1:{daemon.port}"), ("127.0.0.1:5031", f"127.0.0.1:{port}"),
        ("/var/cache/nginx-p0f-lookupd", f"{scratch}/cache"), *changes])
    return f"include {path};"


class Lab:
    """p0f that has seen a host, the daemon, and nginx in front of it."""

    def __init__(self, scratch, settings, changes=()):
        self.p0f = RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16")
        self.daemon = Daemon(scratch, self.p0f.socket, {
            "http.access_log": "yes", "p0f.first_contact_wait": "0", "cache.incomplete_ttl": "1h",
            "http.server_names": "p0f.example.org", **settings})
        port = free_port()
        self.nginx = nginx.Nginx(scratch, configure(scratch, self.daemon, port, changes), port)

    def __enter__(self):
        self.p0f.start()
        with loopback.WebServer() as web:
            loopback.visit(HOST, web.address)
        wait_until(lambda: (self.p0f.known(HOST) or {}).get("http_name"), "p0f to know the host")
        self.daemon.start().wait_for_p0f()
        self.nginx.__enter__()
        return self

    def __exit__(self, *error):
        self.nginx.__exit__(*error)
        self.daemon.__exit__(*error)
        self.p0f.stop()

    def get(self, path=f"/host/{HOST}", headers=None, **options):
        return fetch(self.nginx.endpoint, path, headers, **options)

    def reached_us(self, path=f"/host/{HOST}"):
        """The statuses of the answers that the daemon gave, from its access log."""
        self.daemon.wait_for_log()
        return [int(status) for status in re.findall(f'"GET {re.escape(path)}" (\\d+)',
                                                     self.daemon.log())]


def _says(answer):
    """What nginx says of itself in Cache-Status, behind what we say."""
    ours, *others = ", ".join(answer.headers.get_all("Cache-Status")).split(", ")
    assert ours.startswith("p0f-lookupd; ") and len(others) == 1, answer
    name, _, said = others[0].partition("; ")
    assert name == "nginx", answer
    return said


def _until_it_says(lab, words, body, seen=None):
    """Ask until nginx says that; all answers on the way must have that body."""
    def said():
        answer = lab.get()
        assert answer.status == 200 and answer.body == body, answer
        if seen is not None:
            seen.add(_says(answer))
        return _says(answer) == words and answer
    return wait_until(said, f"nginx to say {words}")


pytestmark = pytest.mark.usefixtures("needs_p0f")


def test_hits_do_not_reach_us(scratch):
    with Lab(scratch, {"cache.ttl": "1h"}) as lab:
        direct = lab.daemon.host(HOST)
        first = lab.get()
        assert (first.status, _says(first)) == (200, "fwd=uri-miss")
        assert (first.body, first["ETag"]) == (direct.body, direct["ETag"])
        before = len(lab.reached_us())
        for _ in range(20):
            again = lab.get()
            assert (again.status, _says(again)) == (200, "hit")
            assert again.body == direct.body
            for name in ("ETag", "Cache-Control", "Content-Type"):
                assert again[name] == direct[name]
        same = lab.get(headers={"If-None-Match": direct["ETag"]})
        assert (same.status, same.body) == (304, b"")
        assert len(lab.reached_us()) == before
        # Another format is another page.
        assert lab.get(f"/host/{HOST}?format=raw").json()["status"] == 0x10


def test_a_no_match_is_kept_too(scratch):
    with Lab(scratch, {"cache.negative_ttl": "1h"}) as lab:
        path = f"/host/{STRANGER}"
        assert [lab.get(path).status for _ in range(5)] == [404] * 5
        assert lab.reached_us(path) == [404]
        assert _says(lab.get(path)) == "hit"


def test_what_is_not_for_keeping_is_not_kept(scratch):
    """Errors, /self and the state of things."""
    with Lab(scratch, {"p0f.timeout": "1h"}) as lab:
        lab.p0f.kill()
        wait_until(lambda: lab.get(f"/host/{STRANGER}").status == 503, "the loss to be noticed")
        for path, status in ((f"/host/{STRANGER}", 503), ("/host/x", 400), ("/livez", 200),
                             ("/readyz", 503), ("/status", 200)):
            for _ in range(2):
                before = len(lab.reached_us(path))
                assert lab.get(path).status == status
                assert len(lab.reached_us(path)) == before + 1


def test_no_cache_goes_through(scratch):
    with Lab(scratch, {"cache.ttl": "1h"}) as lab:
        lab.get()
        answer = lab.get(headers={"Cache-Control": "no-cache"})
        assert _says(answer) == "fwd=request"
        assert lab.reached_us() == [200, 200]


def test_what_has_expired_is_revalidated(scratch):
    """Without stale-while-revalidate, the request that finds it expired waits for our 304."""
    with Lab(scratch, {"cache.ttl": "1s", "cache.stale_while_revalidate": "0"}) as lab:
        first = lab.get()
        seen = set()
        _until_it_says(lab, "fwd=stale; fwd-status=304", first.body, seen)
        assert seen <= {"hit", "fwd=stale; fwd-status=304"}
        assert lab.reached_us() == [200, 304]
        # And that renewed it.
        _until_it_says(lab, "hit", first.body)
        assert set(lab.reached_us()[1:]) == {304}


def test_what_has_changed_is_replaced(scratch):
    with Lab(scratch, {"cache.ttl": "1s", "cache.stale_while_revalidate": "0"}) as lab:
        first = lab.get()
        with loopback.WebServer() as web:
            loopback.visit(HOST, web.address)
        wait_until(lambda: lab.p0f.ask(HOST)["total_conn"] > first.json()["total_conn"],
                   "p0f to see another visit")
        changed = wait_until(lambda: (a := lab.get()).body != first.body and a, "the new answer")
        assert changed.json()["total_conn"] > first.json()["total_conn"]
        assert set(lab.reached_us()) <= {200, 304}


def test_stale_at_once_while_it_is_revalidated(scratch):
    with Lab(scratch, {"cache.ttl": "1s", "cache.stale_while_revalidate": "1h"}) as lab:
        first = lab.get()
        seen = set()
        stale = _until_it_says(lab, "hit; detail=stale", first.body, seen)
        assert stale["ETag"] == first["ETag"]
        wait_until(lambda: lab.reached_us() == [200, 304], "the question in the background")
        _until_it_says(lab, "hit", first.body, seen)
        assert not any("fwd" in said for said in seen), "somebody waited for us"


def test_stale_when_we_are_gone(scratch):
    with Lab(scratch, {"cache.ttl": "1s", "cache.stale_while_revalidate": "0",
                       "cache.stale_if_error": "1h"}) as lab:
        first = lab.get()
        lab.daemon.stop()
        seen = set()
        _until_it_says(lab, "hit; detail=stale", first.body, seen)
        assert seen <= {"hit", "hit; detail=stale"}
        assert lab.get(f"/host/{STRANGER}").status == 502
        lab.daemon.start()
        _until_it_says(lab, "fwd=stale; fwd-status=304", first.body)


def test_stale_when_we_hang(scratch):
    changes = [("proxy_read_timeout 10s", "proxy_read_timeout 1s")]
    with Lab(scratch, {"cache.ttl": "1s", "cache.stale_while_revalidate": "0"}, changes) as lab:
        first = lab.get()
        lab.daemon.signal(signal.SIGSTOP)
        try:
            _until_it_says(lab, "hit; detail=stale", first.body)
        finally:
            lab.daemon.signal(signal.SIGCONT)
        _until_it_says(lab, "fwd=stale; fwd-status=304", first.body)


@pytest.mark.parametrize("stale_for_errors", [False, True])
def test_when_we_know_nothing_any_more(scratch, stale_for_errors):
    """Restarted, with a p0f that is dead: the line that is there as a comment makes a difference."""
    line = "proxy_cache_use_stale http_502"
    changes = [(f"#{line}", line)] if stale_for_errors else []
    with Lab(scratch, {"cache.ttl": "1s", "cache.stale_while_revalidate": "0"}, changes) as lab:
        first = lab.get()
        lab.daemon.stop()
        lab.p0f.kill()
        lab.daemon.start()
        wait_until(lambda: lab.daemon.host(HOST).status == 503, "the daemon to be of no use")
        if stale_for_errors:
            _until_it_says(lab, "hit; detail=stale", first.body)
        else:
            wait_until(lambda: lab.get().status == 503, "nginx to say so")


def test_a_host_that_p0f_has_forgotten(scratch):
    """A 404 is no error for which something stale could be served."""
    with Lab(scratch, {"cache.ttl": "1s", "cache.stale_while_revalidate": "0"}) as lab:
        assert lab.get().status == 200
        lab.daemon.stop()
        lab.p0f.kill()
        lab.p0f.start()
        lab.daemon.start()
        wait_until(lambda: lab.get().status == 404, "nginx to say so")


def test_not_stale_for_longer_than_allowed(scratch):
    with Lab(scratch, {"cache.ttl": "1s", "cache.stale_while_revalidate": "0",
                       "cache.stale_if_error": "1s"}) as lab:
        assert lab.get().status == 200
        lab.daemon.stop()
        wait_until(lambda: lab.get().status == 502, "the end of its grace")
