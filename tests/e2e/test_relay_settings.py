# SPDX-License-Identifier: MIT
"""[relay] in the configuration: where the relay listens and who may connect, and what is told about it."""

import grp
import os
import signal
import stat
import subprocess
import sys

import pytest

import p0f_client
import p0f_wire
import relay_metrics
from daemon import run, write_config
from http_client import fetch
from p0f_client import P0fClient, ask_each
from waiting import wait_until

KNOWN, STRANGER = "203.0.113.1", "203.0.113.99"
HOST = {"os_name": "Linux", "total_conn": 7}
NOBODY = 64_902         # of no user and no group of the machine's


@pytest.fixture(name="relay")
def _relay(scratch):
    return f"{scratch}/relay.sock"


@pytest.fixture(name="check")
def _check(scratch, fake):
    """check({"relay.listen": ...}): the result of -t, and of a start."""
    def check(settings, *arguments):
        config = write_config(f"{scratch}/checked.conf", {"http.listen": f"unix:{scratch}/http.sock",
                                                          "p0f.socket": fake.path, **settings})
        started, checked = (run(*more, "-c", config, *arguments) for more in ((), ("-t",)))
        # What may be different the next time is not looked at.
        assert checked.returncode == (2 if started.returncode == 2 else 0), (started, checked)
        assert fake.connections == 0
        return started
    return check


def _answers(path):
    return ask_each(path, [KNOWN, STRANGER]) == [p0f_wire.pack_answer(**HOST),
                                                 p0f_wire.pack_answer(status=p0f_wire.NO_MATCH)]


# -- relay.listen ----------------------------------------------------------------------------------

def test_there_is_none_unless_it_is_set(fake, serve):
    with serve(fake) as daemon:
        assert "relay" not in daemon.get("/status").json()
        assert set(relay_metrics.read(daemon).values()) <= {0}
        assert "relay" not in daemon.log()


def test_several_sockets(fake, serve, scratch):
    fake.hosts[KNOWN] = HOST
    paths = [f"{scratch}/a", f"{scratch}/.b", f"{scratch}/".ljust(107, "x")]
    listen = ", ".join(f"unix:{path}" for path in paths)
    with serve(fake, {"relay.listen": listen}) as daemon:
        daemon.wait_for_p0f()
        assert all(_answers(path) for path in paths)
        assert fake.counts[KNOWN] == 1, "all share one cache"
        assert daemon.get("/status").json()["relay"]["listen"] == [f"unix:{path}" for path in paths]
        for path in paths:
            daemon.wait_for_line(f"relay: listening on unix:{path}\n")
    assert not [path for path in paths if os.path.exists(path)]


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_set_elsewhere(fake, serve, relay, how):
    fake.hosts[KNOWN] = HOST
    options = {"arguments": ["-o", f"relay.listen=unix:{relay}"]} if how == "argument" else \
        {"extra_environment": {"P0F_LOOKUPD_RELAY_LISTEN": f"unix:{relay}"}}
    with serve(fake, **options) as daemon:
        daemon.wait_for_p0f()
        assert _answers(relay)


@pytest.mark.parametrize("listen, why", [
    ("127.0.0.1:5031", "'127.0.0.1:5031' is not a unix socket"),
    ("localhost:5031", "is not served over TCP"),
    ("[::1]:5031", "'[::1]:5031' is not a unix socket"),
    ("5031", "'5031' is not a unix socket"),
    ("unix:/run/a.sock, 127.0.0.1:5031", "'127.0.0.1:5031' is not a unix socket"),
    ("/run/a.sock", "did you mean unix:/run/a.sock?"),
    ("unix:relay.sock", "expected comma-separated unix:/path ('unix:relay.sock' has no absolute path)"),
    ("unix:", "expected comma-separated unix:/path ("),
    ("unix:@abstract", "expected comma-separated unix:/path ("),
    ("unix:/run/a.sock,", "expected comma-separated unix:/path (an item is empty)"),
    ("unix:/" + "x" * 107, "107"),
], ids=lambda text: text[:20])
def test_what_is_no_path_for_it(check, listen, why):
    done = check({"relay.listen": listen})
    assert done.returncode == 2, done
    assert "checked.conf:" in done.stderr and "relay.listen" in done.stderr, done.stderr
    assert why in done.stderr, done.stderr


