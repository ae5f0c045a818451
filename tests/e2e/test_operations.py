# SPDX-License-Identifier: MIT
"""What those who operate the daemon ask: /readyz, /status and /metrics."""

import json
import os
import signal
import time

import http_client
import loopback
import processes
import promtool
import pytest
import starving
from daemon import PROGRAM, SENTINEL, write_config
from http_client import Crowd
from http_load import FULL
from problems import assert_problem
from real_p0f import RealP0f
from store import Store
from waiting import SLOWDOWN, wait_until

KNOWN = {"os_name": "Linux", "os_flavor": "3.x"}


# ---- /readyz


def _readiness(daemon):
    return daemon.get("/readyz").status


def _not_ready(daemon, *words):
    answer = daemon.get("/readyz")
    assert_problem(answer, 503, "p0f-unavailable")
    assert answer["Retry-After"] and answer["Cache-Control"] == "no-store"
    for word in words:
        assert word in answer.json()["detail"], answer


def test_readiness_follows_the_real_p0f(needs_p0f, scratch, serve):
    """Not ready before it is there, ready with it, not without it, again with the next."""
    p0f = RealP0f(scratch)
    with serve(p0f) as daemon:
        _not_ready(daemon, p0f.socket, "it does not exist: p0f is not running")
        for _ in range(2):
            p0f.start()
            wait_until(lambda: _readiness(daemon) == 200, "readiness", bound=5)
            assert daemon.get("/readyz").json() == {"status": "ready"}
            p0f.kill()
            wait_until(lambda: _readiness(daemon) == 503, "the end of readiness", bound=5)
            assert daemon.get("/livez").status == 200
            _not_ready(daemon, p0f.socket)


def test_readiness_asks_at_most_once_a_second(fake, serve):
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        begin, before = time.monotonic(), len(fake.queries)
        for _ in range(300):
            assert _readiness(daemon) == 200
        assert len(fake.queries) - before <= 1 + (time.monotonic() - begin)


def test_a_p0f_that_is_asked_as_much_as_it_may_be_is_ready(fake, serve):
    """The daemon's own query goes before those of many others, who wait for their part of the rate."""
    with serve(fake, {"p0f.max_rate": "100" if FULL else "20", "p0f.timeout": "25s"}) as daemon:
        daemon.wait_for_p0f()
        hosts = [f"{number // 250}.{number % 250}" for number in range(500 if FULL else 250)]
        crowd = [Crowd(daemon.endpoint, [f"/host/203.0.{host}?wait=0"], f"X-Forwarded-For: 198.18.{host}")
                 for host in hosts]
        # For longer than a second, after which readiness would give up.
        queued = wait_until(lambda: daemon.get("/status").json()["pool"]["queued"], "a queue")
        assert queued > 2 * int(daemon.settings["p0f.max_rate"])
        answer = daemon.get("/readyz")
        assert answer.status == 200, answer
        write_config(daemon.config, {**daemon.settings, "p0f.max_rate": "0"})
        daemon.signal(signal.SIGHUP)
        assert {one.answers()[0].status for one in crowd} == {404}


def test_a_silent_p0f_is_not_ready(fake, serve):
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        fake.freeze()
        wait_until(lambda: "p0f has not" in daemon.get("/readyz").json().get("detail", ""), "its silence")
        _not_ready(daemon, "p0f has not answered for ")
        fake.thaw()
        wait_until(lambda: _readiness(daemon) == 200, "readiness")


def test_a_full_p0f_is_not_ready_and_said_to_be_full(fake, serve):
    fake.accepting = False
    with serve(fake) as daemon:
        wait_until(lambda: "limit" in daemon.get("/readyz").json()["detail"], "the limit's mention")
        _not_ready(daemon, "connection limit")
        assert daemon.get("/status").json()["pool"]["limit_suspected"] is True
        fake.accepting = True
        wait_until(lambda: _readiness(daemon) == 200, "readiness")
        assert daemon.get("/status").json()["pool"]["limit_suspected"] is False


def test_a_p0f_of_the_wrong_dialect_is_not_ready(fake, serve):
    with serve(fake, {"p0f.dialect": "mss"}) as daemon:
        wait_until(lambda: "236" in daemon.get("/readyz").json()["detail"], "the sizes' mention")
        _not_ready(daemon, "mss", "236", "p0f3", "232")


