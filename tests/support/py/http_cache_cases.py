# SPDX-License-Identifier: MIT
"""What must hold for an HTTP cache in front of p0f-lookupd, with the real p0f: it goes by what the header
fields of the daemon say.

A test module gets all these tests by a class of its own:

    class TestVarnish(HttpCacheCases):
        unreachable = 503               # what it says when it has nothing and the daemon is down

        @contextlib.contextmanager
        def cache(self, directory, port):
            ...start it, with the example from conf/, in front of that port...
            yield endpoint              # (host, port), where it listens

What a cache cannot do it says by overriding that test: its docstring tells why, and its body tests what
happens instead."""

import concurrent.futures
import contextlib
import itertools
import os
import re
import signal
import tempfile

import pytest

import http_client
import loopback
from daemon import Daemon, free_port
from real_p0f import RealP0f
from waiting import wait_until

_numbers = itertools.count(1)

# How what has expired is revalidated.
AT_ONCE = {"cache.ttl": "1s", "cache.stale_while_revalidate": "0"}
AT_LEISURE = {"cache.ttl": "1s", "cache.stale_while_revalidate": "1h"}


def stranger():
    """An address that p0f has not seen, and nobody has asked about."""
    return f"192.0.2.{next(_numbers)}"


class Lab:
    """What a test has: p0f, the cache, and the port of the daemon behind it. `fields` are in each request."""

    def __init__(self, directory, p0f, port, endpoint, fields):
        self.p0f, self.port, self.endpoint = p0f, port, endpoint
        self._directory, self._fields = directory, fields

    def behind(self, endpoint):
        """The same with another cache."""
        return Lab(self._directory, self.p0f, self.port, endpoint, self._fields)

    @contextlib.contextmanager
    def serve(self, settings=None):
        """A daemon with these settings. Each has a log of its own."""
        directory = os.path.join(self._directory, str(next(_numbers)))
        os.mkdir(directory)
        daemon = Daemon(directory, self.p0f.socket, {
            "http.listen": f"127.0.0.1:{self.port}", "http.access_log": "yes", "http.trusted_proxies": "127.0.0.1",
            "http.server_names": "p0f.example.org", "p0f.first_contact_wait": "0", "cache.ttl": "1h",
            "cache.incomplete_ttl": "1h", **(settings or {})})
        daemon.port, daemon.endpoint = self.port, ("127.0.0.1", self.port)
        with daemon:
            daemon.wait_for_p0f()
            wait_until(lambda: self.get("/livez").status == 200, "the cache to reach the daemon")
            yield daemon

    def visitor(self):
        """The address of somebody whom p0f has just seen for the first time."""
        number = next(_numbers)
        address = f"{loopback.NETWORK}.{60 + number // 250}.{1 + number % 250}"
        self.visit(address)
        self.p0f.wait_to_know(address)
        return address

    @staticmethod
    def visit(address):
        with loopback.WebServer() as web:
            loopback.visit(address, web.address)

    def get(self, path, headers=None, source=None, method="GET", body=None):
        """An answer of the cache, which has fields that the daemon does not have."""
        connection = http_client.connect(self.endpoint, source=source)
        try:
            connection.request(method, path, body=body, headers={**self._fields, **(headers or {})})
            return http_client.Answer(connection.getresponse())
        finally:
            connection.close()


def reached(daemon, path, method="GET"):
    """The statuses of the daemon's answers about this path, from its access log."""
    daemon.wait_for_log()
    return [int(status) for status in re.findall(f'"{method} {re.escape(path)}" (\\d+)', daemon.log())]


