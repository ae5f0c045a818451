# SPDX-License-Identifier: MIT
"""Debian's rspamd asks the relay about who sends a message: it finds what it finds with p0f itself, and
more where p0f is too late, too full or gone."""

import contextlib
import os
import queue
import re
import signal
import subprocess
import threading

import pytest

import lacking
import loopback
from daemon import Daemon
from debian_root import DebianRoot
from http_load import FULL
from real_p0f import RealP0f
from rspamd import Rspamd
from waiting import wait_until

# rspamd asks about nobody on loopback. These addresses are ours, and have no other use.
NETWORKS = ["203.0.113.0/24", "2001:db8:25::7/128", "2001:db8:25::250/128"]
SERVERS = ["203.0.113.250", "2001:db8:25::250"]
SENDERS = ["203.0.113.7", "2001:db8:25::7"]
STRANGERS = ["203.0.113.99", "2001:db8:25::99"]
AT_ONCE = 60 if FULL else 30    # more than the 20 connections that p0f has
FRESH = 50 if FULL else 10
WAYS = ["p0f itself", "the relay"]
RELAY = "/run/p0f-lookupd/p0f.sock"


@contextlib.contextmanager
def _local(networks):
    """So that any of their addresses can be a client's."""
    def address(verb, network):
        subprocess.run(["ip", "address", verb, network, "dev", "lo"], check=True, stdin=subprocess.DEVNULL)
    with contextlib.ExitStack() as stack:
        for network in networks:
            address("add", network)
            stack.callback(address, "del", network)
        yield


class World:
    """p0f, who knows the SENDERS, and the daemon, in one root with rspamd."""

    def __init__(self, root, p0f, web, daemon):
        self.root, self.p0f, self.web, self.daemon = root, p0f, web, daemon

    def visit(self, number=0):
        server = self.web[number].address
        loopback.visit(SENDERS[number], server, segment_size=1400, hops=7)
        self.p0f.wait_to_know(SENDERS[number])

    def serve_mail(self, path):
        return Rspamd(self.root, f'enabled = true;\nsocket = "{path}";\n')


def _finding(host):
    """What rspamd's module makes of p0f's answer."""
    # Its Lua removes some characters.
    name, flavor, link = (re.sub(r"[^\w\-.() ]", "", host[field].decode())
                          for field in ("os_name", "os_flavor", "link_type"))
    return [f"{name} {flavor}" if name else "unknown", f"link={link or 'unknown'}",
            f"distance={host['distance']}"]


@pytest.fixture(name="world", scope="module")
def _world(needs_p0f, module_scratch):
    lacking.skip_without("namespaces")
    root = DebianRoot(f"{module_scratch}/root", ["rspamd"])
    run = f"{root.path}/run"
    os.makedirs(f"{run}/p0f-lookupd")
    settings = {"relay.listen": f"unix:{root.path}{RELAY}", "p0f.timeout": "20s",
                "cache.incomplete_ttl": "0", "cache.stale_while_revalidate": "0"}
    with _local(NETWORKS), RealP0f(run, packets="net 203.0.113.0/24 or net 2001:db8:25::/64") as p0f, \
            loopback.WebServer((SERVERS[0], 0)) as web, loopback.WebServer((SERVERS[1], 0)) as web6, \
            Daemon(module_scratch, p0f.socket, settings) as daemon:
        daemon.wait_for_p0f()
        world = World(root, p0f, [web, web6], daemon)
        for number in range(len(SENDERS)):
            world.visit(number)
        yield world


@pytest.fixture(name="rspamd", scope="module")
def _rspamd(world):
    """It asks the relay."""
    with world.serve_mail(RELAY) as rspamd:
        yield rspamd


def _p0f_symbols(found):
    return {name: options for name, options in found.items() if name.startswith("P0F")}


