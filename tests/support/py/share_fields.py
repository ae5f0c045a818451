# SPDX-License-Identifier: MIT
"""The format of the shared tier, implemented independently, so that a test can act as another daemon."""

import json
import time

import host_json
import p0f_wire

PREFIX = "p0f:"
SENSOR = "elsewhere"


def now():
    return int(time.time())


def members(address, sensor=SENSOR, observed_at=None, **fields):
    """Of a host; `fields` are p0f's. It has been seen a minute ago, and that was written down at once, unless
    stated otherwise."""
    seen = now() - 60
    fields = {"first_seen": seen, "last_seen": seen, "total_conn": 1, **fields}
    answer = p0f_wire.unpack_answer(p0f_wire.pack_answer(**fields))
    return {**host_json.raw(address, answer), "sensor": sensor,
            "observed_at": fields["last_seen"] if observed_at is None else observed_at}


def value(address, **fields):
    """The value of a field, as bytes."""
    return json.dumps(members(address, **fields)).encode()


def write(store, address, sensor=SENSOR, prefix=PREFIX, **fields):
    """As the daemon of that sensor does."""
    key = f"{prefix}{address}"
    store.call("HSET", key, sensor, value(address, sensor=sensor, **fields))
    store.call("PEXPIRE", key, 7_200_000)


def read(store, address, prefix=PREFIX):
    """The members that each sensor has written, by sensor."""
    return {sensor: json.loads(text) for sensor, text in store.hash(f"{prefix}{address}").items()}
