# SPDX-License-Identifier: MIT
"""How long and how often "no match" is asked again, seen from p0f's side."""

import time

import pytest

from problems import assert_problem

HOST = "198.51.100.1"
KNOWN = {"os_name": "Linux"}


def test_a_host_that_becomes_known_while_the_request_waits(fake, serve):
    fake.hosts[HOST] = lambda nth: KNOWN if nth >= 3 else None
    with serve(fake) as daemon:
        answer = daemon.host(HOST, "?wait=5000")
        assert answer.status == 200
        assert answer.json()["os_name"] == "Linux"
        assert fake.counts[HOST] == 3


def test_it_is_asked_again_ever_more_slowly_until_the_wait_is_over(fake, serve):
    with serve(fake) as daemon:
        begin = time.monotonic()
        answer = daemon.host(HOST, "?wait=500")
        took = time.monotonic() - begin
        assert_problem(answer, 404, "no-match", HOST)
        assert took >= 0.5
        # Doubling from 5 ms, half a second holds seven or eight questions; asking every few
        # milliseconds would be a hundred.
        assert 4 <= fake.counts[HOST] <= 20


def test_without_a_wait_p0f_is_asked_once(fake, serve):
    with serve(fake) as daemon:
        assert_problem(daemon.host(HOST, "?wait=0"), 404, "no-match", HOST)
        assert fake.counts[HOST] == 1


def test_the_setting_is_the_default(fake, serve):
    with serve(fake, {"p0f.first_contact_wait": "0"}) as daemon:
        assert_problem(daemon.host(HOST), 404, "no-match", HOST)
        assert fake.counts[HOST] == 1
        fake.hosts[HOST] = lambda nth: KNOWN if nth >= 3 else None
        assert daemon.host(HOST, "?wait=5000").status == 200


def test_a_remembered_no_match_does_not_satisfy_a_request_that_waits(fake, serve):
    with serve(fake, {"cache.negative_ttl": "1h"}) as daemon:
        assert daemon.host(HOST, "?wait=0").status == 404
        fake.hosts[HOST] = KNOWN
        # It does satisfy one that does not wait.
        assert daemon.host(HOST, "?wait=0").status == 404
        assert fake.counts[HOST] == 1
        assert daemon.host(HOST, "?wait=1").status == 200
        assert daemon.host(HOST, "?wait=0").status == 200


def test_a_known_host_is_served_at_once_whatever_the_wait(fake, serve):
    fake.hosts[HOST] = KNOWN
    with serve(fake) as daemon:
        assert daemon.host(HOST).status == 200
        assert daemon.host(HOST, "?wait=5000").cache_status()["hit"]
        assert fake.counts[HOST] == 1


@pytest.mark.parametrize("wait", ["0", "1", "5000"])
def test_the_bounds_of_wait_are_taken(fake, serve, wait):
    fake.hosts[HOST] = KNOWN
    with serve(fake) as daemon:
        assert daemon.host(HOST, f"?wait={wait}").status == 200
