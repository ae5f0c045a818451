# SPDX-License-Identifier: MIT
"""The server of the shared tier fails in every way that a real one can: everything is as without it, no lookup waits
for it, and it is used again as soon as it works."""

import contextlib
import json

import pytest

import http_client
import resp
import share_fields
import share_metrics
from shared_tier import (HERE, OTHERS, OWN, Askers, ask_all, fill, hardly_anybody_waits, know_own, settings,
                         wait_until_it_works)
from store import Store, replica_of
from waiting import wait_until

PASSWORD = "corr3ct-h0rse"


@pytest.fixture(name="own", autouse=True)
def _own(fake):
    know_own(fake)


@pytest.fixture(name="store")
def _store(scratch):
    with Store(scratch) as store:
        fill(store)
        yield store


@pytest.fixture(name="daemon")
def _daemon(fake, serve, store):
    with serve(fake, settings(store.url)) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        yield daemon
        assert store.call("PING") == b"PONG", "it is unharmed"


def _own_are_written(daemon, store):
    """Hosts that p0f finds from now on are written sooner or later."""
    def written():
        for address in OWN:
            daemon.host(address)
        return all(share_fields.read(store, address) for address in OWN)
    wait_until(written, "own hosts to be in the store")


# -- gone ------------------------------------------------------------------------------------------

def test_what_is_written_and_read_without_a_fault(daemon, store):
    """Otherwise the tests below would prove nothing."""
    assert share_metrics.count(daemon, "reads_total found") >= len(OTHERS)
    assert share_metrics.count(daemon, f"hits_total {share_fields.SENSOR}") >= len(OTHERS)
    _own_are_written(daemon, store)
    assert all(set(share_fields.read(store, address)) == {HERE} for address in OWN)
    assert share_metrics.count(daemon, "breaker_opened_total") == 0


@pytest.mark.parametrize("way", ["tcp", "unix"])
def test_killed_and_restarted_empty(fake, serve, store, way):
    with serve(fake, settings(store.url if way == "tcp" else f"unix:{store.path}")) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        _own_are_written(daemon, store)
        with Askers(daemon) as askers:
            askers.wait()
            store.kill()
            wait_until(lambda: not share_metrics.count(daemon, "up"), "the daemon to notice")
            askers.wait()
            ask_all(daemon, "no")
            store.start()
            assert store.call("DBSIZE") == 0
            share_metrics.wait_until_up(daemon)
            askers.wait()
            fill(store)
            wait_until_it_works(daemon)


def test_what_was_written_to_a_store_that_is_empty_now_is_written_again(fake, serve, store):
    """After share.write_interval at the latest, even if nothing has changed."""
    with serve(fake, settings(store.url, write_interval="1s")) as daemon:
        daemon.wait_for_p0f()
        _own_are_written(daemon, store)
        store.call("FLUSHALL")
        _own_are_written(daemon, store)


def test_killed_and_restarted_over_and_over(daemon, store):
    with Askers(daemon) as askers:
        for _ in range(3):
            store.kill()
            askers.wait(50)
            store.start()
            askers.wait(50)
        fill(store)
        wait_until_it_works(daemon)


def test_not_there_when_the_daemon_starts(fake, serve, scratch):
    store = Store(scratch)
    with serve(fake, settings(store.url)) as daemon:
        daemon.wait_for_p0f()
        ask_all(daemon, "no")
        with store:
            fill(store)
            wait_until_it_works(daemon)


def test_stopped(daemon, store):
    """Its connections stay open, and it does not reply."""
    with Askers(daemon) as askers:
        askers.wait()
        with store.stopped():
            share_metrics.wait_for(daemon, "breaker_opened_total")
            hardly_anybody_waits(daemon, askers)
            ask_all(daemon, "no")
        wait_until_it_works(daemon)


def test_paused(daemon, store):
    """As during a failover: it accepts commands, and replies later."""
    with Askers(daemon) as askers:
        store.call("CLIENT", "PAUSE", 1500, "ALL")
        share_metrics.wait_for(daemon, "breaker_opened_total")
        hardly_anybody_waits(daemon, askers, 100)
        wait_until_it_works(daemon)


def test_it_closes_connections(daemon, store):
    """Each of them, again and again."""
    with Askers(daemon) as askers:
        for _ in range(10):
            store.call("CLIENT", "KILL", "TYPE", "normal")
            askers.wait(20)
        wait_until_it_works(daemon)
    assert len(daemon.log().splitlines()) < 40


