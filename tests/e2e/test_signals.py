# SPDX-License-Identifier: MIT
"""Signals that do not ask the daemon to end: none of them does, as p0f may owe it answers. Those that ask
are in test_shutdown.py, and SIGHUP is in test_reload.py."""

import signal
import socket

import pytest

import lacking
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


class SlowNameServer:
    """Answers no query until it is told to. It needs a name server's address and port, so only the program
    that is run with `prefix` asks it."""

    def __init__(self, scratch):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.53.53.53", 53))
        self._socket.setblocking(False)
        with open(f"{scratch}/resolv.conf", "w", encoding="ascii") as out:
            out.write("nameserver 127.53.53.53\noptions timeout:60 attempts:1\n")
        self.prefix = ["unshare", "--mount", "sh", "-c",
                       f'mount --bind {scratch}/resolv.conf /etc/resolv.conf && exec "$@"', "sh"]
        self._queries = []

    def is_asked(self):
        try:
            self._queries.append(self._socket.recvfrom(512))
        except (BlockingIOError, TimeoutError):
            pass
        return bool(self._queries)

    def answer(self):
        """With 127.0.0.1, all that is asked from now on, too, until the socket is closed."""
        self._socket.settimeout(0.05)
        while self._queries or self.is_asked():
            query, asker = self._queries.pop()
            is_ipv4 = query[-4:-2] == b"\0\1"
            record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x7f\0\0\1" if is_ipv4 else b""
            self._socket.sendto(query[:2] + b"\x81\x80\0\1" + bytes([0, is_ipv4]) + bytes(4) +
                                query[12:] + record, asker)

    def close(self):
        self._socket.close()


class Starting:
    """A daemon that waits for a name server."""

    def __init__(self, fake, serve, scratch):
        self.names = SlowNameServer(scratch)
        self.daemon = serve(fake, prefix=self.names.prefix)
        self.daemon.settings["http.listen"] = f"startup.example:{self.daemon.port}"
        self.daemon.launch()
        self.process = self.daemon.process
        wait_until(self.names.is_asked, "the daemon to ask for the name")

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.names.close()


@pytest.fixture(name="starting")
def _starting(fake, serve, scratch):
    lacking.skip_without("namespaces")
    starting = Starting(fake, serve, scratch)
    yield starting
    starting.close()


def test_a_reload_during_startup_waits_for_its_end(starting):
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM):
        starting.process.send_signal(number)
    assert "reloaded" not in starting.daemon.log()
    wait_until(lambda: starting.names.answer() or "settings reloaded" in starting.daemon.log(), "the reload")
    starting.daemon.wait_for_line("SIGUSR1 ignored")
    assert starting.daemon.get("/livez").status == 200
    starting.process.send_signal(signal.SIGTERM)
    assert starting.process.wait(5 * SLOWDOWN) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGQUIT])
def test_startup_can_be_given_up(starting, number):
    """It may take long, as when a name server does not answer, and p0f owes nothing yet."""
    starting.process.send_signal(number)
    assert starting.process.wait(5 * SLOWDOWN) == -number
