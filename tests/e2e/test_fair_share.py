# SPDX-License-Identifier: MIT
"""One greedy client keeps others neither from being admitted nor from their turns with p0f, and has
p0f asked no more often than it may what it has just been asked."""

import json
import os
import re
import signal

import pytest

from busy_p0f import BusyP0f
from daemon import write_config
from http_client import Crowd, open_socket, parse
from http_load import FULL, Load
from problems import assert_problem
from waiting import wait_until

MAX_PENDING = 64        # so one eighth more are for others, and who has none has few
RESERVE = MAX_PENDING // 8
MANY = 1000 if FULL else 300
SETTINGS = {"p0f.max_pending": str(MAX_PENDING), "p0f.timeout": "25s"}

# Clients are told apart by numbers of which there are about a thousand. So of three others one may
# pass for the greedy one now and then; two never do.
OTHERS = 3


def _hosts(fake, first, count):
    """So many addresses, all known to p0f."""
    hosts = [f"10.{first}.{number // 250}.{number % 250}" for number in range(count)]
    fake.hosts.update({host: {"os_name": "Linux", "http_name": host} for host in hosts})
    return hosts


def _paths(hosts):
    return [f"/host/{host}" for host in hosts]


def _lookups(daemon):
    return daemon.get("/status").json()["lookups"]


def _all_found(crowd, hosts):
    for host, answer in zip(hosts, crowd.answers()):
        assert answer.status == 200 and answer.json()["http_name"] == host, answer


def _take_all(daemon, hosts, client):
    """A crowd of one client's, as many of whom wait as may, and not one more."""
    crowd = Crowd(daemon.endpoint, _paths(hosts), *client[1:], source=client[0])
    wait_until(lambda: crowd.waiting() <= MAX_PENDING, "the others to be refused")
    assert _lookups(daemon)["pending"] == crowd.waiting() == MAX_PENDING
    return crowd


def _direct(number):
    return (f"127.0.0.{number}",)


def _proxied(number):
    return ("127.0.0.1", f"X-Forwarded-For: 198.51.100.{number}")


def _proxied_ipv6(number):
    return ("127.0.0.1", f"X-Forwarded-For: 2001:db8:{number}::1")


@pytest.mark.parametrize("client", [_direct, _proxied, _proxied_ipv6])
def test_others_are_admitted_when_one_uses_up_the_limit(fake, serve, client):
    greedy, hosts = _hosts(fake, 1, 100), _hosts(fake, 2, OTHERS)
    with serve(fake, SETTINGS) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        crowd = _take_all(daemon, greedy, client(2))
        others = [Crowd(daemon.endpoint, _paths([host]), *client(3 + number)[1:],
                        source=client(3 + number)[0]) for number, host in enumerate(hosts)]
        wait_until(lambda: _lookups(daemon)["pending"] +
                   sum(other.waiting() == 0 for other in others) == MAX_PENDING + OTHERS,
                   "the others to wait, or to be refused")
        assert _lookups(daemon)["pending"] >= MAX_PENDING + OTHERS - 1
        # Still none for who has so many.
        assert_problem(daemon.host("10.3.0.1", source=client(2)[0],
                                   headers=dict(line.split(": ") for line in client(2)[1:])),
                       503, "overloaded", "10.3.0.1")
        fake.release()
        served = [answer.status for other in others for answer in other.answers()]
        assert served.count(200) >= OTHERS - 1, served
        assert [answer.status for answer in crowd.answers()].count(200) == MAX_PENDING
        wait_until(lambda: _lookups(daemon)["pending"] == 0, "all to be answered")
        assert daemon.host("10.2.0.0", source=client(2)[0]).status == 200


def test_a_newcomer_is_admitted_from_the_reserve(fake, serve):
    """Else two greedy ones would do what one cannot."""
    with serve(fake, SETTINGS) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        crowd = _take_all(daemon, _hosts(fake, 1, 100), _direct(2))
        second = Crowd(daemon.endpoint, _paths(_hosts(fake, 2, 20)), source="127.0.0.3")
        wait_until(lambda: second.waiting() <= 1, "all but one to be refused")
        many = [Crowd(daemon.endpoint, ["/host/10.3.0.1"], source=f"127.0.0.{number}")
                for number in range(10, 40)]
        wait_until(lambda: sum(one.waiting() for one in many) <= RESERVE,
                   "those whom the reserve does not hold to be refused")
        assert _lookups(daemon)["pending"] == MAX_PENDING + RESERVE
        fake.release()
        for one in (crowd, second, *many):
            one.answers()


def test_one_client_of_ipv6_is_its_network(fake, serve):
    """Whoever has 64 bits of addresses to choose from is no crowd."""
    with serve(fake, SETTINGS) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        crowd = _take_all(daemon, _hosts(fake, 1, 100),
                          ("127.0.0.1", "X-Forwarded-For: 2001:db8::1"))
        answer = daemon.host("10.2.0.1", headers={"X-Forwarded-For": "2001:db8::5:6:7:8"})
        assert_problem(answer, 503, "overloaded", "10.2.0.1")
        fake.release()
        crowd.answers()


