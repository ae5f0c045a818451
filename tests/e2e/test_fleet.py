# SPDX-License-Identifier: MIT
"""A fleet: three machines, each with a real p0f that sees its own visitors only, and one store. Each daemon knows
what all of the sensors know."""

import contextlib
import os
import time

import pytest

import host_json
import p0f_wire
import share_fields
from machine import Machine
from namespace import uplink_address
from store import Store
from waiting import SLOWDOWN, wait_until

FULL = bool(os.environ.get("FULL"))
OWN = 3000 if FULL else 300          # visitors of each machine alone
COMMON = 1000 if FULL else 100      # visitors of all
SENSORS = ("here", "there", "yonder")

# The machine may be busy; that the tier is not waited for longer is tested elsewhere.
PATIENT = {"share.timeout": "5s", "p0f.timeout": "20s", "p0f.first_contact_wait": "0"}

# Each question is one to p0f and to the store, and what has not changed is not written again.
FORGETFUL = {**PATIENT, "share.write_interval": "1h", "cache.ttl": "0", "cache.negative_ttl": "0"}


class Fleet:
    """Three machines, the store, and what each p0f says about those it has seen, by sensor and address."""

    def __init__(self, directory, stack, way):
        uplinks = [1, 2, 3] if way == "tcp" else [None] * 3
        self.machines = [stack.enter_context(Machine(directory, sensor, uplink))
                         for sensor, uplink in zip(SENSORS, uplinks)]
        bind = ["127.0.0.1", *(uplink_address(uplink) for uplink in uplinks if uplink)]
        self.store = stack.enter_context(Store(directory, {"bind": " ".join(bind), "protected-mode": "no"}))
        self._uplinks = uplinks
        self.truth = {}

    def server(self, machine):
        uplink = self._uplinks[self.machines.index(machine)]
        return f"redis://{uplink_address(uplink)}:{self.store.port}" if uplink else f"unix:{self.store.path}"

    def visit(self):
        """OWN visit each machine, and then COMMON do: no two machines in the same second."""
        for number, machine in enumerate(self.machines):
            hosts = machine.replay(OWN, number * OWN) + machine.replay(COMMON, 3 * OWN, port=81)
            self.truth[machine.sensor] = machine.truth(hosts)
            assert len(self.truth[machine.sensor]) >= 0.9 * len(hosts), "p0f has lost many packets"
            newest = max(answer["last_seen"] for answer in self.truth[machine.sensor].values())
            wait_until(lambda newest=newest: time.time() >= newest + 1, "the next second")

    def expected(self):
        """What each daemon must say, by address: the newest there is."""
        newest = {}
        for sensor, answers in self.truth.items():
            for address, answer in answers.items():
                if address not in newest or answer["last_seen"] > newest[address][1]["last_seen"]:
                    newest[address] = sensor, answer
        return {address: {**host_json.raw(address, answer), "sensor": sensor}
                for address, (sensor, answer) in newest.items()}

    def tell(self):
        """Each daemon is asked about those that its p0f knows, and writes them down."""
        for machine in self.machines:
            items = machine.ask(list(self.truth[machine.sensor]))
            assert {item["status"] for item in items.values()} == {200}, machine.sensor
        written = sum(len(answers) for answers in self.truth.values())
        wait_until(lambda: self.store.commands("HSET") >= written, "all to be written down")
        return written


def _share(daemon):
    return daemon.get("/status").json()["share"]


def wait_for_share(daemon):
    wait_until(lambda: _share(daemon)["up"], "the tier to be up")


@pytest.fixture(name="running", scope="module", params=["unix", "tcp"])
def _running(request, needs_p0f, tmp_path_factory, module_scratch):
    """A fleet whose daemons run and have told each other all there is."""
    directory = os.path.join(module_scratch, request.param)
    os.mkdir(directory)
    with contextlib.ExitStack() as stack:
        fleet = Fleet(directory, stack, request.param)
        fleet.visit()
        for machine in fleet.machines:
            daemon = stack.enter_context(machine.serve(fleet.server(machine), FORGETFUL))
            daemon.wait_for_p0f()
            wait_for_share(daemon)
        fleet.written = fleet.tell()
        yield fleet


def _differing(fleet, machine):
    """What that daemon does not say as it must."""
    expected = fleet.expected()
    answers = machine.ask(list(expected))
    return [(answers[address], host) for address, host in expected.items()
            if answers[address].get("host") != host]


