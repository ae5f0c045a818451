# SPDX-License-Identifier: MIT
"""The example for the HTTP API behind Caddy, as it stands in conf/, with Debian's Caddy: what its health
checks make of a p0f that is down."""

import contextlib
import os
import re

import pytest

import caddy
from daemon import Daemon, free_port
from examples import example_text
from fake_p0f import FakeP0f
from http_client import fetch
from waiting import wait_until

EXAMPLE = "p0f-api.caddy"
HOST = "192.0.2.1"
ALWAYS = {"cache.ttl": "1h", "cache.incomplete_ttl": "1h", "http.access_log": "yes"}


class Sensor:
    """A p0f that knows the host under a name of its own, and the daemon in front of it."""

    def __init__(self, directory, name):
        os.mkdir(directory)
        self.name = name
        self._p0f = contextlib.ExitStack()
        self._path = os.path.join(directory, "p0f.sock")
        self.daemon = Daemon(directory, self._path, ALWAYS)

    def __enter__(self):
        self._p0f.enter_context(FakeP0f(self._path, {HOST: {"os_name": self.name}}))
        self.daemon.__enter__()
        self.daemon.wait_for_p0f()
        return self

    def __exit__(self, *error):
        self.daemon.__exit__(*error)
        self._p0f.close()

    def lose_p0f(self):
        self._p0f.close()
        wait_until(lambda: self.daemon.get("/readyz").status == 503, "the daemon to notice")

    def wait_to_be_checked(self):
        """Until that has been done with what is true now."""
        def checks():
            self.daemon.wait_for_log()
            return len(re.findall('"GET /(livez|readyz)', self.daemon.log()))
        before = checks()
        wait_until(lambda: checks() >= before + 3, "Caddy to check it")


def _two():
    """The change that makes the example use the reverse_proxy that it has in a comment."""
    text = example_text(f"caddy/{EXAMPLE}")
    one, two = re.findall(r"^\t(#?reverse_proxy (?:.|\n)*?^\t#?\}\n)", text, re.M)
    return [(one, re.sub("^\t?#", "", two, flags=re.M))]


@contextlib.contextmanager
def _behind_caddy(scratch, sensors, *changes, interval="50ms"):
    """get() asks Caddy for the host and gives the status and the name."""
    port = free_port()
    changes = [*changes, (":5031", f":{port}"), ("health_interval 1s", f"health_interval {interval}"),
               ("127.0.0.1:5030", f"127.0.0.1:{sensors[0].daemon.port}")]
    if len(sensors) == 2:
        changes.append(("192.0.2.2:5030", f"127.0.0.1:{sensors[1].daemon.port}"))
    caddy.copy_example(EXAMPLE, scratch, changes)

    def get():
        answer = fetch(("127.0.0.1", port), f"/host/{HOST}")
        return answer.status, answer.json()["os_name"] if answer.status == 200 else None
    with caddy.Caddy(scratch, f"{caddy.OPTIONS}import {EXAMPLE}\n"):
        yield get


@pytest.fixture(name="one")
def _one(scratch):
    with Sensor(f"{scratch}/1", "one") as sensor:
        yield sensor


@pytest.fixture(name="two")
def _two_sensors(scratch, one):
    with Sensor(f"{scratch}/2", "two") as sensor:
        yield one, sensor


def test_one_without_p0f_serves_what_it_remembers(scratch, one):
    with _behind_caddy(scratch, [one]) as get:
        assert get() == (200, "one")
        one.lose_p0f()
        one.wait_to_be_checked()
        assert get() == (200, "one")


def test_a_check_on_readyz_takes_that_from_everybody(scratch, one):
    """Why the example has /livez."""
    with _behind_caddy(scratch, [one], ("health_uri /livez", "health_uri /readyz")) as get:
        assert get() == (200, "one")
        one.lose_p0f()
        wait_until(lambda: get() == (503, None), "Caddy to give up")
        assert one.daemon.host(HOST).json()["os_name"] == "one"


def test_a_check_on_readyz_that_takes_stale_for_good(scratch, one):
    with _behind_caddy(scratch, [one], ("health_uri /livez", "health_uri /readyz?stale=ok")) as get:
        assert get() == (200, "one")
        one.lose_p0f()
        one.wait_to_be_checked()
        assert get() == (200, "one")


def test_a_second_one_takes_over(scratch, two):
    with _behind_caddy(scratch, two, *_two()) as get:
        wait_until(lambda: get() == (200, "one"), "Caddy to use the first")
        assert [get() for _ in range(20)] == [(200, "one")] * 20
        two[0].lose_p0f()
        wait_until(lambda: get() == (200, "two"), "Caddy to use the second")
        two[1].lose_p0f()
        wait_until(lambda: get() == (503, None), "Caddy to give up")


def test_nobody_notices_that_the_first_goes(scratch, two):
    """Not even before the next check."""
    with _behind_caddy(scratch, two, *_two(), interval="1h") as get:
        wait_until(lambda: get() == (200, "one"), "Caddy to use the first")
        two[0].daemon.wait_for_line('"GET /readyz')
        two[0].daemon.stop()
        assert [get() for _ in range(5)] == [(200, "two")] * 5
        two[0].daemon.start()


def test_of_two_without_p0f_the_first_serves_what_it_remembers(scratch, two):
    with _behind_caddy(scratch, two, *_two(), ("health_uri /readyz", "health_uri /readyz?stale=ok")) as get:
        wait_until(lambda: get() == (200, "one"), "Caddy to use the first")
        for sensor in two:
            sensor.lose_p0f()
        two[0].wait_to_be_checked()
        assert get() == (200, "one")
