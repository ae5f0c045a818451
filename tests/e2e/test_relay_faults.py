# SPDX-License-Identifier: MIT
"""What the relay's clients get when p0f is gone, stopped or full, when they are many, slow or greedy, and
when the daemon ends."""

import itertools
import os
import random
import signal
import socket

import pytest

import loopback
import p0f_wire
import processes
import relay_metrics
from daemon import write_config
from fake_p0f import FakeP0f
from http_client import Crowd, open_socket
from p0f_client import Doomed, P0fClient, ask_each
from real_p0f import RealP0f
from waiting import wait_until

KNOWN, STRANGER = "203.0.113.1", "203.0.113.99"
KEPT = {"cache.ttl": "1h", "cache.incomplete_ttl": "1h"}
# Asked of p0f each time, or nearly so, and remembered for when it fails.
ANEW = {"cache.ttl": "1ms", "cache.incomplete_ttl": "1ms", "cache.negative_ttl": "0",
        "cache.stale_while_revalidate": "0", "p0f.first_contact_wait": "0"}


def _no_match():
    return p0f_wire.pack_answer(status=p0f_wire.NO_MATCH)


@pytest.fixture(name="relay")
def _relay(scratch):
    return f"{scratch}/relay.sock"


@pytest.fixture(name="start")
def _start(serve, relay):
    """start(p0f, settings): a daemon with a relay, which reaches that p0f."""
    def start(p0f, *settings):
        merged = {"relay.listen": f"unix:{relay}"}
        for more in settings:
            merged |= more
        return serve(p0f, merged)
    return start


def _hosts(fake, first, count):
    """So many addresses, all known to p0f."""
    hosts = [f"10.{first}.{number // 250}.{number % 250}" for number in range(count)]
    fake.hosts.update({host: {"os_name": "Linux", "http_name": host} for host in hosts})
    return hosts


def _whose(answers):
    """The hosts that these answers are about."""
    return [p0f_wire.unpack_answer(answer)["http_name"].decode() for answer in answers]


def _lookups(daemon):
    return daemon.get("/status").json()["lookups"]


# -- p0f -------------------------------------------------------------------------------------------

def test_the_real_p0f_killed_and_started_again(needs_p0f, scratch, relay, start):
    host = f"{loopback.NETWORK}.31.1"
    with loopback.WebServer() as web, RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            start(p0f, ANEW) as daemon:
        daemon.wait_for_p0f()
        loopback.visit(host, web.address)
        p0f.wait_to_know(host)
        with P0fClient(relay) as patient:
            for _ in range(2):
                before = ask_each(p0f.socket, [host])
                assert ask_each(relay, [host, STRANGER]) == [*before, _no_match()]
                p0f.kill()
                wait_until(lambda: daemon.get("/readyz").status == 503, "the daemon to notice")
                assert ask_each(relay, [host]) == before
                with P0fClient(relay) as client:
                    assert client.send(host, STRANGER, host).receive() == before[0]
                    assert client.end() == "reset"
                p0f.start()
                wait_until(lambda: daemon.get("/readyz").status == 200, "the daemon to find it")
                loopback.visit(host, web.address)
                p0f.wait_to_know(host)
            # Who has not asked has not been disturbed.
            assert patient.ask(host) == ask_each(p0f.socket, [host])[0]


def test_the_real_p0f_stopped_and_continued(needs_p0f, scratch, relay, start):
    host = f"{loopback.NETWORK}.32.1"
    with loopback.WebServer() as web, RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            start(p0f, ANEW, {"p0f.timeout": "500ms"}) as daemon:
        daemon.wait_for_p0f()
        loopback.visit(host, web.address)
        p0f.wait_to_know(host)
        before = ask_each(relay, [host])
        p0f.process.send_signal(signal.SIGSTOP)
        assert ask_each(relay, [host]) == before
        with P0fClient(relay) as client:
            assert client.send(STRANGER).end() == "reset"
        p0f.process.send_signal(signal.SIGCONT)
        with P0fClient(relay) as client:
            wait_until(lambda: daemon.host(STRANGER).status == 404, "it to answer again")
            assert client.send(STRANGER, host).answers(2) == [_no_match(), *before]
        assert p0f.alive()