@pytest.mark.parametrize("other", ["p0f.socket", "http.listen"])
@pytest.mark.parametrize("way", ["the same", "by a link"])
def test_a_path_that_is_taken_by_another_setting(check, scratch, other, way):
    os.symlink(scratch, f"{scratch}/link")
    name = "p0f.sock" if other == "p0f.socket" else "http.sock"
    path = f"{scratch}/{name}" if way == "the same" else f"{scratch}/link/{name}"
    done = check({"relay.listen": f"unix:{path}"})
    assert done.returncode == 2, done
    assert f"relay.listen: unix:{path} is " in done.stderr and other in done.stderr, done.stderr


def test_a_directory_that_is_not_there(check, scratch):
    done = check({"relay.listen": f"unix:{scratch}/none/relay.sock"})
    assert done.returncode == 1, done
    assert f"relay.listen: unix:{scratch}/none/relay.sock: No such file or directory" in done.stderr


def test_what_is_no_socket_is_left_alone(check, relay):
    with open(relay, "w", encoding="ascii") as out:
        out.write("data")
    done = check({"relay.listen": f"unix:{relay}"})
    assert done.returncode == 1, done
    assert f"relay.listen: unix:{relay}: File exists: it is not a socket" in done.stderr
    with open(relay, encoding="ascii") as kept:
        assert kept.read() == "data"


def test_a_socket_left_behind(fake, serve, scratch, relay):
    fake.hosts[KNOWN] = HOST
    # Without a p0f: nobody who is killed can wait for what is outstanding.
    killed = serve(f"{scratch}/nowhere.sock", {"relay.listen": f"unix:{relay}"}).start()
    killed.kill()
    assert os.path.exists(relay)
    with serve(fake, {"relay.listen": f"unix:{relay}"}) as daemon:
        daemon.wait_for_p0f()
        assert _answers(relay)


def test_a_socket_in_use(fake, serve, scratch, relay):
    """Neither by another daemon nor by another p0f."""
    fake.hosts[KNOWN] = HOST
    with serve(fake, {"relay.listen": f"unix:{relay}"}) as daemon:
        daemon.wait_for_p0f()
        for path, p0f in ((relay, fake.path), (fake.path, f"{scratch}/another.sock")):
            config = write_config(f"{scratch}/more.conf", {"relay.listen": f"unix:{path}", "p0f.socket": p0f,
                                                           "http.listen": f"unix:{scratch}/http.sock"})
            done = run("-c", config)
            assert done.returncode == 1, done
            assert f"relay.listen: unix:{path}: Address already in use" in done.stderr
        assert _answers(relay)


# -- who may connect -------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", ["0666", "0660", "600", "0000", "0777"])
def test_the_mode_is_as_set(fake, serve, relay, mode):
    """Whatever the umask; that of HTTP's sockets is another."""
    umask = os.umask(0o077)
    try:
        with serve(fake, {"relay.listen": f"unix:{relay}", "relay.socket_mode": mode},
                   also_listen=[f"unix:{relay}.http"]):
            assert stat.S_IMODE(os.stat(relay).st_mode) == int(mode, 8)
            assert stat.S_IMODE(os.stat(f"{relay}.http").st_mode) == 0o666
            assert os.stat(relay).st_gid == os.getgid()
    finally:
        os.umask(umask)


def _ask_as(group, relay):
    """What p0f's client says to a user who is in that group only."""
    command = ["setpriv", f"--reuid={NOBODY}", f"--regid={group}", "--clear-groups", sys.executable, "-B",
               p0f_client.__file__, relay, KNOWN]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


@pytest.mark.parametrize("by", ["name", "number"])
def test_the_group_is_as_set(fake, serve, scratch, relay, by):
    fake.hosts[KNOWN] = HOST
    os.chmod(scratch, 0o755)
    group = grp.getgrnam("daemon")
    settings = {"relay.listen": f"unix:{relay}", "relay.socket_mode": "0660",
                "relay.socket_group": group.gr_name if by == "name" else str(group.gr_gid)}
    with serve(fake, settings) as daemon:
        daemon.wait_for_p0f()
        assert os.stat(relay).st_gid == group.gr_gid
        member, stranger = (_ask_as(number, relay) for number in (group.gr_gid, NOBODY))
        assert member.returncode == 0 and "Total flows   = 7\n" in member.stdout, member
        assert stranger.returncode != 0 and "PermissionError" in stranger.stderr, stranger


