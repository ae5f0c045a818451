# SPDX-License-Identifier: MIT
"""Several real p0fs on one machine: their answers are merged, and "no match" needs all of them."""

import contextlib
import json
import threading
import time
from collections import Counter

import pytest

import http_client
import loopback
import p0f_wire
import sensors as several
from busy_p0f import BusyP0f
from http_load import FULL, load
from p0f_client import P0fClient
from problems import assert_problem
from sensors import hung, last_seen, running, visit_later
from waiting import SLOWDOWN, wait_until

NETWORK = f"{loopback.NETWORK}.41"
STRANGER = f"{NETWORK}.250"

# Each question goes to every p0f, and nothing is served that they did not just say.
ANEW = {"cache.ttl": "0", "cache.incomplete_ttl": "0", "cache.negative_ttl": "0", "cache.stale_while_revalidate": "0",
        "cache.stale_if_error": "0", "p0f.first_contact_wait": "0", "p0f.max_repeat_rate": "0",
        "p0f.max_repeat_rate_per_client": "0", "p0f.timeout": f"{5 * SLOWDOWN}s"}


def _address(number):
    return f"{NETWORK}.{number}"


@pytest.fixture(name="pair")
def _pair(needs_p0f, scratch):
    with running(scratch, "wan", "lan") as pair:
        yield pair
        assert all(sensor.p0f.alive() or sensor.p0f.process is None for sensor in pair), "a p0f has ended by itself"


@pytest.fixture(name="ask")
def _ask(serve):
    """ask(sensors, settings): a daemon for a with-block, whose sensors all answer."""
    def ask(sensors, settings=None, **options):
        return serve(several.setting(sensors), {**ANEW, **(settings or {})}, **options)
    return ask


def _sensor(answer):
    """The sensor of the answer."""
    assert answer.status == 200, answer
    host = answer.json()
    assert list(host)[-1] == "sensor", host
    return host["sensor"]


# ---- One answer


def test_every_host_is_found_with_its_sensor(needs_p0f, scratch, ask):
    names = ("a", "b", "c")
    with running(scratch, *names) as sensors, ask(sensors) as daemon:
        daemon.wait_for_p0f()
        owners = {_address(number): sensors[number % 3] for number in range(1, 31)}
        for address, sensor in owners.items():
            sensor.visit(address)
        for address, sensor in owners.items():
            for query in ("", "?format=raw"):
                assert _sensor(daemon.host(address, query)) == sensor.name
            assert daemon.host(address, "?format=raw").json()["last_seen"] == last_seen(sensor, address)
        answer = daemon.get("/hosts", {"Content-Type": "application/json"}, method="POST",
                            body=json.dumps([*owners, STRANGER]).encode()).json()
        assert [item.get("host", {}).get("sensor") for item in answer] == \
            [*(sensor.name for sensor in owners.values()), None]
        assert answer[-1]["code"] == "no-match"
        assert_problem(daemon.host(STRANGER), 404, "no-match", STRANGER)


def test_one_with_a_name(needs_p0f, scratch, ask):
    with running(scratch, "only") as [only], ask([only]) as daemon:
        only.visit(_address(1))
        daemon.wait_for_p0f()
        assert _sensor(daemon.host(_address(1))) == "only"


def test_the_newest_wins(pair, ask):
    wan, lan = pair
    host = _address(1)
    with ask(pair) as daemon:
        daemon.wait_for_p0f()
        wan.visit(host, language="fr")
        assert _sensor(daemon.host(host)) == "wan"
        for now, before, code, language in ((lan, wan, "de", "German"), (wan, lan, "fr", "French")):
            visit_later(now, before, host, code)
            answer = daemon.host(host, "?format=raw")
            assert _sensor(answer) == now.name
            # All of it is what that one says.
            assert answer.json()["language"] == language
            assert answer.json()["last_seen"] == last_seen(now, host)


def test_the_first_in_the_settings_wins_on_a_tie(pair, ask):
    host = _address(1)

    def tied():
        for sensor in pair:
            sensor.visit(host)
        return len({last_seen(sensor, host) for sensor in pair}) == 1
    wait_until(tied, "visits to both in one second")
    for order in (pair, pair[::-1]):
        with ask(order) as daemon:
            daemon.wait_for_p0f()
            assert _sensor(daemon.host(host)) == order[0].name


