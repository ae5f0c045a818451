# SPDX-License-Identifier: MIT
"""The shared tier in a cluster of three: each key is read and written at the node that has it, also while slots move
and when a node dies."""

import os
import subprocess

import pytest

import share_fields
import share_metrics
from shared_tier import HERE, OTHERS, OWN, Askers, ask_all, fill, know_own, settings, wait_until_it_works
from store import Cluster, Store
from waiting import SLOWDOWN, wait_until

# That move: all that a node has, or enough that some of our hosts are among them.
SLOTS = 5461 if os.environ.get("FULL") else 1000


@pytest.fixture(name="own", autouse=True)
def _own(fake):
    know_own(fake)


@pytest.fixture(name="running", scope="module")
def _running(module_scratch):
    """Shared, since it takes seconds to start. Slots that a test has moved stay where they are."""
    with Cluster(module_scratch) as cluster:
        yield cluster


@pytest.fixture(name="cluster")
def _cluster(running):
    for master in running.masters:
        master.call("FLUSHALL")
    fill(running)
    return running


def _written(daemon, cluster):
    def written():
        for address in OWN:
            daemon.host(address)
        return all(HERE in share_fields.read(cluster, address) for address in OWN)
    wait_until(written, "own hosts to be in the store")


def _nobody_failed(daemon):
    counts = share_metrics.read(daemon)
    for name in ("breaker_opened_total", "reads_total error", "writes_total error"):
        assert counts[name] == 0, counts


def test_each_key_is_where_it_belongs(fake, serve, cluster):
    """With the slot map, only the first commands are redirected."""
    with serve(fake, settings(cluster.url)) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        _written(daemon, cluster)
        before = share_metrics.read(daemon)
        wait_until_it_works(daemon)
        after = share_metrics.read(daemon)
        assert after["redirects_total moved"] == before["redirects_total moved"]
        assert all(master.commands("HSCAN") and master.commands("HSET") for master in cluster.masters)
        _nobody_failed(daemon)
        status = daemon.get("/status").json()["share"]
        assert status["up"] and len(status["nodes"]) == 3, status


@pytest.mark.parametrize("first", range(3))
def test_one_node_is_enough_to_find_the_others(fake, serve, cluster, first):
    with serve(fake, settings(cluster.masters[first].url)) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        _written(daemon, cluster)
        wait_until_it_works(daemon)
        _nobody_failed(daemon)


def test_several_servers_that_are_no_cluster(fake, serve, scratch):
    """Both are reported and not used; one alone works."""
    with Store(scratch) as one, Store(scratch) as other:
        fill(one)
        fill(other)
        with serve(fake, settings(f"{one.url}, {other.url}")) as daemon:
            daemon.wait_for_p0f()
            daemon.wait_for_line("is not a cluster node")
            wait_until(lambda: not share_metrics.count(daemon, "up"), "both to be known")
            ask_all(daemon, "no")
        with serve(fake, settings(one.url)) as daemon:
            daemon.wait_for_p0f()
            wait_until_it_works(daemon)


def test_hash_tags(fake, serve, cluster):
    """With a prefix such as {p0f}: all are on one node."""
    for address, name in OTHERS.items():
        share_fields.write(cluster, address, prefix="{p0f}:", os_name=name)
    with serve(fake, settings(cluster.url, prefix="{p0f}:")) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        before = share_metrics.read(daemon)
        wait_until_it_works(daemon)
        assert share_metrics.count(daemon, "redirects_total moved") == before["redirects_total moved"]
        assert len({cluster.owner(f"{{p0f}}:{address}").port for address in OTHERS}) == 1


def test_a_slot_that_is_about_to_move(fake, serve, cluster):
    """Keys that have moved are read from the other node (ASK), the rest from the first; once the slot has moved, the
    daemon is redirected once (MOVED)."""
    address = next(iter(OTHERS))
    slot = cluster.slot(f"p0f:{address}")
    source = cluster.owner(f"p0f:{address}")
    target = next(master for master in cluster.masters if master is not source)
    with serve(fake, settings(cluster.url)) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        cluster.begin_to_move(slot, source, target)
        for _ in range(3):
            assert daemon.host(address).status == 200
        assert share_metrics.count(daemon, "redirects_total ask") == 0
        cluster.move_keys(slot, source, target)
        for number in range(1, 4):
            assert daemon.host(address).status == 200
            assert share_metrics.count(daemon, "redirects_total ask") == number
        moved = share_metrics.count(daemon, "redirects_total moved")
        cluster.finish_move(slot, target)
        assert daemon.host(address).status == 200
        assert share_metrics.count(daemon, "redirects_total moved") == moved + 1

        def learnt():
            before = share_metrics.count(daemon, "redirects_total moved")
            assert daemon.host(address).status == 200
            return share_metrics.count(daemon, "redirects_total moved") == before
        wait_until(learnt, "the daemon to know where it is now")
        _nobody_failed(daemon)
        # As it was.
        cluster.begin_to_move(slot, target, source)
        cluster.move_keys(slot, target, source)
        cluster.finish_move(slot, source)
        wait_until(learnt, "the daemon to know where it is now")
        wait_until_it_works(daemon)


def test_slots_move_under_load(fake, serve, cluster):
    """There and back; every host is found all the time."""
    one, other, _ = cluster.masters
    with serve(fake, settings(cluster.url)) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        with Askers(daemon) as askers:
            askers.wait(100)
            for source, target in ((one, other), (other, one)):
                done = subprocess.run(cluster.reshard(source, target, SLOTS), stdin=subprocess.DEVNULL,
                                      capture_output=True, text=True, timeout=120 * SLOWDOWN, check=False)
                assert done.returncode == 0, done.stdout + done.stderr
            askers.wait(100)
        counts = share_metrics.read(daemon)
        assert counts["redirects_total moved"] > 0
        _nobody_failed(daemon)
        # On a busy machine a read may be late.
        assert askers.missed <= counts["reads_total timeout"] + counts["reads_total skipped"]
        wait_until_it_works(daemon)


def test_a_node_dies_and_its_replica_takes_over(fake, serve, scratch):
    with Cluster(scratch, replicas=True) as cluster:
        fill(cluster)
        with serve(fake, settings(cluster.url, write_interval="1s")) as daemon:
            daemon.wait_for_p0f()
            wait_until_it_works(daemon)
            dead, heir = cluster.masters[0], cluster.replicas[0]
            wait_until(lambda: dead.call("DBSIZE") == heir.call("DBSIZE"), "the replica to have everything")
            with Askers(daemon) as askers:
                dead.kill()
                askers.wait()
                wait_until(lambda: heir.info("role") == "master", "the replica to take over", bound=60)
                wait_until_it_works(daemon)
                askers.wait()
            # Anew, and one of those in its settings is not there.
            daemon.stop()
            daemon.start()
            daemon.wait_for_p0f()
            wait_until_it_works(daemon)