def test_stale_answers_are_ready_enough_where_that_is_ok(needs_p0f, scratch, serve):
    """While the real p0f is gone, for as long as its hosts may be served."""
    host = f"{loopback.NETWORK}.7.1"
    with RealP0f(scratch) as p0f, loopback.WebServer() as web:
        loopback.connect(host, web.address).close()
        wait_until(lambda: p0f.known(host), "p0f to see a connection")
        with serve(p0f, {"cache.stale_if_error": "1h"}) as daemon:
            wait_until(lambda: _readiness(daemon) == 200, "readiness")
            assert daemon.get("/readyz?stale=ok").json() == {"status": "ready"}
            p0f.kill()
            wait_until(lambda: _readiness(daemon) == 503, "the end of readiness")
            _not_ready(daemon, p0f.socket)
            empty = daemon.get("/readyz?stale=ok")
            assert_problem(empty, 503, "p0f-unavailable")
            assert empty.json()["detail"].startswith("nothing usable is cached, and ")
            p0f.start()
            loopback.connect(host, web.address).close()
            wait_until(lambda: daemon.host(host, "?wait=100").status == 200, "the host in the cache")
            p0f.kill()
            wait_until(lambda: _readiness(daemon) == 503, "the end of readiness")
            stale = daemon.get("/readyz?stale=ok")
            assert stale.status == 200 and stale["Cache-Control"] == "no-store"
            assert stale.json()["status"] == "stale" and p0f.socket in stale.json()["detail"]
            assert daemon.host(host).status == 200
            assert daemon.get("/readyz?stale=ok", method="HEAD").status == 200


def test_stale_answers_are_not_ready_for_ever(fake, serve):
    fake.hosts["192.0.2.1"] = KNOWN
    with serve(fake, {"cache.ttl": "100ms", "cache.stale_while_revalidate": "0",
                      "cache.stale_if_error": "500ms"}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host("192.0.2.1").status == 200
        fake.stop()
        wait_until(lambda: daemon.get("/readyz?stale=ok").status == 503, "the end of its grace")
        assert daemon.host("192.0.2.1").status == 503


def test_readiness_takes_no_other_word(fake, serve):
    with serve(fake) as daemon:
        problem = assert_problem(daemon.get("/readyz?stale=yes"), 400, "bad-parameter")
        assert problem["detail"] == "stale=yes: expected ok"


def test_heads_have_no_body(fake, serve):
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        for path in "/readyz", "/status", "/metrics":
            answer = daemon.get(path, method="HEAD")
            assert answer.status == 200 and answer.body == b""
            assert int(answer["Content-Length"]) > 0


@pytest.mark.parametrize("path", ["/readyz", "/status", "/metrics"])
def test_nothing_but_reading(fake, serve, path):
    with serve(fake) as daemon:
        answer = daemon.get(path, method="POST")
        assert_problem(answer, 405, "method-not-allowed")
        assert answer["Allow"] == "GET, HEAD, OPTIONS"


# ---- /status


def test_status_shows_how_things_stand(fake, serve):
    fake.hosts["192.0.2.1"] = KNOWN
    with serve(fake, {"p0f.connections": 2, "p0f.max_rate": 5000}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host("192.0.2.1").status == 200
        status = daemon.get("/status").json()
        assert status["name"] == "p0f-lookupd" and status["version"]
        assert status["uptime_seconds"] >= 0 and status["started"].endswith("Z")
        assert status["cache"]["hosts"] == {"entries": 1, "capacity": 100000, "evictions": 0,
                                            "bytes": status["cache"]["hosts"]["bytes"]}
        assert status["cache"]["hosts"]["bytes"] > 400
        assert status["cache"]["misses"]["entries"] == 1    # the sentinel
        # Seven eighths of http.max_connections, as that is less than p0f.max_pending.
        assert status["lookups"] == {"pending": 0, "max_pending": 8750, "flights": 0}
        pool = status["pool"]
        assert pool["socket"] == fake.path and pool["p0f_up"] is True and pool["fault"] is None
        assert pool["dialect"] == "p0f3" and pool["ready"] == 2 and pool["max_rate"] == 5000
        assert pool["in_flight"] == pool["queued"] == 0
        assert [link["state"] for link in status["connections"]] == ["ready", "ready"]


def test_status_shows_the_settings_in_force(fake, serve):
    with serve(fake, {"cache.ttl": "1h"}) as daemon:
        settings = daemon.get("/status").json()["configuration"]
        assert settings["cache"]["ttl"] == "1h"
        assert settings["http"]["listen"] == f"127.0.0.1:{daemon.port}"
        daemon.settings["cache.ttl"] = "7s"
        daemon.settings["p0f.connections"] = 9      # needs a restart: not in force
        write_config(daemon.config, daemon.settings)
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: daemon.get("/status").json()["configuration"]["cache"]["ttl"] == "7s",
                   "the new settings")
        assert daemon.get("/status").json()["configuration"]["p0f"]["connections"] == "4"


def test_status_shows_what_is_in_flight(fake, serve):
    with serve(fake, {"p0f.timeout": "50ms"}) as daemon:
        daemon.wait_for_p0f()
        fake.freeze()
        assert daemon.host("192.0.2.7").status == 504
        assert daemon.get("/status").json()["pool"]["in_flight"] == 1
        fake.thaw()
        wait_until(lambda: daemon.get("/status").json()["pool"]["in_flight"] == 0, "the late answer")


# ---- /metrics


def _samples(daemon):
    answer = daemon.get("/metrics")
    assert answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = answer.body.decode("utf-8").splitlines()
    return {name: float(value) for name, value in
            (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))}


