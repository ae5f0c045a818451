# SPDX-License-Identifier: MIT
"""POST /hosts: many hosts at once, answered as each would be alone."""

import json

import pytest

import host_json
import loopback
from daemon import Daemon
from fake_p0f import FakeP0f, Reply
from http_client import Answer, fetch
from p0f_wire import pack_answer, unpack_answer
from problems import assert_problem
from real_p0f import RealP0f
from waiting import wait_until

LINUX, WINDOWS, UNKNOWN = "198.51.100.1", "2001:db8::1", "198.51.100.3"
KNOWN = {LINUX: {"os_name": "Linux"}, WINDOWS: {"os_name": "Windows", "distance": 3}}
JSON = {"Content-Type": "application/json"}
MOST = 50


def _post(daemon, hosts, query="?wait=0", headers=None):
    """The answer to a batch; `hosts` is a list, or a body as it is."""
    body = hosts if isinstance(hosts, bytes) else json.dumps(hosts).encode()
    return daemon.get(f"/hosts{query}", {**JSON, **(headers or {})}, method="POST", body=body)


def _items(answer):
    assert answer.status == 200, answer
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    return answer.json()


def _statuses(answer):
    return [item["status"] for item in _items(answer)]


@pytest.fixture(name="daemon", scope="module")
def _daemon(module_scratch):
    settings = {"http.max_batch": MOST, "cache.ttl": "1h"}
    with FakeP0f(f"{module_scratch}/p0f.sock", KNOWN) as fake, \
            Daemon(module_scratch, fake.path, settings) as daemon:
        yield daemon.wait_for_p0f()


# -- what is answered ------------------------------------------------------------------------------

@pytest.mark.parametrize("query,expect", [("?wait=0", host_json.parsed),
                                          ("?wait=0&format=raw", host_json.raw)])
def test_one_answer_each_in_the_same_order(daemon, query, expect):
    asked = [WINDOWS, UNKNOWN, "nonsense", LINUX, f"::ffff:{LINUX}", "[2001:DB8::1]", WINDOWS, ""]
    items = _items(_post(daemon, asked, query))
    assert [item["query"] for item in items] == asked
    assert [item["status"] for item in items] == [200, 404, 400, 200, 200, 200, 200, 400]
    for item, address in zip(items, (WINDOWS, None, None, LINUX, LINUX, WINDOWS, WINDOWS, None)):
        if address:
            assert list(item) == ["query", "status", "host"]
            host = expect(address, unpack_answer(pack_answer(**KNOWN[address])))
            assert list(item["host"].items()) == list(host.items())
        else:
            assert list(item) == ["query", "status", "code", "detail"]
            code = "no-match" if item["status"] == 404 else "bad-address"
            assert item["code"] == code and item["detail"]


def test_the_words_are_those_of_a_single_request(daemon):
    for address in (UNKNOWN, "nonsense", "10.0.0.0%2F8"):
        alone = daemon.host(address, "?wait=0").json()
        item = _items(_post(daemon, [address.replace("%2F", "/")]))[0]
        assert item["detail"] == alone["detail"]
        assert alone["type"].endswith(":" + item["code"])


def test_the_real_p0f(needs_p0f, scratch, serve):
    addresses = [f"{loopback.NETWORK}.9.{number}" for number in range(1, 6)]
    with loopback.WebServer() as web, \
            RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            serve(p0f) as daemon:
        for address in addresses:
            loopback.visit(address, web.address)
            p0f.wait_to_know(address)
        items = _items(_post(daemon, addresses))
        for address, item in zip(addresses, items):
            assert item == {"query": address, "status": 200,
                            "host": host_json.parsed(address, p0f.ask(address))}


def test_everything_that_can_go_wrong_with_one_item(fake, serve):
    fake.hosts.update(KNOWN)
    fake.hosts["198.51.100.8"] = {"bad_sw": 9}
    fake.hosts["198.51.100.9"] = Reply(pack_answer(status=0))
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        answer = _post(daemon, [LINUX, "198.51.100.8", "198.51.100.9", "x", UNKNOWN, WINDOWS])
        assert _statuses(answer) == [200, 502, 502, 400, 404, 200]
        fake.hold("198.51.100.10")
        assert _statuses(_post(daemon, [LINUX, "198.51.100.10"])) == [200, 504]
        fake.release()
        fake.stop()
        wait_until(lambda: _statuses(_post(daemon, ["198.51.100.11"])) == [503], "the loss")
        items = _items(_post(daemon, [LINUX, "198.51.100.11"]))
        assert [item.get("code") for item in items] == [None, "p0f-unavailable"]


