# SPDX-License-Identifier: MIT
"""What an answer says about its own age, and what a client may say about it (RFC 9111, 9211)."""

import json
import math
import time

import pytest

from http_client import ask, fetch_target
from problems import assert_problem
from waiting import wait_until

HOST = "198.51.100.1"
STRANGER = "198.51.100.9"
KNOWN = {"os_name": "Linux", "http_name": "curl", "total_conn": 7}


@pytest.fixture(name="known")
def _known(fake):
    fake.hosts[HOST] = KNOWN
    return fake


def test_a_miss_then_a_hit(known, serve):
    with serve(known) as daemon:
        miss = daemon.host(HOST)
        assert miss.cache_status() == {"fwd": "miss", "stored": True}
        hit = daemon.host(HOST)
        assert set(hit.cache_status()) == {"hit", "ttl"}
        assert 25 <= int(hit.cache_status()["ttl"]) <= 30
        for answer in (miss, hit):
            assert answer.cache_control() == {"max-age": 30, "stale-while-revalidate": 30,
                                              "stale-if-error": 3600}
            assert 0 <= int(answer["Age"]) <= 5
            assert answer["Content-Type"] == "application/json"
            assert int(answer["Content-Length"]) == len(answer.body)
        assert hit.body == miss.body
        assert known.counts[HOST] == 1


def test_a_no_match_says_the_same(fake, serve):
    with serve(fake, {"cache.negative_ttl": "20s"}) as daemon:
        miss, hit = (daemon.host(STRANGER, "?wait=0") for _ in range(2))
        assert miss.cache_status() == {"fwd": "miss", "stored": True}
        assert set(hit.cache_status()) == {"hit", "ttl"}
        assert 15 <= int(hit.cache_status()["ttl"]) <= 20
        for answer in (miss, hit):
            assert_problem(answer, 404, "no-match", STRANGER)
            assert answer.cache_control()["max-age"] == 20
            assert 0 <= int(answer["Age"]) <= 5
            assert answer["ETag"].startswith('"') and answer["ETag"].endswith('"')
        assert fake.counts[STRANGER] == 1


def test_age_grows(known, serve):
    with serve(known) as daemon:
        assert daemon.host(HOST)["Age"] == "0"
        answer = wait_until(lambda: (a := daemon.host(HOST))["Age"] != "0" and a, "its age to grow")
        assert int(answer.cache_status()["ttl"]) <= 29
        assert answer.cache_control()["max-age"] == 30, "max-age is the whole time to live"


def test_what_is_left_of_a_time_to_live_that_is_no_whole_number(known, serve):
    """Age and ttl= do not change at once then, so what was said a moment ago is not to be said again."""
    with serve(known, {"cache.ttl": "2500ms"}) as daemon:
        asked_first = time.monotonic()
        daemon.host(HOST)
        answered_first = time.monotonic()
        fresh = True
        while fresh:
            asked = time.monotonic()
            answer = daemon.host(HOST)
            oldest, youngest = time.monotonic() - asked_first + 0.01, asked - answered_first - 0.01
            fresh = oldest < 2.5
            if fresh:
                ttl = int(answer.cache_status()["ttl"])
                assert math.floor(2.5 - oldest) <= ttl <= math.floor(2.5 - youngest), answer


@pytest.mark.parametrize("setting, fields, seconds", [
    ("cache.ttl", {"os_name": "Linux"}, 77),
    ("cache.ttl", {"http_name": "curl"}, 77),
    ("cache.incomplete_ttl", {"os_flavor": "", "link_type": "DSL", "language": "English"}, 28),
    ("cache.negative_ttl", None, 99),
])
def test_each_kind_of_answer_has_its_time_to_live(fake, serve, setting, fields, seconds):
    fake.hosts[HOST] = fields
    with serve(fake, {setting: f"{seconds}s"}) as daemon:
        assert daemon.host(HOST, "?wait=0").cache_control()["max-age"] == seconds


