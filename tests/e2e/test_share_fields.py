# SPDX-License-Identifier: MIT
"""The contents of the shared tier are untrusted, like the input of a client; and clocks differ."""

import json
import time

import pytest

import host_json
import p0f_wire
import share_fields
import share_metrics
from shared_tier import ELSEWHERE, HERE, OTHERS, fill, know_own, settings, wait_until_it_works
from store import Store
from waiting import wait_until

VICTIM = "203.0.113.200"
KEY = f"p0f:{VICTIM}"
HOUR = 3600


@pytest.fixture(name="store", scope="module")
def _store(module_scratch):
    with Store(module_scratch) as store:
        yield store


@pytest.fixture(name="daemon")
def _daemon(fake, serve, store):
    store.call("FLUSHALL")
    know_own(fake)
    fill(store)
    with serve(fake, settings(store.url)) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        yield daemon


def _put(store, **fields):
    """Another sensor has written this about the victim."""
    share_fields.write(store, VICTIM, **fields)


def _sensor(daemon):
    """The sensor of the answer; None: not found."""
    answer = daemon.host(VICTIM)
    return answer.json()["sensor"] if answer.status == 200 else None


# -- which is the newest ---------------------------------------------------------------------------

def test_the_newest_of_many(daemon, fake, store):
    now = share_fields.now()
    for number in range(30):
        _put(store, sensor=f"sensor-{number}", last_seen=now - 1000 + number * 7 % 30)
    assert _sensor(daemon) == "sensor-17"
    fake.hosts[VICTIM] = {"last_seen": now - 1000 + 28}
    assert _sensor(daemon) == "sensor-17"
    fake.hosts[VICTIM] = {"last_seen": now - 1000 + 29}
    assert _sensor(daemon) == HERE, "own p0f on a tie"


def test_every_field_is_what_was_written(daemon, store):
    """In both formats; strings may be as long as those of p0f, and are not always ASCII."""
    fields = {"first_seen": 1_700_000_000, "last_seen": share_fields.now() - 5, "total_conn": 4_000_000_000,
              "uptime_min": 12345, "up_mod_days": 198, "last_nat": 1_700_000_001, "last_chg": 1_700_000_002,
              "distance": 17, "bad_sw": 2, "os_match_q": 3, "os_name": "L" * 32, "os_flavor": "é\u4e2d\U0001f600",
              "http_name": 'a"\\\t\x01', "http_flavor": "7.x", "link_type": "DSL", "language": "German"}
    answer = p0f_wire.unpack_answer(p0f_wire.pack_answer(**fields))
    _put(store, **fields)
    raw = daemon.host(VICTIM, "?format=raw").json()
    assert list(raw.items()) == [*host_json.raw(VICTIM, answer).items(), ("sensor", ELSEWHERE)]
    parsed = daemon.host(VICTIM).json()
    assert list(parsed.items()) == [*host_json.parsed(VICTIM, answer).items(), ("sensor", ELSEWHERE)]


def test_latin_1_comes_back_as_it_was(daemon, store):
    """In UTF-8, it is longer than p0f's strings."""
    _put(store, os_name=b"\xe9" * 32, language=b"\xff" * 31)
    host = daemon.host(VICTIM).json()
    assert (host["os_name"], host["language"]) == ("é" * 32, "ÿ" * 31)


def test_own_p0f_is_written_as_it_is(daemon, fake, store):
    fields = {"first_seen": 5, "last_seen": share_fields.now(), "total_conn": 3, "distance": -1 & 0xff,
              "os_name": b"\xe9", "language": "x" * 32}
    fake.hosts[VICTIM] = fields
    begin = share_fields.now()
    raw = daemon.host(VICTIM, "?format=raw").json()
    wait_until(lambda: share_fields.read(store, VICTIM), "it to be written")
    written = share_fields.read(store, VICTIM)[HERE]
    assert begin <= written.pop("observed_at") <= time.time()
    assert written == raw
    assert 7_000_000 < store.call("PTTL", KEY) <= 7_200_000


