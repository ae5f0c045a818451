# SPDX-License-Identifier: MIT
"""One client does its worst, in each of many ways, and the others go on as if nothing were: their hits
are answered, and soon, and whoever comes new is not refused.

`make harm` prints a row of a table for each. The attacker, the others and the daemon share one machine
there, so that what they take from each other is in the figures.
"""

import contextlib
import ipaddress
import json
import os
import re
import statistics
import time
from collections import namedtuple

import pytest

import processes
from attackers import Flood, Hold
from busy_p0f import BusyP0f
from http_client import open_socket
from http_load import FULL, Load, load
from waiting import SLOWDOWN, wait_until

ATTACKER, READER, OBSERVER = "127.0.0.2", "127.0.0.3", "127.0.0.4"
HIT, STRANGER = "10.0.0.1", "11.0.0.1"     # and those behind them
HOSTS = 1000                            # that are in the cache
SECONDS = 10 if FULL else 0.5           # in the calm, and then under attack
WINDOWS = 5 if FULL else 1              # whose median is told: other programs may be busy in one
RATE = 400 if FULL else 100             # hits a second of the others
LEFT_WITHIN = 1 if FULL else 2          # seconds; it should be about a tenth
NEWCOMERS = 200 if FULL else 20         # at the least
CONNECTIONS = 10_000 if FULL else 1000    # as many as there may be
MEBIBYTE = 1 << 20

# Nobody here is a proxy, who would speak for others.
SETTINGS = {"http.trusted_proxies": "192.0.2.1", "http.max_connections": str(CONNECTIONS),
            "cache.ttl": "1h"}


# ---- The others

Figures = namedtuple("Figures", "p99 worst unserved times refused queries cpu memory")


def _arrive(daemon, number):
    """A newcomer connects and asks for what is in the cache: how long that took, or None."""
    begin = time.monotonic()
    try:
        with open_socket(daemon.endpoint, source=f"127.1.{number // 250 % 250}.{1 + number % 250}") as sock:
            sock.sendall(b"GET /host/%s HTTP/1.1\r\nHost: x\r\n\r\n" % HIT.encode())
            if not sock.recv(4096).startswith(b"HTTP/1.1 200 "):
                return None
    except OSError:
        return None
    return time.monotonic() - begin