def test_p0f_is_full(fake, relay, start):
    fake.hosts[KNOWN] = {"os_name": "Linux"}
    expected = p0f_wire.pack_answer(os_name="Linux")
    with start(fake, ANEW, {"p0f.timeout": "500ms"}) as daemon:
        daemon.wait_for_p0f()
        assert ask_each(relay, [KNOWN]) == [expected]
        fake.accepting = False
        fake.hang_up()
        wait_until(lambda: "connection limit" in daemon.get("/readyz").json().get("detail", ""), "the limit")
        assert ask_each(relay, [KNOWN]) == [expected]
        with P0fClient(relay) as client:
            assert client.send(STRANGER).end() == "reset"
        fake.accepting = True
        wait_until(lambda: daemon.host(STRANGER).status == 404, "p0f to be reached again")
        assert ask_each(relay, [STRANGER, KNOWN]) == [_no_match(), expected]
        counted = relay_metrics.queries(daemon)
        assert counted == {"found": 3, "no_match": 1, "bad_query": 0, "failed": 1, "cancelled": 0}


def test_what_was_never_known_is_no_match_only_when_p0f_says_so(fake, relay, start):
    with start(f"{fake.path}.none") as daemon:
        wait_until(lambda: daemon.get("/readyz").status == 503, "the daemon to see that there is none")
        with P0fClient(relay) as client:
            assert client.send(STRANGER).end() == "reset"
        with P0fClient(relay) as client:
            # Not even of p0f's own kind is there an answer behind it.
            assert client.send_bytes(bytes(21) + p0f_wire.pack_query(STRANGER) + bytes(21)).receive() == \
                p0f_wire.pack_answer(status=p0f_wire.BADQUERY)
            assert client.end() == "reset"


def test_first_contact_is_waited_for(fake, relay, start):
    """p0f does not know who has just connected: it is asked again."""
    fake.hosts[KNOWN] = lambda nth: {"total_conn": nth} if nth > 2 else None
    with start(fake, {"p0f.first_contact_wait": "5s"}) as daemon:
        daemon.wait_for_p0f()
        with P0fClient(relay) as client:
            assert client.host(KNOWN)["total_conn"] == 3


# -- dialects --------------------------------------------------------------------------------------

_EXTRAS = {"p0f3": {}, "mtu": {"link_mtu": 1492}, "mss": {"mtu": 65535, "mss": 1452},
           "api2": {"version": 2, "last_mtu": 1500, "last_freq": 999.25},
           "sig": {"actual_sig": p0f_wire.pack_answer(os_name="no answer") * 2}}


def _odd_hosts(dice):
    """Such as p0f might send, by address; all kinds of values of all fields."""
    most = 0xffffffff
    texts = (b"", b"x" * 32, "Müller ÿ".encode("latin-1"), "Müller".encode(), bytes(range(1, 32)),
             bytes(range(224, 256)), b'"\\/<>&\'', b" ")
    hosts = [{}, {"first_seen": most, "last_seen": most, "total_conn": most, "uptime_min": most,
                  "up_mod_days": most, "last_nat": most, "last_chg": most}]
    hosts += [{"distance": distance} for distance in (-32768, -1, 0, 1, 254, 255, 256, 32767)]
    hosts += [{"bad_sw": value, "os_match_q": 255 - value} for value in (0, 1, 2, 3, 127, 128, 255)]
    hosts += [{name: value} for name in p0f_wire.STRINGS for value in texts]
    for _ in range(50):
        strings = {name: dice.randbytes(dice.randrange(33)).replace(b"\0", b"!") for name in p0f_wire.STRINGS}
        hosts.append({**strings, "total_conn": dice.randrange(most), "distance": dice.randrange(-300, 300)})
    return {f"10.0.{number // 100}.{number % 100}": host for number, host in enumerate(hosts)}