@pytest.mark.parametrize("way", WAYS)
def test_a_whole_message(world, way, request):
    """It says the same of it with the one path and with the other."""
    if way == "the relay":
        rspamd = request.getfixturevalue("rspamd")
        stack = contextlib.nullcontext(rspamd)
    else:
        stack = world.serve_mail("/run/p0f.sock")
    with stack as rspamd:
        for address in SENDERS:
            assert _p0f_symbols(rspamd.scan(address)) == {"P0F": _finding(world.p0f.ask(address))}
        for address in STRANGERS:
            assert not _p0f_symbols(rspamd.scan(address))
        assert "p0f received an error" not in rspamd.log()


def test_a_message_from_who_has_just_connected(world, rspamd):
    """As a mail server asks: p0f itself would hardly know one of them yet."""
    found = queue.Queue()
    with loopback.WebServer((SERVERS[0], 0), on_accept=lambda peer: found.put(rspamd.scan(peer))) as mail:
        known = 0
        for number in range(FRESH):
            with loopback.connect(f"203.0.113.{100 + number}", mail.address):
                known += "P0F" in found.get(timeout=20)
    # It waits for 25 ms, where p0f mostly needs 5; a busy test machine may once take longer.
    assert known >= FRESH - FRESH // 10 - 1


def test_more_messages_at_once_than_p0f_has_connections(world, rspamd):
    """Each on a connection of rspamd's own, and all while p0f does not answer."""
    found = queue.Queue()
    addresses = [f"203.0.113.{10 + number}" for number in range(AT_ONCE)]
    for address in addresses:
        loopback.connect(address, world.web[0].address).close()
    wait_until(lambda: all(world.p0f.known(address) for address in addresses), "p0f to see them")
    threads = [threading.Thread(target=lambda a=address: found.put((a, rspamd.scan(a))))
               for address in addresses]
    world.p0f.process.send_signal(signal.SIGSTOP)
    try:
        for thread in threads:
            thread.start()
        wait_until(lambda: world.daemon.get("/status").json()["lookups"]["pending"] == AT_ONCE, "all to wait")
    finally:
        world.p0f.process.send_signal(signal.SIGCONT)
    for thread in threads:
        thread.join()
    for address, symbols in (found.get_nowait() for _ in addresses):
        assert _p0f_symbols(symbols) == {"P0F": _finding(world.p0f.ask(address))}, address


def test_p0f_is_gone(world, rspamd):
    """Who is remembered is known all the same; about others it says that it does not know why. No message
    is lost."""
    expected = {"P0F": _finding(world.p0f.ask(SENDERS[0]))}
    assert _p0f_symbols(rspamd.scan(SENDERS[0])) == expected
    world.p0f.kill()
    wait_until(lambda: world.daemon.get("/readyz").status == 503, "the daemon to notice")
    assert _p0f_symbols(rspamd.scan(SENDERS[0])) == expected
    failed = _p0f_symbols(rspamd.scan("203.0.113.98"))
    assert list(failed) == ["P0F_FAIL"] and failed["P0F_FAIL"][0].startswith("Error getting result: "), failed
    world.p0f.start()
    wait_until(lambda: world.daemon.get("/readyz").status == 200, "the daemon to find p0f")
    for number in range(len(SENDERS)):
        world.visit(number)
    assert not _p0f_symbols(rspamd.scan("203.0.113.98"))
    assert _p0f_symbols(rspamd.scan(SENDERS[1])) == {"P0F": _finding(world.p0f.ask(SENDERS[1]))}


def test_the_daemon_is_gone(world, rspamd):
    """No message is lost, and rspamd finds the next daemon by itself."""
    world.daemon.stop()
    failed = _p0f_symbols(rspamd.scan(SENDERS[0]))
    world.daemon.start()
    assert list(failed) == ["P0F_FAIL"], failed
    world.daemon.wait_for_p0f()
    assert _p0f_symbols(rspamd.scan(SENDERS[0])) == {"P0F": _finding(world.p0f.ask(SENDERS[0]))}
