# SPDX-License-Identifier: MIT
"""p0f dies of a client that hangs up while an answer to it is outstanding, and it serves few clients.
Whatever becomes of the daemon, of those who ask it, or of p0f: no such thing is done to it.

BusyP0f has the real one's order of work, counts every close that came too early, and dies of what
the real one dies of; when its with-block ends, there must have been none.
"""

import os
import signal
import socket
import time

import pytest

import capture
import p0f_wire
import processes
from busy_p0f import BusyP0f
from daemon import SENTINEL, write_config
from fake_p0f import FakeP0f
from http_client import Crowd, open_socket
from http_load import FULL, Load, load
from namespace import Namespace, Replay
from problems import assert_problem
from real_p0f import RealP0f
from waiting import SLOWDOWN, wait_until

# Each question goes to p0f, and nobody waits for longer than a fraction of a stall.
IMPATIENT = {"cache.ttl": "0", "cache.incomplete_ttl": "0", "cache.negative_ttl": "0",
             "cache.stale_while_revalidate": "0", "cache.stale_if_error": "0",
             "p0f.first_contact_wait": "0", "p0f.timeout": "5ms"}
REQUESTS = 100_000 if FULL else 10_000


@pytest.fixture(name="busy")
def _busy(scratch):
    with BusyP0f(os.path.join(scratch, "p0f.sock")) as busy:
        yield busy


def _ask(path, address="192.0.2.1"):
    sock = open_socket(path)
    sock.sendall(p0f_wire.pack_query(address))
    return sock


def _sound(report, *statuses):
    """Nothing but these answers, each to whom it belongs."""
    assert set(report.statuses) <= set(statuses), report
    assert report.wrong == report.broken == report.refused == 0, report


# -- the p0f of these tests ------------------------------------------------------------------------

def test_what_would_kill_the_real_one_is_seen(scratch):
    """Else the tests below would prove nothing."""
    busy = BusyP0f(os.path.join(scratch, "p0f.sock")).__enter__()
    busy.stall(100)
    sock = _ask(busy.path)
    wait_until(lambda: busy.counts()["queries"] == 1, "the query to be read")
    sock.close()
    busy.process.stdin.close()
    busy.process.stdin = None
    counts = busy.end()
    assert counts["early_closes"] == 1, counts


def test_a_query_left_unread_and_a_half_close_are_seen(scratch):
    busy = BusyP0f(os.path.join(scratch, "p0f.sock")).__enter__()
    busy.pause()
    _ask(busy.path).close()
    busy.resume()
    wait_until(lambda: busy.counts()["early_closes"] == 1, "the early close to be counted")
    with open_socket(busy.path) as sock:
        sock.shutdown(socket.SHUT_WR)
        wait_until(lambda: busy.counts()["half_closes"] == 1, "the half-close to be counted")
    busy.end()


def test_a_client_that_waits_for_its_answers_does_no_harm(busy):
    with _ask(busy.path) as sock, sock.makefile("rb") as stream:
        sock.sendall(p0f_wire.pack_query("10.1.2.3"))
        answers = [p0f_wire.unpack_answer(stream.read(p0f_wire.SIZE["p0f3"])) for _ in range(2)]
    assert [answer["status"] for answer in answers] == [p0f_wire.NO_MATCH, p0f_wire.OK]
    assert answers[1]["http_name"] == b"10.1.2.3"
    wait_until(lambda: busy.counts()["clients"] == 0, "the client to be seen gone")


# -- the daemon ------------------------------------------------------------------------------------

@pytest.mark.parametrize("every", [0, 5], ids=["always stalled", "stalled again and again"])
def test_deadlines_shorter_than_the_stalls(busy, serve, every):
    with serve(busy, IMPATIENT) as daemon:
        daemon.wait_for_p0f()
        busy.stall(20, every)
        report = load(daemon, n=REQUESTS, c=100, m=60_000)
        _sound(report, 200, 504)
        assert report.statuses[504] > REQUESTS / 10
        counts = busy.stall(0)
        assert counts["stalls"] >= 5
        assert counts["most"] <= 4
        wait_until(lambda: daemon.host("10.0.0.1").status == 200, "p0f to be reached again")


