# SPDX-License-Identifier: MIT
"""Haraka's plugin p0f asks the relay about who sends a message: what it finds with p0f itself, it finds
there, and more where p0f is gone."""

import queue

import pytest

import lacking
import loopback
import p0f_wire
from daemon import Daemon
from fake_p0f import FakeP0f
from haraka import Haraka
from http_load import FULL
from p0f_client import P0fClient
from real_p0f import RealP0f
from waiting import wait_until

SENDERS = [f"{loopback.NETWORK}.21.{number}" for number in range(1, 31 if FULL else 11)]
STRANGER = f"{loopback.NETWORK}.22.1"
FRESH = 50 if FULL else 10
WAYS = ["p0f itself", "the relay"]
KEPT = {"cache.ttl": "1h", "cache.incomplete_ttl": "1h"}


@pytest.fixture(name="mail", autouse=True)
def _mail(scratch):
    """mail(path): Haraka, with its p0f there."""
    lacking.skip_without("npm")
    return lambda path: Haraka(f"{scratch}/haraka", f"[main]\nsocket_path={path}\nadd_header=X-p0f-Result\n")


class World:
    """p0f, who knows the SENDERS, and the daemon."""

    def __init__(self, p0f, daemon, relay):
        self.p0f, self.daemon = p0f, daemon
        self.paths = dict(zip(WAYS, (p0f.socket, relay)))


@pytest.fixture(name="world", scope="module")
def _world(needs_p0f, module_scratch):
    relay = f"{module_scratch}/relay.sock"
    with RealP0f(module_scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            loopback.WebServer() as web, \
            Daemon(module_scratch, p0f.socket, {**KEPT, "relay.listen": f"unix:{relay}"}) as daemon:
        for number, address in enumerate(SENDERS):
            loopback.visit(address, web.address, segment_size=1400 + number, hops=1 + number)
        for address in SENDERS:
            p0f.wait_to_know(address)
        daemon.wait_for_p0f()
        yield World(p0f, daemon, relay)


def _results(address, host):
    """What the plugin makes of p0f's answer."""
    fields = {name: value.decode("latin-1") if name in p0f_wire.STRINGS else value
              for name, value in host.items() if name not in ("magic", "status")}
    return {"query": address, **fields}


@pytest.mark.parametrize("way", WAYS)
def test_many_messages_at_once(world, mail, way):
    """On its one connection, each with what is said of its own sender."""
    with mail(world.paths[way]) as haraka:
        haraka.begin(*SENDERS, STRANGER, *SENDERS)
        found = haraka.finish(2 * len(SENDERS) + 1)
    assert found.pop(STRANGER) == ({"err": "no p0f results"}, {})
    assert set(found) == set(SENDERS)
    for address, (results, headers) in found.items():
        host = world.p0f.ask(address)
        assert results == _results(address, host)
        assert f"distance={host['distance']} total_conn=1" in headers["X-p0f-Result"]
    assert len({results["distance"] for results, _ in found.values()}) == len(SENDERS)


def test_messages_from_those_who_have_just_connected(world, mail):
    """As a mail server asks: p0f itself would hardly know one of them yet."""
    found = queue.Queue()
    with mail(world.paths["the relay"]) as haraka, \
            loopback.WebServer(on_accept=lambda peer: found.put(haraka.message(peer))) as server:
        known = 0
        for number in range(FRESH):
            with loopback.connect(f"{loopback.NETWORK}.23.{number + 1}", server.address):
                results, _ = found.get(timeout=20)
                known += results.get("total_conn") == 1
    # It waits for 25 ms, where p0f mostly needs 5; a busy test machine may once take longer.
    assert known >= FRESH - FRESH // 10 - 1


@pytest.mark.parametrize("held", [False, True], ids=["before", "in the middle of it"])
def test_p0f_goes(scratch, serve, mail, held):
    """Who is remembered is known all the same. About others the plugin gets an error, and connects again:
    only when its connection is reset, though, since it takes no notice of one that is closed."""
    known, stranger = "203.0.113.7", "203.0.113.8"
    fake = FakeP0f(f"{scratch}/p0f.sock", {known: {"os_name": "Linux", "total_conn": 3}})
    relay = f"{scratch}/relay.sock"
    with fake, serve(fake, {**KEPT, "relay.listen": f"unix:{relay}", "p0f.timeout": "500ms",
                            "p0f.first_contact_wait": "0", "cache.negative_ttl": "0",
                            "cache.stale_while_revalidate": "0"}) as daemon:
        daemon.wait_for_p0f()
        with mail(relay) as haraka:
            assert haraka.message(known)[0]["os_name"] == "Linux"
            assert haraka.message(stranger)[0] == {"err": "no p0f results"}
            if held:
                fake.hold()
                haraka.begin(stranger)
                wait_until(lambda: fake.counts[stranger] == 2, "the query")
            fake.stop()
            if not held:
                wait_until(lambda: daemon.get("/readyz").status == 503, "the daemon to notice")
                haraka.begin(stranger)
            results, headers = haraka.finish(1)[stranger]
            assert list(results) == ["err"] and "ECONNRESET" in results["err"], results
            assert not headers
            wait_until(lambda: haraka.message(known)[0].get("os_name") == "Linux", "it to connect again")
            fake.release()
            fake.start()
            wait_until(lambda: haraka.message(stranger)[0] == {"err": "no p0f results"}, "p0f to be back")
            with P0fClient(relay) as client:
                assert client.host(known)["total_conn"] == 3
