# SPDX-License-Identifier: MIT
"""SIGTERM while p0f hangs: the daemon gives up in time, and leaves a process that receives p0f's answers, as
p0f would die, when it goes on, of one that nobody takes."""

import os
import re
import signal
import time

import pytest

import processes
import real_p0f
from busy_p0f import BusyP0f
from daemon import ROOT
from http_client import Crowd, open_socket
from http_load import load
from problems import assert_problem
from waiting import SLOWDOWN, wait_until

HOSTS = [f"203.0.113.{n}" for n in range(1, 31)]
GIVE_UP_S = 20
STAYS = re.compile(r"process (\d+) \(p0f-drain\) stays to receive (\d+) answers? from p0f, which can crash "
                   r"otherwise; it exits when p0f has answered or is restarted\n")


def _left(daemon):
    """(the process that is left, the answers that it waits for)"""
    pid, answers = STAYS.search(daemon.log()).groups()
    return int(pid), int(answers)


def _runs(pid):
    """Whether that process has not ended; whoever is process 1 here may be slow to reap it."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def _descriptors(pid):
    """What it has open, without numbers."""
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            found.append(os.readlink(f"/proc/{pid}/fd/{fd}").split("[")[0])
        except OSError:
            pass        # closed in the meantime
    return sorted(found)


def _kill(daemon):
    if not daemon.ended():
        daemon.kill()
        print(daemon.log())


@pytest.fixture(name="hung")
def _hung(fake, serve):
    """A daemon that waits for 30 answers, shutting down for a second."""
    daemon = serve(fake, {"p0f.timeout": "20s"}).start()
    try:
        daemon.wait_for_p0f()
        fake.hold()
        daemon.crowd = Crowd(daemon.endpoint, [f"/host/{address}" for address in HOSTS])
        wait_until(lambda: set(HOSTS) <= set(fake.counts), "the queries")
        daemon.signal(signal.SIGTERM)
        daemon.wait_for_line("still shutting down after 1 s: waiting for 30 answers from p0f")
        yield daemon
    finally:
        fake.release()
        _kill(daemon)


def _stopped(serve, p0f, **settings):
    """A daemon to which the real one owes an answer, as it is stopped."""
    daemon = serve(p0f, settings).start()
    daemon.wait_for_p0f()
    p0f.process.send_signal(signal.SIGSTOP)
    assert_problem(daemon.host("198.51.100.1"), 504, "p0f-timeout", "198.51.100.1")
    return daemon


def test_it_ends_by_itself(needs_p0f, scratch, serve):
    """Before the service manager would kill it; the next daemon starts at once, while p0f still hangs; and p0f
    survives."""
    with real_p0f.RealP0f(scratch) as p0f:
        daemon = _stopped(serve, p0f)
        try:
            begin = time.monotonic()
            daemon.signal(signal.SIGTERM)
            assert daemon.wait_end(GIVE_UP_S + 5) == 0
            assert GIVE_UP_S - 1 < time.monotonic() - begin < GIVE_UP_S + 5 * SLOWDOWN
            daemon.wait_for_line(f"shutting down for {GIVE_UP_S} s: giving up waiting for 1 answer from p0f, "
                                 "0 requests in progress\n")
            child, answers = _left(daemon)
            assert answers == 1
            daemon.check_log()
            daemon.start()                 # on the same port
            assert daemon.get("/livez").status == 200
            assert _runs(child)
            p0f.process.send_signal(signal.SIGCONT)
            wait_until(lambda: not _runs(child), "the process to end")
            daemon.wait_for_p0f()
            daemon.stop()
        finally:
            p0f.process.send_signal(signal.SIGCONT)
            _kill(daemon)
        assert p0f.ask("198.51.100.1") and p0f.alive()


def test_the_unit_has_the_patience_and_spares_what_is_left():
    """KillMode=mixed would kill it at once, and the default after TimeoutStopSec= (seen with systemd 252 and
    257)."""
    with open(f"{ROOT}/systemd/p0f-lookupd.service", encoding="utf-8") as unit:
        lines = unit.read().splitlines()
    assert "KillMode=process" in lines
    patience = next(line for line in lines if line.startswith("TimeoutStopSec="))
    assert int(re.fullmatch(r"TimeoutStopSec=(\d+)s", patience).group(1)) >= GIVE_UP_S + 5


def test_what_is_left_ends_with_p0f(needs_p0f, scratch, serve):
    """When p0f is killed, as its service does when it is restarted."""
    with real_p0f.RealP0f(scratch) as p0f:
        daemon = _stopped(serve, p0f)
        try:
            daemon.signal(signal.SIGTERM)
            daemon.wait_for_line("still shutting down after 1 s")
            daemon.signal(signal.SIGTERM)
            assert daemon.wait_end(5) == 0
        finally:
            _kill(daemon)
        child, _ = _left(daemon)
        assert _runs(child)
        p0f.kill()
        wait_until(lambda: not _runs(child), "the process to end")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_a_second_signal_is_obeyed_at_once(fake, hung, number):
    """Requests under way are refused, and p0f still gives each answer to somebody."""
    hung.signal(number)
    assert {answer.status for answer in hung.crowd.answers()} == {503}
    assert hung.wait_end(5) == 0
    hung.wait_for_line(f"{signal.Signals(number).name} again: giving up waiting for 30 answers from p0f, "
                       "30 requests in progress\n")
    child, answers = _left(hung)
    assert answers == 30
    hung.check_log()
    assert fake.open_connections() == 4
    fake.release()
    wait_until(lambda: not fake.open_connections(), "p0f's connections to be closed")
    wait_until(lambda: not _runs(child), "the process to end")
    fake.check()


def test_what_is_left_is_in_nobodys_way(fake, hung):
    """It holds no pipe, no port and no directory, and no signal but SIGKILL ends it."""
    hung.signal(signal.SIGTERM)
    assert hung.wait_end(5) == 0
    child, _ = _left(hung)
    wait_until(lambda: _descriptors(child) == ["/dev/null"] * 3 + ["socket:"] * 4,
               "it to have closed all but its connections")
    assert processes.unix_sockets(child) == 4
    assert os.readlink(f"/proc/{child}/cwd") == "/"
    assert os.getsid(child) == child
    with open(f"/proc/{child}/cmdline", "rb") as command:
        assert command.read().strip(b"\0") == b"p0f-drain", "no arguments, which may have a password"
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1):
        os.kill(child, number)
    fake.release()
    wait_until(lambda: not fake.open_connections(), "p0f's connections to be closed")
    fake.check()        # it has read all of them, so no signal has ended it


def test_what_is_left_is_small(scratch, serve):
    """Not the cache."""
    with BusyP0f(f"{scratch}/p0f.sock") as busy:
        daemon = serve(busy, {"p0f.timeout": "100ms"}).start()
        try:
            daemon.wait_for_p0f()
            assert load(daemon, n=50_000, c=64, m=50_000).statuses[200] > 30_000
            if processes.instrumented(daemon.process.pid):
                pytest.skip("its memory is not the program's")
            before = processes.resident_bytes(daemon.process.pid)
            busy.pause()
            assert daemon.host("10.200.0.1").status == 504
            daemon.signal(signal.SIGTERM)
            daemon.wait_for_line("still shutting down after 1 s")
            daemon.signal(signal.SIGTERM)
            assert daemon.wait_end(5) == 0
            size = processes.resident_bytes(_left(daemon)[0])
            assert before > 20_000_000 and size < 8_000_000, (before, size)
        finally:
            busy.resume()
            _kill(daemon)


def test_idle_connections_are_closed_while_it_waits(fake, serve):
    """So that a proxy sends its next request elsewhere, or to the next daemon."""
    daemon = serve(fake, {"p0f.timeout": "100ms"}).start()
    try:
        daemon.wait_for_p0f()
        fake.hold()
        assert daemon.host(HOSTS[0]).status == 504
        with open_socket(daemon.endpoint) as idle, open_socket(daemon.endpoint) as kept:
            kept.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
            assert kept.recv(4096).startswith(b"HTTP/1.1 200 ")
            daemon.signal(signal.SIGTERM)
            assert idle.recv(1) == kept.recv(1) == b""
            assert "giving up" not in daemon.log() and not daemon.ended()
        fake.release()
        assert daemon.wait_end(5) == 0
    finally:
        _kill(daemon)


def test_process_1_waits_itself(fake, serve):
    """A child would end with it."""
    daemon = serve(fake, {"p0f.timeout": "100ms"},
                   prefix=["unshare", "--pid", "--fork", "--kill-child"]).start()
    try:
        daemon.wait_for_p0f()
        fake.hold()
        assert daemon.host(HOSTS[0]).status == 504
        outer = daemon.process.pid
        with open(f"/proc/{outer}/task/{outer}/children", encoding="ascii") as children:
            inner = int(children.read())
        os.kill(inner, signal.SIGTERM)
        daemon.wait_for_line("still shutting down after 1 s")
        os.kill(inner, signal.SIGTERM)
        daemon.wait_for_line("cannot leave a process to receive 1 answer from p0f")
        assert not daemon.ended()
        fake.release()
        assert daemon.wait_end(5) == 0
    finally:
        _kill(daemon)
    wait_until(lambda: not fake.open_connections(), "p0f's connections to be closed")
    fake.check()
