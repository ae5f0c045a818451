# SPDX-License-Identifier: MIT
"""Every kind of answer finds the hosts in the shared tier, and own p0f decides if it answers."""

import json
import os

import pytest

import p0f_client
import p0f_wire
import share_fields
import share_metrics
from http_client import Crowd
from problems import assert_problem
from shared_tier import (ELSEWHERE, HERE, OTHERS, OWN, STRANGERS, fill, know_own, settings,
                         wait_until_it_works)
from store import Store
from waiting import wait_until

OTHER, NAME = next(iter(OTHERS.items()))
MINE = next(iter(OWN))
STRANGER = STRANGERS[0]


@pytest.fixture(name="store", scope="module")
def _store(module_scratch):
    with Store(module_scratch) as store:
        yield store


@pytest.fixture(name="start")
def _start(fake, serve, scratch, store):
    """start({"section.key": value}): a daemon for a with-block, whose tier answers."""
    store.call("FLUSHALL")
    know_own(fake)
    fill(store)

    def start(more=None):
        return serve(fake, {**settings(store.url), "share.timeout": "5s",
                            "relay.listen": f"unix:{scratch}/relay.sock", **(more or {})})
    return start


@pytest.fixture(name="daemon")
def _daemon(start):
    with start() as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        yield daemon


@pytest.mark.parametrize("format", ["parsed", "raw"])
def test_the_sensor_is_the_last_member(daemon, format):
    for address, sensor in ((OTHER, ELSEWHERE), (MINE, HERE)):
        host = daemon.host(address, f"?format={format}").json()
        assert list(host.items())[-1] == ("sensor", sensor)


def test_a_batch(daemon):
    answer = daemon.get("/hosts", {"Content-Type": "application/json"}, method="POST",
                        body=json.dumps([OTHER, MINE, STRANGER]))
    found = [item.get("host", {}).get("sensor") for item in answer.json()]
    assert found == [ELSEWHERE, HERE, None]


@pytest.mark.parametrize("path", ["/self", "/forward-auth"])
def test_the_client(daemon, path):
    answer = daemon.get(path, {"X-Forwarded-For": OTHER})
    assert (answer.json()["os_name"] if answer.body else answer["X-P0F-OS-Name"]) == NAME


def test_the_relay(daemon, scratch):
    """p0f's own protocol has no names of sensors."""
    answers = [p0f_wire.unpack_answer(answer) for answer in
               p0f_client.ask_each(os.path.join(scratch, "relay.sock"), [OTHER, MINE, STRANGER])]
    assert [answer["os_name"].decode() for answer in answers] == [NAME, OWN[MINE], ""]
    assert answers[2]["status"] == p0f_wire.NO_MATCH


def test_a_hit_asks_nobody(start, store, fake):
    with start({"cache.ttl": "1h", "cache.incomplete_ttl": "1h"}) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        before = store.commands("HSCAN"), fake.counts[OTHER]
        for _ in range(5):
            assert "hit" in daemon.host(OTHER).cache_status()
        assert (store.commands("HSCAN"), fake.counts[OTHER]) == before


# -- own p0f ---------------------------------------------------------------------------------------

def test_own_p0f_is_gone(start, fake):
    """A host in the tier is found, but not cached for long, as own p0f may know more. A host that is not in the tier
    is not a "no match", as own p0f may know it."""
    with start({"cache.ttl": "30s"}) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        fake.stop()
        wait_until(lambda: daemon.host(STRANGER).status == 503, "the daemon to notice")
        assert_problem(daemon.host(STRANGER), 503, "p0f-unavailable", STRANGER)
        answer = daemon.host(OTHER, "", {"Cache-Control": "no-cache"})
        assert answer.json()["sensor"] == ELSEWHERE
        assert answer.cache_control()["max-age"] == 2
        # It was written down before p0f was gone, and is read like that of any other sensor.
        assert daemon.host(MINE, "", {"Cache-Control": "no-cache"}).json()["sensor"] == HERE
        fake.start()
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)


def test_own_p0f_hangs(start, fake):
    """A host in the tier is found all the same, and not every lookup waits for p0f."""
    with start({"p0f.timeout": "1s"}) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        fake.freeze()
        for _ in range(3):
            for address in OTHERS:
                assert daemon.host(address).json()["sensor"] == ELSEWHERE
        assert daemon.host(STRANGER).status in (503, 504)
        fake.thaw()
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)


@pytest.mark.parametrize("later,sensor", [(5, HERE), (0, HERE), (-5, ELSEWHERE)])
@pytest.mark.parametrize("first", ["p0f", "the tier"])
def test_own_p0f_is_newer_or_older(daemon, fake, store, later, sensor, first):
    """Whichever answers first."""
    now = share_fields.now()
    fake.hosts[OTHER] = {"last_seen": now - 10 + later, "os_name": "mine"}
    share_fields.write(store, OTHER, last_seen=now - 10, os_name="theirs")
    found, asked = share_metrics.count(daemon, "reads_total found"), fake.counts[OTHER]
    if first == "the tier":
        fake.hold(OTHER)
        crowd = Crowd(daemon.endpoint, [f"/host/{OTHER}"])
        share_metrics.wait_for(daemon, "reads_total found", found + 1)
        fake.release()
    else:
        with store.stopped():
            crowd = Crowd(daemon.endpoint, [f"/host/{OTHER}"])
            wait_until(lambda: fake.counts[OTHER] > asked, "p0f to be asked")
            share_metrics.read(daemon)
    host = crowd.answers()[0].json()
    assert (host["sensor"], host["os_name"]) == (sensor, "mine" if sensor == HERE else "theirs")


def test_it_is_asked_once_while_p0f_is_asked_again(start, store):
    """On first contact, own p0f may know the visitor any moment; the tier is read once."""
    with start({"p0f.first_contact_wait": "300ms"}) as daemon:
        daemon.wait_for_p0f()
        share_metrics.wait_until_up(daemon)
        before = store.commands("HSCAN")
        assert daemon.host(STRANGER).status == 404
        assert store.commands("HSCAN") == before + 1