def test_what_is_incomplete_is_kept_no_longer_than_what_is_complete(fake, serve):
    """And if nothing complete is kept, nothing is."""
    fake.hosts[HOST] = {"total_conn": 1}
    for setting, seconds in ("30s", 30), ("0", 0):
        with serve(fake, {"cache.ttl": setting, "cache.incomplete_ttl": "1h"}) as daemon:
            first, second = daemon.host(HOST), daemon.host(HOST)
            assert first.cache_control()["max-age"] == second.cache_control()["max-age"] == seconds
            assert ("stored" in first.cache_status()) == (seconds > 0)
            assert ("hit" in second.cache_status()) == (seconds > 0)


def test_default_times_to_live(fake, serve):
    fake.hosts[HOST] = {"total_conn": 1}
    with serve(fake) as daemon:
        assert daemon.host(HOST).cache_control()["max-age"] == 2
        assert daemon.host(STRANGER, "?wait=0").cache_control()["max-age"] == 1


def test_without_stale_times_they_are_not_promised(known, serve):
    with serve(known, {"cache.stale_while_revalidate": "0", "cache.stale_if_error": "0"}) as daemon:
        assert daemon.host(HOST).cache_control() == {"max-age": 30}


def test_no_cache_asks_p0f_again(known, serve):
    with serve(known) as daemon:
        daemon.host(HOST)
        known.hosts[HOST] = {**KNOWN, "total_conn": 8}
        anew = daemon.host(HOST, "", {"Cache-Control": "no-cache"})
        assert anew.cache_status() == {"fwd": "request", "stored": True}
        assert anew.json()["total_conn"] == 8
        assert anew["Age"] == "0"
        assert known.counts[HOST] == 2
        after = daemon.host(HOST)
        assert after.cache_status()["hit"]
        assert after.json()["total_conn"] == 8


@pytest.mark.parametrize("value", ["No-Cache", "max-age=5, no-cache", "foo=\"bar, baz\" ,no-cache"])
def test_no_cache_however_it_is_written(known, serve, value):
    with serve(known) as daemon:
        daemon.host(HOST)
        assert daemon.host(HOST, "", {"Cache-Control": value}).cache_status()["fwd"] == "request"


def test_only_if_cached_never_asks_p0f(known, serve):
    only = {"Cache-Control": "only-if-cached"}
    with serve(known) as daemon:
        assert_problem(daemon.host(HOST, "", only), 504, "p0f-timeout", HOST)
        assert known.counts[HOST] == 0
        daemon.host(HOST)
        answer = daemon.host(HOST, "", only)
        assert answer.status == 200
        assert answer.cache_status()["hit"]
        assert known.counts[HOST] == 1


@pytest.mark.parametrize("value", ["no-cache, only-if-cached", "only-if-cached, max-age=0"])
def test_only_if_cached_and_not_from_the_cache_is_said_to_be_impossible(known, serve, value):
    both = {"Cache-Control": value}
    with serve(known) as daemon:
        for _ in range(2):
            problem = assert_problem(daemon.host(HOST, "", both), 504, "p0f-timeout", HOST)
            assert problem["detail"] == \
                "only-if-cached with no-cache or max-age=0 excludes every answer"
            [item] = daemon.get("/hosts", {"Content-Type": "application/json", **both},
                                method="POST", body=json.dumps([HOST]).encode()).json()
            assert (item["status"], item["code"]) == (504, "p0f-timeout")
            assert item["detail"] == problem["detail"]
            assert daemon.host(HOST).status == 200      # and then it is cached
        assert known.counts[HOST] == 1