def _of_one_48(count):
    """Header lines of so many clients, each in a network of 64 bits of its own, all in one of 48."""
    return [f"X-Forwarded-For: 2001:db8:1:{number:x}::1" for number in range(count)]


def test_a_network_full_of_networks_is_one_client_when_many_of_it_come(fake, serve):
    max_pending, newcomers = 500, 50
    reserve = max_pending // 8
    greedy, hosts = _hosts(fake, 1, max_pending + reserve), _hosts(fake, 2, newcomers)
    with serve(fake, {**SETTINGS, "p0f.max_pending": str(max_pending)}) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        crowd = Crowd(daemon.endpoint, _paths(greedy), each=_of_one_48(len(greedy)))
        wait_until(lambda: crowd.waiting() <= max_pending, "those to be refused who are too many")
        assert _lookups(daemon)["pending"] == crowd.waiting() == max_pending
        others = Crowd(daemon.endpoint, _paths(hosts),
                       each=[f"X-Forwarded-For: 198.51.100.{number}" for number in range(newcomers)])
        wait_until(lambda: _lookups(daemon)["pending"] + newcomers - others.waiting()
                   == max_pending + newcomers, "the newcomers to wait, or to be refused")
        assert others.waiting() == newcomers
        fake.release()
        _all_found(others, hosts)
        assert [answer.status for answer in crowd.answers()].count(200) == max_pending


def test_the_field_of_strangers_makes_them_no_others(fake, serve):
    with serve(fake, {**SETTINGS, "http.trusted_proxies": ""}) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        crowd = _take_all(daemon, _hosts(fake, 1, 100), _direct(2))
        for number in range(OTHERS):
            answer = daemon.host("10.2.0.1", source="127.0.0.2",
                                 headers={"X-Forwarded-For": f"198.51.100.{number}"})
            assert_problem(answer, 503, "overloaded", "10.2.0.1")
        fake.release()
        crowd.answers()