def test_it_closes_connections_that_are_idle(daemon, store):
    """Many servers are configured so; it is not a fault."""
    store.call("CONFIG", "SET", "timeout", 1)
    before = share_metrics.count(daemon, "connects_total connected")
    share_metrics.wait_for(daemon, "connects_total connected", before + 1)
    wait_until_it_works(daemon)
    assert share_metrics.count(daemon, "breaker_opened_total") == 0
    store.call("CONFIG", "SET", "timeout", 0)


def test_it_has_too_many_clients(fake, serve, store):
    store.call("CONFIG", "SET", "maxclients", 1)
    with store.client() as client, serve(fake, settings(store.url)) as daemon:
        daemon.wait_for_p0f()
        daemon.wait_for_line("too many clients")
        ask_all(daemon, "no")
        client.call("CONFIG", "SET", "maxclients", 1000)
        wait_until_it_works(daemon)


def test_stopped_for_long_and_then_killed(daemon, store):
    with Askers(daemon) as askers:
        with store.stopped():
            share_metrics.wait_for(daemon, "breaker_opened_total")
            askers.wait()
            store.kill()
        store.start()
        fill(store)
        wait_until_it_works(daemon)


def test_the_daemon_ends_while_the_store_is_stopped(fake, serve, store):
    with serve(fake, settings(store.url)) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        with store.stopped():
            ask_all(daemon, "no")
            daemon.stop()


# -- refuses ---------------------------------------------------------------------------------------

def test_out_of_memory(fake, serve, store):
    """It refuses writes; hosts can still be read."""
    with serve(fake, settings(store.url, write_interval="1s")) as daemon, Askers(daemon) as askers:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        store.call("CONFIG", "SET", "maxmemory", 1)
        share_metrics.wait_for(daemon, "writes_total error", 2 * len(OWN))
        askers.wait()
        wait_until_it_works(daemon)
        assert share_metrics.count(daemon, "breaker_opened_total") == 0
        assert daemon.log().count("is out of memory") == 1, "said once"
        store.call("CONFIG", "SET", "maxmemory", 0)
        store.call("DEL", *(f"p0f:{address}" for address in OWN))
        _own_are_written(daemon, store)


def test_a_read_only_replica(fake, serve, scratch, store):
    with replica_of(store, scratch) as replica, serve(fake, settings(replica.url, write_interval="1s")) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        share_metrics.wait_for(daemon, "writes_total error", len(OWN))
        assert share_metrics.count(daemon, "breaker_opened_total") == 0
        assert daemon.log().count("is a read-only replica") == 1, "said once"
        wait_until_it_works(daemon)
        replica.call("REPLICAOF", "NO", "ONE")
        _own_are_written(daemon, replica)


def test_loading(daemon, store):
    """After a restart, it loads its data and refuses all commands for seconds."""
    with store.client() as client:
        client.pipeline([("SET", f"filling:{number}", "x" * 2000) for number in range(1000)])
    store.call("SAVE")
    store.settings.update({"key-load-delay": 1000, "loading-process-events-interval-bytes": 1024})
    with Askers(daemon) as askers:
        store.kill()
        store.begin()

        def loading():
            try:
                return store.call("PING") and False
            except resp.StoreError as refusal:
                return "LOADING" in str(refusal)
            except OSError:
                return False
        wait_until(loading, "it to be loading")
        ask_all(daemon, "no")
        askers.wait()
        wait_until_it_works(daemon)


# -- does not let it in ----------------------------------------------------------------------------

def _locked(scratch):
    """Only an administrator may run commands."""
    return Store(scratch, {"user": ["default off", "owner on >owner ~* &* +@all"]}, ("owner", "owner"))


def _allow(store, *rights):
    store.call("ACL", "SETUSER", "lookupd", "reset", "on", f">{PASSWORD}", *rights)


ALL = ("~p0f:*", "+@connection", "+@read", "+@write", "+cluster|slots")


def _nowhere(daemon):
    """The daemon never shows the password."""
    for text in (daemon.log(), daemon.get("/status").body.decode(), daemon.get("/metrics").body.decode()):
        assert PASSWORD not in text


