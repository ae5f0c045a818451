# SPDX-License-Identifier: MIT
"""The network to the shared tier is bad, or its replies are not those of a server."""

import itertools
import os

import pytest

import fake_store
import processes
import resp
import share_fields
import share_metrics
from fake_store import CLOSE, STALL, FakeStore, Reply
from shared_tier import (OTHERS, OWN, STRANGERS, Askers, ask_all, check_host, fill, hardly_anybody_waits, know_own,
                         settings, wait_until_it_works)
from slow_network import SlowNetwork
from store import Store
from waiting import wait_until

FULL = bool(os.environ.get("FULL"))
MIB = 1 << 20


@pytest.fixture(name="own", autouse=True)
def _own(fake):
    know_own(fake)


@pytest.fixture(name="store")
def _store(scratch):
    with FakeStore(os.path.join(scratch, "store.sock")) as store:
        for address, name in OTHERS.items():
            store.hashes[f"p0f:{address}".encode()][share_fields.SENSOR.encode()] = \
                share_fields.value(address, os_name=name)
        yield store


@pytest.fixture(name="daemon")
def _daemon(fake, serve, store):
    with serve(fake, settings(store.url)) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        yield daemon
        store.release()


def _whole(store, words):
    return store.scanned(store.hashes[words[1]])


# -- replies that break off ------------------------------------------------------------------------

@pytest.mark.parametrize("then", [CLOSE, STALL])
def test_in_the_middle_of_a_reply(daemon, store, then):
    """At each of many points."""
    places = itertools.cycle(range(0, 700, 37))
    with Askers(daemon) as askers:
        store.replies["HSCAN"] = lambda words: Reply(_whole(store, words)[:next(places)], then)
        askers.wait(300 if FULL else 100)
        del store.replies["HSCAN"]
        store.release()
        wait_until_it_works(daemon)


@pytest.mark.parametrize("name", ["HSCAN", "HSET", "PEXPIRE", "PING"])
def test_no_reply_to_a_command(daemon, store, name):
    """All other lookups are answered."""
    with Askers(daemon) as askers:
        store.replies[name] = Reply(b"", STALL)
        askers.wait(300 if FULL else 100)
        del store.replies[name]
        store.release()
        wait_until_it_works(daemon)


def test_a_reply_in_small_pieces(daemon, store):
    store.replies["HSCAN"] = lambda words: Reply(bytes([byte]) for byte in _whole(store, words))
    check_host(STRANGERS[0], daemon.host(STRANGERS[0]))
    wait_until(lambda: daemon.host(next(iter(OTHERS))).status == 200, "one to be found")


# -- replies that are too large --------------------------------------------------------------------

LARGE = 512 * MIB if FULL else 48 * MIB


def _growth(daemon, askers):
    """The growth of the daemon's memory during 100 lookups."""
    processes.forget_peak(daemon.process.pid)
    before = processes.peak_bytes(daemon.process.pid)
    askers.wait(50)
    return processes.peak_bytes(daemon.process.pid) - before


@pytest.mark.parametrize("head", [b"$536870912\r\n", b"*2\r\n$1\r\n0\r\n*536870912\r\n",
                                  b"*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n$536870911\r\n"])
