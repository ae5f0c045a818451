# SPDX-License-Identifier: MIT
"""`p0f-lookupd lookup IP…`: ask p0f once, print, and tell by the exit code."""

import json
import os
import signal
import time

import pytest

import host_json
import p0f_wire
from daemon import launch, run, write_config
from waiting import SLOWDOWN, wait_until

HOST = "198.51.100.1"
SIX = "2001:db8::1"
STRANGER = "198.51.100.9"
FIELDS = {"os_name": "Linux", "http_name": b"caf\xe9", "total_conn": 7, "uptime_min": 61}


@pytest.fixture(name="lookup")
def _lookup(fake, scratch):
    """A function that runs the subcommand against the fake."""
    fake.hosts.update({HOST: FIELDS, SIX: {**FIELDS, "os_name": "FreeBSD"}})
    config = write_config(f"{scratch}/lookupd.conf", {"p0f.socket": fake.path})
    return lambda *words: run("-c", config, "lookup", *words)


def _members(text):
    """The objects printed: one line each, or spread over several."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        while at < len(text) and text[at].isspace():
            at += 1
    return found


def _expected(ip, fields):
    return host_json.parsed(ip, p0f_wire.unpack_answer(p0f_wire.pack_answer(**fields)))


def test_found(fake, lookup):
    done = lookup(HOST)
    assert done.returncode == 0, done
    assert done.stdout.endswith("\n")
    found, = _members(done.stdout)
    assert list(found.items()) == list(_expected(HOST, FIELDS).items())
    assert fake.counts[HOST] == 1


def test_options_may_stand_behind_it(fake):
    fake.hosts[HOST] = FIELDS
    done = run("lookup", "-o", f"p0f.socket={fake.path}", HOST)
    assert done.returncode == 0, done
    assert run("lookup", "-h").stdout.startswith("p0f-lookupd ")


def test_several(fake, lookup):
    done = lookup(HOST, f"::ffff:{HOST}", "2001:DB8:0::1")
    assert done.returncode == 0, done
    assert [host["ip"] for host in _members(done.stdout)] == [HOST, HOST, SIX]
    assert _members(done.stdout)[2]["os_name"] == "FreeBSD"


def test_no_match(fake, lookup):
    done = lookup(STRANGER)
    assert done.returncode == 1, done
    assert fake.counts[STRANGER] == 1, "p0f is asked once"
    assert all(host.get("ip", STRANGER) == STRANGER for host in _members(done.stdout))


def test_the_worst_of_several_decides(lookup):
    done = lookup(HOST, STRANGER)
    assert done.returncode == 1, done
    assert _members(done.stdout)[0] == _expected(HOST, FIELDS)
    assert lookup(STRANGER, HOST).returncode == 1
    assert lookup(HOST, "nonsense").returncode == 2


@pytest.mark.parametrize("words", [[], [""], ["nonsense"], ["1.2.3"], ["10.0.0.0/8"],
                                   ["fe80::1%lo"], ["-x"]])
def test_what_cannot_be_asked(fake, lookup, words):
    done = lookup(*words)
    assert done.returncode == 2, done
    assert done.stderr
    assert fake.asked() == 0


def test_nonsense_from_p0f(fake, lookup):
    fake.hosts[HOST] = {"magic": 1}
    done = lookup(HOST)
    assert done.returncode == 2, done
    assert done.stderr


def test_without_p0f(fake, lookup):
    fake.stop()
    for _ in range(2):
        done = lookup(HOST)
        assert done.returncode == 2, done
        assert fake.path in done.stderr
        if os.path.exists(fake.path):
            os.unlink(fake.path)


@pytest.mark.parametrize("dialect", p0f_wire.DIALECTS)
def test_dialects(fake, lookup, dialect):
    fake.dialect = dialect
    done = lookup(HOST, STRANGER)
    assert done.returncode == 1, done
    assert _members(done.stdout)[0]["os_name"] == "Linux"


def test_another_dialect_than_the_one_set(fake):
    fake.hosts[HOST] = FIELDS
    done = run("-o", f"p0f.socket={fake.path}", "-o", "p0f.dialect=mtu", "lookup", HOST)
    assert (done.returncode, done.stdout) == (2, "")
    assert "p0f.dialect is mtu, but p0f answers in p0f3" in done.stderr
    assert run("-o", f"p0f.socket={fake.path}", "-o", "p0f.dialect=p0f3", "lookup",
               HOST).returncode == 0


def test_hard_cases_of_the_wire(fake, lookup):
    fake.write_size = 1
    fake.hosts[HOST] = {"os_name": "o" * 32, "os_flavor": "f" * 32}
    done = lookup(HOST)
    assert done.returncode == 0, done
    assert _members(done.stdout)[0]["os_name"] == "o" * 32


@pytest.mark.parametrize("stall", ["hold", "freeze"])
def test_a_p0f_that_does_not_answer(fake, scratch, stall):
    """It gives up in time, and yet p0f can answer into a connection that is still there: its
    process may end, but a child of it has to stay. Whoever reads its output must not wait for that
    child."""
    config = write_config(f"{scratch}/lookupd.conf", {"p0f.socket": fake.path,
                                                      "p0f.timeout": "500ms"})
    getattr(fake, stall)()
    begin = time.monotonic()
    done = run("-c", config, "lookup", HOST)
    took = time.monotonic() - begin
    assert done.returncode == 2, done
    assert done.stderr
    assert 0.45 <= took < 5 * SLOWDOWN
    fake.release()
    fake.thaw()
    # Whether the question itself was sent depends on the probes; what was sent gets its answer.
    wait_until(lambda: fake.connections and not fake.open_connections(),
               "the connection to be closed at last")
    fake.check()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_impatient_user(fake, number):
    """Ctrl-C while an answer is outstanding: it exits once that has come."""
    fake.hosts[HOST] = FIELDS
    fake.hold(HOST)
    process = launch("lookup", "-o", f"p0f.socket={fake.path}", "-o", "p0f.timeout=20s", HOST, SIX)
    wait_until(lambda: fake.counts[HOST], "the question")
    process.send_signal(number)
    fake.release()
    said, _ = process.communicate(timeout=20 * SLOWDOWN)
    assert process.returncode == -number
    assert _members(said) == [_expected(HOST, FIELDS)]
    assert fake.counts[SIX] == 0, "no more is asked"
    wait_until(lambda: not fake.open_connections(), "the connection to be closed")
    fake.check()


def test_nobody_reads_what_it_prints(fake):
    """Its complaint that there is no answer yet is written where nobody reads any more."""
    fake.hold()
    reader, writer = os.pipe()
    os.close(reader)
    process = launch("-o", f"p0f.socket={fake.path}", "-o", "p0f.timeout=500ms", "lookup", HOST,
                     output=writer)
    os.close(writer)
    assert process.wait(20 * SLOWDOWN) == 2
    assert fake.open_connections() == 1
    fake.release()
    wait_until(lambda: not fake.open_connections(), "the connection to be closed at last")


def test_nohup(fake):
    fake.hosts.update({HOST: FIELDS, SIX: FIELDS})
    fake.hold(HOST)
    process = launch("lookup", "-o", f"p0f.socket={fake.path}", "-o", "p0f.timeout=20s", HOST, SIX,
                     signals="--ignore-signal=HUP")
    wait_until(lambda: fake.counts[HOST], "the question")
    process.send_signal(signal.SIGHUP)
    fake.release()
    said, _ = process.communicate(timeout=20 * SLOWDOWN)
    assert process.returncode == 0
    assert [host["ip"] for host in _members(said)] == [HOST, SIX]
