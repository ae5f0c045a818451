# SPDX-License-Identifier: MIT
"""A daemon that has just been started has an empty cache, and waits for the tier if it must."""

import signal

import share_fields
from http_client import Crowd
from store import Store
from waiting import SLOWDOWN, wait_until

HOST = "192.0.2.1"
HERE = {"share.sensor": "here", "share.timeout": f"{5 * SLOWDOWN}s"}


def test_whoever_waits_gets_what_the_tier_has_as_soon_as_it_can_be_asked(fake, serve, scratch):
    with Store(scratch) as store:
        share_fields.write(store, HOST)
        store.process.send_signal(signal.SIGSTOP)
        try:
            with serve(fake, {"share.server": store.url, **HERE}) as daemon:
                crowd = Crowd(daemon.endpoint, [f"/host/{HOST}?wait=5000"])
                wait_until(lambda: fake.counts[HOST] > 1, "own p0f to have been asked again")
                store.process.send_signal(signal.SIGCONT)
                [answer] = crowd.answers()
                assert (answer.status, answer.json().get("sensor")) == (200, share_fields.SENSOR), answer
        finally:
            store.process.send_signal(signal.SIGCONT)


def test_all_that_the_fleet_knows_is_there_after_a_restart(fake, serve, scratch):
    hosts = [f"10.{number >> 8}.{number & 255}.1" for number in range(300)]
    with Store(scratch) as store:
        for host in hosts:
            share_fields.write(store, host)
        for _ in range(2):
            with serve(fake, {"share.server": store.url, **HERE}) as daemon:
                answers = [daemon.host(hosts[0], "?wait=5000")]
                answers += [daemon.host(host, "?wait=0") for host in hosts[1:]]
                assert {answer.status for answer in answers} == {200}
                assert {answer.json()["sensor"] for answer in answers} == {share_fields.SENSOR}
