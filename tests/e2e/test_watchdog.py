# SPDX-License-Identifier: MIT
"""The watchdog of systemd (WatchdogSec=): fed while all threads that do the work answer, and only then."""

import os
import signal
import socket
import time

import pytest

from http_client import Crowd
from one_thread import stopped, threads_named
from waiting import SLOWDOWN, wait_until

HOST = "198.51.100.1"

# The daemon beats three times in a period.
PERIOD_MS = 600
BEAT_S = PERIOD_MS / 1000 / 3


@pytest.fixture(name="manager")
def _manager(scratch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"{scratch}/notify")
        yield sock


def _environment(manager, period_ms=PERIOD_MS):
    return {"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": str(period_ms * 1000)}


def _messages(manager):
    """What it tells, as lists of lines, for as long as a test may wait."""
    until = time.monotonic() + 20 * SLOWDOWN
    while True:
        manager.settimeout(max(until - time.monotonic(), 0.001))
        yield manager.recv(4096).decode().splitlines()


def _wait_for(manager, line):
    """Until the daemon has told it; returns that message."""
    return next(lines for lines in _messages(manager) if line in lines)


def _wait_for_status(manager, words):
    return next(line for lines in _messages(manager) for line in lines
                if line.startswith("STATUS=") and words in line)


def _forget(manager):
    """What it has told so far."""
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            manager.recv(4096)


def _is_not_fed(manager):
    """A beat that was answered before may still count; after that, none for many beats."""
    manager.settimeout(BEAT_S * 10)
    fed = 0
    with pytest.raises(TimeoutError):
        while True:
            fed += "WATCHDOG=1" in manager.recv(4096).decode()
            assert fed <= 1, "the watchdog is fed"


def test_fed_while_all_is_well(fake, serve, manager):
    with serve(fake, extra_environment=_environment(manager)):
        assert "READY=1" in _wait_for(manager, "READY=1")
        for _ in range(5):
            _wait_for(manager, "WATCHDOG=1")


def test_not_fed_if_nobody_watches(fake, serve, manager):
    with serve(fake, extra_environment={"NOTIFY_SOCKET": manager.getsockname()}) as daemon:
        daemon.wait_for_p0f()
        _forget(manager)
        manager.settimeout(BEAT_S * 5)
        with pytest.raises(TimeoutError):
            manager.recv(4096)


def test_not_fed_for_another_process(fake, serve, manager):
    """WATCHDOG_PID is for children that inherit the environment."""
    environment = {**_environment(manager), "WATCHDOG_PID": str(os.getpid())}
    with serve(fake, extra_environment=environment) as daemon:
        daemon.wait_for_p0f()
        _forget(manager)
        manager.settimeout(BEAT_S * 5)
        with pytest.raises(TimeoutError):
            manager.recv(4096)


@pytest.mark.parametrize("which", [0, -1], ids=["first", "last"])
def test_not_fed_while_one_worker_is_stuck(fake, serve, manager, which):
    """All others answer."""
    with serve(fake, {"http.threads": "3"}, extra_environment=_environment(manager)) as daemon:
        _wait_for(manager, "WATCHDOG=1")
        workers = sorted(threads_named(daemon.process.pid, "http-worker"))
        assert len(workers) == 3
        with stopped(workers[which]):
            _forget(manager)
            _is_not_fed(manager)
        _wait_for(manager, "WATCHDOG=1")


def test_not_fed_while_the_loop_is_stuck(fake, serve, manager):
    with serve(fake, extra_environment=_environment(manager)) as daemon:
        _wait_for(manager, "WATCHDOG=1")
        with stopped(daemon.process.pid):
            _forget(manager)
            _is_not_fed(manager)
        _wait_for(manager, "WATCHDOG=1")


def test_a_log_that_is_not_read_holds_nobody_up(fake, serve, manager):
    """Its thread may wait for the journal."""
    reader, writer = os.pipe()
    with open(reader, "rb"), open(writer, "wb", buffering=0) as pipe:
        daemon = serve(fake, {"http.access_log": "yes"}, extra_environment=_environment(manager))
        daemon.stderr = pipe
        with daemon:
            for _ in range(40):
                daemon.get("/" + "x" * 4000)
            _forget(manager)
            for _ in range(3):
                _wait_for(manager, "WATCHDOG=1")


def test_fed_during_a_long_shutdown(fake, serve, manager):
    """As long as p0f owes an answer."""
    with serve(fake, {"p0f.timeout": "100ms"}, extra_environment=_environment(manager)) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        crowd = Crowd(daemon.endpoint, [f"/host/{HOST}"])
        wait_until(lambda: fake.counts[HOST], "the query")
        daemon.signal(signal.SIGTERM)
        _wait_for(manager, "STOPPING=1")
        for _ in range(5):
            _wait_for(manager, "WATCHDOG=1")
        assert not daemon.ended()
        fake.release()
        assert crowd.answers()[0].status == 504
        assert daemon.wait_end(5) == 0


def test_a_manager_that_does_not_read_holds_nobody_up(fake, serve, manager):
    """What it has not been told, it is told when it reads again, as it is by then."""
    manager.setblocking(False)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                other.sendto(b"X_OTHER=1", manager.getsockname())
    with serve(fake, extra_environment=_environment(manager)) as daemon:
        daemon.wait_for_p0f()
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("settings reloaded")
        assert daemon.get("/livez").status == 200
        message = _wait_for(manager, "READY=1")
        assert {"RELOADING=1", "WATCHDOG=1", "STATUS=Answering lookups"} <= set(message)
        _wait_for(manager, "WATCHDOG=1")
    _wait_for(manager, "STOPPING=1")


# ---- STATUS= of an idle daemon says what /readyz would

def test_an_idle_daemon_notices_that_p0f_hangs(fake, serve, manager):
    with serve(fake, extra_environment=_environment(manager)) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        told = _wait_for_status(manager, "has not answered for 3 s")
        assert told == f"STATUS={fake.path}: p0f has not answered for 3 s, with 1 query " \
            "outstanding: it is stopped, or too busy"
        assert "it is stopped, or too busy" in daemon.get("/readyz").json()["detail"]
        fake.release()
        assert _wait_for_status(manager, "Answering") == "STATUS=Answering lookups"


def test_p0f_at_its_limit(fake, serve, manager):
    fake.freeze()
    with serve(fake, extra_environment=_environment(manager)) as daemon:
        told = _wait_for_status(manager, "connection limit")
        assert told == f"STATUS={daemon.get('/readyz').json()['detail']}"
        fake.thaw()
        _wait_for_status(manager, "Answering lookups")