# -- clocks ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("observed", [0, HOUR])
def test_a_last_seen_in_the_future_does_not_win(daemon, fake, store, observed):
    """It is found, but own p0f wins, however long ago it has seen the host."""
    now = share_fields.now()
    _put(store, last_seen=now + HOUR, observed_at=now + observed, os_name="from the future")
    assert _sensor(daemon) == ELSEWHERE
    fake.hosts[VICTIM] = {"last_seen": now - 7000, "os_name": "seen by us"}
    assert _sensor(daemon) == HERE


@pytest.mark.parametrize("off", [-HOUR, 0, HOUR])
@pytest.mark.parametrize("later", [True, False])
def test_a_clock_that_is_off_by_an_hour(daemon, fake, store, off, later):
    """One that is ahead is seen by observed_at, and is the last choice. That one is behind cannot be told from a host
    that was not seen since."""
    now = share_fields.now()
    _put(store, last_seen=now + off - 100, observed_at=now + off)
    assert _sensor(daemon) == ELSEWHERE
    fake.hosts[VICTIM] = {"last_seen": now - (200 if later else 50)}
    assert _sensor(daemon) == (ELSEWHERE if later and off == 0 else HERE)


def test_a_field_that_is_older_than_the_ttl_is_ignored(daemon, store):
    """Others keep the hash of which it is."""
    old = share_fields.now() - 7300
    _put(store, sensor="gone", last_seen=old, observed_at=old)
    assert _sensor(daemon) is None
    assert share_metrics.count(daemon, "fields_ignored_total expired") == 1
    _put(store, last_seen=old - 10, observed_at=share_fields.now())
    assert _sensor(daemon) == ELSEWHERE


# -- what no sensor writes -------------------------------------------------------------------------

def _changed(**members):
    host = {**share_fields.members(VICTIM), **members}
    return json.dumps({name: value for name, value in host.items() if value is not ...})


def _bad_fields():
    """(field, value) by what is wrong."""
    good = share_fields.members(VICTIM)
    text = json.dumps(good)
    bad = {"empty": "", "blank": " ", "a NUL": "\0", "not UTF-8": b"\xff\xfe", "no JSON": "host",
           "half": text[:200], "something behind": text + "{}", "a NUL behind": text + "\0",
           "an array": f"[{text}]", "null": "null", "a number": "7", "an empty object": "{}",
           "deep": "[" * 100_000, "deep objects": '{"a":' * 10_000, "long": text + " " * 100_000,
           "long string": _changed(os_name="x" * 5000), "NaN": text.replace('"distance": 255', '"distance": NaN'),
           "a fraction": text.replace('"distance": 255', '"distance": 1.5'),
           "an exponent": text.replace('"distance": 255', '"distance": 1e999'),
           "lone surrogate": _changed(os_name="?").replace("?", "\\ud800"),
           "another address": json.dumps(share_fields.members("203.0.113.201")),
           "an address written otherwise": _changed(ip="203.0.113.0200")}
    for name, value in good.items():
        bad[f"{name} is missing"] = _changed(**{name: ...})
        for wrong in (None, [], {}, True, "7" if isinstance(value, int) else 7, -2, 2**32, 2**63, 2**80):
            if (name, wrong) == ("distance", -2):
                continue        # there can be such a one
            bad[f"{name} is {wrong!r}"] = _changed(**{name: wrong})
    bad["distance is -70000"] = _changed(distance=-70_000)
    bad.update({f"os_name has {length} characters": _changed(os_name="x" * length) for length in (33, 64)})
    bad["os_name has a NUL"] = _changed(os_name="a\0b")
    bad = {what: (ELSEWHERE, value) for what, value in bad.items()}
    for sensor in ("", "a b", "a\nb", "a\0b", "é", "x" * 64, "x" * 128, 'a"b', "\x1b[31m", "a,b", "a=b", "a/",
                   "/", "a/b/c"):
        bad[f"sensor is {sensor[:20]!r}"] = (sensor, _changed(sensor=sensor))
    bad["it is another sensor's"] = ("another", _changed())
    return bad


