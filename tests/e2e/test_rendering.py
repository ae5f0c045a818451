# SPDX-License-Identifier: MIT
"""How p0f's fields become JSON: extremes, nulls, and strings that were not made for it."""

import pytest

import host_json
import p0f_wire

HOST = "198.51.100.1"
CONTROLS = bytes(range(1, 0x20)) + b"\x7f"

STRINGS = [
    b"", b"Linux", b'"quoted" \\back\\ /slash/', b"</script>&<!--", b"tab\tline\nreturn\r",
    CONTROLS[:16], CONTROLS[16:], b"a" * 31, b"b" * 32, b"\\" * 32, b'"' * 32, b"\x01" * 32,
    "Zürich ★ 東京".encode(), "\U0001F427 penguin".encode(), "\u2028\u2029\ufeff".encode(),
    "\ufffd\uffff\U0010ffff".encode(), "x".encode() * 31 + "é".encode(),
    b"\xff\xfe", b"\x80", b"caf\xe9", b"\xe9" * 32,
    bytes(range(0x80, 0xA0)), bytes(range(0xE0, 0x100)),
    b"\xc0\x80", b"\xe0\x80\xaf", b"\xf0\x82\x82\xac", b"\xed\xa0\x80", b"\xed\xbf\xbf",
    b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80", b"\xe2\x82", b"ok \xe2\x82\xac not \xe2\x82",
    b"Linux\0 and what was there before",
]

INTEGERS = [
    {},
    {"first_seen": 1, "last_seen": 0xFFFFFFFF, "total_conn": 0xFFFFFFFF, "uptime_min": 0xFFFFFFFF,
     "up_mod_days": 0xFFFFFFFF, "last_nat": 0x7FFFFFFF, "last_chg": 0x80000000, "distance": 32767,
     "bad_sw": 2, "os_match_q": 3},
    {"first_seen": 1700000000, "last_seen": 1795446900, "total_conn": 12, "uptime_min": 17500,
     "up_mod_days": 198, "last_nat": 1709164800, "last_chg": 951782400, "distance": 0, "bad_sw": 1,
     "os_match_q": 1},
    {"distance": -1, "os_match_q": 2},
    {"distance": -2}, {"distance": -32768}, {"distance": 255},
    *({"uptime_min": minutes} for minutes in
      (1, 40, 59, 60, 61, 1439, 1440, 1441, 1500, 1501, 2880, 71582788, 71582789)),
    *({"up_mod_days": days} for days in (1, 49, 497)),
]


@pytest.fixture(name="hosts")
def _hosts(fake, serve):
    """(fake, a function that checks one host in both formats)"""
    with serve(fake, {"cache.ttl": "0", "cache.incomplete_ttl": "0"}) as daemon:
        daemon.wait_for_p0f()

        def check(fields):
            fake.hosts[HOST] = fields
            answer = p0f_wire.unpack_answer(p0f_wire.pack_answer(**fields))
            for query, expect in (("", host_json.parsed), ("?format=raw", host_json.raw)):
                got = daemon.host(HOST, query)
                assert got.status == 200, (fields, got)
                assert list(got.json().items()) == list(expect(HOST, answer).items()), fields
        yield check


def test_integers(hosts):
    for fields in INTEGERS:
        hosts(fields)


def test_the_examples_of_the_contract():
    """That the expectation itself says what the contract says."""
    assert host_json.moment(1795446900) == "2026-11-23T15:15:00Z"
    assert host_json.duration(12 * 1440 + 3 * 60 + 40) == "P12DT3H40M"
    assert [host_json.duration(n) for n in (40, 1440, 1560)] == ["PT40M", "P1D", "P1DT2H"]


@pytest.mark.parametrize("field", p0f_wire.STRINGS)
def test_strings(hosts, field):
    for value in STRINGS:
        hosts({field: value})


def test_all_strings_full(hosts):
    """Six fields without a NUL between them."""
    hosts({field: bytes([65 + number]) * 32 for number, field in enumerate(p0f_wire.STRINGS)})
    hosts({field: b"\xff" * 32 for field in p0f_wire.STRINGS})


def test_raw_validates_nothing_but_magic_and_status(fake, serve):
    fake.hosts[HOST] = {"bad_sw": 255, "os_match_q": 254, "os_name": "Linux"}
    with serve(fake) as daemon:
        for _ in range(2):
            host = daemon.host(HOST, "?format=raw")
            assert host.status == 200
            assert (host.json()["bad_sw"], host.json()["os_match_q"]) == (255, 254)


def test_ipv4_and_ipv6_hosts_are_not_confused(fake, serve):
    """The same leading bytes, in two families."""
    fake.hosts["32.1.13.184"] = {"os_name": "four"}
    fake.hosts["2001:db8::"] = {"os_name": "six"}
    with serve(fake) as daemon:
        for _ in range(2):
            assert daemon.host("32.1.13.184").json()["os_name"] == "four"
            assert daemon.host("2001:db8::").json()["os_name"] == "six"
            assert daemon.host("::ffff:32.1.13.184").json()["os_name"] == "four"
