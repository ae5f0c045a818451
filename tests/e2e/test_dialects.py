# SPDX-License-Identifier: MIT
"""The variants of p0f's wire: found out by itself, or set; their extra fields in both formats."""

import itertools
import math
import sys

import pytest

import host_json
import p0f_wire
from fake_p0f import FakeP0f
from http_client import Crowd
from waiting import wait_until

HOST = "198.51.100.1"
COMMON = {"first_seen": 1700000000, "last_seen": 1700000100, "total_conn": 3, "uptime_min": 61,
          "up_mod_days": 49, "distance": 7, "os_match_q": 1, "os_name": "Linux",
          "os_flavor": "f" * 32, "http_name": "curl", "http_flavor": "v" * 32, "link_type": "DSL",
          "language": "English"}
EXTRAS = {"p0f3": {}, "mtu": {"link_mtu": 1492}, "mss": {"mtu": 65535, "mss": 1452},
          "api2": {"version": 2, "last_mtu": 1500, "last_freq": 999.25},
          "sig": {"actual_sig": p0f_wire.pack_answer(total_conn=99, os_name="no answer") * 2}}


@pytest.fixture(name="fake", params=p0f_wire.DIALECTS)
def _fake(request, scratch):
    dialect = request.param
    fields = {**COMMON, **EXTRAS[dialect]}
    with FakeP0f(f"{scratch}/p0f.sock", {HOST: fields}, dialect) as fake:
        yield fake


def _check(fake, daemon):
    fields = p0f_wire.unpack_answer(fake._pack(**fake.hosts[HOST]), fake.dialect)
    for query, expect in (("", host_json.parsed), ("?format=raw", host_json.raw)):
        answer = daemon.host(HOST, query)
        assert answer.status == 200, answer
        assert list(answer.json().items()) == list(expect(HOST, fields, fake.dialect).items())
    # It is a short time that some of these give p0f.
    assert wait_until(lambda: (a := daemon.host("198.51.100.2", "?wait=0")).status != 504 and a,
                      "an answer in time").status == 404


def test_extra_fields_of_0_are_null_when_parsed(fake, serve):
    extras = [name for name, _ in p0f_wire.EXTRAS[fake.dialect]]
    fake.hosts[HOST] = {**COMMON, **dict.fromkeys(extras, 0)}
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        _check(fake, daemon)
        parsed, raw = (daemon.host(HOST, query).json() for query in ("", "?format=raw"))
        for name in extras:
            assert raw[name] == 0
            assert parsed[name] == (0 if name == "version" else None)


@pytest.mark.parametrize("setting", ["auto", "the same"])
def test_each_dialect(fake, serve, setting):
    with serve(fake, {"p0f.dialect": "auto" if setting == "auto" else fake.dialect}) as daemon:
        daemon.wait_for_p0f()
        _check(fake, daemon)


@pytest.mark.parametrize("write_size", [1, 100])
def test_found_out_from_pieces(fake, serve, write_size):
    fake.write_size = write_size
    with serve(fake, {"p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        _check(fake, daemon)


def test_many_questions_at_once(fake, serve):
    """Each answer starts where the last one ended."""
    hosts = {f"203.0.113.{number}": {**COMMON, **EXTRAS[fake.dialect], "total_conn": number}
             for number in range(1, 101)}
    fake.hosts.update(hosts)
    fake.coalesce = True
    with serve(fake, {"p0f.timeout": "20s"}) as daemon:
        crowd = Crowd(daemon.endpoint, [f"/host/{address}" for address in hosts])
        daemon.wait_for_p0f()
        for (address, fields), answer in zip(hosts.items(), crowd.answers()):
            if answer.status == 200:
                assert answer.json()["total_conn"] == fields["total_conn"]
            else:
                assert answer.status == 503, "not connected yet"
                assert daemon.host(address).json()["total_conn"] == fields["total_conn"]


def test_p0f_comes_back_with_another_dialect(fake, serve):
    with serve(fake, {"cache.ttl": "0"}) as daemon:
        daemon.wait_for_p0f()
        _check(fake, daemon)
        for dialect in p0f_wire.DIALECTS:
            fake.stop()
            fake.dialect = dialect
            fake.hosts[HOST] = {**COMMON, **EXTRAS[dialect]}
            fake.start()
            wait_until(lambda: daemon.host(HOST).status == 200, "the daemon to find it again")
            _check(fake, daemon)
            assert daemon.get("/status").json()["pool"]["dialect"] == dialect


@pytest.mark.parametrize("wanted, spoken", itertools.permutations(p0f_wire.DIALECTS, 2))
def test_a_set_dialect_that_is_not_spoken(scratch, serve, wanted, spoken):
    """Nothing sensible can be answered, but nothing wrong may be; what was expected and what came is
    said; and the right p0f in the place of that one is taken."""
    hosts = {HOST: {**COMMON, **EXTRAS[spoken]}}
    complaint = (f"{scratch}/p0f.sock: p0f.dialect is {wanted}, but p0f's answers have "
                 f"{p0f_wire.SIZE[spoken]} bytes ({spoken}), not {p0f_wire.SIZE[wanted]}")
    with FakeP0f(f"{scratch}/p0f.sock", hosts, spoken) as fake, \
            serve(fake, {"p0f.dialect": wanted, "p0f.timeout": "300ms"}) as daemon:
        wait_until(lambda: complaint in daemon.log(), "the log to say so")
        for query in ("?wait=0", "?format=raw"):
            assert daemon.host(HOST, query).status in (502, 503, 504)
        # As one connection after the other is tried, it is at times another's trouble that is told.
        wait_until(lambda: daemon.get("/readyz").json().get("detail") == complaint,
                   "readiness to fail of it")
        assert daemon.get("/readyz").status == 503
        wait_until(lambda: daemon.get("/status").json()["pool"]["fault"] == complaint,
                   "/status to say so")
        assert daemon.get("/livez").status == 200
        fake.stop()
        fake.dialect = wanted
        fake.hosts[HOST] = {**COMMON, **EXTRAS[wanted]}
        fake.start()
        wait_until(lambda: daemon.host(HOST).status == 200, "the daemon to find it")
        _check(fake, daemon)
        wait_until(lambda: daemon.get("/readyz").status == 200, "readiness")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, sys.float_info.max, 5e-324, -0.0,
                                   0.1])
def test_a_frequency_that_json_has_no_number_for(scratch, serve, value):
    with FakeP0f(f"{scratch}/p0f.sock", {HOST: {**COMMON, "last_freq": value}}, "api2") as fake:
        with serve(fake) as daemon:
            daemon.wait_for_p0f()
            for query in ("", "?format=raw"):
                answer = daemon.host(HOST, query)
                said = answer.json()            # which is JSON, whatever it says
                if math.isfinite(value):
                    assert answer.status == 200
                    assert said["last_freq"] == (value if query else value or None)
                else:
                    assert answer.status == 502 or said["last_freq"] is None
