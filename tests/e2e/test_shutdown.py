# SPDX-License-Identifier: MIT
"""SIGTERM and SIGINT: what is in flight is answered, p0f is left in peace, and the end is quick."""

import os
import signal
import socket
import subprocess
import time

import pytest

import real_p0f
from http_client import Crowd, ask, open_socket
from problems import assert_problem
from waiting import SLOWDOWN, wait_until

HOSTS = {f"203.0.113.{n}": {"total_conn": n, "os_name": "Linux"} for n in range(1, 31)}


@pytest.fixture(name="daemon")
def _daemon(fake, serve):
    """A daemon that the test ends itself."""
    fake.hosts.update(HOSTS)
    daemon = serve(fake, {"p0f.timeout": "20s"}).start()
    try:
        daemon.wait_for_p0f()
        yield daemon
    finally:
        if not daemon.ended():
            daemon.kill()
            print(daemon.log())


def _refuses(daemon):
    """Nobody new is let in."""
    try:
        with socket.create_connection(daemon.endpoint, timeout=5) as sock:
            # It was in the backlog perhaps; then it is closed without an answer.
            sock.settimeout(5)
            sock.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return not sock.recv(100)
    except OSError:
        return True


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGXCPU])
def test_requests_in_flight_are_answered(fake, daemon, number):
    fake.hold()
    crowd = Crowd(daemon.endpoint, [f"/host/{address}" for address in HOSTS])
    # All of them: a connection that has not been accepted yet is not in flight.
    wait_until(lambda: set(HOSTS) <= set(fake.counts), "the queries")
    daemon.signal(number)
    wait_until(lambda: _refuses(daemon), "the daemon to let nobody in")
    assert not daemon.ended()
    fake.release()
    for (address, fields), answer in zip(HOSTS.items(), crowd.answers()):
        assert answer.status == 200, answer
        assert (answer.json()["ip"], answer.json()["total_conn"]) == (address, fields["total_conn"])
    assert daemon.wait_end(5) == 0
    daemon.check_log()


def test_requests_that_have_come_and_are_not_read_yet_are_answered(fake, serve):
    """On connections that are there already: it has not had the time to look at them."""
    request = "GET {} HTTP/1.1\r\nHost: x\r\n\r\n"
    for _ in range(5):
        with serve(fake) as daemon:
            daemon.wait_for_p0f()
            socks = [open_socket(daemon.endpoint) for _ in range(20)]
            for sock in socks:
                sock.sendall(request.format("/livez").encode())
            for sock in socks:
                assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
            # On one CPU, its main thread is likely to be the first to go on.
            for thread in os.listdir(f"/proc/{daemon.process.pid}/task"):
                os.sched_setaffinity(int(thread), {min(os.sched_getaffinity(0))})
            daemon.signal(signal.SIGSTOP)
            for sock in socks:
                sock.sendall(request.format("/host/198.51.100.1?wait=0").encode())
            daemon.signal(signal.SIGTERM)
            daemon.signal(signal.SIGCONT)
            for sock in socks:
                with sock, sock.makefile("rb") as stream:
                    assert stream.read().startswith(b"HTTP/1.1 404 ")


def test_a_waiting_first_contact_is_answered(fake, daemon):
    """Those that wait for a host to become known, too."""
    crowd = Crowd(daemon.endpoint, ["/host/198.51.100.1?wait=2000"] * 5)
    wait_until(lambda: fake.counts["198.51.100.1"] >= 2, "the host to be asked about again")
    daemon.signal(signal.SIGTERM)
    for answer in crowd.answers():
        assert_problem(answer, 404, "no-match", "198.51.100.1")
    assert daemon.wait_end(5) == 0


def test_p0f_is_owed_nothing_at_the_end(fake, serve):
    """Those who asked have long been told that it took too long; p0f still has their questions."""
    daemon = serve(fake, {"p0f.timeout": "200ms"}).start()
    try:
        daemon.wait_for_p0f()
        fake.hold()
        crowd = Crowd(daemon.endpoint, [f"/host/{address}" for address in HOSTS])
        for address, answer in zip(HOSTS, crowd.answers()):
            assert_problem(answer, 504, "p0f-timeout", address)
        daemon.signal(signal.SIGTERM)
        wait_until(lambda: _refuses(daemon), "the daemon to let nobody in")
        assert fake.early_closes == 0
        fake.release()
        assert daemon.wait_end(10) == 0
    finally:
        if not daemon.ended():
            daemon.kill()
    wait_until(lambda: not fake.open_connections(), "the fake to see the end")
    fake.check()


def _end(daemon, within):
    begin = time.monotonic()
    daemon.signal(signal.SIGTERM)
    assert daemon.wait_end(20) == 0
    assert time.monotonic() - begin < within * SLOWDOWN
    daemon.check_log()


def test_idle_connections_do_not_delay_it(daemon):
    idle = [daemon.connect() for _ in range(20)]
    for connection in idle:
        assert ask(connection, "/livez").status == 200
    silent = [open_socket(daemon.endpoint) for _ in range(20)]
    half = open_socket(daemon.endpoint)
    half.sendall(b"GET /livez HT")
    _end(daemon, within=4)
    for connection in [*idle, *silent, half]:
        connection.close()


