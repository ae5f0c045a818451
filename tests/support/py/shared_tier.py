# SPDX-License-Identifier: MIT
"""Checks for all tests of faults of the shared tier: whatever happens to it, no lookup fails or waits for it, and hosts
that own p0f knows are found."""

import itertools
import threading
import time

import http_client
import share_fields
import share_metrics
from waiting import SLOWDOWN, wait_until

HERE, ELSEWHERE = "here", share_fields.SENSOR

# Own p0f knows the first, another sensor the second, and nobody the third.
OWN = {f"198.51.100.{number}": f"own {number}" for number in range(1, 21)}
OTHERS = {f"203.0.113.{number}": f"other {number}" for number in range(1, 21)}
STRANGERS = [f"192.0.2.{number}" for number in range(1, 21)]

_TIMES_TO_LIVE = ("cache.ttl", "cache.negative_ttl", "cache.stale_while_revalidate", "cache.stale_if_error")

TIMEOUT = 0.5           # of the tier, in seconds
SLACK = 3 * SLOWDOWN    # for a busy machine; much less than p0f.timeout


def settings(server, **more):
    """For serve(): nothing but the tier can be waited for, and nothing is remembered."""
    return {"share.server": server, "share.sensor": HERE, "share.timeout": f"{TIMEOUT * 1000:.0f}ms",
            "p0f.first_contact_wait": "0", "p0f.timeout": "20s", **dict.fromkeys(_TIMES_TO_LIVE, "0"),
            **{f"share.{name}": value for name, value in more.items()}}


def know_own(fake):
    """Teach it to p0f."""
    seen = share_fields.now() - 600
    fake.hosts.update({address: {"first_seen": seen, "last_seen": seen, "os_name": name}
                       for address, name in OWN.items()})


def fill(store):
    """The other sensor's daemon writes what that knows."""
    for address, name in OTHERS.items():
        share_fields.write(store, address, os_name=name)


def check_host(address, answer, others="maybe"):
    """That it is the right answer: whether what the other sensor knows is found may be said by "yes", "no" or
    "maybe"."""
    if address in STRANGERS or (address in OTHERS and others == "no"):
        assert answer.status == 404, answer
    elif address in OTHERS and others == "maybe" and answer.status == 404:
        pass
    else:
        name, sensor = (OWN[address], HERE) if address in OWN else (OTHERS[address], ELSEWHERE)
        assert answer.status == 200, (address, answer)
        host = answer.json()
        assert (host["ip"], host["os_name"], host["sensor"]) == (address, name, sensor), host


def ask_all(daemon, others):
    """Ask about every host once; `others` is as for check_host()."""
    connection = daemon.connect()
    for address in itertools.chain(OWN, OTHERS, STRANGERS):
        check_host(address, http_client.ask(connection, f"/host/{address}"), others)
    connection.close()


def wait_until_it_works(daemon):
    """Until all that the other sensor knows is found, without a miss: on a busy machine, a read may be late."""
    connection = daemon.connect()

    def works():
        answers = {address: http_client.ask_unchecked(connection, f"/host/{address}") for address in hosts}
        for address, answer in answers.items():
            check_host(address, answer)
        return all(answers[address].status == 200 for address in OTHERS)
    hosts = [*OWN, *OTHERS, *STRANGERS]
    wait_until(works, "the tier to work", bound=40)
    connection.close()


class Askers:
    """With-block in which some threads ask about all of these hosts, over and over: each answer must be right, and
    none may be waited for longer than the tier may be. `others` is as for check_host()."""

    def __init__(self, daemon, count=4, others="maybe"):
        self.answered = 0       # questions, in all
        self.missed = 0         # those about a host of the other sensor's that was not found
        self.longest = 0.0      # time that one took, in seconds
        self._endpoint = daemon.endpoint
        self._others = others
        self._problem = None
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number,), name=f"asker {number}", daemon=True)
                         for number in range(count)]

    def _run(self, number):
        hosts = [*OWN, *OTHERS, *STRANGERS]
        connection = http_client.connect(self._endpoint)
        try:
            for address in itertools.cycle(hosts[7 * number:] + hosts[:7 * number]):
                if self._over.is_set():
                    return
                begin = time.monotonic()
                answer = http_client.ask_unchecked(connection, f"/host/{address}")
                check_host(address, answer, self._others)
                self.missed += address in OTHERS and answer.status != 200
                self.longest = max(self.longest, time.monotonic() - begin)
                self.answered += 1
        except BaseException as problem:    # whatever it is, the test is to fail with it
            self._problem = problem
        finally:
            connection.close()

    def check(self):
        if self._problem:
            raise self._problem
        assert self.longest < TIMEOUT + SLACK, f"somebody has waited for {self.longest:.2f} s"

    def wait(self, count=200):
        """Until so many more have been answered."""
        until = self.answered + count

        def enough():
            self.check()
            return self.answered >= until
        wait_until(enough, f"{count} answers", bound=60)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind, value, trace):
        self._over.set()
        for thread in self._threads:
            thread.join()
        if kind is None:
            self.check()


def hardly_anybody_waits(daemon, askers, count=200):
    """Asserts that of so many more who ask, only a few have waited for the tier in vain."""
    before = share_metrics.read(daemon)
    askers.wait(count)
    after = share_metrics.read(daemon)
    waited = after["reads_total timeout"] - before["reads_total timeout"]
    assert waited <= count / 10, f"{waited} of {count} have waited"
    assert after["reads_total skipped"] > before["reads_total skipped"]