def test_promtool_finds_nothing_wrong(fake, serve):
    fake.hosts["192.0.2.1"] = KNOWN
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        for _ in range(40):
            daemon.host("192.0.2.1")
        daemon.get("/nowhere")
        promtool.check_metrics(daemon.get("/metrics").body.decode("utf-8"))


OLD_KERNEL = os.path.join(os.path.dirname(PROGRAM), "tests", "support", "c", "old_kernel.so")


@pytest.mark.parametrize("old", [
    pytest.param(False, id="as it is"),
    pytest.param(True, id="before Linux 6.2", marks=starving.needs_own_malloc)])
def test_descriptors_are_counted(fake, serve, old):
    """They are as many as can be seen from outside, whatever comes and goes: the kernel says so at once,
    or we have counted them."""
    environment = {"LD_PRELOAD": OLD_KERNEL} if old else {}
    with serve(fake, extra_environment=environment) as daemon:
        pid = daemon.process.pid
        daemon.wait_for_p0f()
        connection = daemon.connect()

        def told(name="process_open_fds"):
            text = http_client.ask(connection, "/metrics").body.decode()
            return next(int(line.split()[1]) for line in text.splitlines()
                        if line.startswith(f"{name} "))

        def right():
            before = processes.descriptors(pid)
            return told() == before == processes.descriptors(pid) and before

        wait_until(lambda: told("p0f_lookupd_http_connections") == 1, "the connections before ours to end")
        few = wait_until(right, "them to be right")
        socks = [http_client.open_socket(daemon.endpoint) for _ in range(100)]
        wait_until(lambda: right() == few + 100, "them to be right with many connections")
        for sock in socks[:50]:
            sock.close()
        wait_until(lambda: right() == few + 50, "them to be right when some have gone")
        lingering = [http_client.open_socket(daemon.endpoint) for _ in range(3)]
        for sock in lingering:
            sock.sendall(b"PUT /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000\r\n\r\n")
            assert sock.recv(100).startswith(b"HTTP/1.1 405 ")
        wait_until(lambda: right() == few + 53, "them to be right with some that linger")
        for sock in socks + lingering:
            sock.close()
        wait_until(lambda: right() == few, "them to be right when all have gone")
        fake.hang_up()
        wait_until(right, "them to be right without p0f")


@starving.needs_own_malloc
def test_descriptors_of_the_shared_tier_are_counted_too(fake, serve, scratch):
    """Before Linux 6.2, by whoever opens them."""
    environment = {"LD_PRELOAD": OLD_KERNEL}
    with Store(scratch) as store, serve(fake, {"share.server": store.url, "share.sensor": "here"},
                                        extra_environment=environment) as daemon:
        daemon.wait_for_p0f()
        connection = daemon.connect()

        def is_right(up):
            before = processes.descriptors(daemon.process.pid)
            text = http_client.ask(connection, "/metrics").body.decode()
            assert "\np0f_lookupd_share_up" in text
            return (f"\np0f_lookupd_share_up {up}\n" in text and f"\nprocess_open_fds {before}\n" in text and
                    before == processes.descriptors(daemon.process.pid))
        wait_until(lambda: is_right(1), "them to be right with a connection to the store")
        store.kill()
        wait_until(lambda: is_right(0), "them to be right without it")


def test_requests_are_counted_by_route_and_status(fake, serve):
    fake.hosts["192.0.2.1"] = KNOWN
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        before = _samples(daemon)
        for _ in range(3):
            assert daemon.host("192.0.2.1").status == 200
        assert daemon.host("nonsense").status == 400
        assert daemon.get("/nowhere").status == 404
        assert daemon.get("/self", method="DELETE").status == 405
        after = _samples(daemon)

        def grown(route, code):
            name = f'p0f_lookupd_http_requests_total{{route="{route}",code="{code}"}}'
            return after[name] - before.get(name, 0)
        assert grown("/host", 200) == 3 and grown("/host", 400) == 1
        assert grown("none", 404) == 1 and grown("/self", 405) == 1 and grown("/metrics", 200) == 1


