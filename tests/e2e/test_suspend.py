# SPDX-License-Identifier: MIT
"""A machine that was suspended: what is remembered has aged meanwhile, and who waits, waits on."""

import pytest

from http_client import Crowd
from starving import needs_own_malloc
from suspending import Suspending
from waiting import SLOWDOWN, wait_until

HOST = "198.51.100.1"
HOUR = 3600

pytestmark = needs_own_malloc       # a sanitizer must be the first one loaded


@pytest.fixture(name="suspending")
def _suspending(scratch):
    return Suspending(scratch)


def test_what_is_cached_ages(fake, serve, suspending):
    fake.hosts[HOST] = {"os_name": "Linux"}
    with serve(fake, {"cache.ttl": "2h", "cache.stale_while_revalidate": "1h"},
               extra_environment=suspending.environment) as daemon:
        daemon.host(HOST)
        suspending.suspend(HOUR)
        fresh = daemon.host(HOST)
        assert HOUR <= int(fresh["Age"]) <= HOUR + 60
        assert HOUR - 60 <= int(fresh.cache_status()["ttl"]) <= HOUR
        suspending.suspend(HOUR)
        stale = daemon.host(HOST)
        assert int(stale["Age"]) >= 2 * HOUR and int(stale.cache_status()["ttl"]) < 0
        wait_until(lambda: int(daemon.host(HOST)["Age"]) < HOUR, "the entry to be refreshed")
        suspending.suspend(3 * HOUR)
        asked = daemon.host(HOST)
        assert asked.cache_status() == {"fwd": "stale", "stored": True}
        assert int(asked["Age"]) <= 60
        assert fake.counts[HOST] == 3
        assert daemon.get("/status").json()["uptime_seconds"] >= 5 * HOUR


def test_who_waits_is_not_timed_out(fake, serve, suspending):
    """Nor is p0f thought to hang: it was suspended as well."""
    fake.hosts[HOST] = {"os_name": "Linux"}
    with serve(fake, {"p0f.timeout": f"{20 * SLOWDOWN}s"},
               extra_environment=suspending.environment) as daemon:
        daemon.wait_for_p0f()
        fake.hold(HOST)
        crowd = Crowd(daemon.endpoint, [f"/host/{HOST}"])
        wait_until(lambda: fake.counts[HOST], "p0f to be asked")
        suspending.suspend(HOUR)
        assert daemon.get("/livez").status == 200
        assert crowd.waiting() == 1
        fake.release()
        [answer] = crowd.answers()
        assert answer.status == 200 and answer["Age"] == "0"
        assert daemon.get("/readyz").status == 200
