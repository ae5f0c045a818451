# SPDX-License-Identifier: MIT
"""SIGHUP: the configuration is read again, without anybody noticing but for what has changed."""

import os
import re
import signal
import time

import pytest

from daemon import write_config
from http_client import Crowd
from waiting import wait_until

HOST = "198.51.100.1"
ANEW = {"Cache-Control": "no-cache"}


@pytest.fixture(name="daemon")
def _daemon(fake, serve):
    fake.hosts[HOST] = {"os_name": "Linux"}
    with serve(fake, {"cache.ttl": "11s", "p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        assert _time_to_live(daemon) == 11
        yield daemon


def _time_to_live(daemon):
    return daemon.host(HOST, "", ANEW).cache_control()["max-age"]


def _negative_time_to_live(daemon):
    return daemon.host("198.51.100.2", "?wait=0", ANEW).cache_control()["max-age"]


def _reload(daemon, settings):
    daemon.settings.update(settings)
    write_config(daemon.config, daemon.settings)
    daemon.signal(signal.SIGHUP)


def test_a_good_file(daemon):
    _reload(daemon, {"cache.ttl": "22s"})
    wait_until(lambda: _time_to_live(daemon) == 22, "the new time to live")
    assert not daemon.ended()


def test_an_incomplete_host_lives_no_longer_than_the_new_time_to_live(daemon, fake):
    incomplete = "198.51.100.3"
    fake.hosts[incomplete] = {"total_conn": 1}
    _reload(daemon, {"cache.ttl": "22s", "cache.incomplete_ttl": "1h"})
    wait_until(lambda: _time_to_live(daemon) == 22, "the new time to live")
    assert daemon.host(incomplete).cache_control()["max-age"] == 22


@pytest.mark.parametrize("broken", [{"cache.ttl": "soon"}, {"cache.nothing": "1"},
                                    {"cache.max_hosts": "x"}])
def test_a_broken_file_leaves_everything_as_it_was(daemon, broken):
    before = len(daemon.log())
    _reload(daemon, {"cache.negative_ttl": "44s", **broken})
    key = next(iter(broken)).split(".")[1]
    wait_until(lambda: key in daemon.log()[before:], "the log to name what is wrong")
    assert _time_to_live(daemon) == 11
    # Not even the part of it that was good is taken over.
    assert _negative_time_to_live(daemon) == 1
    daemon.settings = {name: value for name, value in daemon.settings.items() if name not in broken}
    _reload(daemon, {"cache.ttl": "33s"})
    wait_until(lambda: _time_to_live(daemon) == 33, "the repaired file to be taken over")


def _reload_status(daemon):
    return daemon.get("/status").json()["reload"]


def _gauge(daemon, name):
    text = daemon.get("/metrics").body.decode()
    found = re.search(rf"^p0f_lookupd_config_last_reload_{name} (\S+)$", text, re.M)
    return float(found[1])


def test_how_the_last_reload_went(daemon):
    """As Prometheus tells about itself; the start is one."""
    def lasted():
        return _gauge(daemon, "success_timestamp_seconds")
    begin = lasted()
    assert time.time() - 600 < begin <= time.time()
    assert _gauge(daemon, "successful") == 1
    status = _reload_status(daemon)
    assert status["successful"] and status["error"] is None

    _reload(daemon, {"cache.ttl": "soon"})
    wait_until(lambda: _gauge(daemon, "successful") == 0, "the broken file to be seen")
    assert lasted() == begin
    failed = _reload_status(daemon)
    assert not failed["successful"] and failed["last_success"] == status["last_success"]
    line = daemon.settings_line("cache.ttl")
    assert failed["error"].startswith(f"{daemon.config}:{line}: cache.ttl = soon: expected ")
    daemon.wait_for_line(f"p0f-lookupd: {failed['error']}; the old settings stay in force\n")

    _reload(daemon, {"cache.ttl": "22s"})
    wait_until(lambda: _gauge(daemon, "successful") == 1, "the mended file to be seen")
    assert begin <= lasted() <= time.time()
    mended = _reload_status(daemon)
    assert mended["successful"] and mended["error"] is None


def _take_away(path):
    os.rename(path, path + ".none")
    return path


def _make_a_directory(path):
    os.rename(path, path + ".none")
    os.mkdir(path)
    return path


def _make_a_loop(path):
    os.rename(path, path + ".none")
    os.symlink(path, path)
    return path


@pytest.mark.parametrize("spoil, why", [
    (_take_away, "no such file"), (_make_a_directory, "it is a directory"),
    (_make_a_loop, "a loop of symbolic links"),
])
def test_a_file_that_cannot_be_read(daemon, spoil, why):
    path = spoil(daemon.config)
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: not _reload_status(daemon)["successful"], "the reload to fail")
    assert _reload_status(daemon)["error"].startswith(f"{path}: {why}")
    daemon.wait_for_line(f"p0f-lookupd: {path}: {why}")
    assert _time_to_live(daemon) == 11


def test_what_needs_a_restart_is_said(daemon):
    before, old = len(daemon.log()), daemon.settings["http.listen"]
    _reload(daemon, {"http.listen": "127.0.0.1:1", "cache.ttl": "22s"})
    wait_until(lambda: _time_to_live(daemon) == 22, "the rest to be taken over")
    line = daemon.settings_line("http.listen")
    wait_until(lambda: f"{daemon.config}:{line}: http.listen = 127.0.0.1:1 needs a restart; {old} stays in "
               "force\n" in daemon.log()[before:], "it to be said")
    status = daemon.get("/status").json()
    assert status["reload"]["waiting_for_restart"] == {"http.listen": "127.0.0.1:1"}
    assert status["configuration"]["http"]["listen"] == old
    # A file that is not taken over changes nothing about that; one with the old value does.
    _reload(daemon, {"cache.ttl": "soon"})
    wait_until(lambda: not _reload_status(daemon)["successful"], "the broken file to be seen")
    assert _reload_status(daemon)["waiting_for_restart"] == {"http.listen": "127.0.0.1:1"}
    _reload(daemon, {"http.listen": old, "cache.ttl": "22s"})
    wait_until(lambda: _reload_status(daemon)["successful"], "the mended file")
    assert _reload_status(daemon)["waiting_for_restart"] == {}


def test_addresses_that_the_next_start_would_refuse(daemon):
    _reload(daemon, {"http.listen": "0.0.0.0:1", "cache.ttl": "22s"})
    wait_until(lambda: not _reload_status(daemon)["successful"], "the reload to fail")
    line = daemon.settings_line("http.listen")
    assert _reload_status(daemon)["error"].startswith(
        f"{daemon.config}:{line}: http.listen: 0.0.0.0:1 is reachable from other hosts")
    assert _time_to_live(daemon) == 11
    # A name may be known by then.
    _reload(daemon, {"http.listen": "no-such-host.invalid:1"})
    wait_until(lambda: _time_to_live(daemon) == 22, "the rest to be taken over")


def test_overrides_stay_on_top(fake, serve):
    fake.hosts[HOST] = {"os_name": "Linux"}
    with serve(fake, {"cache.ttl": "11s", "cache.negative_ttl": "11s"},
               arguments=["-o", "cache.ttl=33s"],
               extra_environment={"P0F_LOOKUPD_CACHE_INCOMPLETE_TTL": "7s"}) as daemon:
        daemon.wait_for_p0f()
        assert _time_to_live(daemon) == 33
        _reload(daemon, {"cache.ttl": "22s", "cache.negative_ttl": "22s",
                         "cache.incomplete_ttl": "22s"})
        wait_until(lambda: _negative_time_to_live(daemon) == 22, "the new file")
        assert _time_to_live(daemon) == 33
        assert daemon.get("/status").json()["configuration"]["cache"]["incomplete_ttl"] == "7s"


def test_requests_in_flight_are_not_disturbed(fake, daemon):
    fake.hosts.update({f"203.0.113.{n}": {"total_conn": n} for n in range(1, 21)})
    fake.hold()
    crowd = Crowd(daemon.endpoint, [f"/host/203.0.113.{n}" for n in range(1, 21)])
    wait_until(lambda: fake.asked() > 10, "the queries")
    _reload(daemon, {"cache.ttl": "22s"})
    _reload(daemon, {"cache.ttl": "23s"})
    assert daemon.get("/livez").status == 200
    fake.release()
    for number, answer in enumerate(crowd.answers(), 1):
        assert answer.json()["total_conn"] == number
    wait_until(lambda: _time_to_live(daemon) == 23, "the last file")


def test_the_cache_survives(fake, daemon):
    before = fake.counts[HOST]
    _reload(daemon, {"cache.negative_ttl": "22s"})
    wait_until(lambda: _negative_time_to_live(daemon) == 22, "the new file")
    assert daemon.host(HOST, "", {"Cache-Control": "only-if-cached"}).status == 200
    assert fake.counts[HOST] == before


def test_a_new_limit_of_connections_admits_no_more_before_the_restart(daemon):
    """Each that waits has a connection, and of those there are no more than before."""
    before = daemon.get("/status").json()["lookups"]["max_pending"]
    _reload(daemon, {"http.max_connections": "80", "cache.ttl": "22s"})
    wait_until(lambda: _time_to_live(daemon) == 22, "the rest to be taken over")
    assert daemon.get("/status").json()["lookups"]["max_pending"] == before