def test_lookups_are_counted_by_what_came_of_them(fake, serve):
    fake.hosts["192.0.2.1"] = KNOWN
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        before = _samples(daemon)
        daemon.host("192.0.2.1")
        daemon.host("192.0.2.1")
        daemon.host("192.0.2.1", headers={"Cache-Control": "no-cache"})
        daemon.host("192.0.2.2", "?wait=0")
        daemon.host("192.0.2.3", headers={"Cache-Control": "only-if-cached"})
        after = _samples(daemon)

        def grown(cache, result):
            name = f'p0f_lookupd_lookups_total{{cache="{cache}",result="{result}"}}'
            return after[name] - before.get(name, 0)
        assert grown("miss", "found") == 1 and grown("hit", "found") == 1
        assert grown("bypass", "found") == 1 and grown("miss", "no_match") == 1
        assert grown("miss", "not_cached") == 1
        total = sum(value - before.get(name, 0) for name, value in after.items()
                    if name.startswith("p0f_lookupd_lookups_total"))
        assert total == 5


def test_each_lookup_is_in_the_histogram_of_its_duration(fake, serve):
    """Only one hit in 32 is timed, but all are counted, those of a batch too."""
    fake.hosts["192.0.2.1"] = KNOWN
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        before = _samples(daemon)
        for _ in range(70):
            assert daemon.host("192.0.2.1").status == 200
        batch = json.dumps(["192.0.2.1"] * 50 + ["192.0.2.2"]).encode()
        assert daemon.get("/hosts?wait=0", {"Content-Type": "application/json"}, method="POST",
                          body=batch).status == 200
        after = _samples(daemon)

        def grown(name, cache):
            prefix = f'p0f_lookupd_{name}{{cache="{cache}"'
            return sum(value - before.get(name, 0) for name, value in after.items()
                       if name.startswith(prefix))
        assert grown("lookups_total", "hit") == 69 + 50
        for cache, count in ("hit", 69 + 50), ("miss", 2):
            assert grown("lookups_total", cache) == count
            assert grown("lookup_duration_seconds_count", cache) == count
            assert grown("lookup_duration_seconds_sum", cache) > 0
            buckets = [value for name, value in after.items() if name.startswith(
                f'p0f_lookupd_lookup_duration_seconds_bucket{{cache="{cache}"')]
            assert buckets == sorted(buckets)
            assert buckets[-1] == after[f'p0f_lookupd_lookup_duration_seconds_count{{cache="{cache}"}}']


def test_gauges_show_p0f_and_the_cache(fake, serve):
    fake.hosts["192.0.2.1"] = KNOWN
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        daemon.host("192.0.2.1")
        samples = _samples(daemon)
        assert samples["p0f_lookupd_p0f_up"] == 1
        assert samples['p0f_lookupd_p0f_connections{state="ready"}'] == 4
        assert samples['p0f_lookupd_cache_entries{store="hosts"}'] == 1
        assert samples["p0f_lookupd_http_connections"] >= 1
        fake.stop()
        wait_until(lambda: _samples(daemon)["p0f_lookupd_p0f_up"] == 0, "p0f's end to be seen")


def test_no_label_holds_an_address(needs_p0f, scratch, serve):
    address = f"{loopback.NETWORK}.9.9"
    with RealP0f(scratch) as p0f, serve(p0f) as daemon:
        daemon.wait_for_p0f()
        daemon.host(address)
        text = daemon.get("/metrics").body.decode("utf-8")
        assert address not in text and SENTINEL not in text


# ---- Their end


def test_asking_while_it_stops_is_answered_or_refused(fake, serve):
    with serve(fake, {"p0f.timeout": f"{5 * SLOWDOWN}s"}) as daemon:
        daemon.wait_for_p0f()
        fake.freeze()
        with_answer_outstanding = daemon.connect()
        with_answer_outstanding.request("GET", "/host/192.0.2.8")
        wait_until(lambda: daemon.get("/status").json()["pool"]["in_flight"] == 1, "the query to be sent")
        standing = daemon.connect()
        standing.request("GET", "/livez")
        assert standing.getresponse().read()
        daemon.signal(signal.SIGTERM)
        wait_until(lambda: "SIGTERM" in daemon.log(), "the signal's mention")
        standing.request("GET", "/readyz")
        answer = standing.getresponse()
        assert answer.status == 503 and b"shutting down" in answer.read()
        fake.thaw()
        assert with_answer_outstanding.getresponse().status == 404
        standing.close()
        with_answer_outstanding.close()
