# SPDX-License-Identifier: MIT
"""What systemd is told, with Type=notify or notify-reload (sd_notify(3))."""

import signal
import socket
import time

import pytest

from daemon import write_config
from http_client import Crowd
from waiting import SLOWDOWN, wait_until

HOST = "198.51.100.1"


@pytest.fixture(name="manager")
def _manager(scratch):
    """Receives the messages, as dicts."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"{scratch}/notify")
        sock.settimeout(20 * SLOWDOWN)
        yield sock


def _told(manager):
    lines = manager.recv(4096).decode().splitlines()
    return dict(line.split("=", 1) for line in lines)


def _is_not_told_again(manager, name):
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            assert name not in _told(manager)


def test_a_life(fake, serve, manager):
    with serve(fake, extra_environment={"NOTIFY_SOCKET": manager.getsockname()}) as daemon:
        assert _told(manager)["READY"] == "1"
        assert daemon.get("/livez").status == 200
        before = time.monotonic_ns() // 1000
        daemon.signal(signal.SIGHUP)
        reloading = _told(manager)
        assert reloading["RELOADING"] == "1"
        assert before <= int(reloading["MONOTONIC_USEC"]) <= time.monotonic_ns() // 1000
        assert _told(manager)["READY"] == "1"
    assert _told(manager)["STOPPING"] == "1"
    _is_not_told_again(manager, "READY")


def test_broken_settings_end_a_reload_too(fake, serve, manager):
    with serve(fake, extra_environment={"NOTIFY_SOCKET": manager.getsockname()}) as daemon:
        assert "READY" in _told(manager)
        write_config(daemon.config, {"cache.ttl": "soon"})
        daemon.signal(signal.SIGHUP)
        assert "RELOADING" in _told(manager)
        told = _told(manager)
        assert told["READY"] == "1"
        assert told["STATUS"].startswith(
            f"Answering lookups with the old settings: {daemon.config}:2: cache.ttl = soon: ")
        write_config(daemon.config, daemon.settings)
        daemon.signal(signal.SIGHUP)
        assert "RELOADING" in _told(manager)
        assert _told(manager) == {"READY": "1", "STATUS": "Answering lookups"}


def test_the_status_is_that_of_p0f(fake, serve, manager):
    """What is wrong with it, as the log has it, also after a reload, until it answers."""
    with serve(fake, extra_environment={"NOTIFY_SOCKET": manager.getsockname()}) as daemon:
        assert _told(manager) == {"READY": "1", "STATUS": "Answering lookups"}
        daemon.wait_for_p0f()
        fake.stop()
        assert _told(manager) == {"STATUS": f"{fake.path}: connection to p0f lost: p0f closed the "
                                            "connection; reconnecting"}
        unreachable = _told(manager)["STATUS"]
        assert unreachable.startswith(f"{fake.path}: cannot connect to p0f: nobody listens on this socket")
        assert daemon.get("/status").json()["pool"]["fault"] == unreachable
        daemon.wait_for_line(f"p0f-lookupd: {unreachable}\n")
        daemon.signal(signal.SIGHUP)
        assert "RELOADING" in _told(manager)
        assert _told(manager) == {"READY": "1", "STATUS": unreachable}
        fake.start()
        assert _told(manager) == {"STATUS": "Answering lookups"}
    assert _told(manager)["STOPPING"] == "1"
    _is_not_told_again(manager, "READY")


def test_no_reload_while_it_finishes(fake, serve, manager):
    """It would say that it is ready, when it is not any more."""
    environment = {"NOTIFY_SOCKET": manager.getsockname()}
    with serve(fake, {"p0f.timeout": "20s"}, extra_environment=environment) as daemon:
        daemon.wait_for_p0f()
        assert "READY" in _told(manager)
        fake.hold()
        crowd = Crowd(daemon.endpoint, [f"/host/{HOST}"])
        wait_until(lambda: fake.counts[HOST], "the query")
        daemon.signal(signal.SIGTERM)
        assert "STOPPING" in _told(manager)
        assert _told(manager)["STATUS"] == \
            "Shutting down: waiting for 1 answer from p0f, 1 request in progress"
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("SIGHUP ignored: shutting down")
        fake.release()
        assert crowd.answers()[0].status == 404
        assert daemon.wait_end(5) == 0
    _is_not_told_again(manager, "READY")


def test_an_abstract_socket(fake, serve, scratch):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + scratch)
        manager.settimeout(20 * SLOWDOWN)
        with serve(fake, extra_environment={"NOTIFY_SOCKET": "@" + scratch}):
            assert _told(manager)["READY"] == "1"


@pytest.mark.parametrize("address", ["", "/", "@", "/nonexistent/notify", "vsock:2:1234", "/" + "x" * 200])
def test_a_manager_that_cannot_be_told(fake, serve, address):
    with serve(fake, extra_environment={"NOTIFY_SOCKET": address}) as daemon:
        assert daemon.get("/livez").status == 200