HALVES = {
    "a request line": b"GET /livez HT",
    "a header": b"GET /livez HTTP/1.1\r\nHost: x\r\nX-Hea",
    "a body": b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc",
    "a chunk": b"POST /hosts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               b"Transfer-Encoding: chunked\r\n\r\n9\r\nabc",
}


@pytest.mark.parametrize("what", HALVES)
def test_half_a_request_delays_it_for_a_second_only(daemon, what):
    """It would take five seconds if it were being answered."""
    with open_socket(daemon.endpoint) as sock:
        sock.sendall(HALVES[what])
        assert daemon.get("/livez").status == 200   # it has been read, most likely
        _end(daemon, within=4)


@pytest.mark.parametrize("what", ["a header", "a body"])
def test_nor_does_a_request_byte_by_byte(daemon, what):
    begin, rest = HALVES[what][:-3], b"v" * 100_000
    if what == "a body":
        begin = begin.replace(b": 9", b": 900000")
    with open_socket(daemon.endpoint) as sock:
        sock.sendall(begin)
        daemon.signal(signal.SIGTERM)
        due = time.monotonic() + 4 * SLOWDOWN
        for byte in rest:
            assert time.monotonic() < due, "the daemon waits for it"
            try:
                sock.sendall(bytes([byte]))
            except OSError:
                pass            # it has hung up, and is about to end
            try:
                daemon.process.wait(0.01)
                break
            except subprocess.TimeoutExpired:
                pass
    assert daemon.wait_end(20) == 0
    daemon.check_log()


def test_half_a_request_that_is_completed_in_time_is_answered(daemon):
    with open_socket(daemon.endpoint) as sock:
        sock.sendall(b"GET /livez HTTP/1.1\r\nHo")
        wait_until(lambda: daemon.get("/livez").status == 200, "it to be read, most likely")
        daemon.signal(signal.SIGTERM)
        sock.sendall(b"st: x\r\n\r\n")
        assert sock.makefile("rb").read().startswith(b"HTTP/1.1 200 ")
    assert daemon.wait_end(20) == 0


def test_without_p0f(scratch, serve):
    daemon = serve(f"{scratch}/none.sock").start()
    daemon.stop(within=5)


def test_it_says_what_it_waits_for(fake, daemon):
    """After a second. A signal that comes twice within it, as from timeout(1), is one; later ones of SIGHUP
    are ignored."""
    fake.hold()
    crowd = Crowd(daemon.endpoint, [f"/host/{address}" for address in HOSTS])
    # All of them: a connection that has not been accepted yet is not in flight.
    wait_until(lambda: set(HOSTS) <= set(fake.counts), "the queries")
    daemon.signal(signal.SIGTERM)
    daemon.signal(signal.SIGINT)
    waiting = "waiting for 30 answers from p0f, 30 requests in progress"
    wait_until(lambda: f" again: already shutting down, {waiting}\n" in daemon.log(),
               "it to be said to the impatient")
    wait_until(lambda: f"still shutting down after 1 s: {waiting}\n" in daemon.log(), "it to be said")
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "SIGHUP ignored: shutting down\n" in daemon.log(), "SIGHUP to be ignored")
    fake.release()
    assert {answer.status for answer in crowd.answers()} == {200}
    assert daemon.wait_end(5) == 0
    assert "p0f-drain" not in daemon.log()


def test_nothing_is_said_of_an_end_that_is_quick(daemon):
    daemon.stop()
    assert daemon.log().endswith("p0f-lookupd: SIGTERM: shutting down\n")


def test_while_the_real_p0f_is_stopped(needs_p0f, scratch, serve):
    """It would die, when it goes on, of an answer that nobody takes."""
    with real_p0f.RealP0f(scratch) as p0f:
        daemon = serve(p0f).start()
        try:
            daemon.wait_for_p0f()
            p0f.process.send_signal(signal.SIGSTOP)
            assert_problem(daemon.host("198.51.100.1"), 504, "p0f-timeout", "198.51.100.1")
            daemon.signal(signal.SIGTERM)
            wait_until(lambda: "after 4 s: waiting for 1 answer from p0f, 0 requests" in daemon.log(),
                       "it to be said")
            assert daemon.log().count("still shutting down") == 2      # after 1 s and 4 s
            assert not daemon.ended()
            p0f.process.send_signal(signal.SIGCONT)
            assert daemon.wait_end(5) == 0
        finally:
            p0f.process.send_signal(signal.SIGCONT)
            if not daemon.ended():
                daemon.kill()
        assert p0f.ask("198.51.100.1") and p0f.alive()


def test_under_load(fake, serve):
    """Ended in the middle of it: every request that was taken is answered rightly."""
    fake.hosts.update(HOSTS)
    for _ in range(3):
        daemon = serve(fake, {"cache.ttl": "0"}).start()
        try:
            daemon.wait_for_p0f()
            crowd = Crowd(daemon.endpoint, [f"/host/{address}" for address in HOSTS] * 3)
            daemon.signal(signal.SIGTERM)
            assert daemon.wait_end(10) == 0
            crowd.leave()
            daemon.check_log()
        finally:
            if not daemon.ended():
                daemon.kill()
