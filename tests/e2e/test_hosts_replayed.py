# SPDX-License-Identifier: MIT
"""A capture of some 400 hosts, replayed to the real p0f: the daemon must say about each of them
what p0f wrote to its log when it drew its conclusions, and what p0f answers when asked directly."""

import os

import pytest

import capture
import host_json
import http_client
import p0f_log
from daemon import Daemon
from namespace import Namespace
from real_p0f import RealP0f
from waiting import wait_until

ANEW = {"Cache-Control": "no-cache"}


@pytest.fixture(name="replayed", scope="module")
def _replayed(needs_p0f, module_scratch):
    """(p0f, daemon, what the log says by address)"""
    packets = os.path.join(module_scratch, "hosts.pcap")
    conversations = capture.write(packets)
    with Namespace() as namespace, \
            RealP0f(module_scratch, interface="v1", prefix=namespace.prefix) as p0f:
        for _ in range(5):
            logged = _replay(namespace, packets, p0f)
            if p0f_log.finished(p0f.log) >= conversations * 0.9:
                break
            # A busy machine has made p0f lose more than a few packets. From the beginning, then.
            p0f.stop()
            os.unlink(p0f.log)
            p0f.start()
        else:
            pytest.fail("p0f has lost many packets, five times")
        with Daemon(module_scratch, p0f.socket) as daemon:
            yield p0f, daemon, logged


def _replay(namespace, packets, p0f):
    namespace.replay(packets)
    wait_until(lambda: capture.LAST[0] in p0f_log.hosts(p0f.log), "p0f to log the last connections")
    logged = p0f_log.hosts(p0f.log)
    # More of those may come still.
    return {address: host for address, host in logged.items() if address not in capture.LAST}


def _answers(daemon, addresses, query):
    connection = daemon.connect()
    for address in addresses:
        yield address, http_client.ask(connection, f"/host/{address}{query}", ANEW)
    connection.close()


def _one(name, flavor):
    return f"{name} {flavor}" if flavor else name or ""


def test_there_are_many_hosts_with_real_values(replayed):
    _, _, logged = replayed
    assert len(logged) >= 200
    assert sum(":" in address for address in logged) >= 100
    for field in ("os", "http", "link_type", "language", "uptime_min", "distance", "last_nat",
                  "last_chg", "bad_sw", "os_match_q"):
        assert any(host[field] for host in logged.values()), f"no host of the capture has {field}"
    assert {host["bad_sw"] for host in logged.values()} == {0, 1, 2}
    assert {host["os_match_q"] for host in logged.values()} == {0, 1, 2, 3}


def test_each_host_is_what_p0f_logged(replayed):
    _, daemon, logged = replayed
    for address, answer in _answers(daemon, logged, "?format=raw"):
        assert answer.status == 200, answer
        host, log = answer.json(), logged[address]
        for field in ("first_seen", "last_seen", "total_conn", "uptime_min", "up_mod_days",
                      "last_nat", "last_chg", "distance", "bad_sw", "os_match_q", "link_type",
                      "language"):
            assert host[field] == log[field], (address, field)
        # The API has room for 32 characters of a flavor, the log for all.
        flavor = _one(host["os_name"], host["os_flavor"])
        assert flavor == log["os"] or len(host["os_flavor"]) == 32 and log["os"].startswith(flavor)
        assert _one(host["http_name"], host["http_flavor"]) == log["http"]


def test_a_flavor_that_fills_its_field_is_whole(replayed):
    """p0f stores 32 characters without a NUL; a reader must not run into the next field."""
    _, daemon, logged = replayed
    long = [address for address, host in logged.items() if "(sometimes iPhone" in host["os"]]
    assert long
    for address in long:
        assert daemon.host(address).json()["os_flavor"] == "10.9 or newer (sometimes iPhone "


def test_a_host_seen_only_as_the_peer_of_a_syn_has_no_distance(replayed):
    """p0f sends 255 for it, though its README says -1."""
    p0f, daemon, logged = replayed
    silent = [address for address, host in logged.items() if host["distance"] == 255]
    assert silent
    for address in silent:
        assert p0f.ask(address)["distance"] == 255
        assert daemon.host(address).json()["distance"] is None
        assert daemon.host(address, "?format=raw").json()["distance"] == 255


@pytest.mark.parametrize("query, expect", [("", host_json.parsed), ("?format=raw", host_json.raw)])
def test_each_host_is_what_p0f_answers(replayed, query, expect):
    p0f, daemon, logged = replayed
    for address, answer in _answers(daemon, logged, query):
        assert answer.status == 200, answer
        assert list(answer.json().items()) == list(expect(address, p0f.ask(address)).items())
