# SPDX-License-Identifier: MIT
"""p0f.timeout, p0f.max_pending, p0f.max_rate, p0f.connections and p0f.pipeline."""

import time

import pytest

from http_client import Crowd
from problems import assert_problem
from waiting import SLOWDOWN, wait_until

ONLY_CACHED = {"Cache-Control": "only-if-cached"}


def addresses(count):
    return [f"198.51.{100 + number // 250}.{number % 250}" for number in range(count)]


def number_of(address):
    return {"os_name": "Linux", "http_name": address}


@pytest.mark.parametrize("timeout, seconds", [("200ms", 0.2), ("1s", 1)])
def test_timeout(fake, serve, timeout, seconds):
    host = "198.51.100.1"
    fake.hosts[host] = number_of(host)
    with serve(fake, {"p0f.timeout": timeout}) as daemon:
        daemon.wait_for_p0f()
        fake.hold(host)
        begin = time.monotonic()
        assert_problem(daemon.host(host), 504, "p0f-timeout", host)
        took = time.monotonic() - begin
        assert seconds * 0.95 <= took < seconds + 3 * SLOWDOWN
        fake.release()


def test_the_late_answer_fills_the_cache_and_reaches_nobody_else(fake, serve):
    """One connection, so that everybody is in one line."""
    hosts = addresses(5)
    fake.hosts.update({host: number_of(host) for host in hosts})
    with serve(fake, {"p0f.timeout": "300ms", "p0f.connections": "1"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        for host in hosts:
            assert_problem(daemon.host(host), 504, "p0f-timeout", host)
        fake.release()
        for host in hosts:
            wait_until(lambda h=host: daemon.host(h, "", ONLY_CACHED).status == 200,
                       "the late answer in the cache")
            answer = daemon.host(host, "", ONLY_CACHED)
            assert (answer.json()["ip"], answer.json()["http_name"]) == (host, host)
            assert fake.counts[host] == 1


def test_asking_again_after_a_timeout_joins_the_late_answer(fake, serve):
    """A host whose answer is outstanding is not asked about a second time by the impatient."""
    host = "198.51.100.1"
    fake.hosts[host] = number_of(host)
    with serve(fake, {"p0f.timeout": "200ms"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold(host)
        for _ in range(5):
            assert daemon.host(host).status == 504
        assert fake.counts[host] <= 5
        fake.release()
        wait_until(lambda: daemon.host(host).status == 200, "the answer")


def test_max_pending(fake, serve):
    hosts = addresses(200)
    fake.hosts.update({host: number_of(host) for host in hosts})
    with serve(fake, {"p0f.max_pending": "8", "p0f.connections": "1", "p0f.pipeline": "4",
                      "p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        crowd = Crowd(daemon.endpoint, [f"/host/{host}" for host in hosts])
        # Those that find no room are told at once; what may wait is 8, and perhaps 4 with p0f.
        wait_until(lambda: crowd.waiting() <= 12, "the others to be refused")
        assert crowd.waiting() >= 8
        fake.release()
        answers = crowd.answers()
        refused = 0
        for host, answer in zip(hosts, answers):
            if answer.status == 503:
                assert_problem(answer, 503, "overloaded", host)
                refused += 1
            else:
                assert answer.json()["http_name"] == host, answer
        assert 188 <= refused <= 192
        for host in hosts:
            assert daemon.host(host).json()["http_name"] == host, "there is room again"


def test_a_hit_needs_no_room(fake, serve):
    hosts = addresses(20)
    fake.hosts.update({host: number_of(host) for host in hosts})
    with serve(fake, {"p0f.max_pending": "1", "p0f.connections": "1", "p0f.pipeline": "1",
                      "p0f.timeout": "20s", "cache.ttl": "1h"}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host(hosts[0]).status == 200
        fake.hold()
        crowd = Crowd(daemon.endpoint, [f"/host/{host}" for host in hosts[1:]])
        wait_until(lambda: crowd.waiting() <= 2, "no room")
        assert daemon.host(hosts[0]).status == 200
        assert daemon.get("/livez").status == 200
        fake.release()
        crowd.answers()


def test_max_rate(fake, serve):
    hosts = addresses(100)
    fake.hosts.update({host: number_of(host) for host in hosts})
    with serve(fake, {"p0f.max_rate": "50", "p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        crowd = Crowd(daemon.endpoint, [f"/host/{host}" for host in hosts])
        for host, answer in zip(hosts, crowd.answers()):
            assert answer.json()["http_name"] == host, answer
        times = [query.at for query in fake.queries if query.address in hosts]
        assert len(times) == 100
        # 50 a second, and a second's worth may come at once.
        assert times[-1] - times[0] >= (100 - 50) / 50 * 0.9


def test_without_max_rate_there_is_no_brake(fake, serve):
    hosts = addresses(500)
    with serve(fake, {"p0f.first_contact_wait": "0", "p0f.timeout": "20s"}) as daemon:
        crowd = Crowd(daemon.endpoint, [f"/host/{host}" for host in hosts])
        assert {answer.status for answer in crowd.answers()} == {404}
        assert len({query.address for query in fake.queries}) >= 500


def test_connections_and_pipeline(fake, serve):
    """No more connections than set, no more questions open on each than set."""
    hosts = addresses(100)
    fake.hosts.update({host: number_of(host) for host in hosts})
    with serve(fake, {"p0f.connections": "2", "p0f.pipeline": "8", "p0f.timeout": "20s"}) as daemon:
        wait_until(lambda: daemon.get("/status").json()["pool"]["ready"] == 2, "both connections")
        fake.hold()
        before = fake.asked()
        crowd = Crowd(daemon.endpoint, [f"/host/{host}" for host in hosts])
        wait_until(lambda: fake.asked() - before >= 16, "as many questions as may be open")
        # They are all the daemon may ask until an answer comes; a request that is served meanwhile
        # has come through the same loop after them.
        for _ in range(20):
            assert daemon.get("/livez").status == 200
        assert fake.asked() - before == 16
        assert fake.open_connections() == 2
        fake.release()
        for host, answer in zip(hosts, crowd.answers()):
            assert answer.json()["http_name"] == host, answer
