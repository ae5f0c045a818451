# SPDX-License-Identifier: MIT
"""Several real p0fs, each with a web site whose visitors it sees, and no others."""

import contextlib
import os
import signal
import time

import loopback
from real_p0f import RealP0f
from waiting import wait_until


class Sensor:
    """With-block in which it runs; the files of its p0f are in a directory of that name."""

    def __init__(self, directory, name):
        os.mkdir(f"{directory}/{name}")
        self.name = name
        self._running = contextlib.ExitStack()
        self._site = loopback.WebServer()
        self.p0f = RealP0f(f"{directory}/{name}", packets=f"tcp port {self._site.address[1]}")

    def visit(self, *addresses, language="en"):
        """From these addresses; it has seen all of their requests then."""
        for address in addresses:
            loopback.visit(address, self._site.address, language=language)
        for address in addresses:
            self.p0f.wait_to_know(address)

    @property
    def setting(self):
        """For p0f.socket."""
        return f"{self.name}={self.p0f.socket}"

    def __enter__(self):
        self._running.enter_context(self._site)
        self._running.enter_context(self.p0f)
        return self

    def __exit__(self, *details):
        return self._running.__exit__(*details)


def setting(sensors):
    """For p0f.socket, of them all."""
    return ", ".join(sensor.setting for sensor in sensors)


@contextlib.contextmanager
def running(directory, *names):
    """The sensors of these names."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Sensor(directory, name)) for name in names]


@contextlib.contextmanager
def hung(sensor):
    """Its p0f keeps its connections, and does nothing."""
    sensor.p0f.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        sensor.p0f.process.send_signal(signal.SIGCONT)


def last_seen(sensor, address):
    """By its p0f itself; 0 if that does not know it."""
    return (sensor.p0f.known(address) or {"last_seen": 0})["last_seen"]


def visit_later(sensor, earlier, address, language="en"):
    """A visit to it after the last one to another, by their p0fs' clock, which counts seconds."""
    before = last_seen(earlier, address)
    wait_until(lambda: time.time() >= before + 1, "the next second")
    sensor.visit(address, language=language)
    wait_until(lambda: last_seen(sensor, address) > before, f"{sensor.name} to have seen the visit of {address}")
