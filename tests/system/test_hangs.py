# SPDX-License-Identifier: MIT
"""What systemd does when the daemon hangs, as a whole or in part, and when p0f hangs as the daemon is stopped."""

import contextlib
import os
import signal
import time

import pytest

import one_thread
from waiting import wait_until

P0F, DAEMON = "p0f.service", "p0f-lookupd.service"
GIVE_UP_S, KILL_S = 20, 30      # SHUTDOWN_P0F_MAX_MS, and TimeoutStopSec= of the unit


def _wait_until_ready(system):
    wait_until(lambda: system.fetch("/readyz").status == 200, "p0f to be asked")


def _assert_restarted(system, former):
    """And with KillMode=process nothing of the former is left."""
    system.wait_for(DAEMON, "NRestarts", "1")
    system.wait_for(DAEMON, "ActiveState", "active")
    _wait_until_ready(system)
    assert "Watchdog timeout" in system.journal("-u", DAEMON)
    assert system.processes(DAEMON) == [system.pid(DAEMON)] != [former]
    assert system.show(P0F, "NRestarts") == "0"


def test_the_daemon_is_suspended(running):
    """Then systemd does not get its keep-alive any more. It wakes the daemon up as it asks it to end."""
    assert running.show(DAEMON, "WatchdogUSec") != "0"
    former = running.pid(DAEMON)
    running.kill(DAEMON, signal.SIGSTOP)
    wait_until(lambda: running.pid(DAEMON) != former, "the daemon to end", bound=120)
    _assert_restarted(running, former)


@pytest.mark.parametrize("hangs", ["loop", "worker"])
def test_a_thread_hangs(system, hangs):
    """All others answer, but the daemon cannot end."""
    system.write("/etc/p0f-lookupd.conf", "[http]\nthreads = 3\n")
    system.drop_in(DAEMON, "[Service]\nWatchdogSec=6s\nTimeoutStopSec=5s\n")
    system.systemctl("start", P0F, DAEMON)
    _wait_until_ready(system)
    former = system.pid(DAEMON)
    thread = former if hangs == "loop" else one_thread.threads_named(former, "http-worker")[-1]
    with contextlib.suppress(ProcessLookupError), one_thread.stopped(thread):
        # A traced thread that was killed is there until its tracer has waited for it.
        wait_until(lambda: os.waitpid(thread, os.WNOHANG | one_thread.WALL) != (0, 0), "the daemon to be killed",
                   bound=60)
    _assert_restarted(system, former)


def test_p0f_hangs_as_the_daemon_is_stopped(running):
    """The daemon leaves a process that takes p0f's answer, and starts again beside it."""
    _wait_until_ready(running)
    p0f = running.pid(P0F)
    running.kill(P0F, signal.SIGSTOP)
    assert running.fetch("/host/198.51.100.1").status == 504
    begin = time.monotonic()
    running.systemctl("stop", DAEMON)
    assert GIVE_UP_S - 1 < time.monotonic() - begin < KILL_S
    assert running.show(DAEMON, "ActiveState") == "inactive" and running.show(DAEMON, "Result") == "success"
    left, = running.processes(DAEMON)
    with open(f"/proc/{left}/comm", encoding="ascii") as comm:
        assert comm.read() == "p0f-drain\n"
    running.systemctl("start", DAEMON, bound=10)
    assert running.fetch("/livez").status == 200
    assert sorted(running.processes(DAEMON)) == sorted([left, running.pid(DAEMON)])
    os.kill(p0f, signal.SIGCONT)
    wait_until(lambda: running.processes(DAEMON) == [running.pid(DAEMON)], "the process to end")
    _wait_until_ready(running)
    assert running.pid(P0F) == p0f and running.show(P0F, "NRestarts") == "0"
