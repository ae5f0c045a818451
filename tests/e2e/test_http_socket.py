# SPDX-License-Identifier: MIT
"""Who may connect to the unix sockets in http.listen: http.socket_mode and http.socket_group. Those of the
relay are in test_relay_settings.py."""

import grp
import os
import signal
import stat
import subprocess

import pytest

from daemon import run, write_config
from http_client import fetch

NOBODY = 64_902         # of no user and no group of the machine's


@pytest.fixture(name="path")
def _path(scratch):
    return f"{scratch}/http.sock"


@pytest.mark.parametrize("mode", ["0666", "0660", "600", "0000", "0777"])
def test_the_mode_is_as_set(fake, serve, path, mode):
    """Whatever the umask, and whatever that of the relay's sockets is."""
    settings = {"http.socket_mode": mode, "relay.listen": f"unix:{path}.relay", "relay.socket_mode": "0640"}
    umask = os.umask(0o077)
    try:
        with serve(fake, settings, also_listen=[f"unix:{path}", f"unix:{path}.2"]):
            for each in (path, f"{path}.2"):
                assert stat.S_IMODE(os.stat(each).st_mode) == int(mode, 8)
                assert os.stat(each).st_gid == os.getgid()
            assert stat.S_IMODE(os.stat(f"{path}.relay").st_mode) == 0o640
    finally:
        os.umask(umask)


def _node(path):
    """Without the times: connecting is an access."""
    there = os.stat(path)
    return there.st_ino, there.st_mode, there.st_uid, there.st_gid


def _ask_as(group, path):
    """What curl says to a user who is in that group only."""
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={group}", "--clear-groups", "curl", "-sS",
               "--unix-socket", path, "http://localhost/livez"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("by", ["name", "number"])
def test_the_group_is_as_set(fake, serve, scratch, path, by):
    os.chmod(scratch, 0o755)
    group = grp.getgrnam("daemon")
    settings = {"http.socket_mode": "0660",
                "http.socket_group": group.gr_name if by == "name" else str(group.gr_gid)}
    with serve(fake, settings, also_listen=[f"unix:{path}"]):
        assert os.stat(path).st_gid == group.gr_gid
        member, stranger = (_ask_as(number, path) for number in (group.gr_gid, NOBODY))
        assert member.returncode == 0 and member.stdout == '{"status":"ok"}\n', member
        assert stranger.returncode != 0 and stranger.stdout == "", stranger


@pytest.mark.parametrize("setting, value, why", [
    ("socket_mode", "0888", "octal"), ("socket_mode", "rw", "octal"), ("socket_mode", "1777", "0777"),
    ("socket_group", "no-such-group", "there is no group 'no-such-group'"),
    ("socket_group", "two groups", "one group"),
])
def test_what_is_no_value(scratch, path, setting, value, why):
    config = write_config(f"{scratch}/checked.conf",
                          {"http.listen": f"unix:{path}", f"http.{setting}": value})
    for done in (run("-c", config), run("-t", "-c", config)):
        assert done.returncode == 2, done
        assert f"checked.conf:3: http.{setting}" in done.stderr and why in done.stderr, done.stderr


@pytest.mark.parametrize("setting, value", [("socket_mode", "0660"), ("socket_group", "daemon")])
def test_what_has_no_effect_is_said(scratch, setting, value):
    config = write_config(f"{scratch}/checked.conf", {f"http.{setting}": value})
    done = run("-t", "-c", config)
    assert done.returncode == 0, done
    assert f"http.{setting} changes nothing: there is no unix socket in http.listen" in done.stderr


@pytest.mark.parametrize("setting, value, old", [("socket_mode", "0600", "0666"),
                                                 ("socket_group", "daemon", "(empty)")])
def test_a_change_needs_a_restart(fake, serve, path, setting, value, old):
    with serve(fake, {"http.socket_mode": "0666"}, also_listen=[f"unix:{path}"]) as daemon:
        before = _node(path)
        daemon.settings[f"http.{setting}"] = value
        write_config(daemon.config, daemon.settings)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line(f"http.{setting} = {value} needs a restart; {old} stays in force")
        daemon.wait_for_line("settings reloaded")
        assert f"http.{setting}" in daemon.get("/status").json()["reload"]["waiting_for_restart"]
        assert fetch(path, "/livez").status == 200
        assert _node(path) == before
