# SPDX-License-Identifier: MIT
"""Entries that have expired: served while one question refreshes them, or while p0f is in trouble
(RFC 5861), or not at all."""

import pytest

from problems import assert_problem
from waiting import wait_until

HOST = "198.51.100.1"
STRANGER = "198.51.100.9"
ONLY_CACHED = {"Cache-Control": "only-if-cached"}


def version(number):
    return {"os_name": "Linux", "http_name": "curl", "total_conn": number}


def test_served_at_once_while_one_question_refreshes_it(fake, serve):
    fake.hosts[HOST] = version(1)
    with serve(fake, {"cache.ttl": "100ms", "p0f.timeout": "20s"}) as daemon:
        daemon.host(HOST)
        fake.hosts[HOST] = version(2)
        fake.hold(HOST)

        def expired():
            answer = daemon.host(HOST)
            assert answer.status == 200, answer
            assert answer.json()["total_conn"] == 1
            return fake.counts[HOST] == 2
        wait_until(expired, "the background question")
        stale = daemon.host(HOST)
        assert "hit" in stale.cache_status()
        assert int(stale.cache_status()["ttl"]) <= 0
        for _ in range(50):
            assert daemon.host(HOST).json()["total_conn"] == 1
        assert fake.counts[HOST] == 2, "one background question, however many ask"
        fake.release()
        wait_until(lambda: daemon.host(HOST).json()["total_conn"] == 2, "the refreshed entry")


def test_age_of_a_stale_answer_is_counted_on(fake, serve):
    fake.hosts[HOST] = version(1)
    with serve(fake, {"cache.ttl": "100ms", "p0f.timeout": "20s"}) as daemon:
        daemon.host(HOST)
        fake.hold(HOST)
        stale = wait_until(lambda: (a := daemon.host(HOST))["Age"] != "0" and a, "its age to grow")
        assert int(stale.cache_status()["ttl"]) <= 0
        fake.release()


def test_beyond_its_grace_it_is_asked_for(fake, serve):
    fake.hosts[HOST] = version(1)
    with serve(fake, {"cache.ttl": "100ms", "cache.stale_while_revalidate": "0"}) as daemon:
        daemon.host(HOST)
        fake.hosts[HOST] = version(2)
        asked = wait_until(lambda: "fwd" in (a := daemon.host(HOST)).cache_status() and a,
                           "the entry to expire")
        assert asked.cache_status() == {"fwd": "stale", "stored": True}
        assert asked.json()["total_conn"] == 2
        assert fake.counts[HOST] == 2


@pytest.mark.parametrize("host", [version(1), None], ids=["known", "unknown"])
def test_without_any_grace_it_says_that_it_has_expired(fake, serve, host):
    fake.hosts[HOST] = host
    with serve(fake, {"cache.ttl": "100ms", "cache.negative_ttl": "100ms", "cache.stale_if_error": "0",
                      "cache.stale_while_revalidate": "0"}) as daemon:
        assert daemon.host(HOST, "?wait=0").cache_status()["fwd"] == "miss"
        again = wait_until(lambda: "fwd" in (a := daemon.host(HOST, "?wait=0")).cache_status() and a,
                           "the entry to expire")
        assert again.cache_status() == {"fwd": "stale", "stored": True}


def test_stale_while_p0f_is_gone(fake, serve):
    fake.hosts[HOST] = version(1)
    with serve(fake, {"cache.ttl": "100ms", "cache.stale_while_revalidate": "0"}) as daemon:
        daemon.host(HOST)
        fake.stop()

        def stale():
            answer = daemon.host(HOST)
            assert answer.status == 200, answer
            assert answer.json()["total_conn"] == 1
            assert "hit" in answer.cache_status(), answer
            return int(answer.cache_status()["ttl"]) <= 0
        wait_until(stale, "an answer that says it is stale")
        assert_problem(daemon.host(STRANGER), 503, "p0f-unavailable", STRANGER)
        fake.hosts[HOST] = version(2)
        fake.start()
        wait_until(lambda: daemon.host(HOST).json()["total_conn"] == 2, "p0f to be asked again")


def test_stale_while_p0f_does_not_answer(fake, serve):
    fake.hosts[HOST] = version(1)
    with serve(fake, {"cache.ttl": "100ms", "cache.stale_while_revalidate": "0",
                      "p0f.timeout": "300ms"}) as daemon:
        wait_until(lambda: daemon.host(HOST).status == 200, "the first answer")
        fake.hold()

        def stale():
            answer = daemon.host(HOST)
            assert answer.status == 200, answer
            return int(answer.cache_status()["ttl"]) <= 0
        wait_until(stale, "an answer that says it is stale")
        fake.release()