def test_garbage_in_a_field(daemon, store):
    """It is ignored; other fields of the host are read."""
    for number, (what, (field, value)) in enumerate(_bad_fields().items(), 1):
        store.call("DEL", KEY)
        store.call("HSET", KEY, field, value)
        answer = daemon.host(VICTIM)
        assert answer.status == 404, (what, answer.json())
        assert share_metrics.count(daemon, "fields_ignored_total invalid") == 2 * number - 1, what
        _put(store, sensor="good")
        assert _sensor(daemon) == "good", what
        assert share_metrics.count(daemon, "fields_ignored_total invalid") == 2 * number, what
    assert share_metrics.count(daemon, "breaker_opened_total") == 0
    wait_until_it_works(daemon)


def test_a_wrong_type_at_a_key(daemon, fake, store):
    """No client notices, and the key is neither overwritten nor read again and again."""
    makers = [("SET", KEY, "x"), ("RPUSH", KEY, "x"), ("SADD", KEY, "x"), ("ZADD", KEY, 1, "x"),
              ("XADD", KEY, "*", "a", "b")]
    for number, words in enumerate(makers):
        store.call("DEL", KEY)
        store.call(*words)
        assert _sensor(daemon) is None
        fake.hosts[VICTIM] = {"last_seen": 7 + number, "os_name": f"Linux {number}"}
        for _ in range(5):
            assert _sensor(daemon) == HERE
        del fake.hosts[VICTIM]
        assert store.call("TYPE", KEY) != b"hash"
        wait_until_it_works(daemon)
    assert share_metrics.count(daemon, "breaker_opened_total") == 0
    assert daemon.log().count("is not a hash") == 1, "said once"
    store.call("DEL", KEY)
    _put(store)
    assert _sensor(daemon) == ELSEWHERE


def test_very_many_fields_in_a_hash(daemon, fake, store):
    """Only so many are read, never the whole hash."""
    script = """for number = 1, ARGV[2] do
                    local sensor = 'sensor-' .. number
                    redis.call('HSET', KEYS[1], sensor, (string.gsub(ARGV[1], 'SENSOR', sensor)))
                end"""
    store.call("EVAL", script, 1, KEY, share_fields.value(VICTIM, sensor="SENSOR"), 100_000)
    assert _sensor(daemon).startswith("sensor-")
    assert share_metrics.count(daemon, "fields_ignored_total cut") == 1
    fake.hosts[VICTIM] = {"last_seen": share_fields.now(), "os_name": "Linux"}
    for _ in range(5):
        assert _sensor(daemon) == HERE
        wait_until_it_works(daemon)
    assert share_metrics.count(daemon, "breaker_opened_total") == 0
    store.call("DEL", KEY)


def test_the_keys_of_addresses_are_canonical(daemon, fake, store):
    """IPv6 as in RFC 5952; an IPv4-mapped address as IPv4."""
    now = share_fields.now()
    for address in ("2001:db8::1", "::ffff:203.0.113.9", "2001:DB8:0:0:0:0:0:2", "::1"):
        canonical = daemon.host(address).json()["ip"]
        share_fields.write(store, canonical, last_seen=now)
        assert daemon.host(address).json()["sensor"] == ELSEWHERE
        fake.hosts[canonical] = {"last_seen": now, "os_name": "Linux"}
        assert daemon.host(address).json()["sensor"] == HERE
        wait_until(lambda canonical=canonical: HERE in share_fields.read(store, canonical), "it to be written")


def test_what_is_found_there_is_never_written_back(daemon, store):
    """It would never expire."""
    wait_until_it_works(daemon)
    assert all(set(share_fields.read(store, address)) == {ELSEWHERE} for address in OTHERS)