def _watch(daemon, p0f):
    """How the others fare for a while."""
    pid = daemon.process.pid
    processes.forget_peak(pid)
    begin, cpu, queries = time.monotonic(), processes.cpu_seconds(pid), p0f.counts()["queries"]
    hits, times = [], []
    for _ in range(WINDOWS):
        # As many connections as it takes to go on at this rate when each answer takes 0.2 s.
        count = int(RATE * SECONDS / WINDOWS)
        under_way = Load(daemon, n=count, r=RATE, c=100, a=HIT, s=READER)
        for _ in range(NEWCOMERS // WINDOWS):
            times.append(_arrive(daemon, len(times)))
            time.sleep(SECONDS / NEWCOMERS / 2)
        hits.append(under_way.result())
    took = time.monotonic() - begin
    return Figures(p99=statistics.median(report.p99 for report in hits) / 1e3,
                   worst=max(report.p99 for report in hits) / 1e3,
                   unserved=sum(count - report.statuses.get(200, 0) + report.wrong for report in hits),
                   times=sorted(time for time in times if time is not None),
                   refused=times.count(None),
                   queries=(p0f.counts()["queries"] - queries) / took,
                   cpu=(processes.cpu_seconds(pid) - cpu) / took,
                   memory=processes.peak_bytes(pid))


def _print_row(name, calm, attacked, said):
    def p99(times):
        return f"{times[len(times) * 99 // 100] * 1e3:.1f}" if times else "-"
    print(f"\n| {name} | {calm.p99:.1f} -> {attacked.p99:.1f} ms "
          f"(worst {calm.worst:.1f} -> {attacked.worst:.1f}), {attacked.unserved} unserved | "
          f"{p99(calm.times)} -> {p99(attacked.times)} ms | "
          f"{attacked.refused} of {len(attacked.times) + attacked.refused} | {attacked.queries:.0f}/s | "
          f"{calm.cpu:.2f} -> {attacked.cpu:.2f} | {calm.memory >> 20} -> {attacked.memory >> 20} MiB | "
          f"load {os.getloadavg()[0]:.1f} | {said}")


# ---- The attacks, each a with-block around it; what that gives says at the end what has come of it

class _Loading:
    """http_load, until it is told to end."""

    def __init__(self, daemon, **options):
        self._load = Load(daemon, n=10_000_000, s=ATTACKER, **options)

    def __enter__(self):
        return self

    def end(self):
        """The report."""
        self._load, ended = None, self._load.end()
        return ended

    def __exit__(self, *_):
        if self._load:
            self._load.end()


def _get(path):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def _batch(hosts):
    body = json.dumps(hosts)
    return (f"POST /hosts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


def _connections(daemon):
    return Hold(daemon.port, s=ATTACKER, c=CONNECTIONS)


def _batches(connections):
    first = ipaddress.ip_address(HIT)
    hosts = [str(first + number) for number in range(HOSTS)]
    return lambda daemon: Flood(daemon, _batch(hosts), s=ATTACKER, c=connections)


@contextlib.contextmanager
def _idle(daemon, count):
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(open_socket(daemon.endpoint, source="127.0.2.1"))
        yield


@contextlib.contextmanager
def _metrics(daemon):
    with _idle(daemon, CONNECTIONS * 7 // 10), \
            Flood(daemon, _get("/metrics"), s=ATTACKER, c=16) as flood:
        yield flood


def _anew(daemon):
    return _Loading(daemon, c=64, a=HIT, m=100, H="Cache-Control: no-cache")


def _waits(daemon):
    count, wait = (8750, 5000) if FULL else (100, 300)
    return _Loading(daemon, c=count, a=STRANGER, m=4 * count, q=f"?wait={wait}")


def _uploads(clients):
    return lambda daemon: Hold(daemon.port, s="127.0.2.1", c=64, m=clients, u=10**12)


def _closed_loop(daemon):
    return Flood(daemon, _get(f"/host/{HIT}"), s=ATTACKER, c=256)


def _endless(daemon):
    return Flood(daemon, _get(f"/host/{HIT}"), s=ATTACKER, p=0)


def _check_attacker(said):
    """That it was answered as it should be, where it is known how that is."""
    if isinstance(said, dict) and "statuses" in said:
        assert set(said["statuses"]) == {"200"} and said["wrong"] == said["broken"] == 0, said
        assert said["longest"] - said["shortest"] < 100, said      # counters grow


# Each with the most that the 99th percentile of the others' hits may be in it, in ms, with FULL.
ATTACKS = {
    "connections that ask once a second": (_connections, 50),
    "batches on 64 connections": (_batches(64), 5),
    "batches on 256 connections": (_batches(256), 10),
    "/metrics with idle connections": (_metrics, 50),
    "nothing remembered": (_anew, 50),
    "waits for strangers": (_waits, 50),
    "refused uploads of one client": (_uploads(1), 50),
    "refused uploads of 64 clients": (_uploads(64), 50),
    "hits on 256 connections": (_closed_loop, 50),
    "hits without end on one connection": (_endless, 50),
}
ROWS = [pytest.param(*row, id=name) for name, row in ATTACKS.items()]


@pytest.fixture(name="busy")
def _busy(scratch):
    """It outlives the daemon, so that it sees its end."""
    with BusyP0f(os.path.join(scratch, "p0f.sock")) as busy:
        yield busy


@pytest.fixture(name="daemon")
def _daemon(busy, serve, allow_descriptors):
    allow_descriptors(CONNECTIONS + 1000)
    with serve(busy, SETTINGS) as daemon:
        daemon.wait_for_p0f()
        load(daemon, n=HOSTS, c=8, a=HIT, m=HOSTS)
        yield daemon


@pytest.mark.parametrize("attack,within", ROWS)
def test_others_are_served(busy, daemon, request, attack, within):
    calm = _watch(daemon, busy)
    with attack(daemon) as attacker:
        attacked = _watch(daemon, busy)
        said = attacker.end()
    if FULL:
        _print_row(request.node.callspec.id, calm, attacked, said)
    for figures in (calm, attacked):
        assert figures.unserved == figures.refused == 0, figures
    _check_attacker(said)
    # Else only whether they were held up altogether, as this may be one of many busy programs here.
    assert attacked.p99 < (within if FULL else 2000 * SLOWDOWN), attacked


# ---- What an attack must not cost

def test_metrics_take_no_time_for_each_connection(busy, serve, allow_descriptors):
    idle, count = (7000, 2000) if FULL else (3000, 200)
    allow_descriptors(idle + 1000)
    with serve(busy, {**SETTINGS, "http.max_connections": str(idle + 100)}) as daemon, _idle(daemon, idle):
        pid = daemon.process.pid
        connection = daemon.connect()
        before = processes.cpu_seconds(pid)
        for _ in range(count):
            connection.request("GET", "/metrics")
            assert len(connection.getresponse().read()) > 1000
        cost = (processes.cpu_seconds(pid) - before) / count
        connection.close()
        if FULL:
            print(f"\n  /metrics with {idle} connections: {cost * 1e3:.2f} ms of the daemon's CPU")
        assert cost < 1e-3 or processes.instrumented(pid), f"{cost * 1e3:.2f} ms of CPU"


def _hits(daemon):
    text = daemon.get("/metrics", source=OBSERVER).body.decode()
    return int(re.search(r'lookups_total{cache="hit",result="found"} (\d+)', text)[1])


def test_answers_that_are_not_read_take_no_memory(busy, serve):
    """Of batches that are so large that the kernel does not take them all at once."""
    hosts, connections = 20_000, 32 if FULL else 8
    with serve(busy, {**SETTINGS, "http.max_batch": str(hosts)}) as daemon:
        daemon.wait_for_p0f()
        load(daemon, n=1, a=HIT)
        pid = daemon.process.pid
        before = processes.resident_bytes(pid)
        with Flood(daemon, _batch([HIT] * hosts), s=ATTACKER, c=connections, d=True):
            wait_until(lambda: _hits(daemon) >= connections, "them to be looked up")
            processes.wait_until_idle(pid, "it to have done what it can")
            grown = processes.resident_bytes(pid) - before
            assert _arrive(daemon, 1)
        instrumented = processes.instrumented(pid)
    if instrumented:
        pytest.skip("its memory is not all the program's")
    if FULL:
        print(f"\n  {connections} answers about {hosts} hosts that are not read: {grown >> 20} MiB")
    assert grown <= connections * 4 * MEBIBYTE, f"{grown >> 20} MiB"


@pytest.mark.parametrize("how", ["with a FIN", "with a reset"])
def test_who_has_left_is_waited_for_no_more(fake, serve, how):
    """Many who would wait for 5 s hang up: p0f is asked no more for them, and they are pending no longer."""
    count = 400
    with serve(fake, SETTINGS) as daemon:
        daemon.wait_for_p0f()
        report = Load(daemon, n=count, c=count, a=STRANGER, m=count, q="?wait=5000", l=200,
                      s=ATTACKER, **({"x": True} if how == "with a reset" else {})).result()
        left = time.monotonic()
        wait_until(lambda: daemon.get("/status", source=OBSERVER).json()["lookups"]["pending"] == 0,
                   "them to be pending no longer")
        free = time.monotonic() - left
        # Who asks for somebody else now would see it if p0f were still asked for those.
        assert daemon.host("12.0.0.1", "?wait=300", source=OBSERVER).status == 404
    asked = [query for query in fake.queries if query.address.startswith("11.")]
    late = [query.at - left for query in asked if query.at > left]
    if FULL:
        print(f"\n  {count} left {how}: pending no longer after {free:.2f} s; p0f asked {len(late)} times more, "
              f"for the last time after {max(late, default=0):.2f} s")
    assert report.left == count and len(asked) >= count // 2, report
    assert free < LEFT_WITHIN and max(late, default=0) < LEFT_WITHIN, (free, len(late), max(late))