def test_a_batch_is_its_clients(fake, serve):
    hosts, others = _hosts(fake, 1, MAX_PENDING + 20), _hosts(fake, 2, OTHERS)
    body = json.dumps(hosts).encode()
    with serve(fake, SETTINGS) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        with open_socket(daemon.endpoint, source="127.0.0.2") as batch:
            batch.sendall(b"POST /hosts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                          b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                          % (len(body), body))
            wait_until(lambda: _lookups(daemon)["pending"] == MAX_PENDING, "the batch to have all")
            assert_problem(daemon.host("10.3.0.1", source="127.0.0.2"), 503, "overloaded",
                           "10.3.0.1")
            crowds = [Crowd(daemon.endpoint, _paths([host]), source=f"127.0.0.{3 + number}")
                      for number, host in enumerate(others)]
            wait_until(lambda: _lookups(daemon)["pending"] >= MAX_PENDING + OTHERS - 1,
                       "the others to wait")
            fake.release()
            served = [answer.status for crowd in crowds for answer in crowd.answers()]
            assert served.count(200) >= OTHERS - 1, served
            with batch.makefile("rb") as stream:
                results = parse(stream.read(), "POST", "/hosts").json()
        assert [result["host"]["http_name"] for result in results] == hosts


@pytest.mark.parametrize("client", ["an address", "a network"])
@pytest.mark.parametrize("wanted", ["other hosts", "the same hosts"])
def test_others_do_not_wait_behind_all_that_one_has_asked_for(fake, serve, wanted, client):
    """With hundreds of queries in the queue, and p0f asked slowly, theirs are the next ones asked, even
    if they are the last of those. (Of a network so many come before it is taken for one client.)"""
    greedy = _hosts(fake, 1, MANY)
    before_one = 0 if client == "an address" else MANY // 16
    hosts = greedy[-OTHERS:] if wanted == "the same hosts" else _hosts(fake, 2, OTHERS)
    settings = {"p0f.connections": "1", "p0f.pipeline": "1", "p0f.max_rate": "50",
                "p0f.max_pending": str(MANY + OTHERS), "p0f.timeout": "25s", "cache.ttl": "1h"}
    with serve(fake, settings) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        crowd = Crowd(daemon.endpoint, _paths(greedy), source="127.0.0.2",
                      each=None if client == "an address" else _of_one_48(MANY))
        wait_until(lambda: _lookups(daemon)["pending"] == MANY, "all to wait")
        others = [Crowd(daemon.endpoint, _paths([host]), source=f"127.0.0.{3 + number}")
                  for number, host in enumerate(hosts)]
        wait_until(lambda: _lookups(daemon)["pending"] == MANY + OTHERS, "the others to wait, too")
        before = len(fake.queries)
        fake.release()
        early = [other.answers()[0].status for other in others[:OTHERS - 1]]
        assert early == [200] * len(early)
        asked = [query.address for query in fake.queries[before:]]
        # One of the greedy client's may go first, and one may be between them.
        assert sum(host in asked[:before_one + 2 * OTHERS] for host in hosts) >= OTHERS - 1, \
            asked[:before_one + 20]
        daemon.settings["p0f.max_rate"] = "0"
        write_config(daemon.config, daemon.settings)
        daemon.signal(signal.SIGHUP)
        _all_found(crowd, greedy)
        assert others[-1].answers()[0].status == 200


# ---- Asking p0f again what it has just been asked

REPEATS = 2000 if FULL else 200         # a second, for one client
KEPT = {"cache.ttl": "1h", "cache.incomplete_ttl": "1h"}
ANEW = {"Cache-Control": "no-cache"}
PROBES = 50                             # queries that are nobody's, at most


@pytest.fixture(name="busy")
def _busy(scratch):
    """It outlives the daemon, so that it sees its end."""
    with BusyP0f(os.path.join(scratch, "p0f.sock")) as busy:
        yield busy


def _rates(per_client):
    return {"p0f.max_repeat_rate_per_client": str(per_client)}


def _limited(daemon, action):
    text = daemon.get("/metrics").body.decode()
    return int(re.search(rf'repeats_limited_total{{action="{action}"}} (\d+)', text)[1])


def test_who_wants_nothing_remembered_gets_some_of_it(busy, serve):
    hosts = 100
    with serve(busy, {**KEPT, **_rates(REPEATS)}) as daemon:
        daemon.wait_for_p0f()
        before = busy.counts()["queries"]
        flood = Load(daemon, n=50 * REPEATS, c=64, a="10.0.0.1", m=hosts, s="127.0.0.2",
                     H="Cache-Control: no-cache")
        wait_until(lambda: _limited(daemon, "remembered") > 0, "it to have asked too often")
        others = [daemon.host("10.1.0.1", headers=ANEW, source=f"127.0.0.{3 + number}")
                  for number in range(OTHERS)]
        report = flood.result()
        asked = busy.counts()["queries"] - before
        assert report.statuses == {200: 50 * REPEATS} and report.wrong == 0, report
        assert hosts <= asked <= hosts + REPEATS * (report.seconds + 1) + PROBES, (asked, report)
        fresh = [other for other in others if "fwd" in other.cache_status()]
        assert len(fresh) >= OTHERS - 1, others


def test_who_waits_for_many_hosts_has_p0f_asked_no_more_often(busy, serve):
    count, wait = (8750, 5000) if FULL else (100, 1000)
    with serve(busy, {**KEPT, **_rates(REPEATS)}) as daemon:
        daemon.wait_for_p0f()
        before = busy.counts()["queries"]
        report = Load(daemon, n=count, c=count, a="11.0.0.1", m=count, q=f"?wait={wait}",
                      s="127.0.0.2").result()
        asked = busy.counts()["queries"] - before
        assert report.statuses == {404: count} and report.wrong == 0, report
        assert asked <= count + REPEATS * (report.seconds + 1) + PROBES, (asked, report)
        assert asked > count + REPEATS * wait / 1000 / 4, "hardly asked again at all"
        assert _limited(daemon, "put_off") > 0


def test_what_is_remembered_for_its_rate_says_so(fake, serve):
    _hosts(fake, 1, 1)
    with serve(fake, {**KEPT, **_rates(1)}) as daemon:
        daemon.wait_for_p0f()
        other = {"source": "127.0.0.2"}
        assert daemon.host("10.1.0.0", **other).cache_status() == {"fwd": "miss", "stored": True}
        forced = [daemon.host("10.1.0.0", headers=ANEW, **other) for _ in range(9)]
        limited = [answer for answer in forced if "detail" in answer.cache_status()]
        assert len(limited) >= 5, forced
        for answer in limited:
            status = answer.cache_status()
            assert answer.status == 200 and set(status) == {"hit", "ttl", "detail"}, status
            assert status["detail"] == "rate-limited"
        # Which those who have not asked for anything else are not told.
        for _ in range(4):
            assert set(daemon.host("10.1.0.0", **other).cache_status()) == {"hit", "ttl"}
        assert "fwd" in daemon.host("10.1.0.0", headers=ANEW, source="127.0.0.3").cache_status()
        daemon.settings.update(_rates(0))
        write_config(daemon.config, daemon.settings)
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: "settings reloaded" in daemon.log(), "the new settings")
        for _ in range(9):
            answer = daemon.host("10.1.0.0", headers=ANEW, **other)
            assert answer.cache_status() == {"fwd": "request", "stored": True}


def test_a_no_match_that_was_not_asked_again_says_so(fake, serve):
    with serve(fake, _rates(1)) as daemon:
        daemon.wait_for_p0f()
        crowd = Crowd(daemon.endpoint, [f"/host/192.0.2.{number}?wait=300" for number in range(20)],
                      source="127.0.0.2")
        statuses = []
        for answer in crowd.answers():
            assert_problem(answer, 404, "no-match", answer.json()["ip"])
            statuses.append(answer.cache_status())
        assert statuses.count({"fwd": "miss", "stored": True, "detail": "rate-limited"}) >= 15, \
            statuses
