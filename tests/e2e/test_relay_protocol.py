# SPDX-License-Identifier: MIT
"""The relay says byte for byte what the real p0f says, to clients of every style. Each test of a client is
run with p0f itself, too: what it expects there is right."""

import itertools
import os
import subprocess
import sys
import threading
from ipaddress import ip_address

import pytest

import capture
import many_hosts
import p0f_client
import p0f_log
import p0f_wire
from daemon import Daemon
from http_load import FULL
from namespace import Namespace
from p0f_client import P0fClient, ask_each
from real_p0f import RealP0f
from waiting import wait_until

HOSTS = 10_000 if FULL else 600         # beside the some 800 of capture.py
PIPELINED = 10_000 if FULL else 2_000
WAYS = ["p0f itself", "the relay"]
PROGRAM = p0f_client.__file__


class World:
    """p0f's socket, the relay's, and what p0f says about each host there is, and about strangers."""

    def __init__(self, p0f, daemon, relay, hosts):
        self.p0f, self.daemon = p0f, daemon
        self.paths = {"p0f itself": p0f.socket, "the relay": relay}
        self.relay = relay
        self.strangers = [f"203.0.113.{number}" for number in range(100, 150)] + \
            [f"2001:db8:ffff::{number:x}" for number in range(50)]
        self.addresses = [address for pair in itertools.zip_longest(hosts, self.strangers)
                          for address in pair if address]
        self.truth = dict(zip(self.addresses, ask_each(p0f.socket, self.addresses)))
        self.known = [a for a in hosts if status(self.truth[a]) == p0f_wire.OK]


def status(answer):
    return p0f_wire.unpack_answer(answer)["status"]


@pytest.fixture(name="world", scope="module")
def _world(needs_p0f, module_scratch):
    """All that p0f is to know it knows; no packet comes any more, so what it says stays the same."""
    packets, relay = f"{module_scratch}/hosts.pcap", f"{module_scratch}/relay.sock"
    with Namespace() as namespace, \
            RealP0f(module_scratch, interface="v1", prefix=namespace.prefix,
                    options=("-m", "20000,40000")) as p0f:
        capture.write(packets)
        namespace.replay(packets)
        wait_until(lambda: capture.LAST[0] in p0f_log.hosts(p0f.log), "p0f to see those of every kind")
        namespace.replay(packets)       # on a busy machine, p0f may lose what shows a NAT
        hosts = [address for address in p0f_log.hosts(p0f.log) if address not in capture.LAST]
        hosts += many_hosts.write(packets, HOSTS)
        namespace.replay(packets)
        wait_until(lambda: p0f.known(many_hosts.LAST), "p0f to see the many")
        with Daemon(module_scratch, p0f.socket, {"relay.listen": f"unix:{relay}", "cache.ttl": "1h",
                                                 "cache.incomplete_ttl": "1h",
                                                 "p0f.first_contact_wait": "1ms"}) as daemon:
            daemon.wait_for_p0f()
            yield World(p0f, daemon, relay, hosts)


@pytest.fixture(name="path", params=WAYS)
def _path(request, world):
    return world.paths[request.param]


def _differing(world, answers):
    return [(address, p0f_wire.unpack_answer(answer) if len(answer) == p0f_client.SIZE else answer)
            for address, answer in answers if answer != world.truth[address]]


def test_there_are_many_hosts_of_every_kind(world):
    """Else the tests below would prove little."""
    assert len(world.known) >= HOSTS + 300
    for version in (4, 6):
        assert sum(ip_address(address).version == version for address in world.known) >= HOSTS / 3
    hosts = [p0f_wire.unpack_answer(world.truth[address]) for address in world.known]
    for field in (*p0f_wire.STRINGS, "uptime_min", "up_mod_days", "last_nat", "last_chg", "bad_sw",
                  "os_match_q"):
        assert any(host[field] for host in hosts), field
    assert any(host["distance"] == 255 for host in hosts)
    assert any(len(host["os_flavor"]) == 32 for host in hosts)
    assert all(status(world.truth[address]) == p0f_wire.NO_MATCH for address in world.strangers)


@pytest.mark.parametrize("time", ["the first time", "again"])
def test_all_bytes_are_p0fs(world, time):
    answers = ask_each(world.relay, world.addresses)
    assert not _differing(world, zip(world.addresses, answers))
    assert ask_each(world.p0f.socket, world.addresses) == answers, "they have stayed what they were"
    if FULL:
        print(f"\n  {len(world.known)} hosts and {len(world.strangers)} strangers, {time}: the same bytes")


# -- styles of clients -----------------------------------------------------------------------------

def _some(world, count=100):
    return list(itertools.islice(itertools.cycle(world.addresses), count))


def test_a_connection_for_each_query(world, path):
    for address in _some(world):
        with P0fClient(path) as client:
            assert client.ask(address) == world.truth[address], address


def test_one_connection_for_ever(world, path):
    with P0fClient(path) as client:
        for address in _some(world, PIPELINED):
            assert client.ask(address) == world.truth[address], address