def test_the_relay_answers_for_all(pair, ask, scratch):
    wan, lan = pair
    with ask(pair, {"relay.listen": f"unix:{scratch}/relay.sock"}) as daemon:
        daemon.wait_for_p0f()
        wan.visit(_address(1))
        lan.visit(_address(2))
        with P0fClient(f"{scratch}/relay.sock") as client:
            for address, sensor in ((_address(1), wan), (_address(2), lan)):
                with P0fClient(sensor.p0f.socket) as itself:
                    assert client.ask(address) == itself.ask(address)
            assert client.host(STRANGER)["status"] == p0f_wire.NO_MATCH
        lan.p0f.kill()
        wait_until(lambda: daemon.host(STRANGER).status == 503, "the loss of one to be noticed")
        with P0fClient(f"{scratch}/relay.sock") as client:
            assert client.host(_address(1))["status"] == p0f_wire.OK
            client.send(STRANGER)
            assert client.end() in ("closed", "reset")
        lan.p0f.start()


# ---- One is down


def test_no_match_takes_all(pair, ask):
    wan, lan = pair
    of_wan, of_lan = _address(1), _address(2)
    wan.visit(of_wan)
    lan.visit(of_lan)
    with ask(pair) as daemon:
        daemon.wait_for_p0f()
        assert_problem(daemon.host(STRANGER), 404, "no-match", STRANGER)
        lan.p0f.kill()
        for address in (STRANGER, of_lan):
            assert_problem(daemon.host(address), 503, "p0f-unavailable", address)
        assert _sensor(daemon.host(of_wan)) == "wan"
        lan.p0f.start()
        wait_until(lambda: daemon.host(STRANGER).status == 404, "the other to be asked again")
        assert daemon.host(of_lan).status == 404       # it has forgotten
        assert _sensor(daemon.host(of_wan)) == "wan"


def test_what_is_remembered_of_one_that_is_down(pair, ask):
    wan, lan = pair
    wan.visit(_address(1))
    lan.visit(_address(2))
    with ask(pair, {"cache.ttl": "1ms", "cache.incomplete_ttl": "1ms", "cache.stale_if_error": "1h"}) as daemon:
        daemon.wait_for_p0f()
        before = daemon.host(_address(2)).json()
        lan.p0f.kill()
        answer = daemon.host(_address(2))
        assert (answer.status, answer.json()) == (200, before)
        assert _sensor(daemon.host(_address(1))) == "wan"
        assert_problem(daemon.host(STRANGER), 503, "p0f-unavailable", STRANGER)
        lan.p0f.start()


