# SPDX-License-Identifier: MIT
"""Five times as much is asked as p0f can answer, all of it about hosts that nobody knows. What is in
the cache is answered as ever, what is not admitted is refused at once, and afterwards all is as before.
"""

import os
import time

import pytest

import processes
from busy_p0f import BusyP0f
from http_load import FULL, Load, load
from waiting import wait_until

SECONDS = 30 if FULL else 2
CAPACITY = 1000 if FULL else 200    # lookups a second, that p0f has
MAX_PENDING = 100
HOSTS = 500 if FULL else 50         # that are in the cache
MEBIBYTE = 1 << 20

SETTINGS = {"p0f.max_pending": str(MAX_PENDING), "p0f.timeout": "20s", "p0f.first_contact_wait": "0",
            "cache.ttl": "1h", "cache.max_misses": "1000"}
FLOODER, READER = "127.0.0.2", "127.0.0.3"
OTHERS = [f"127.0.0.{number}" for number in (4, 5, 6)]


def _flood(daemon, seconds):
    """In the background. All lookups that may wait can do so, and there are still connections to be refused on."""
    return Load(daemon, n=int(5 * CAPACITY * seconds), r=5 * CAPACITY, c=2 * MAX_PENDING,
                a="172.16.0.0", m=1_000_000, s=FLOODER)


def _read_cache(daemon, seconds):
    return Load(daemon, n=int(1000 * seconds), r=1000, c=8, m=HOSTS, s=READER)


def _all_known(report):
    assert set(report.statuses) == {200} and report.wrong == report.broken == 0, report


def _spares_one(daemon, number):
    """For one who comes new. One of these may pass for the flooder; see test_fair_share.py."""
    return any(daemon.host(f"10.9.{number}.{i}", source=source).status == 200
               for i, source in enumerate(OTHERS))


def _limit_rate(_):
    return {"p0f.max_rate": str(CAPACITY)}


def _stall(busy):
    """In a round of its work p0f reads a query, or writes an answer, on each of four connections."""
    busy.stall(2000 // CAPACITY)
    return {}


@pytest.mark.parametrize("slow_down", [_limit_rate, _stall], ids=["max_rate", "busy"])
def test_five_times_too_much(scratch, serve, slow_down):
    with BusyP0f(os.path.join(scratch, "p0f.sock")) as busy, \
            serve(busy, {**SETTINGS, **slow_down(busy)}) as daemon:
        pid = daemon.process.pid
        daemon.wait_for_p0f()
        load(daemon, n=HOSTS, c=8, m=HOSTS)         # p0f is slow, but nobody is in a hurry
        _flood(daemon, SECONDS / 4).result()        # what a flood needs once, it has from then on
        calm = _read_cache(daemon, SECONDS / 4).result()
        _all_known(calm)
        before = processes.resident_bytes(pid)

        flood, hits = _flood(daemon, SECONDS), _read_cache(daemon, SECONDS)
        wait_until(lambda: _pending(daemon) >= MAX_PENDING, "the limit to be reached")
        assert _spares_one(daemon, 1)
        peak = processes.resident_bytes(pid)
        under_flood = hits.result()
        peak = max(peak, processes.resident_bytes(pid))
        report = flood.result()
        ended = time.monotonic()

        _all_known(under_flood)
        # That each answer is about its host, and each 503 has a Retry-After, the load has seen to.
        assert set(report.statuses) == {404, 503} and report.wrong == report.broken == 0, report
        if report.seconds < 2 * SECONDS:    # else this machine was too slow to ask for so much
            assert report.statuses[503] > report.statuses[404], report

        wait_until(lambda: _pending(daemon) == 0, "nobody to wait any more")
        _all_known(_read_cache(daemon, SECONDS / 10).result())
        assert daemon.host("10.10.0.1").status == 200
        assert daemon.host("192.0.2.1").status == 404
        if not processes.instrumented(pid):
            wait_until(lambda: processes.resident_bytes(pid) < before + 4 * MEBIBYTE,
                       "the flood's memory to come back")
        if FULL:
            print(f"\n  hits: p99 {calm.p99} us in the calm, {under_flood.p99} us under the flood; "
                  f"memory: {before >> 10} KiB before, {peak >> 10} KiB in the flood, "
                  f"{processes.resident_bytes(pid) >> 10} KiB {time.monotonic() - ended:.1f} s after")


def _pending(daemon):
    return daemon.get("/status", source=OTHERS[0]).json()["lookups"]["pending"]