@pytest.mark.parametrize("setting, value, why", [
    ("socket_mode", "0888", "octal"), ("socket_mode", "rw", "octal"), ("socket_mode", "1777", "0777"),
    ("socket_mode", "", "octal"), ("socket_mode", "-1", "octal"), ("socket_mode", "0o660", "octal"),
    ("socket_group", "no-such-group", "there is no group 'no-such-group'"),
    ("socket_group", "two groups", "one group"), ("socket_group", "99999999999", "99999999999"),
    ("max_connections", "0", "1 to 1000000"), ("max_connections", "1000001", "1 to 1000000"),
    ("max_connections", "many", "1 to 1000000"),
    ("max_conections", "1", "max_connections"), ("timeout", "1s", "unknown"),
])
def test_what_is_no_value(check, relay, setting, value, why):
    done = check({"relay.listen": f"unix:{relay}", f"relay.{setting}": value})
    assert done.returncode == 2, done
    assert "checked.conf:" in done.stderr and f"relay.{setting}" in done.stderr, done.stderr
    assert why in done.stderr, done.stderr


# -- what is told ----------------------------------------------------------------------------------

def test_what_is_counted(fake, serve, relay):
    fake.hosts[KNOWN] = HOST
    settings = {"relay.listen": f"unix:{relay}", "relay.max_connections": "7", "p0f.timeout": "20s",
                "p0f.max_pending": "1000"}
    with serve(fake, settings) as daemon:
        daemon.wait_for_p0f()
        with P0fClient(relay) as client, P0fClient(relay) as other:
            client.send(KNOWN, KNOWN, STRANGER).send_bytes(bytes(21)).answers(4)
            fake.hold()
            other.send("203.0.113.2", "203.0.113.3")
            wait_until(lambda: relay_metrics.read(daemon)["lookups_pending"] == 2, "both to wait")
            status = daemon.get("/status").json()
            limit = status["lookups"]["max_pending"] // 2
            assert status["relay"] == {"listen": [f"unix:{relay}"], "connections": 2, "max_connections": 7,
                                       "lookups": 2, "max_lookups": limit}
            assert status["configuration"]["relay"] == {
                "listen": f"unix:{relay}", "socket_mode": "0666", "socket_group": "", "max_connections": "7"}
            assert status["lookups"]["pending"] == 2
            counted = relay_metrics.read(daemon)
            assert counted["connections"] == counted["connections_accepted_total"] == 2
            assert counted["connections_refused_total"] == 0
        relay_metrics.wait_for_nobody(daemon)
        assert relay_metrics.queries(daemon) == {"found": 2, "no_match": 1, "bad_query": 1, "failed": 0,
                                                 "cancelled": 2}
        # Lookups are lookups, whoever wants them.
        text = daemon.get("/metrics").body.decode()
        for cache in ("miss", "collapsed"):
            assert f'p0f_lookupd_lookups_total{{cache="{cache}",result="found"}} 1\n' in text
        fake.release()


def test_both_ways_share_what_is_known(fake, serve, relay):
    fake.hosts[KNOWN] = HOST
    with serve(fake, {"relay.listen": f"unix:{relay}", "cache.ttl": "1h"}) as daemon:
        daemon.wait_for_p0f()
        assert _answers(relay)
        assert "hit" in daemon.host(KNOWN).cache_status()
        fake.hosts["203.0.113.2"] = HOST
        assert daemon.host("203.0.113.2").status == 200
        assert ask_each(relay, ["203.0.113.2"]) == [p0f_wire.pack_answer(**HOST)]
        assert fake.counts[KNOWN] == fake.counts["203.0.113.2"] == 1


@pytest.mark.parametrize("setting, value", [
    ("listen", ""), ("listen", "unix:/tmp/another.sock"), ("socket_mode", "0600"), ("socket_group", "daemon"),
    ("max_connections", "3")])
def test_a_change_needs_a_restart(fake, serve, relay, setting, value):
    fake.hosts[KNOWN] = HOST
    settings = {"relay.listen": f"unix:{relay}", "relay.socket_mode": "0666", "relay.max_connections": "50"}
    with serve(fake, settings) as daemon:
        daemon.wait_for_p0f()
        daemon.settings[f"relay.{setting}"] = value
        write_config(daemon.config, daemon.settings)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line(f"relay.{setting} = {value or '(empty)'} needs a restart; ")
        daemon.wait_for_line("settings reloaded")
        assert f"relay.{setting}" in daemon.get("/status").json()["reload"]["waiting_for_restart"]
        assert _answers(relay)
        assert stat.S_IMODE(os.stat(relay).st_mode) == 0o666


def test_it_does_not_speak_http(fake, serve, relay):
    """It speaks another language."""
    with serve(fake, {"relay.listen": f"unix:{relay}"}, also_listen=[f"unix:{relay}.http"]) as daemon:
        daemon.wait_for_p0f()
        with P0fClient(relay) as client:
            request = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
            assert client.send_bytes(request).receive() == p0f_wire.pack_answer(status=p0f_wire.BADQUERY)
        assert fetch(f"{relay}.http", "/livez").status == 200