def test_not_stale_for_longer_than_allowed(fake, serve):
    fake.hosts[HOST] = version(1)
    with serve(fake, {"cache.ttl": "100ms", "cache.stale_while_revalidate": "0",
                      "cache.stale_if_error": "300ms"}) as daemon:
        daemon.host(HOST)
        fake.stop()
        gone = wait_until(lambda: (a := daemon.host(HOST)).status != 200 and a,
                          "the end of its grace")
        assert_problem(gone, 503, "p0f-unavailable", HOST)
        assert_problem(daemon.host(HOST, "", ONLY_CACHED), 504, "p0f-timeout", HOST)


def test_an_incomplete_answer_is_soon_asked_for_again(fake, serve):
    """HTTP data come late: what lacks both names is kept for a short while only."""
    fake.hosts[HOST] = lambda nth: {"total_conn": 1} if nth == 1 else version(2)
    with serve(fake, {"cache.incomplete_ttl": "100ms",
                      "cache.stale_while_revalidate": "0"}) as daemon:
        assert daemon.host(HOST).json()["os_name"] is None
        wait_until(lambda: daemon.host(HOST).json()["os_name"] == "Linux", "the fuller answer")
        daemon.host(HOST)
        assert fake.counts[HOST] == 2
        assert daemon.host(HOST).cache_control()["max-age"] == 30


def test_a_no_match_is_believed_for_a_short_while_only(fake, serve):
    with serve(fake, {"cache.negative_ttl": "200ms"}) as daemon:
        assert daemon.host(HOST, "?wait=0").status == 404
        fake.hosts[HOST] = version(1)
        wait_until(lambda: daemon.host(HOST, "?wait=0").status == 200,
                   "the no-match to be forgotten")


@pytest.mark.parametrize("setting, fields, status", [
    ("cache.ttl", version(1), 200),
    ("cache.incomplete_ttl", {"total_conn": 1}, 200),
    ("cache.negative_ttl", None, 404),
])
def test_a_time_to_live_of_0_keeps_nothing(fake, serve, setting, fields, status):
    fake.hosts[HOST] = fields
    with serve(fake, {setting: "0"}) as daemon:
        for nth in range(1, 4):
            answer = daemon.host(HOST, "?wait=0")
            assert answer.status == status
            assert answer.cache_status().get("fwd") == "miss", answer
            assert "stored" not in answer.cache_status(), answer
            assert answer.cache_control()["max-age"] == 0
            assert fake.counts[HOST] == nth
        assert_problem(daemon.host(HOST, "", ONLY_CACHED), 504, "p0f-timeout", HOST)


def test_an_error_is_never_remembered(fake, serve):
    fake.hosts[HOST] = {"status": 0x30}
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        assert_problem(daemon.host(HOST), 502, "bad-response", HOST)
        fake.hosts[HOST] = version(1)
        wait_until(lambda: daemon.host(HOST).status == 200, "the right answer")


def test_a_flood_of_strangers_does_not_push_out_a_known_host(fake, serve):
    fake.hosts[HOST] = version(1)
    with serve(fake, {"cache.max_misses": "100", "cache.max_hosts": "100", "cache.ttl": "1h",
                      "cache.negative_ttl": "1h", "p0f.first_contact_wait": "0"}) as daemon:
        daemon.host(HOST)
        for number in range(500):
            assert daemon.host(f"203.0.{number // 250}.{number % 250}").status == 404
        assert daemon.host(HOST, "", ONLY_CACHED).status == 200


def test_more_hosts_than_are_kept_are_answered_all_the_same(fake, serve):
    hosts = {f"203.0.{n // 250}.{n % 250}": n for n in range(300)}
    fake.hosts.update({address: version(n) for address, n in hosts.items()})
    with serve(fake, {"cache.max_hosts": "100", "cache.ttl": "1h"}) as daemon:
        for _ in range(2):
            for address, number in hosts.items():
                assert daemon.host(address).json()["total_conn"] == number
        kept = sum(daemon.host(address, "", ONLY_CACHED).status == 200 for address in hosts)
        # Room may be given out in shares, so it need not be full; but it is bounded, and in use.
        assert 10 <= kept <= 100