def test_pipelined_to_the_last(world, path):
    """All are sent, by somebody else than who reads: more than either end of a connection holds."""
    addresses = _some(world, PIPELINED)
    with P0fClient(path) as client:
        sending = threading.Thread(target=client.send, args=addresses)
        sending.start()
        answers = client.answers(len(addresses))
        sending.join()
    assert not _differing(world, zip(addresses, answers))


@pytest.mark.parametrize("most", [p0f_client.SIZE, 1], ids=["read at once", "read byte by byte"])
@pytest.mark.parametrize("sent", [1, 20, 22, 63], ids=lambda sent: f"sent by {sent}")
def test_in_pieces(world, path, sent, most):
    addresses = _some(world, 9)
    queries = b"".join(p0f_wire.pack_query(address) for address in addresses)
    with P0fClient(path) as client:
        for at in range(0, len(queries), sent):
            client.send_bytes(queries[at:at + sent])
        answers = [client.receive(most) for _ in addresses]
    assert not _differing(world, zip(addresses, answers))


def test_the_program_that_comes_with_p0f(world, path):
    host = next(a for a in world.known if p0f_wire.unpack_answer(world.truth[a])["language"])
    for address in (host, world.strangers[0]):
        fields = p0f_wire.unpack_answer(world.truth[address])
        done = subprocess.run([sys.executable, PROGRAM, path, address], capture_output=True, text=True,
                              timeout=20, check=True)
        if fields["status"] == p0f_wire.OK:
            assert f"Total flows   = {fields['total_conn']}\n" in done.stdout
            assert f"Language      = {fields['language'].decode()}\n" in done.stdout
        else:
            assert "No matching host" in done.stdout


# -- queries that p0f does not understand, or understands in its own way -----------------------------

def _query(kind, packed, magic=p0f_wire.QUERY_MAGIC):
    return p0f_wire.QUERY.pack(magic, kind, packed)


def _queries(world):
    """By what is odd about each."""
    four = ip_address(next(a for a in world.known if ":" not in a)).packed
    six = ip_address(next(a for a in world.known if ":" in a)).packed
    mapped = bytes(10) + b"\xff\xff" + four
    magic = p0f_wire.QUERY_MAGIC
    odd = {f"magic {number:#x}": _query(4, four, number)
           for number in (0, magic + 1, p0f_wire.ANSWER_MAGIC, 0xffffffff,
                          int.from_bytes(magic.to_bytes(4, "big"), "little"))}
    odd |= {f"type {kind}": _query(kind, four) for kind in (0, 1, 2, 3, 5, 7, 0x40, 0x60, 0xff)}
    odd |= {"bad in both": _query(9, four, 9),
            "nothing but zeros": bytes(21), "nothing but ones": b"\xff" * 21,
            "garbage behind an IPv4 address": _query(4, four + b"garbage here"),
            "ones behind an IPv4 address": _query(4, four + b"\xff" * 12),
            "an IPv4-mapped address": _query(6, mapped),
            "an IPv4-compatible address": _query(6, bytes(12) + four),
            "an IPv4 address as an IPv6 one": _query(6, four),
            "the beginning of an IPv6 address as an IPv4 one": _query(4, six),
            "a NAT64 address": _query(6, bytes.fromhex("0064ff9b") + bytes(8) + four),
            "0.0.0.0": _query(4, b""), "::": _query(6, b""), "::1": _query(6, bytes(15) + b"\1"),
            "255.255.255.255": _query(4, b"\xff" * 4), "multicast": _query(4, b"\xe0\0\0\1"),
            "link-local": _query(6, ip_address("fe80::1").packed)}
    return odd


def test_odd_queries_are_answered_as_by_p0f(world):
    """One by one, each with a good one behind it on the same connection, then all at once."""
    odd, good = _queries(world), world.known[0]
    with P0fClient(world.p0f.socket) as p0f, P0fClient(world.relay) as relay:
        for name, query in odd.items():
            expected, got = (side.send_bytes(query).receive() for side in (p0f, relay))
            assert got == expected, (name, p0f_wire.unpack_answer(got), p0f_wire.unpack_answer(expected))
            assert relay.ask(good) == world.truth[good], name
        together = b"".join(query + p0f_wire.pack_query(good) for query in odd.values())
        expected, got = (side.send_bytes(together).answers(2 * len(odd)) for side in (p0f, relay))
    assert got == expected
    statuses = [status(answer) for answer in got]
    assert {p0f_wire.BADQUERY, p0f_wire.NO_MATCH, p0f_wire.OK} == set(statuses)
    assert statuses.count(p0f_wire.BADQUERY) >= 15


def test_garbage_without_end_is_answered_query_by_query(world, path):
    garbage = os.urandom(21 * 100)
    with P0fClient(path) as client:
        answers = client.send_bytes(garbage).answers(100)
        assert {status(answer) for answer in answers} == {p0f_wire.BADQUERY}
        assert client.ask(world.known[0]) == world.truth[world.known[0]]