# -- the cache, the flights ------------------------------------------------------------------------

def test_all_of_it_shares_the_cache(fake, serve):
    fake.hosts.update(KNOWN)
    with serve(fake, {"cache.ttl": "1h", "cache.incomplete_ttl": "1h"}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host(LINUX).status == 200
        assert _statuses(_post(daemon, [LINUX, WINDOWS, LINUX, WINDOWS])) == [200] * 4
        assert daemon.host(WINDOWS).cache_status()["hit"]
        assert (fake.counts[LINUX], fake.counts[WINDOWS]) == (1, 1)
        assert _statuses(_post(daemon, [LINUX], headers={"Cache-Control": "no-cache"})) == [200]
        assert fake.counts[LINUX] == 2
        cached = _post(daemon, [LINUX, UNKNOWN], headers={"Cache-Control": "only-if-cached"})
        assert _statuses(cached) == [200, 504]
        assert fake.counts[UNKNOWN] == 0


def test_a_nat64_address_says_which_ipv4_host_is_meant(fake, serve):
    """As GET /host does. p0f knows an IPv4 host by its IPv4 address only."""
    nat64, local = "64:ff9b::198.51.100.1", "64:ff9b:1::198.51.100.1"
    fake.hosts["198.51.100.1"] = {"os_name": "Linux"}
    with serve(fake) as daemon:
        well_known, of_a_network = _items(_post(daemon, [nat64, local]))
        for item, words in ((well_known, "NAT64 for 198.51.100.1"), (of_a_network, "NAT64")):
            assert item["code"] == "no-match" and words in item["detail"], item
            assert daemon.host(item["query"], "?wait=0").json()["detail"] == item["detail"]
        assert "198.51" not in of_a_network["detail"]


def test_they_wait_for_first_contact_together(fake, serve):
    hosts = [f"198.51.100.{number}" for number in range(100, 110)]
    for host in hosts:
        fake.hosts[host] = lambda nth: {"os_name": "Linux"} if nth >= 3 else None
    with serve(fake) as daemon:
        assert _statuses(_post(daemon, hosts, "?wait=5000")) == [200] * len(hosts)
        assert {fake.counts[host] for host in hosts} == {3}


def test_a_batch_larger_than_what_is_asked_at_once(fake, serve):
    hosts = [f"10.1.{number // 250}.{number % 250}" for number in range(1000)]
    fake.hosts.update({host: {"os_name": host} for host in hosts[::2]})
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        items = _items(_post(daemon, hosts))
        assert [item["query"] for item in items] == hosts
        for host, item in zip(hosts[::2], items[::2]):
            assert item["host"]["os_name"] == host
        assert {item["status"] for item in items[1::2]} == {404}


def test_a_batch_does_not_hold_up_single_requests(fake, serve):
    """All of a batch is withheld, in queries and against p0f.max_pending: others get
    through on what the batch leaves free."""
    hosts = [f"10.1.0.{number}" for number in range(250)]
    fake.hosts[LINUX] = KNOWN[LINUX]
    settings = {"p0f.connections": "2", "p0f.pipeline": "4", "p0f.max_pending": "100",
                "p0f.timeout": "25s"}
    with serve(fake, settings) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host(LINUX).status == 200
        fake.hold(*hosts)
        batch = daemon.connect()
        batch.request("POST", "/hosts?wait=0", json.dumps(hosts), JSON)
        wait_until(lambda: sum(fake.counts[host] for host in hosts) >= 8, "the batch's queries")

        def pending():
            return daemon.get("/status").json()["lookups"]["pending"]
        others = pending()
        single = daemon.connect()
        single.request("GET", f"/host/{UNKNOWN}?wait=0")
        assert daemon.host(LINUX).status == 200
        wait_until(lambda: pending() == others + 1, "the single request to wait")
        fake.release()
        assert Answer(single.getresponse()).status == 404
        assert {item["status"] for item in Answer(batch.getresponse()).json()} == {404}
        # It came to its turn long before the batch's last.
        order = [query.address for query in fake.queries]
        assert order.index(UNKNOWN) < order.index(hosts[100])
        for connection in (single, batch):
            connection.close()


def test_clients_that_leave(fake, serve):
    """In the middle of their batches: what p0f still says is read, and nothing is left behind."""
    hosts = [f"10.1.0.{number}" for number in range(200)]
    with serve(fake, {"p0f.timeout": "25s"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold(*hosts)
        for _ in range(10):
            connection = daemon.connect()
            connection.request("POST", "/hosts?wait=0", json.dumps(hosts), JSON)
            wait_until(lambda: sum(fake.counts[host] for host in hosts) > 0, "its queries")
            connection.close()
        fake.release()
        assert _statuses(_post(daemon, hosts)) == [404] * len(hosts)


def test_on_one_connection(daemon):
    connection = daemon.connect()
    for hosts in ([LINUX], [UNKNOWN, WINDOWS], ["x"], [LINUX] * MOST):
        connection.request("POST", "/hosts?wait=0", json.dumps(hosts), JSON)
        assert len(_items(Answer(connection.getresponse()))) == len(hosts)
        connection.request("GET", f"/host/{LINUX}")
        assert Answer(connection.getresponse()).json()["ip"] == LINUX
    connection.close()


def test_in_chunks(daemon):
    body = json.dumps([LINUX, UNKNOWN, WINDOWS]).encode()
    chunks = (body[at:at + 1] for at in range(len(body)))
    answer = fetch(daemon.endpoint, "/hosts?wait=0", JSON, method="POST", body=chunks)
    assert _statuses(answer) == [200, 404, 200]


@pytest.mark.parametrize("type_", ["application/json; charset=utf-8", "Application/JSON",
                                   'application/json;charset="UTF-8"',
                                   "application/json;charset=utf-8;"])
def test_spellings_of_the_type(daemon, type_):
    assert _statuses(_post(daemon, [LINUX], headers={"Content-Type": type_})) == [200]


# -- bodies that are none --------------------------------------------------------------------------

BODIES = {
    "empty": b"",
    "blank": b"  \n",
    "no JSON": b"198.51.100.1",
    "cut off": b'["198.51.100.1"',
    "a comma too many": b'["198.51.100.1",]',
    "more behind it": b'["198.51.100.1"] x',
    "two of them": b'["198.51.100.1"]["198.51.100.1"]',
    "an object": b'{"hosts": ["198.51.100.1"]}',
    "a string": b'"198.51.100.1"',
    "null": b"null",
    "no host": b"[]",
    "a number": b'["198.51.100.1", 7]',
    "an array in it": b'["198.51.100.1", ["198.51.100.2"]]',
    "null in it": b'["198.51.100.1", null]',
    "a NUL": b'["198.51.100.1\x00"]',
    "a NUL behind it": b'["198.51.100.1"]\x00',
    "an escaped NUL": b'["198.51.100.1\\u0000"]',
    "no UTF-8": b'["198.51.100.1\xff"]',
    "Latin-1": b'["caf\xe9"]',
    "half a surrogate": b'["\\ud800"]',
    "a byte order mark": b'\xef\xbb\xbf["198.51.100.1"]',
    "UTF-16": '["198.51.100.1"]'.encode("utf-16"),
    "very deep": b"[" * 6000,
    "one too many": json.dumps([LINUX] * (MOST + 1)).encode(),
}


@pytest.mark.parametrize("what", BODIES)
def test_a_body_that_is_not_understood(daemon, what):
    assert_problem(_post(daemon, BODIES[what]), 400, "bad-body")
    assert _statuses(_post(daemon, [LINUX])) == [200]


def test_it_is_said_where(daemon):
    problem = assert_problem(_post(daemon, b'["198.51.100.1",\n "x" "y"]'), 400, "bad-body")
    assert "line 2" in problem["detail"]
    assert "7" in assert_problem(_post(daemon, b'["a","b","c","d","e","f",5]'), 400,
                                 "bad-body")["detail"]
    assert str(MOST) in assert_problem(_post(daemon, BODIES["one too many"]), 400,
                                       "bad-body")["detail"]


def test_as_many_as_are_allowed(daemon):
    assert _statuses(_post(daemon, [LINUX] * MOST)) == [200] * MOST


def test_odd_texts_come_back_as_they_were(daemon):
    odd = ['quo"te', "back\\slash", "日本", "\U0001f600", "\u2028", "\x01\t\n", "%00", "x" * 500]
    items = _items(_post(daemon, odd))
    assert [item["query"] for item in items] == odd
    assert {item["status"] for item in items} == {400}