@pytest.mark.parametrize("dialect", p0f_wire.DIALECTS)
def test_any_dialect_becomes_p0fs_own(scratch, relay, start, dialect):
    hosts = _odd_hosts(random.Random(11))
    spoken = {address: {**host, **_EXTRAS[dialect]} for address, host in hosts.items()}
    with FakeP0f(f"{scratch}/p0f.sock", spoken, dialect) as fake, \
            start(fake, KEPT, {"p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        expected = [p0f_wire.pack_answer(**host) for host in hosts.values()]
        for _ in range(2):      # of p0f, and of the cache
            for (address, host), right, answer in zip(hosts.items(), expected, ask_each(relay, list(hosts))):
                assert answer == right, (address, host, answer)
        assert ask_each(relay, [STRANGER]) == [_no_match()]


# -- clients ---------------------------------------------------------------------------------------

def test_who_does_not_read_costs_little_and_loses_nothing(fake, relay, start):
    """It sends until nobody takes any more; then the others are served as before."""
    clients = 20
    hosts = _hosts(fake, 1, 7)
    with start(fake, KEPT) as daemon:
        daemon.wait_for_p0f()
        expected = dict(zip(hosts, ask_each(relay, hosts)))
        resident = processes.resident_bytes(daemon.process.pid)
        slow = [P0fClient(relay) for _ in range(clients)]
        asked = [_send_all_there_is_room_for(client, hosts) for client in slow]
        assert min(asked) > 100
        assert ask_each(relay, hosts) == list(expected.values())
        assert daemon.host(hosts[0]).status == 200
        if not processes.instrumented(daemon.process.pid):
            assert processes.resident_bytes(daemon.process.pid) < resident + clients * (64 << 10) + (2 << 20)
        for client, count in zip(slow, asked):
            client.sock.setblocking(True)
            for host in itertools.islice(itertools.cycle(hosts), count):
                assert client.receive() == expected[host]
            client.close()
        relay_metrics.wait_for_nobody(daemon)


def _send_all_there_is_room_for(client, hosts):
    """Until the other side has not taken any for a while; returns how many whole queries."""
    queries = b"".join(map(p0f_wire.pack_query, hosts)) * 100
    client.sock.settimeout(0.05)
    sent = 0
    try:
        while True:
            sent += client.sock.send(queries[sent % (21 * len(hosts)):])
    except socket.timeout:
        pass
    # A query that was sent in part would shift those behind it.
    client.sock.settimeout(None)
    return sent // 21


def test_in_turns_with_who_sends_without_end(fake, relay, start):
    """One more client of the relay and one of HTTP do not wait behind all that the greedy one wants."""
    greedy, others = _hosts(fake, 1, 300), _hosts(fake, 2, 2)
    settings = {"p0f.connections": "1", "p0f.pipeline": "1", "p0f.timeout": "25s", "p0f.max_rate": "100"}
    with start(fake, KEPT, settings) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        with P0fClient(relay) as first, P0fClient(relay) as second:
            first.send(*greedy)
            wait_until(lambda: relay_metrics.read(daemon)["lookups_pending"] > 1, "some to be looked up")
            begun = relay_metrics.read(daemon)["lookups_pending"]
            second.send(others[0])
            crowd = Crowd(daemon.endpoint, [f"/host/{others[1]}"])
            wait_until(lambda: _lookups(daemon)["pending"] == begun + 2, "all to wait")
            before = len(fake.queries)
            fake.release()
            assert _whose([second.receive()]) == others[:1]
            assert crowd.answers()[0].json()["http_name"] == others[1]
            asked = [query.address for query in fake.queries[before:]]
            for host in others:
                assert asked.index(host) <= begun + 4, asked
            daemon.settings["p0f.max_rate"] = "0"
            write_config(daemon.config, daemon.settings)
            daemon.signal(signal.SIGHUP)
            assert _whose(first.answers(len(greedy))) == greedy


@pytest.mark.parametrize("max_pending, connections", [(10000, 20), (64, 60)], ids=["p0f", "the relay"])
def test_a_process_with_many_connections_is_one_client(fake, relay, start, max_pending, connections):
    """Whatever is short: p0f's time, or what the relay may have under way."""
    each = 16
    greedy, (known, other) = _hosts(fake, 1, connections * each), _hosts(fake, 2, 2)
    queries = [b"".join(map(p0f_wire.pack_query, greedy[number::connections]))
               for number in range(connections)]
    settings = {"p0f.connections": "1", "p0f.pipeline": "1", "p0f.timeout": "25s", "p0f.max_rate": "100",
                "p0f.max_pending": str(max_pending)}
    with start(fake, KEPT, settings) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host(known).status == 200
        fake.hold()
        most = daemon.get("/status").json()["relay"]["max_lookups"]
        with Doomed(relay, queries), P0fClient(relay) as client:
            wait_until(lambda: relay_metrics.read(daemon)["lookups_pending"] == min(len(greedy), most),
                       "all to wait")
            client.send(known, other)
            assert _whose([client.receive()]) == [known]    # both have been read
            before = len(fake.queries)
            fake.release()
            assert _whose([client.receive()]) == [other]
            asked = [query.address for query in fake.queries[before:]]
            assert asked.index(other) <= 4, asked
        relay_metrics.wait_for_nobody(daemon)


def test_http_is_admitted_when_the_relay_has_all_it_may(fake, relay, start):
    """And the relay loses no query for that: what is not admitted yet waits."""
    clients, each, max_pending = 20, 30, 64
    hosts = _hosts(fake, 1, clients * each)
    over_http = _hosts(fake, 2, 10)
    with start(fake, KEPT, {"p0f.max_pending": str(max_pending), "p0f.timeout": "25s"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        asking = [P0fClient(relay).send(*hosts[number::clients]) for number in range(clients)]
        limit = daemon.get("/status").json()["relay"]["max_lookups"]
        assert 0 < limit <= max_pending // 2
        wait_until(lambda: relay_metrics.read(daemon)["lookups_pending"] == limit, "all to wait that may")
        crowd = Crowd(daemon.endpoint, [f"/host/{host}" for host in over_http])
        wait_until(lambda: _lookups(daemon)["pending"] == limit + len(over_http), "all of HTTP to wait")
        fake.release()
        assert [answer.json()["http_name"] for answer in crowd.answers()] == over_http
        for number, client in enumerate(asking):
            assert _whose(client.answers(each)) == hosts[number::clients]
            client.close()
        relay_metrics.wait_for_nobody(daemon)
        assert relay_metrics.queries(daemon)["failed"] == 0


def test_no_more_connections_than_set(fake, relay, start):
    fake.hosts[KNOWN] = {"os_name": "Linux"}
    most = 5
    with start(fake, KEPT, {"relay.max_connections": str(most)}) as daemon:
        daemon.wait_for_p0f()
        clients = [P0fClient(relay) for _ in range(most)]
        for client in clients:
            assert client.host(KNOWN)["os_name"] == b"Linux"
        refused = 12
        for _ in range(refused):
            with P0fClient(relay) as client:
                assert client.end() != "open"
        counted = relay_metrics.read(daemon)
        assert counted["connections_refused_total"] == refused and counted["connections"] == most
        line = f"refusing connections: relay.max_connections ({most}) reached"
        daemon.wait_for_line(line)
        assert daemon.log().count(line) == 1
        assert all(client.host(KNOWN)["os_name"] == b"Linux" for client in clients)
        assert daemon.host(KNOWN).status == 200, "those of HTTP are others"
        clients.pop().close()
        relay_metrics.wait_for_connections(daemon, most - 1)
        clients.append(P0fClient(relay))
        assert clients[-1].host(KNOWN)["os_name"] == b"Linux"
        for client in clients:
            client.close()


def test_idle_for_ever(fake, relay, start):
    """For longer than HTTP's connections may be, and longer than anything else is waited for."""
    fake.hosts[KNOWN] = {"os_name": "Linux"}
    with start(fake, {"http.idle_timeout": "1s", "p0f.timeout": "500ms"}) as daemon:
        daemon.wait_for_p0f()
        with P0fClient(relay) as fresh, P0fClient(relay) as used, P0fClient(relay) as amid:
            assert used.host(KNOWN)["os_name"] == b"Linux"
            amid.send_bytes(p0f_wire.pack_query(KNOWN)[:10])
            with open_socket(daemon.endpoint) as sock:
                sock.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
                while sock.recv(4096):
                    pass
            amid.send_bytes(p0f_wire.pack_query(KNOWN)[10:])
            assert p0f_wire.unpack_answer(amid.receive())["os_name"] == b"Linux"
            assert fresh.host(KNOWN) == used.host(KNOWN)


def test_who_waits_costs_no_time(fake, relay, start):
    with start(fake, {"p0f.timeout": "60s"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        with P0fClient(relay) as client:
            client.send(*_hosts(fake, 1, 5)).send_bytes(b"a part")
            wait_until(lambda: relay_metrics.read(daemon)["lookups_pending"] == 5, "all to wait")
            processes.wait_until_idle(daemon.process.pid, "the daemon to be idle", most=0.02)
        fake.release()


@pytest.mark.parametrize("part", [0, 1, 20])
@pytest.mark.parametrize("whole", [0, 1, 40])
def test_who_half_closes_is_answered(fake, relay, start, whole, part):
    """As who does echo QUERY | nc -N -U SOCKET; then the connection is closed."""
    hosts = _hosts(fake, 1, 40)[:whole]
    with start(fake) as daemon:
        daemon.wait_for_p0f()
        with P0fClient(relay) as client:
            client.send(*hosts).send_bytes(p0f_wire.pack_query(KNOWN)[:part])
            client.sock.shutdown(socket.SHUT_WR)
            assert _whose(client.answers(whole)) == hosts
            assert client.receive() == b""
        relay_metrics.wait_for_nobody(daemon)


# -- the end of the daemon -------------------------------------------------------------------------

def _lets_nobody_in(relay):
    try:
        with P0fClient(relay) as client:
            return client.end() != "open"
    except OSError:
        return True


def test_queries_in_flight_are_answered(fake, relay, start):
    hosts = _hosts(fake, 1, 40)
    with start(fake, {"p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        clients = [P0fClient(relay).send(*hosts[:count]) for count in (1, 10, 40)]
        idle, amid = P0fClient(relay), P0fClient(relay).send_bytes(p0f_wire.pack_query(KNOWN)[:20])
        relay_metrics.wait_for_connections(daemon, 5)
        wait_until(lambda: set(hosts[:16]) <= set(fake.counts), "the queries")
        daemon.signal(signal.SIGTERM)
        wait_until(lambda: _lets_nobody_in(relay), "the daemon to let nobody in")
        assert idle.end() == amid.end() == "closed"
        assert not daemon.ended()
        fake.release()
        for client, count in zip(clients, (1, 10, 40)):
            assert _whose(client.answers(count)) == hosts[:count]
            assert client.end() == "closed"
        assert daemon.wait_end(5) == 0
        assert not os.path.exists(relay)
        for client in (*clients, idle, amid):
            client.close()


def test_a_reload_disturbs_nobody(fake, relay, start):
    fake.hosts[KNOWN] = {"os_name": "Linux"}
    with start(fake, ANEW, {"p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        with P0fClient(relay) as client, P0fClient(relay) as other:
            fake.hold(KNOWN)
            client.send(KNOWN)
            wait_until(lambda: fake.counts[KNOWN], "the query")
            daemon.signal(signal.SIGHUP)
            daemon.wait_for_line("settings reloaded")
            fake.release()
            assert p0f_wire.unpack_answer(client.receive())["os_name"] == b"Linux"
            assert other.host(KNOWN)["os_name"] == b"Linux"