def test_only_if_cached_tells_too_old_from_not_cached(fake, serve):
    """A remembered "no match" is too old for who says how long to wait for the host."""
    only = {"Cache-Control": "only-if-cached"}
    with serve(fake, {"cache.negative_ttl": "1h"}) as daemon:
        before = assert_problem(daemon.host(STRANGER, "", only), 504, "p0f-timeout", STRANGER)
        assert before["detail"] == f"{STRANGER} is not cached (only-if-cached)"
        assert daemon.host(STRANGER).status == 404
        assert daemon.host(STRANGER, "", only).status == 404
        after = assert_problem(daemon.host(STRANGER, "?wait=1", only), 504, "p0f-timeout", STRANGER)
        assert after["detail"] == \
            f"what is cached for {STRANGER} is too old for this request (only-if-cached)"


def test_etag_and_304(known, serve):
    with serve(known) as daemon:
        answer = daemon.host(HOST)
        tag = answer["ETag"]
        assert tag.startswith('"') and tag.endswith('"') and len(tag) > 2
        assert daemon.host(HOST)["ETag"] == tag
        assert daemon.host(HOST, "?format=raw")["ETag"] != tag
        for match in (tag, f"W/{tag}", f'"other", {tag}', "*"):
            same = daemon.host(HOST, "", {"If-None-Match": match})
            assert same.status == 304, match
            assert same.body == b""
            assert same["ETag"] == tag
            assert same.cache_control()["max-age"] == 30
            assert same["Age"] is not None
        for other in ('"other"', tag.strip('"'), tag[:-2] + '"'):
            assert daemon.host(HOST, "", {"If-None-Match": other}).status == 200, other


def test_etags_in_several_fields_are_one_list(known, serve):
    """RFC 9110, 5.3."""
    with serve(known) as daemon:
        tag = daemon.host(HOST)["ETag"]
        for tags, status in (((tag, '"other"'), 304), (('"other"', tag), 304), ((tag, ""), 304),
                             (('"other"', f"W/{tag}", '"more"'), 304), (('"other"', '"more"'), 200)):
            fields = [f"If-None-Match: {tag}" for tag in tags]
            assert fetch_target(daemon.endpoint, f"/host/{HOST}", *fields).status == status, tags


def test_the_etag_follows_the_body(known, serve):
    with serve(known) as daemon:
        tag = daemon.host(HOST)["ETag"]
        known.hosts[HOST] = {**KNOWN, "total_conn": 8}
        changed = daemon.host(HOST, "", {"Cache-Control": "no-cache", "If-None-Match": tag})
        assert changed.status == 200
        assert changed["ETag"] != tag
        known.hosts[HOST] = KNOWN
        back = daemon.host(HOST, "", {"Cache-Control": "no-cache", "If-None-Match": tag})
        assert back.status == 304


def test_a_304_is_only_for_what_would_be_a_200(fake, serve):
    with serve(fake) as daemon:
        answer = daemon.host(STRANGER, "?wait=0")
        for match in (answer["ETag"], "*"):
            again = daemon.host(STRANGER, "?wait=0", {"If-None-Match": match})
            assert_problem(again, 404, "no-match", STRANGER)
        assert daemon.host("nonsense", "", {"If-None-Match": "*"}).status == 400


@pytest.mark.parametrize("path", [f"/host/{HOST}", f"/host/{HOST}?format=raw", "/host/nonsense",
                                  f"/host/{STRANGER}?wait=0", "/nothing/here", "/livez", "/"])
def test_head_is_get_without_the_body(known, serve, path):
    with serve(known, {"cache.negative_ttl": "1h"}) as daemon:
        daemon.get(path)            # so that both below are hits, where that can be
        connection = daemon.connect()
        get = ask(connection, path)
        head = ask(connection, path, method="HEAD")
        assert head.body == b""
        assert head.status == get.status
        changing = ("Date", "Age", "Cache-Status")
        assert {k: v for k, v in head.headers.items() if k not in changing} == \
            {k: v for k, v in get.headers.items() if k not in changing}
        assert int(head["Content-Length"]) == len(get.body)
        # On the same connection again: a body that was sent all the same would now be in the way.
        assert ask(connection, path).body == get.body
        connection.close()