def test_a_host_found_while_one_is_down_is_not_kept_for_long(pair, ask):
    wan, lan = pair
    wan.visit(_address(1), _address(2))
    with ask(pair, {"cache.ttl": "1h", "cache.incomplete_ttl": "7s"}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host(_address(1)).cache_control()["max-age"] == 3600
        lan.p0f.kill()
        assert daemon.host(_address(2)).cache_control()["max-age"] == 7
        lan.p0f.start()


@pytest.mark.parametrize("ready, status", [("all", 503), ("any", 200)])
def test_readiness(pair, ask, ready, status):
    wan, lan = pair
    with ask(pair, {"p0f.ready": ready}) as daemon:
        def names(*down):
            detail = daemon.get("/readyz").json().get("detail") or ""
            return [sensor.name for sensor in pair if sensor.name in detail] == [sensor.name for sensor in down]
        wait_until(lambda: daemon.get("/readyz").status == 200 and names(), "both to answer")
        lan.p0f.kill()
        wait_until(lambda: names(lan), "/readyz to name the one that is down")
        assert daemon.get("/readyz").status == status
        wan.p0f.kill()
        wait_until(lambda: daemon.get("/readyz").status == 503, "the loss of both to be noticed")
        wait_until(lambda: names(wan, lan), "/readyz to name both")
        wan.p0f.start()
        wait_until(lambda: names(lan), "one to be there again")
        assert daemon.get("/readyz").status == status
        lan.p0f.start()
        wait_until(lambda: daemon.get("/readyz").status == 200, "both to be there again")


def test_both_down_at_the_start(needs_p0f, scratch, ask):
    with running(scratch, "wan", "lan") as pair:
        for sensor in pair:
            sensor.p0f.kill()
        with ask(pair) as daemon:
            assert_problem(daemon.host(STRANGER), 503, "p0f-unavailable", STRANGER)
            pair[1].p0f.start()
            pair[1].visit(_address(1))
            wait_until(lambda: daemon.host(_address(1)).status == 200, "one to be found")
            assert_problem(daemon.host(STRANGER), 503, "p0f-unavailable", STRANGER)
            pair[0].p0f.start()
            wait_until(lambda: daemon.host(STRANGER).status == 404, "both to be found")


# ---- One hangs


def test_one_that_hangs_delays_nobody_for_long(pair, ask):
    wan, lan = pair
    lan.visit(_address(99))
    wan.visit(*map(_address, range(1, 21)))
    timeout = 5 * SLOWDOWN
    settings = {"p0f.timeout": f"{timeout}s", "cache.ttl": "1h", "cache.incomplete_ttl": "7s"}
    with ask(pair, settings) as daemon:
        daemon.wait_for_p0f()
        with hung(lan):
            # Whoever is first waits, and then has what is known.
            begin = time.monotonic()
            assert daemon.host(STRANGER).status in (503, 504)
            assert time.monotonic() - begin < 2 * timeout
            begin = time.monotonic()
            for number in range(1, 21):
                answer = daemon.host(_address(number))
                assert _sensor(answer) == "wan"
                assert answer.cache_control()["max-age"] == 7
            assert_problem(daemon.host(STRANGER), 503, "p0f-unavailable", STRANGER)
            assert time.monotonic() - begin < timeout
            wait_until(lambda: "lan" in (daemon.get("/readyz").json().get("detail") or ""), "/readyz to name it")
        wait_until(lambda: daemon.host(STRANGER).status == 404, "it to be asked again")
        assert _sensor(daemon.host(_address(99))) == "lan"


def test_one_that_hung_before_the_daemon_started(pair, ask):
    """It accepts connections, and has never answered on them."""
    wan, lan = pair
    wan.visit(*map(_address, range(1, 21)))
    timeout = 5 * SLOWDOWN
    with contextlib.ExitStack() as stopped:
        stopped.enter_context(hung(lan))
        with ask(pair, {"p0f.timeout": f"{timeout}s", "p0f.ready": "any"}) as daemon:
            wait_until(lambda: daemon.get("/readyz").status == 200, "the other one to answer")
            assert _sensor(daemon.host(_address(1))) == "wan"
            begin = time.monotonic()
            for number in range(2, 21):
                assert _sensor(daemon.host(_address(number))) == "wan"
            assert time.monotonic() - begin < timeout
            stopped.close()
            wait_until(lambda: daemon.host(STRANGER).status == 404, "it to be asked again")


def test_a_host_found_before_the_deadline_is_answered_at_it(pair, ask):
    """The first lookup, which waits for the hung one."""
    wan, lan = pair
    wan.visit(_address(1))
    with ask(pair, {"p0f.timeout": "500ms"}) as daemon:
        daemon.wait_for_p0f()
        with hung(lan):
            assert _sensor(daemon.host(_address(1))) == "wan"
        wait_until(lambda: daemon.host(STRANGER).status == 404, "it to be asked again")


# ---- Ten of them

# What becomes of a sensor, again and again; it knows one host.
LIFE = ("knows", "falling", "down", "rising", "empty")


class Load:
    """Threads that ask about the hosts of all sensors and about a stranger, and hold each answer against what the
    sensors were while it was made."""

    def __init__(self, daemon, hosts, threads=4):
        self._daemon, self._hosts = daemon, hosts
        self._steps = dict.fromkeys(hosts, 0)   # of the life of each; replaced, never changed
        self._over = threading.Event()
        self._turns = [0] * threads
        self._counts = Counter()
        self._problems = []
        self._threads = [threading.Thread(target=self._run, args=(number,)) for number in range(threads)]
        for thread in self._threads:
            thread.start()

    def step(self, name):
        """It is at the next step of its life; what has been asked before has been answered."""
        before = list(self._turns)
        self._wait(lambda: all(now > then + 1 for now, then in zip(self._turns, before)), "each thread to be answered")
        self._steps = {**self._steps, name: self._steps[name] + 1}

    def _run(self, number):
        targets = [*self._hosts.items(), (None, STRANGER)]
        connection = self._daemon.connect()
        try:
            while not self._over.is_set():
                self._turns[number] += 1
                name, address = targets[(self._turns[number] + 3 * number) % len(targets)]
                before = self._steps
                answer = http_client.ask(connection, f"/host/{address}")
                self._check(name, answer, before, self._steps)
                self._counts[name, answer.status] += 1
        except Exception as problem:    # whatever it is, the test is to fail with it
            self._problems.append(problem)
        finally:
            connection.close()

    @staticmethod
    def _check(name, answer, before, after):
        were = {sensor: {LIFE[step % len(LIFE)] for step in range(before[sensor], after[sensor] + 1)}
                for sensor in before}
        what = (name, answer, were)
        if answer.status == 404:
            assert all(words != {"down"} for words in were.values()), what
            assert name is None or were[name] & {"rising", "empty"}, what
        elif answer.status == 503:
            assert any(words & {"falling", "down", "rising"} for words in were.values()), what
            assert name is None or were[name] != {"knows"}, what
        else:
            assert answer.status == 200 and name is not None, what
            assert answer.json()["sensor"] == name and not were[name] <= {"down", "rising"}, what

    def _wait(self, holds, what):
        wait_until(lambda: self._problems or holds(), what, bound=60)
        assert not self._problems, self._problems[0]

    def see(self, name, status, count=5):
        """Until the host of a sensor has been answered so often with that; None is the stranger."""
        begin = self._counts[name, status]
        self._wait(lambda: self._counts[name, status] >= begin + count, f"answers {status} about {name}")

    def end(self):
        self._over.set()
        for thread in self._threads:
            thread.join()
        assert not self._problems, self._problems[0]


def _kill(load, sensor):
    load.step(sensor.name)      # falling
    sensor.p0f.kill()
    load.step(sensor.name)      # down
    load.see(sensor.name, 503)
    load.see(None, 503)


def _restart(load, sensor, address):
    load.step(sensor.name)      # rising
    sensor.p0f.start()
    load.see(None, 404)
    load.step(sensor.name)      # empty
    load.see(sensor.name, 404)
    sensor.visit(address)
    load.step(sensor.name)      # knows
    load.see(sensor.name, 200)


def test_ten_of_which_one_at_a_time_is_killed_under_load(needs_p0f, scratch, ask):
    """A host that a living one knows is never a "no match", and a stranger is one only while all are alive."""
    names = [f"p{number}" for number in range(10)]
    hosts = {name: _address(100 + number) for number, name in enumerate(names)}
    with running(scratch, *names) as sensors, ask(sensors) as daemon:
        for sensor in sensors:
            sensor.visit(hosts[sensor.name])
        daemon.wait_for_p0f()
        load = Load(daemon, hosts)
        try:
            load.see(None, 404)
            for sensor in sensors:
                _kill(load, sensor)
                _restart(load, sensor, hosts[sensor.name])
            # And now one after the other.
            for number, sensor in enumerate(sensors):
                _kill(load, sensor)
                for other in sensors[number + 1:]:
                    load.see(other.name, 200, count=1)
        finally:
            load.end()


def test_no_p0f_is_harmed(scratch, serve):
    """However many there are, each has its answers read, and neither a deadline nor the end closes a connection."""
    with contextlib.ExitStack() as stack:
        busy = [stack.enter_context(BusyP0f(f"{scratch}/busy{number}.sock")) for number in range(3)]
        setting = ", ".join(f"b{number}={p0f.path}" for number, p0f in enumerate(busy))
        with serve(setting, {**ANEW, "p0f.timeout": "5ms"}) as daemon:
            wait_until(lambda: daemon.host("10.0.0.1").status == 200, "all to be connected")
            for number, p0f in enumerate(busy):
                p0f.stall(20 + number, 5 * number)
            requests = 50_000 if FULL else 5_000
            report = load(daemon, n=requests, c=100, m=60_000)
            assert set(report.statuses) <= {200, 503, 504} and report.wrong == report.broken == 0, report
            assert load(daemon, n=requests // 5, c=50, m=60_000, l=2, x=True).left > 0
            for p0f in busy:
                counts = p0f.counts()
                assert counts["stalls"] >= 5 and counts["most"] <= 4, counts
            # And it ends with answers outstanding, of which the last is that of the slowest.
            busy[2].stall(500)
            assert daemon.host("10.0.0.1").status in (200, 503, 504)
