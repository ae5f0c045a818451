# SPDX-License-Identifier: MIT
"""Signals that do not ask the daemon to end: none of them does, as p0f may owe it answers. Those that ask
are in test_shutdown.py, and SIGHUP is in test_reload.py."""

import os
import signal

import pytest

from daemon import launch, write_config
from http_client import Crowd
from waiting import SLOWDOWN, wait_until

HOST = "198.51.100.1"

# All that would end the process by default, but for faults, SIGABRT and those that ask it to.
UNKNOWN = {name: getattr(signal, name) for name in (
    "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGPWR", "SIGXFSZ")}
UNKNOWN |= {"SIGPOLL": signal.SIGIO, "SIGSTKFLT": 16, "SIGRTMIN+0": signal.SIGRTMIN,
            "SIGRTMIN+3": signal.SIGRTMIN + 3, "SIGRTMIN+29": signal.SIGRTMAX - 1}    # the last one is valgrind's


def test_others_are_logged_and_ignored(fake, serve):
    with serve(fake, {"p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        crowd = Crowd(daemon.endpoint, [f"/host/{HOST}"])
        wait_until(lambda: fake.counts[HOST], "the query")
        for name, number in UNKNOWN.items():
            daemon.signal(number)
            wait_until(lambda: f"p0f-lookupd: {name} ignored: SIGHUP reloads the settings, "
                       "SIGTERM shuts down\n" in daemon.log(), f"{name} to be ignored")
        # Those that many send without meaning anything.
        for number in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGURG, signal.SIGWINCH, signal.SIGCONT):
            daemon.signal(number)
        assert daemon.get("/livez").status == 200
        fake.release()
        assert crowd.answers()[0].status == 404
        assert daemon.log().count("ignored") == len(UNKNOWN)


class Starting:
    """A daemon that waits for its configuration, which comes through a pipe."""

    def __init__(self, fake, serve, scratch):
        self.daemon = serve(fake)       # only its client and its settings
        self.fifo = f"{scratch}/fifo"
        os.mkfifo(self.fifo)
        self.errors = open(f"{scratch}/errors", "a+b")  # pylint: disable=consider-using-with
        self.process = launch("-c", self.fifo, output=self.errors)
        self._pipe = wait_until(self._open, "the daemon to open it")

    def _open(self):
        assert self.process.poll() is None
        try:
            return os.open(self.fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            return None

    def configure(self):
        write_config(f"/dev/fd/{self._pipe}", self.daemon.settings)
        os.close(self._pipe)
        self._pipe = None

    def configure_again(self):
        write_config(self.fifo, self.daemon.settings)

    def log(self):
        with open(self.errors.name, encoding="ascii") as errors:
            return errors.read()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.errors.close()
        if self._pipe is not None:
            os.close(self._pipe)


@pytest.fixture(name="starting")
def _starting(fake, serve, scratch):
    starting = Starting(fake, serve, scratch)
    yield starting
    starting.close()


def test_a_reload_during_startup_waits_for_its_end(starting):
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM):
        starting.process.send_signal(number)
    starting.configure()
    wait_until(lambda: "listening on" in starting.log(), "its settings to be read")
    starting.configure_again()
    wait_until(lambda: "settings reloaded" in starting.log(), "the reload")
    wait_until(lambda: "SIGUSR1 ignored" in starting.log(), "the other signals")
    assert starting.daemon.get("/livez").status == 200
    starting.process.send_signal(signal.SIGTERM)
    assert starting.process.wait(5 * SLOWDOWN) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_startup_can_be_given_up(starting, number):
    """It may take long, as when a name server does not answer, and p0f owes nothing yet."""
    starting.process.send_signal(number)
    assert starting.process.wait(5 * SLOWDOWN) == -number