@pytest.mark.parametrize("come", [False, True])
def test_more_than_there_is_memory_for(daemon, store, head, come):
    """The connection is closed long before all of the announced reply has arrived."""
    pieces = [head, *([b":1\r\n" * 16384 if b"*5" in head else bytes(65536)] * (LARGE // 65536) if come else [])]
    with Askers(daemon) as askers:
        askers.wait()
        store.replies["HSCAN"] = Reply(pieces, STALL)
        growth = _growth(daemon, askers)
        assert growth < 16 * MIB or processes.instrumented(daemon.process.pid), growth
        if come:
            wait_until(lambda: store.cut_off, "the daemon to close the connection")
        del store.replies["HSCAN"]
        store.release()
        wait_until_it_works(daemon)


def test_a_large_value_in_a_real_store(fake, serve, scratch):
    with Store(scratch, {"proto-max-bulk-len": 2**30}) as store:
        fill(store)
        victim = next(iter(OTHERS))
        store.call("EVAL", "return redis.call('HSET', KEYS[1], 'large', string.rep('x', ARGV[1]))", 1,
                   f"p0f:{victim}", LARGE)
        with serve(fake, settings(store.url)) as daemon, Askers(daemon) as askers:
            daemon.wait_for_p0f()
            growth = _growth(daemon, askers)
            assert growth < 16 * MIB or processes.instrumented(daemon.process.pid), growth
            store.call("DEL", f"p0f:{victim}")
            fill(store)
            wait_until_it_works(daemon)
            assert store.call("PING") == b"PONG"


# -- replies that are none -------------------------------------------------------------------------

# Sensible RESP, but nothing that the command is answered with.
TYPES = {
    "a status": b"+OK\r\n",
    "a number": b":7\r\n",
    "a large number": b":9223372036854775807\r\n",
    "nothing": b"$-1\r\n",
    "no array": b"*-1\r\n",
    "an empty string": b"$0\r\n\r\n",
    "an empty array": b"*0\r\n",
    "only a cursor": resp.array(resp.bulk("0")),
    "a number as the cursor": resp.array(b":0\r\n", resp.array()),
    "no cursor": resp.array(b"$-1\r\n", resp.array()),
    "nothing as the fields": resp.array(resp.bulk("0"), b"*-1\r\n"),
    "text as the fields": resp.array(resp.bulk("0"), resp.bulk("fields")),
    "an odd number of words": resp.array(resp.bulk("0"), resp.array(resp.bulk("one"))),
    "numbers as the fields": resp.array(resp.bulk("0"), resp.array(b":1\r\n", b":2\r\n")),
    "nothing as a value": resp.array(resp.bulk("0"), resp.array(resp.bulk("one"), b"$-1\r\n")),
    "nothing as a field": resp.array(resp.bulk("0"), resp.array(b"$-1\r\n", resp.bulk("one"))),
    "arrays in it": resp.array(resp.bulk("0"), resp.array(resp.array(), resp.array(resp.array()))),
    "an error in it": resp.array(resp.bulk("0"), resp.array(b"-ERR\r\n", b"-ERR\r\n")),
    "three parts": resp.array(resp.bulk("0"), resp.array(), resp.array()),
}


def test_replies_of_another_type(daemon, store):
    """To every command: the host is not found in the tier."""
    for what, reply in TYPES.items():
        print(what)
        store.replies.update(dict.fromkeys(("HSCAN", "HSET", "PEXPIRE"), reply))
        for address in itertools.chain(list(OTHERS)[:2], list(OWN)[:2], STRANGERS[:1]):
            check_host(address, daemon.host(address), "no")
        store.replies.clear()
    wait_until_it_works(daemon)


GARBAGE = {
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "zeros": bytes(1000),
    "no number": b"$seven\r\n",
    "a negative length": b"$-7\r\n",
    "no end": b"$3\r\nabcdef\r\n",
    "deeply nested": b"*1\r\n" * 10_000,
    "two replies": b"+OK\r\n+OK\r\n",
    "many replies": b"+OK\r\n" * 10_000,
    "RESP3": b"%1\r\n+a\r\n+b\r\n>2\r\n+message\r\n+x\r\n",
}


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage(daemon, store, what):
    with Askers(daemon) as askers:
        store.replies["HSCAN"] = GARBAGE[what]
        askers.wait(50)
        store.replies.clear()
        wait_until_it_works(daemon)


@pytest.mark.parametrize("what", ["HTTP", "zeros", "many replies"])
def test_garbage_before_anything_was_asked(fake, serve, store, what):
    """It is another kind of server."""
    store.replies.update(dict.fromkeys(("PING", "HSCAN", "CLIENT", "CLUSTER", "HELLO", "AUTH"), GARBAGE[what]))
    with serve(fake, settings(store.url)) as daemon:
        daemon.wait_for_p0f()
        ask_all(daemon, "no")
        store.replies.clear()
        wait_until_it_works(daemon)


# -- refusals --------------------------------------------------------------------------------------

REFUSALS = ["LOADING Redis is loading the dataset in memory", "MASTERDOWN Link with MASTER is down", "ERR", "",
            "MISCONF Redis is configured to save RDB snapshots", "BUSY Redis is busy running a script",
            "NOAUTH Authentication required.", "CLUSTERDOWN The cluster is down", "TRYAGAIN Multiple keys",
            "NOREPLICAS Not enough good replicas", "MOVED", "MOVED 1", "MOVED 99999 127.0.0.1:1",
            "ASK 1 nowhere:99999", "MOVED 1 127.0.0.1:0", "x" * 10_000, "%s%n%s\x1b[31m\xff"]


def test_refuses_for_any_reason(daemon, store):
    """Every command."""
    with Askers(daemon) as askers:
        for refusal in REFUSALS:
            print(refusal)
            store.replies.update(dict.fromkeys(("HSCAN", "HSET", "PEXPIRE", "PING"),
                                               f"-{refusal}\r\n".encode("latin-1")))
            before = store.count("HSCAN")
            wait_until(lambda before=before: store.count("HSCAN") > before, "it to be refused")
            askers.wait(20)
            store.replies.clear()
            wait_until_it_works(daemon)
    assert len(daemon.log().splitlines()) < 100, "not a line for each"
    assert "\x1b" not in daemon.log()


def test_loading_for_ever(daemon, store):
    """No hosts are read while that is known."""
    store.replies.update(dict.fromkeys(("HSCAN", "HSET", "PEXPIRE", "PING"), fake_store.LOADING))
    with Askers(daemon) as askers:
        share_metrics.wait_for(daemon, "breaker_opened_total")
        before = store.count("HSCAN")
        askers.wait(400)
        assert store.count("HSCAN") - before <= 40
    store.replies.clear()
    wait_until_it_works(daemon)


# -- the network -----------------------------------------------------------------------------------

@pytest.fixture(name="network")
def _network():
    with SlowNetwork(0.02) as network:
        yield network


@pytest.fixture(name="far")
def _far(network, scratch):
    """A server at the other end, and its URL."""
    with Store(scratch, {"bind": f"127.0.0.1 {network.near}", "protected-mode": "no"}) as store:
        fill(store)
        store.far_url = f"redis://{network.far}:{store.port}"
        yield store


def test_far_away(fake, serve, network, far):
    """20 ms each way, and one in 100 packets is lost."""
    with serve(fake, {**settings(far.far_url), "share.timeout": "500ms"}) as daemon:
        daemon.wait_for_p0f()
        share_metrics.wait_until_up(daemon)
        network.loss = 0.01
        count = 3000 if FULL else 300
        with Askers(daemon, 8) as askers:
            askers.wait(count)
        assert network.lost
        assert askers.missed <= 0.1 * count / 3, "nearly all are found"
        assert share_metrics.count(daemon, "up")


def test_too_far_away(fake, serve, network, far):
    """A delay longer than share.timeout opens the breaker."""
    with serve(fake, settings(far.far_url)) as daemon, Askers(daemon) as askers:
        daemon.wait_for_p0f()
        share_metrics.wait_until_up(daemon)
        network.delay = 0.3
        share_metrics.wait_for(daemon, "breaker_opened_total")
        hardly_anybody_waits(daemon, askers, 100)
        network.delay = 0.001
        wait_until_it_works(daemon)


def test_nothing_comes_through(fake, serve, network, far):
    """A cable is pulled: connections neither end nor can be opened."""
    with serve(fake, settings(far.far_url)) as daemon, Askers(daemon) as askers:
        daemon.wait_for_p0f()
        share_metrics.wait_until_up(daemon)
        network.loss = 1
        share_metrics.wait_for(daemon, "breaker_opened_total")
        hardly_anybody_waits(daemon, askers, 100)
        network.loss = 0
        wait_until_it_works(daemon)