def test_each_has_seen_visitors_of_its_own_and_common_ones(running):
    """Else the tests below would prove little."""
    seen = [set(answers) for answers in running.truth.values()]
    assert len(set.intersection(*seen)) >= 0.7 * COMMON
    for own in seen:
        others = set.union(*(there for there in seen if there is not own))
        assert len(own - others) >= 0.9 * OWN
    assert sum(":" in address for address in running.expected()) >= OWN
    hosts = running.expected().values()
    for field in ("os_name", "os_flavor", "link_type", "uptime_min", "distance", "os_match_q"):
        assert len({host[field] for host in hosts}) > 1 or field == "uptime_min", field
    assert {host["sensor"] for host in hosts} == set(SENSORS)


@pytest.mark.parametrize("number", range(3))
def test_every_host_is_found_through_every_daemon(running, number):
    """Each field is what p0f itself says of it, the one that has seen it last."""
    machine = running.machines[number]
    before = running.store.commands("HSCAN"), running.store.commands("HSET")
    assert not _differing(running, machine)
    asked = len(running.expected())
    assert running.store.commands("HSCAN") - before[0] == asked, "one read for each host"
    assert running.store.commands("HSET") == before[1] == running.written, "nothing has changed"
    if FULL:
        print(f"\n  {asked} hosts through {machine.sensor}: all fields right")


def test_any_program_can_read_it(running):
    """JSON, with who has seen it and when that was written down."""
    for sensor, answers in running.truth.items():
        address, answer = next(iter(answers.items()))
        host = share_fields.read(running.store, address)[sensor]
        observed_at = host.pop("observed_at")
        assert host == {**host_json.raw(address, answer), "sensor": sensor}
        assert answer["last_seen"] <= observed_at <= time.time()
        expires = running.store.call("PTTL", f"p0f:{address}")
        assert 7_000_000 < expires <= 7_200_000


def test_nobody_knows_a_stranger(running):
    for machine in running.machines:
        assert machine.ask(["203.0.113.1"])["203.0.113.1"]["code"] == "no-match"
    assert running.store.call("EXISTS", "p0f:203.0.113.1") == 0


def test_a_daemon_that_is_restarted_knows_at_once_what_the_fleet_knows(running):
    """Even if its p0f was restarted, too, and has forgotten everything."""
    machine = running.machines[0]
    machine.daemon.stop()
    machine.p0f.stop()
    machine.p0f.start()
    machine.daemon.start()
    machine.daemon.wait_for_p0f()
    wait_for_share(machine.daemon)
    assert not machine.truth(list(running.truth["here"]))
    assert not _differing(running, machine)


@pytest.fixture(name="small")
def _small(needs_p0f, scratch):
    """Two machines whose daemons keep nothing for long."""
    with contextlib.ExitStack() as stack:
        store = stack.enter_context(Store(scratch))
        machines = [stack.enter_context(Machine(scratch, sensor)) for sensor in SENSORS[:2]]
        for machine in machines:
            daemon = stack.enter_context(machine.serve(f"unix:{store.path}", {
                **PATIENT, "share.write_interval": "1s", "cache.ttl": "1s", "cache.incomplete_ttl": "1s",
                "cache.negative_ttl": "1s", "cache.stale_while_revalidate": "0"}))
            daemon.wait_for_p0f()
            wait_for_share(daemon)
        yield machines


def test_what_changes_at_one_sensor_is_seen_through_the_others(small):
    """After no more than cache.ttl and share.write_interval, provided that somebody asks."""
    here, there = small
    address = here.replay(1)[0]
    seen = {}

    def through(machine):
        return machine.ask([address])[address].get("host", {})

    def is_there():
        seen.update({machine.sensor: through(machine) for machine in small})
        return seen["there"] == seen["here"] and seen["here"].get("total_conn") == visits
    for visits in range(1, 4):
        begin = time.monotonic()
        if visits > 1:
            here.replay(1, port=80 + visits)
        wait_until(is_there, f"visit {visits} to be seen through both")
        assert seen["there"]["sensor"] == "here"
        assert time.monotonic() - begin < (1 + 1 + 4) * SLOWDOWN
    # And the other way round: it goes to the other one, and is newer there.
    wait_until(lambda: time.time() >= seen["here"]["last_seen"] + 1, "the next second")
    there.replay(1, port=90)
    wait_until(lambda: through(here).get("sensor") == through(there).get("sensor") == "there",
               "the other sensor to be the newest")
    assert through(here)["total_conn"] == 1
    assert p0f_wire.OK == through(here)["status"]
