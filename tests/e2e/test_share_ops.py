# SPDX-License-Identifier: MIT
"""What /status and /metrics say about the shared tier."""

import promtool
import pytest
import share_fields
import share_metrics
from problems import assert_problem
from share_fields import SENSOR
from shared_tier import HERE, settings
from store import Store
from waiting import wait_until

OWN, OTHER, STRANGER = "198.51.100.1", "203.0.113.1", "192.0.2.1"


@pytest.fixture(name="store")
def _store(scratch):
    with Store(scratch) as store:
        yield store


@pytest.fixture(name="daemon")
def _daemon(fake, serve, store):
    fake.hosts[OWN] = {"first_seen": share_fields.now() - 60, "last_seen": share_fields.now() - 60}
    share_fields.write(store, OTHER)
    with serve(fake, settings(store.url)) as daemon:
        daemon.wait_for_p0f()
        share_metrics.wait_until_up(daemon)
        yield daemon


def _share(daemon):
    return daemon.get("/status").json()["share"]


def test_counts_say_what_has_happened(daemon):
    before, known = share_metrics.read(daemon), _share(daemon)["counts"]
    assert daemon.host(OTHER).status == 200
    assert daemon.host(STRANGER).status == 404
    assert daemon.host(OWN).status == 200
    wait_until(lambda: _share(daemon)["counts"]["writes"]["ok"] == 1, "the host to be written")
    assert daemon.host(OWN).status == 200
    after, status = share_metrics.read(daemon), _share(daemon)
    promtool.check_metrics(daemon.get("/metrics").body.decode())
    counts = status["counts"]
    # The last one finds what it has written itself.
    assert {name: counts["reads"][name] - known["reads"][name] for name in counts["reads"]} == {
        "found": 2, "none": 2, "timeout": 0, "error": 0, "skipped": 0}
    assert counts["writes"] == {"ok": 1, "error": 0, "unchanged": 1, "dropped": 0}
    assert counts["hits"] == {SENSOR: 1, HERE: 1, "(other)": 0}
    assert status["hosts_written"] == 1
    assert after["round_trip_seconds_count"] - before["round_trip_seconds_count"] == 4
    # /metrics says the same.
    for name in "reads", "writes", "fields_ignored", "redirects", "connects":
        assert counts[name] == {key: after[f"{name}_total {key}"] for key in counts[name]}
    assert counts["hits"] == {key: after[f"hits_total {key}"] for key in counts["hits"]}


def test_a_server_that_is_killed(daemon, store):
    (node,) = _share(daemon)["nodes"]
    assert node == {"server": f"127.0.0.1:{store.port}", "state": "up", "fault": None,
                    "in_flight": 0, "reconnects": 0}
    store.kill()
    wait_until(lambda: not _share(daemon)["up"], "it to be missed")
    wait_until(lambda: "refused" in (_share(daemon)["nodes"][0]["fault"] or ""), "the reason")
    assert share_metrics.count(daemon, "up") == 0 and share_metrics.count(daemon, "nodes up") == 0
    assert daemon.get("/readyz").json() == {"status": "ready"}
    assert daemon.host(OWN).status == 200
    store.start()
    share_metrics.wait_until_up(daemon)
    (node,) = _share(daemon)["nodes"]
    assert (node["state"], node["fault"], node["reconnects"]) == ("up", None, 1)
    assert share_metrics.count(daemon, "connects_total failed") >= 1


def test_a_server_that_hangs_is_left_out(daemon, store):
    with store.stopped():
        def ask_and_look():
            assert_problem(daemon.host(STRANGER), 404, "no-match")
            return share_metrics.count(daemon, "nodes open")
        wait_until(ask_and_look, "the breaker to open")
        counts = share_metrics.read(daemon)
        assert counts["up"] == 0
        assert counts["breaker_opened_total"] == 1 and counts["reads_total timeout"] >= 3
        (node,) = _share(daemon)["nodes"]
        assert node["state"] == "open" and node["fault"]
        assert daemon.host(STRANGER).status == 404
        assert share_metrics.count(daemon, "reads_total skipped") > counts["reads_total skipped"]
    share_metrics.wait_until_up(daemon)
    share_metrics.wait_for(daemon, "late_answers_total")


def test_hits_are_told_apart_up_to_a_bound(daemon, store):
    """A fleet may have any number of names; the table here is bounded."""
    addresses = [f"203.0.113.{number}" for number in range(2, 82)]
    for number, address in enumerate(addresses):
        share_fields.write(store, address, sensor=f"web{number}/wan")
    for address in addresses:
        assert daemon.host(address).status == 200
    hits = _share(daemon)["counts"]["hits"]
    assert sum(hits.values()) == 80 and hits["(other)"] >= 16
    assert len(hits) == 65 and HERE not in hits
    assert len([name for name in share_metrics.read(daemon) if name.startswith("hits_total ")]) == 65


def test_a_password_is_never_shown(fake, serve, scratch):
    password = "verysecret"
    with Store(scratch, {"user": f"p0f on >{password} ~* +@all"}) as store:
        url = store.url.replace("//", f"//p0f:{password}@")
        with serve(fake, settings(url)) as daemon:
            share_metrics.wait_until_up(daemon)
            store.kill()
            wait_until(lambda: _share(daemon)["nodes"][0]["fault"], "it to be missed")
            daemon.wait_for_line("shared tier")
            for text in daemon.get("/status").body.decode(), daemon.get("/metrics").body.decode(), daemon.log():
                assert password not in text
            assert daemon.get("/status").json()["configuration"]["share"]["server"].count("***") == 1