def test_clients_that_leave(busy, serve):
    """They do not wait for the deadline even."""
    with serve(busy, {**IMPATIENT, "p0f.timeout": "100ms"}) as daemon:
        daemon.wait_for_p0f()
        busy.stall(20, 5)
        assert load(daemon, n=REQUESTS // 5, c=50, m=60_000, l=2).left > REQUESTS / 20
        assert load(daemon, n=REQUESTS // 5, c=50, m=60_000, l=2, x=True).left > REQUESTS / 20
        busy.stall(0)
        wait_until(lambda: daemon.host("10.0.0.1").status == 200, "p0f to be reached again")


def test_reloads_under_load(busy, serve):
    """p0f.connections needs a restart: of those there are, none is closed and none is added."""
    with serve(busy, IMPATIENT) as daemon:
        daemon.wait_for_p0f()
        busy.stall(20, 5)
        running = Load(daemon, n=REQUESTS, c=100, m=60_000)
        for number in range(20):
            daemon.settings.update({"p0f.connections": str(1 + number % 8),
                                    "p0f.max_rate": str(number % 2 * 10_000),
                                    "p0f.max_pending": str(50 + number)})
            write_config(daemon.config, daemon.settings)
            before = len(daemon.log())
            daemon.signal(signal.SIGHUP)
            wait_until(lambda b=before: "settings reloaded" in daemon.log()[b:], "the reload")
        # There are 100 clients, and at times 50 may wait.
        _sound(running.result(), 200, 503, 504)
        daemon.wait_for_line("p0f.connections = 3 needs a restart; 4 stays in force")
        counts = busy.stall(0)
        assert counts["most"] == counts["connections"] == 4
        wait_until(lambda: daemon.host("10.0.0.1").status == 200, "p0f to be reached again")


def test_restarts_with_other_numbers_of_connections(busy, serve):
    for connections in (1, 8, 3):
        with serve(busy, {**IMPATIENT, "p0f.connections": str(connections)}) as daemon:
            daemon.wait_for_p0f()
            busy.stall(20, 5)
            running = Load(daemon, n=10_000_000, c=50, m=60_000)
            before = busy.counts()["stalls"]
            wait_until(lambda b=before: busy.counts()["stalls"] > b + 5, "some stalls")
            assert busy.counts()["clients"] == connections
            daemon.stop()       # in the middle of it
            assert running.end().wrong == 0
            busy.stall(0)
            wait_until(lambda: busy.counts()["clients"] == 0, "p0f to see the end")


def test_stopped_with_a_hundred_answers_outstanding(busy, serve):
    settings = {**IMPATIENT, "p0f.connections": "4", "p0f.pipeline": "32"}
    with serve(busy, settings) as daemon:
        daemon.wait_for_p0f()
        before = busy.counts()["queries"]
        busy.pause()
        running = Load(daemon, n=10_000_000, c=50, m=60_000)
        crowd = Crowd(daemon.endpoint, [f"/host/10.0.1.{number}" for number in range(128)])
        assert {answer.status for answer in crowd.answers()} == {504}
        daemon.signal(signal.SIGTERM)
        report = running.end()
        assert set(report.statuses) <= {503, 504} and report.wrong == 0, report
        assert not daemon.ended(), "it must wait for p0f's answers"
        busy.resume()
        assert daemon.wait_end(10) == 0
        assert busy.counts()["queries"] >= before + 100
        daemon.check_log()


def test_p0f_stopped_for_long_and_continued(busy, serve):
    with serve(busy, IMPATIENT) as daemon:
        daemon.wait_for_p0f()
        _sound(load(daemon, n=1_000, c=50, m=60_000), 200, 504)
        busy.pause()
        # Evenly over 10 s, or over 1.
        _sound(load(daemon, n=REQUESTS // 2, r=REQUESTS // (20 if FULL else 2), c=100, m=60_000),
               504)
        busy.resume()
        wait_until(lambda: daemon.host("10.0.0.1").status == 200, "p0f to be reached again")
        _sound(load(daemon, n=1_000, c=50, m=60_000), 200, 504)
        counts = busy.counts()
        assert counts["connections"] == counts["clients"] == 4, "nothing was lost"


# -- its few connections ---------------------------------------------------------------------------

def test_never_more_connections_than_set(scratch, serve):
    """Not while p0f hangs up, nor while it accepts nobody: what waits for it counts, too."""
    with FakeP0f(os.path.join(scratch, "p0f.sock")) as fake, \
            serve(fake, {**IMPATIENT, "p0f.connections": "3"}) as daemon:
        daemon.wait_for_p0f()
        most = 0

        def look():
            nonlocal most
            most = max(most, processes.unix_sockets(daemon.process.pid))
        running = Load(daemon, n=10_000_000, c=20, m=60_000)
        for _ in range(10):
            connected = fake.connections
            fake.hang_up()
            wait_until(lambda c=connected: (look(), fake.connections >= c + 3)[1],
                       "the daemon to connect again")
        fake.accepting = False
        fake.hang_up()
        wait_until(lambda: (look(), processes.unix_sockets(daemon.process.pid) == 3)[1],
                   "the daemon to stand in p0f's queue")
        running.end()
        for _ in range(20):
            daemon.host("10.0.0.1")
            look()
        assert most == 3
        fake.accepting = True
        wait_until(lambda: daemon.host("10.0.0.1").status == 404, "p0f to be reached again")


def test_max_rate_holds(fake, serve):
    """To within 5 %, with what may be made up for: the queries of 50 ms."""
    rate, count, in_flight = 500, 1_500 if FULL else 750, 8
    with serve(fake, {**IMPATIENT, "p0f.timeout": "20s", "p0f.max_rate": str(rate),
                      "p0f.connections": "1", "p0f.pipeline": str(in_flight)}) as daemon:
        daemon.wait_for_p0f()
        _sound(load(daemon, n=count, c=100, a="192.168.0.1", m=60_000), 404)
        times = [query.at for query in fake.queries if query.address.startswith("192.168.")]
        assert len(times) == count
        for length in (count // 3, count - 1):
            quickest = min(later - earlier for earlier, later in zip(times, times[length:]))
            # The fake, too, may have read late what was sent in time: as many as can be under way.
            assert length - in_flight <= (quickest + 0.05) * rate * 1.05, (length, quickest)
        if FULL:
            assert count - 1 >= (times[-1] - times[0]) * rate * 0.95


# -- the real one ----------------------------------------------------------------------------------

def _warnings(p0f):
    with open(p0f.output, encoding="latin-1") as output:
        return [line for line in output if "WARN" in line or "ERROR" in line or "[-]" in line]


def test_the_real_one_while_packets_keep_it_busy(needs_p0f, scratch, serve):
    """Alive afterwards, idle again, and nothing to complain of."""
    packets = os.path.join(scratch, "hosts.pcap")
    capture.write(packets)
    with Namespace() as namespace, \
            RealP0f(scratch, interface="v1", prefix=namespace.prefix) as p0f, \
            serve(p0f, IMPATIENT) as daemon:
        daemon.wait_for_p0f()
        with Replay(namespace, packets) as replay:
            hosts = {"a": "198.18.0.1", "m": 60_000, "i": True}
            _sound(load(daemon, n=REQUESTS, c=100, **hosts), 200, 404, 504)
            assert load(daemon, n=REQUESTS // 5, c=50, l=1, **hosts).left
            assert load(daemon, n=REQUESTS // 5, c=50, l=0, x=True, **hosts).left
            p0f.process.send_signal(signal.SIGSTOP)
            assert set(load(daemon, n=2_000, c=50, **hosts).statuses) == {504}
            p0f.process.send_signal(signal.SIGCONT)
            assert replay.running(), "the packets must last longer than the requests"
        wait_until(lambda: daemon.host(SENTINEL).status == 404, "p0f to be reached again")
        assert p0f.alive()
        processes.wait_until_idle(p0f.process.pid, "p0f to be idle again")
        assert not _warnings(p0f)


@pytest.fixture(name="crowded")
def _crowded(needs_p0f, scratch):
    """(p0f, what keeps its 20 connections taken)"""
    p0f = RealP0f(scratch, packets="net 192.0.2.0/24")
    p0f.output = os.devnull     # it would complain, millions of times
    with p0f:
        others = [_ask(p0f.socket) for _ in range(20)]
        for sock in others:     # accepted, not only queued
            assert len(sock.recv(4096)) == p0f_wire.SIZE["p0f3"]
        yield p0f, others
        for sock in others:
            sock.close()


def test_all_slots_taken(crowded, serve):
    """It says so, answers in time all the same, and goes on by itself when there is room."""
    p0f, others = crowded
    limit = "queries are never answered"
    with serve(p0f, {"p0f.timeout": "300ms"}) as daemon:
        most = 0

        def pool():
            nonlocal most
            most = max(most, processes.unix_sockets(daemon.process.pid))
            return daemon.get("/status").json()["pool"]

        def in_time():
            begin = time.monotonic()
            assert_problem(daemon.host("192.0.2.1"), 504, "p0f-timeout", "192.0.2.1")
            assert time.monotonic() - begin < 3 * SLOWDOWN      # of 0.3
        in_time()
        wait_until(lambda: limit in daemon.log(), "the log to say so")
        wait_until(lambda: limit in (pool()["fault"] or ""), "/status to say so")
        assert pool()["limit_suspected"] and not pool()["p0f_up"]
        assert_problem(daemon.get("/readyz"), 503, "p0f-unavailable")
        assert limit in daemon.get("/readyz").json()["detail"]
        in_time()
        while others:
            others.pop().close()
            pool()
        wait_until(lambda: daemon.host("192.0.2.1", "?wait=0").status == 404,
                   "the daemon to have its connections")
        wait_until(lambda: pool()["ready"] == 4, "all its connections to be served")
        assert pool()["fault"] is None and not pool()["limit_suspected"] and pool()["p0f_up"]
        assert most == 4
        daemon.wait_for_line(limit)
        assert daemon.log().count(limit) == 1
        assert p0f.alive()
        processes.wait_until_idle(p0f.process.pid, "p0f to be idle again")


def test_it_ends_although_its_own_connections_take_all_slots(needs_p0f, scratch, serve):
    """The answers on the fourth come only when it has closed another one."""
    p0f = RealP0f(scratch, packets="net 192.0.2.0/24", options=("-S", "3"))
    p0f.output = os.devnull
    with p0f, serve(p0f) as daemon:
        wait_until(lambda: "answers on 3 of 4 connections" in daemon.log(), "the limit to be reached")
        daemon.stop()
        assert daemon.log().splitlines()[-1].endswith("SIGTERM: shutting down")
        assert p0f.alive()


def test_a_query_asked_while_there_is_no_slot_is_not_lost(crowded, serve):
    p0f, others = crowded
    with serve(p0f, {"p0f.timeout": f"{20 * SLOWDOWN}s"}) as daemon:
        crowd = Crowd(daemon.endpoint, [f"/host/192.0.2.{n}?wait=0" for n in range(1, 200)])
        wait_until(lambda: "queries are never answered" in daemon.log(), "the daemon to find no free connection")
        assert crowd.waiting() == 199
        others.pop().close()    # one is enough
        assert {answer.status for answer in crowd.answers()} == {404}
        while others:
            others.pop().close()
        assert p0f.alive()


def test_a_few_slots_left(crowded, serve):
    """Two of its four connections are served, and so is everybody who asks."""
    p0f, others = crowded
    for _ in range(2):
        others.pop().close()
    with serve(p0f, {"p0f.timeout": f"{20 * SLOWDOWN}s"}) as daemon:
        crowd = Crowd(daemon.endpoint, [f"/host/192.0.2.{n}?wait=0" for n in range(1, 200)])
        assert {answer.status for answer in crowd.answers()} == {404}
        while others:
            others.pop().close()