class HttpCacheCases:
    """See above."""

    unreachable = 502
    own_name = ""           # of the cache, in Cache-Status
    fields = {}             # which clients may send without making a difference

    def cache(self, directory, port):
        raise NotImplementedError

    def said(self, answer):
        """What the cache says that it did: hit, stale, miss, revalidated, asked (as the client wished) or
        passed."""
        ours, own = ", ".join(answer.headers.get_all("Cache-Status")).split(", ")
        name, *parts = [part.strip() for part in own.split(";")]
        assert ours.startswith("p0f-lookupd;") and name == self.own_name, answer
        if "hit" in parts:
            return "stale" if {"detail=stale", "detail=updating"} & set(parts) else "hit"
        if "fwd-status=304" in parts:
            return "revalidated"
        return {"fwd=uri-miss": "miss", "fwd=stale": "expired", "fwd=request": "asked",
                "fwd=bypass": "passed"}[parts[0]]

    @pytest.fixture(name="lab", scope="class")
    def _lab(self, request, needs_p0f):
        port = free_port()
        with tempfile.TemporaryDirectory(prefix="lookupd-", dir="/tmp") as directory, \
                contextlib.ExitStack() as stack:
            p0f = RealP0f(directory, packets=f"net {loopback.NETWORK}.0.0/16")
            stack.callback(p0f.stop)
            p0f.start()
            endpoint = stack.enter_context(request.cls().cache(directory, port))
            yield Lab(directory, p0f, port, endpoint, self.fields)

    def _until(self, lab, path, word, body):
        """Ask until that is what the cache says, and return what it has said; all answers must have that
        body."""
        seen = []

        def says():
            answer = lab.get(path)
            assert answer.status == 200 and answer.body == body, answer
            seen.append(self.said(answer))
            return seen[-1] == word
        wait_until(says, f"the cache to say {word}")
        return seen

    # ---- What is fresh

    def test_hits_do_not_reach_the_daemon(self, lab):
        host = f"/host/{lab.visitor()}"
        with lab.serve() as daemon:
            direct = daemon.get(host)
            first = lab.get(host)
            assert (first.status, first.body, first["ETag"]) == (200, direct.body, direct["ETag"])
            assert self.said(first) == "miss"
            before = reached(daemon, host)
            for number in range(10):
                again = lab.get(host, source=f"127.0.0.{1 + number}", headers={"Cookie": f"a={number}"})
                assert (again.status, again.body, self.said(again)) == (200, direct.body, "hit")
                for name in ("ETag", "Cache-Control", "Content-Type"):
                    assert again[name] == direct[name]
            same = lab.get(host, {"If-None-Match": direct["ETag"]})
            assert (same.status, same.body) == (304, b"")
            head = lab.get(host, method="HEAD")
            assert (head.status, head.body, head["ETag"]) == (200, b"", direct["ETag"])
            assert reached(daemon, host) == before
            # Another format is another page.
            assert lab.get(f"{host}?format=raw").json()["status"] == 0x10

    def test_a_no_match_is_kept_too(self, lab):
        host = f"/host/{stranger()}"
        with lab.serve({"cache.negative_ttl": "1h"}) as daemon:
            assert [lab.get(host).status for _ in range(5)] == [404] * 5
            assert reached(daemon, host) == [404]
            assert self.said(lab.get(host)) == "hit"

    def test_what_is_not_for_keeping_is_not_kept(self, lab):
        """Errors and the state of things."""
        unknown, known = f"/host/{stranger()}", lab.visitor()
        with lab.serve({"p0f.timeout": "1h"}) as daemon:
            lab.p0f.kill()
            wait_until(lambda: daemon.get("/readyz").status == 503, "the daemon to notice")
            for path, status in ((unknown, 503), ("/host/x", 400), ("/nothing", 404), ("/readyz", 503),
                                 ("/status", 200), ("/metrics", 200), ("/self", 503), ("/forward-auth", 200)):
                for _ in range(2):
                    before = len(reached(daemon, path))
                    assert lab.get(path, source=known).status == status
                    assert len(reached(daemon, path)) == before + 1, path
            lab.p0f.start()

    def test_what_the_daemon_does_not_keep_is_not_kept(self, lab):
        known, unknown = f"/host/{lab.visitor()}", f"/host/{stranger()}"
        with lab.serve({"cache.ttl": "0", "cache.incomplete_ttl": "0", "cache.negative_ttl": "0"}) as daemon:
            for path, status in ((known, 200), (unknown, 404)):
                assert [lab.get(path).status for _ in range(3)] == [status] * 3
                assert reached(daemon, path) == [status] * 3

    def test_each_is_oneself(self, lab):
        one, other = lab.visitor(), lab.visitor()
        with lab.serve():
            for address in (one, other, one, "127.0.0.1"):
                answer = lab.get("/self", source=address, headers={"X-Forwarded-For": other})
                assert answer.json()["ip"] == address

    def test_each_origin_has_its_own(self, lab):
        origins = ["https://a.example.org", "https://b.example.org"]
        host = f"/host/{lab.visitor()}"
        with lab.serve({"http.cors_origins": ", ".join(origins)}):
            for origin in origins * 2:
                assert lab.get(host, {"Origin": origin})["Access-Control-Allow-Origin"] == origin
            assert lab.get(host)["Access-Control-Allow-Origin"] is None

    def test_other_methods_pass(self, lab):
        host = lab.visitor()
        with lab.serve() as daemon:
            assert lab.get(f"/host/{host}", method="DELETE").status == 405
            assert lab.get(f"/host/{host}").status == 200
            assert lab.get(f"/host/{host}", method="POST", body=b"x").status == 405
            assert lab.get(f"/host/{host}", method="OPTIONS").status == 204
            for _ in range(2):
                answer = lab.get("/hosts", {"Content-Type": "application/json"}, method="POST",
                                 body=f'["{host}"]'.encode() + b" " * 10_000)
                assert answer.json()[0]["host"]["ip"] == host
            assert reached(daemon, "/hosts", "POST") == [200, 200]

    def test_clients_ask_anew(self, lab):
        host = f"/host/{lab.visitor()}"
        with lab.serve() as daemon:
            lab.get(host)
            answer = lab.get(host, {"Cache-Control": "no-cache"})
            assert self.said(answer) == "asked" and "p0f-lookupd; fwd=request" in answer["Cache-Status"]
            assert reached(daemon, host) == [200, 200]

    def test_clients_ask_for_nothing_new(self, lab):
        cached = {"Cache-Control": "only-if-cached"}
        host, unknown = f"/host/{lab.visitor()}", f"/host/{stranger()}"
        with lab.serve() as daemon:
            lab.get(host)
            assert self.said(lab.get(host, cached)) == "hit"
            assert [lab.get(unknown, cached).status for _ in range(2)] == [504, 504]
            assert lab.get(unknown).status == 404
            assert set(reached(daemon, unknown)) <= {404, 504}

    def test_who_waits_is_not_told_what_was_known_before(self, lab):
        host = f"/host/{stranger()}"
        with lab.serve({"cache.negative_ttl": "1h"}) as daemon:
            for path, asked in ((host, [404]), (f"{host}?wait=1", [404, 404]), (f"{host}?wait=1", [404] * 3)):
                assert lab.get(path).status == 404
                assert reached(daemon, host) == asked

    # ---- What has expired

    def test_what_has_expired_is_revalidated(self, lab):
        """Without stale-while-revalidate, the request that finds it expired waits for our 304, or for what
        has changed."""
        address = lab.visitor()
        host = f"/host/{address}"
        with lab.serve(AT_ONCE) as daemon:
            first = lab.get(host)
            seen = self._until(lab, host, "revalidated", first.body)
            assert set(seen) <= {"hit", "revalidated"}
            assert reached(daemon, host) == [200, 304]
            self._until(lab, host, "hit", first.body)
            lab.visit(address)
            wait_until(lambda: lab.p0f.ask(address)["total_conn"] > first.json()["total_conn"],
                       "p0f to see another visit")
            changed = wait_until(lambda: (a := lab.get(host)).body != first.body and a, "the new answer")
            assert changed.json()["total_conn"] > first.json()["total_conn"]
            assert set(reached(daemon, host)) <= {200, 304}

    def test_stale_at_once_while_it_is_revalidated(self, lab):
        host = f"/host/{lab.visitor()}"
        with lab.serve(AT_LEISURE) as daemon:
            first = lab.get(host)
            seen = self._until(lab, host, "stale", first.body)
            wait_until(lambda: reached(daemon, host) == [200, 304], "the question in the background")
            seen += self._until(lab, host, "hit", first.body)
            assert set(seen) == {"hit", "stale"}, "somebody waited for us"

    def test_stale_when_the_daemon_is_gone(self, lab):
        host, unknown = f"/host/{lab.visitor()}", f"/host/{stranger()}"
        with lab.serve(AT_ONCE) as daemon:
            assert lab.get(unknown).status == 404
            first = lab.get(host)
            daemon.stop()
            seen = self._until(lab, host, "stale", first.body)
            assert set(seen) <= {"hit", "stale"}    # it may have expired before the daemon had ended
            for path in (unknown, f"/host/{stranger()}"):
                assert lab.get(path).status == self.unreachable
            daemon.start()
            self._until(lab, host, "revalidated", first.body)

    def test_stale_when_the_daemon_hangs(self, lab):
        host = f"/host/{lab.visitor()}"
        with lab.serve(AT_ONCE) as daemon:
            first = lab.get(host)

            def all_stale():
                answers = list(threads.map(lab.get, [host] * 20))
                assert {(answer.status, answer.body) for answer in answers} == {(200, first.body)}
                said = {self.said(answer) for answer in answers}
                assert said <= {"hit", "stale"}
                return said == {"stale"}
            daemon.signal(signal.SIGSTOP)
            try:
                with concurrent.futures.ThreadPoolExecutor(20) as threads:
                    wait_until(all_stale, "the cache to say stale")
            finally:
                daemon.signal(signal.SIGCONT)
            self._until(lab, host, "revalidated", first.body)

    @pytest.mark.parametrize("settings", [AT_ONCE, AT_LEISURE], ids=["at once", "at leisure"])
    def test_when_the_daemon_knows_nothing_any_more(self, lab, settings):
        """Restarted, with a p0f that is dead: stale. With one that does not know the host: 404, which is no
        error for which something stale could be served."""
        host, unknown = f"/host/{lab.visitor()}", f"/host/{stranger()}"
        with lab.serve(settings) as daemon:
            first = lab.get(host)
            daemon.stop()
            lab.p0f.kill()
            daemon.start()
            try:
                wait_until(lambda: daemon.get(host).status == 503, "the daemon to be of no use")
                wait_until(lambda: lab.get("/livez").status == 200, "the cache to reach it")
                self._until(lab, host, "stale", first.body)
                wait_until(lambda: reached(daemon, host).count(503) >= 2, "the cache to ask the daemon")
                assert [lab.get(host).body for _ in range(5)] == [first.body] * 5
                assert 503 in reached(daemon, host)
                # Of a host that nobody has, the daemon's own words are passed on.
                assert lab.get(unknown).json()["type"] == "urn:p0f-lookupd:p0f-unavailable"
            finally:
                lab.p0f.start()
            wait_until(lambda: lab.get(host).status == 404, "the cache to say that p0f does not know it")

    def test_not_stale_for_longer_than_allowed(self, lab):
        host = f"/host/{lab.visitor()}"
        with lab.serve({**AT_ONCE, "cache.stale_if_error": "1s"}) as daemon:
            first = lab.get(host)
            daemon.stop()
            wait_until(lambda: lab.get(host).status == self.unreachable, "the end of its grace")
            daemon.start()
            wait_until(lambda: lab.get("/livez").status == 200, "the cache to reach it")
            # It has it still.
            assert self._until(lab, host, "revalidated", first.body) == ["revalidated"]

    def test_age_is_that_of_p0fs_answer(self, lab):
        """Not counted from when the cache got it."""
        host = f"/host/{lab.visitor()}"
        with lab.serve({"cache.ttl": "1h"}) as daemon:
            daemon.get(host)
            wait_until(lambda: int(daemon.get(host)["Age"]) >= 1, "the daemon's answer to age")
            assert [int(lab.get(host)["Age"]) >= 1 for _ in range(2)] == [True, True]