def test_a_wrong_password(fake, serve, scratch):
    with _locked(scratch) as store:
        fill(store)
        url = store.url.replace("//", f"//lookupd:{PASSWORD}@")
        with serve(fake, settings(url)) as daemon, Askers(daemon) as askers:
            daemon.wait_for_p0f()
            daemon.wait_for_line("WRONGPASS")
            askers.wait()
            ask_all(daemon, "no")
            _nowhere(daemon)
            _allow(store, *ALL)
            wait_until_it_works(daemon)
            _own_are_written(daemon, store)
            # And the other way round: a user who is there no more is disconnected.
            store.call("ACL", "DELUSER", "lookupd")
            wait_until(lambda: not share_metrics.count(daemon, "up"), "the daemon to notice")
            askers.wait()
            ask_all(daemon, "no")
            _allow(store, *ALL)
            wait_until_it_works(daemon)
            _nowhere(daemon)


def test_no_password(fake, serve, scratch):
    with Store(scratch, {"requirepass": PASSWORD}, ("default", PASSWORD)) as store:
        fill(store)
        with serve(fake, settings(store.url)) as daemon:
            daemon.wait_for_p0f()
            daemon.wait_for_line("NOAUTH")
            ask_all(daemon, "no")
            store.call("CONFIG", "SET", "requirepass", "")
            wait_until_it_works(daemon)


RIGHTS = {
    "nothing": (("~p0f:*",), "no"),
    "other keys": (("~other:*", "+@all"), "no"),
    "no reads": (("~p0f:*", "+@connection", "+@write"), "no"),
    "no writes": (("~p0f:*", "+@connection", "+@read"), "yes"),
}


@pytest.mark.parametrize("what", RIGHTS)
def test_a_user_without_permission(fake, serve, scratch, what):
    rights, others = RIGHTS[what]
    with _locked(scratch) as store:
        fill(store)
        _allow(store, *rights)
        url = store.url.replace("//", f"//lookupd:{PASSWORD}@")
        with serve(fake, settings(url, write_interval="1s")) as daemon, Askers(daemon) as askers:
            daemon.wait_for_p0f()
            if others == "yes":
                wait_until_it_works(daemon)
            daemon.wait_for_line("NOPERM")
            askers.wait()
            ask_all(daemon, "maybe" if others == "yes" else others)
            assert daemon.log().count("NOPERM") <= 10, "it is not said each time"
            _allow(store, *ALL)
            wait_until_it_works(daemon)
            _own_are_written(daemon, store)


# -- loses what it has -----------------------------------------------------------------------------

def test_eviction(fake, serve, scratch):
    """There are more hosts than fit in its memory."""
    many = [f"10.0.{number // 250}.{number % 250}" for number in range(700)]
    fake.hosts.update(dict.fromkeys(many, {"last_seen": share_fields.now(), "os_name": "Linux"}))
    with Store(scratch, {"maxmemory-policy": "allkeys-lru"}) as store:
        fill(store)
        with serve(fake, settings(store.url, write_interval="0")) as daemon:
            daemon.wait_for_p0f()
            share_metrics.wait_until_up(daemon)
            connection = daemon.connect()
            for _ in range(2):
                answer = http_client.ask_unchecked(connection, "/hosts", {"Content-Type": "application/json"},
                                                   "POST", json.dumps(many))
                assert {item["status"] for item in answer.json()} == {200}
                # Half of what they take is no longer there for the second time.
                store.call("CONFIG", "SET", "maxmemory", int(store.info("used_memory")) - 150_000)
                ask_all(daemon, "maybe")
            connection.close()
            assert int(store.info("evicted_keys")) > 100
            assert share_metrics.count(daemon, "breaker_opened_total") == 0
            assert share_metrics.count(daemon, "writes_total error") == 0


def test_many_at_once_without_the_tier(fake, serve, store, allow_descriptors):
    """Writes that cannot be sent are dropped and counted, and do not pile up."""
    allow_descriptors(4096)
    with serve(fake, settings(store.url, write_interval="0")) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        with contextlib.ExitStack() as stack:
            stack.enter_context(store.stopped())
            askers = stack.enter_context(Askers(daemon))
            share_metrics.wait_for(daemon, "breaker_opened_total")
            askers.wait(500)
            share_metrics.wait_for(daemon, "writes_total dropped", 50)
        wait_until_it_works(daemon)
