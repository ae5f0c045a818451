# SPDX-License-Identifier: MIT
"""The real p0f goes away and comes back under load."""

import threading
import time

import loopback
from daemon import SENTINEL
from problems import assert_problem
from real_p0f import RealP0f
from waiting import SLOWDOWN, wait_until

# Hosts that p0f can tell apart: each speaks a language of its own.
LANGUAGES = {"fr": "French", "de": "German", "es": "Spanish", "nl": "Dutch", "pl": "Polish",
             "ja": "Japanese", "cs": "Czech", "vi": "Vietnamese"}
HOSTS = {f"{loopback.NETWORK}.2.{number}": code for number, code in enumerate(LANGUAGES, 1)}
STRANGERS = [f"{loopback.NETWORK}.3.{number}" for number in range(1, 9)]

# Everything is asked of p0f, always, and nothing is served that it did not just say.
NOTHING_KEPT = {"cache.ttl": "0", "cache.incomplete_ttl": "0", "cache.negative_ttl": "0",
                "cache.stale_while_revalidate": "0", "cache.stale_if_error": "0",
                "p0f.first_contact_wait": "0", "p0f.timeout": "2s"}


def _visit_all(p0f, web):
    for address, code in HOSTS.items():
        loopback.visit(address, web.address, language=code)
    for address in HOSTS:
        p0f.wait_to_know(address)


class Load:
    """Threads that ask about hosts and strangers until they are told to end."""

    def __init__(self, daemon, threads=8):
        self._daemon = daemon
        self._over = threading.Event()
        self.statuses = []
        self.wrong = []
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(threads)]
        for thread in self._threads:
            thread.start()

    def _run(self, number):
        addresses = list(HOSTS) + STRANGERS
        turn = number
        while not self._over.is_set():
            address = addresses[turn % len(addresses)]
            turn += 1
            try:
                answer = self._daemon.host(address)
                self._check(address, answer)
                self.statuses.append(answer.status)
            except Exception as problem:    # whatever it is, the test is to fail with it
                self.wrong.append(problem)

    def _check(self, address, answer):
        assert answer.status in (200, 404, 503, 504), answer
        assert answer.json()["ip"] == address, answer
        if answer.status == 200:
            assert address in HOSTS, answer
            assert answer.json()["language"] in (None, LANGUAGES[HOSTS[address]]), answer

    def seen(self, status):
        """Until this status is answered from now on."""
        before = len(self.statuses)
        wait_until(lambda: status in self.statuses[before:], f"an answer {status} under load")

    def end(self):
        self._over.set()
        for thread in self._threads:
            thread.join()
        assert not self.wrong, self.wrong[0]


def test_p0f_killed_and_restarted_under_load(needs_p0f, scratch, serve):
    with loopback.WebServer() as web, \
            RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            serve(p0f, NOTHING_KEPT) as daemon:
        _visit_all(p0f, web)
        load = Load(daemon)
        try:
            load.seen(200)
            load.seen(404)
            for _ in range(2):
                p0f.kill()
                load.seen(503)
                p0f.start()
                load.seen(404)      # it has forgotten everybody
                _visit_all(p0f, web)
                load.seen(200)
        finally:
            load.end()
        for address, code in HOSTS.items():
            assert daemon.host(address).json()["language"] == LANGUAGES[code]


def test_known_hosts_are_served_while_p0f_is_gone(needs_p0f, scratch, serve):
    with loopback.WebServer() as web, \
            RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            serve(p0f, {"cache.ttl": "100ms", "cache.incomplete_ttl": "100ms",
                        "cache.stale_while_revalidate": "0"}) as daemon:
        _visit_all(p0f, web)
        before = {address: daemon.host(address).json() for address in HOSTS}
        p0f.kill()
        wait_until(lambda: daemon.host(SENTINEL, "?wait=0").status == 503, "the daemon to notice")
        for address, known in before.items():
            answer = wait_until(lambda a=address: _served_stale(daemon.host(a)),
                                f"{address} served stale")
            assert answer.json() == known
        p0f.start()


def _served_stale(answer):
    assert answer.status == 200, answer
    return answer if int(answer.cache_status().get("ttl", 1)) <= 0 else None


def test_the_daemon_started_before_p0f(needs_p0f, scratch, serve):
    p0f = RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16")
    host = f"{loopback.NETWORK}.4.1"
    with loopback.WebServer() as web, serve(p0f) as daemon:
        begin = time.monotonic()
        assert_problem(daemon.host(host), 503, "p0f-unavailable", host)
        assert time.monotonic() - begin < 5 * SLOWDOWN
        with p0f:
            loopback.connect(host, web.address).close()
            wait_until(lambda: p0f.known(host), "p0f to see the host")
            answer = wait_until(lambda: _unless_unavailable(daemon.host(host)),
                                "the daemon to find p0f")
            assert answer.status == 200, answer


def _unless_unavailable(answer):
    return None if answer.status == 503 else answer
