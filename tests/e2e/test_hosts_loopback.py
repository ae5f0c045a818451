# SPDX-License-Identifier: MIT
"""Every field of hosts that p0f saw on the loopback interface, compared with p0f's own answer."""

import re
import pytest

import host_json
import loopback
from daemon import Daemon
from real_p0f import RealP0f
from waiting import wait_until

ANEW = {"Cache-Control": "no-cache"}


@pytest.fixture(name="hosts", scope="module")
def _hosts(needs_p0f, module_scratch):
    """(p0f, daemon, addresses): clients of several kinds, a web server, and ::1."""
    with loopback.WebServer() as web, loopback.WebServer(("::1", 0)) as web6, \
            RealP0f(module_scratch, packets=f"net {loopback.NETWORK}.0.0/16 or "
                                            f"(ip6 and port {web6.address[1]})") as p0f:
        kinds = [
            (f"{loopback.NETWORK}.1.1", web, {"segment_size": 1460, "hops": 3, "language": "fr"}),
            (f"{loopback.NETWORK}.1.2", web, {"segment_size": 1412, "language": "de"}),
            (f"{loopback.NETWORK}.1.3", web, {"agent": "not ELinks at all", "hops": 30}),
            ("::1", web6, {"language": "ja"}),
        ]
        for address, server, how in kinds:
            loopback.visit(address, server.address,
                           enough=lambda a=address: (p0f.known(a) or {}).get("uptime_min"), **how)
            wait_until(lambda a=address: p0f.known(a)["language"],
                       f"p0f to read the request of {address}")
        # A client that only connects: p0f learns of it from packets alone.
        quiet = f"{loopback.NETWORK}.1.4"
        loopback.connect(quiet, web.address).close()
        wait_until(lambda: p0f.known(quiet), "p0f to see a connection")
        with Daemon(module_scratch, p0f.socket) as daemon:
            yield p0f, daemon, [*(kind[0] for kind in kinds), quiet, loopback.SERVER]


def _compare(hosts, expect, query):
    p0f, daemon, addresses = hosts
    for address in addresses:
        answer = daemon.host(address, query, ANEW)
        assert answer.status == 200, answer
        # As lists, since the order of the members is part of the contract.
        assert list(answer.json().items()) == list(expect(address, p0f.ask(address)).items())


def test_parsed_fields_are_those_of_p0f(hosts):
    _compare(hosts, host_json.parsed, "")
    _compare(hosts, host_json.parsed, "?format=parsed")


def test_raw_fields_are_those_of_p0f(hosts):
    _compare(hosts, host_json.raw, "?format=raw")


def test_the_hosts_have_real_values(hosts):
    """Else the comparisons above would prove little."""
    p0f, daemon, addresses = hosts
    first = daemon.host(addresses[0], "", ANEW).json()
    assert first["os_name"] == "Linux"
    assert first["http_name"] == "elinks"
    assert first["link_type"] == "Ethernet or modem"
    assert first["language"] == "French"
    assert first["distance"] == 3
    assert first["uptime_min"] and first["uptime"].startswith("P")
    # How often the clock wraps depends on the tick that p0f reckons from packets' times: on a busy
    # machine not always the same.
    assert re.fullmatch(r"P[1-9]\d*D", first["up_mod_days"])
    liar = daemon.host(addresses[2], "", ANEW).json()
    assert (liar["http_name"], liar["bad_sw"], liar["distance"]) == ("elinks", 2, 30)
    quiet = daemon.host(addresses[4], "", ANEW).json()
    assert (quiet["http_name"], quiet["uptime"], quiet["language"]) == (None, None, None)
    assert daemon.host("::1", "", ANEW).json()["language"] == "Japanese"


def test_every_spelling_of_an_address_finds_the_host(hosts):
    _, daemon, addresses = hosts
    v4 = addresses[0]
    spellings = {v4: [v4.replace(".", "%2E"), f"::ffff:{v4}", f"::FFFF:{v4}", f"[::ffff:{v4}]",
                      f"%5B::ffff:{v4}%5d"],
                 "::1": ["0:0:0:0:0:0:0:1", "[::1]", "%5B::1%5D", "%3A%3a1", "::0001", "::0.0.0.1"]}
    for canonical, texts in spellings.items():
        for text in texts:
            answer = daemon.host(text)
            assert answer.status == 200, (text, answer)
            assert answer.json()["ip"] == canonical


def test_a_host_that_p0f_does_not_know(hosts):
    _, daemon, _ = hosts
    answer = daemon.host(f"{loopback.NETWORK}.9.9")
    assert answer.status == 404
    assert answer.json()["type"] == "urn:p0f-lookupd:no-match"
