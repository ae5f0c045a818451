# SPDX-License-Identifier: MIT
"""Several p0fs in p0f.socket, and the section [share]: which settings are refused and how, that passwords are never
shown, and the lookup command with several p0fs."""

import json
import os
import signal

import pytest

from daemon import run, write_config
from fake_p0f import FakeP0f
from waiting import wait_until

HOST, STRANGER = "198.51.100.1", "198.51.100.9"
SECRET = "hush-hush"
STORE = f"redis://fleet:{SECRET}@127.0.0.1:1"
SHOWN = "redis://fleet:***@127.0.0.1:1"

# What is wrong, the settings, what the message begins with behind "-o ", and what it has to say.
BAD = [
    ("without names", {"p0f.socket": "/run/a.sock, /run/b.sock"}, "p0f.socket",
     "'/run/a.sock' has no name; each of several sockets needs one); did you mean a=/run/a.sock, b=/run/b.sock?"),
    ("one without a name", {"p0f.socket": "a=/a, /b"}, "p0f.socket", "'/b' has no name"),
    ("equal names", {"p0f.socket": "a=/a, a=/b"}, "p0f.socket", "two sockets have the name a"),
    ("equal paths", {"p0f.socket": "a=/a, b=/a"}, "p0f.socket", "a and b have the same path"),
    ("equal paths in two spellings", {"p0f.socket": "a=/tmp/a, b=/tmp/../tmp/a"}, "p0f.socket",
     "/tmp/a and /tmp/../tmp/a are the same path; remove one of them"),
    ("bad name", {"p0f.socket": "a/b=/a"}, "p0f.socket",
     "'a/b' is not a name: expected 1 to 63 letters, digits, -, _ and ."),
    ("empty name", {"p0f.socket": "=/a"}, "p0f.socket", "'' is not a name"),
    ("colon", {"p0f.socket": "wan:/a"}, "p0f.socket", "a name is followed by =, not by :"),
    ("no commas", {"p0f.socket": "a=/a b=/b"}, "p0f.socket", "did you mean a=/a, b=/b?"),
    ("relative path", {"p0f.socket": "a=/a, b=run/b"}, "p0f.socket", "'b=run/b': it does not begin with /"),
    ("unix:", {"p0f.socket": "a=unix:/a"}, "p0f.socket", "without unix:"),
    ("abstract", {"p0f.socket": "a=@a"}, "p0f.socket", "p0f makes no abstract sockets"),
    ("quotes", {"p0f.socket": "\"a=/a\""}, "p0f.socket", "without quotes"),
    ("directory", {"p0f.socket": "a=/a/"}, "p0f.socket", "it is a directory; expected the socket in it"),
    ("empty item", {"p0f.socket": "a=/a,,b=/b"}, "p0f.socket", "an item is empty"),
    ("too long", {"p0f.socket": "a=/" + 107 * "x"}, "p0f.socket", "longer than 107 bytes"),
    ("too many", {"p0f.socket": ", ".join(f"s{n}=/{n}" for n in range(17))}, "p0f.socket", "more than 16"),
    ("p0f's own socket", {"p0f.socket": "a=/a, b=/b", "relay.listen": "unix:/b"}, "relay.listen",
     "unix:/b is p0f.socket, where p0f itself listens"),
    ("p0f as the store", {"p0f.socket": "a=/a, b=/b", "share.server": f"unix://:{SECRET}@/./b"}, "share.server",
     "unix:/./b is p0f.socket, where p0f itself listens"),
    ("ready", {"p0f.ready": "some"}, "p0f.ready", "expected any or all"),
    ("no URL", {"share.server": f"fleet:{SECRET}@store"}, "share.server", "it does not begin with redis://"),
    ("port", {"share.server": f"redis://:{SECRET}@store:x"}, "share.server", "the port is not a number"),
    ("slash", {"share.server": f"redis://:{SECRET}/x@store"}, "share.server", "written as %2F"),
    ("comma", {"share.server": f"redis://:x,{SECRET}@store"}, "share.server",
     "server 1: no host; a , in user or password must be written as %2C"),
    ("listed twice", {"share.server": f"redis://:{SECRET}@store, redis://store"}, "share.server", "listed twice"),
    ("cluster with databases", {"share.server": f"redis://:{SECRET}@a/1, redis://b"}, "share.server",
     "only database 0"),
    ("sensor", {"share.sensor": "web/1"}, "share.sensor", "a name of up to 63 letters, digits, -, _ and ."),
    ("prefix", {"share.prefix": "p 0f"}, "share.prefix", "up to 64 printable ASCII characters"),
    ("ttl", {"share.ttl": "10ms"}, "share.ttl", "from 1s to 365d"),
    ("timeout", {"share.timeout": "6s"}, "share.timeout", "from 1ms to 5s"),
    ("no unit", {"share.write_interval": "30"}, "share.write_interval", "did you mean 30s?"),
    ("interval beyond ttl", {"share.server": STORE, "share.write_interval": "2h"}, "share.write_interval",
     "2h must be less than share.ttl (2h)"),
    ("unknown key", {"share.servers": STORE}, "share.servers", "did you mean share.server?"),
    ("a key for the password", {"share.password": SECRET}, "share.password", "unknown key"),
]


def _options(settings):
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]


@pytest.mark.parametrize("settings, key, why", [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_what_is_refused(settings, key, why):
    for mode in ([], ["-t"], ["-T"]):
        done = run(*_options({"http.listen": "unix:/nonexistent/never-bound", **settings}), *mode)
        assert done.returncode == 2, done
        errors = [line for line in done.stderr.splitlines() if f"-o {key}" in line]
        assert len(errors) == 1 and why in errors[0], done
        assert SECRET not in done.stderr + done.stdout


def test_in_the_file(scratch):
    """With the place, and without the password, even if only a part of the line is valid."""
    for line in (f"server = redis://:{SECRET}@h:x", f"server redis://:{SECRET}@h", f"sever = redis://:{SECRET}@h",
                 f"redis://:{SECRET}@h"):
        config = f"{scratch}/bad.conf"
        with open(config, "w", encoding="utf-8") as out:
            out.write(f"[share]\n{line}\n")
        done = run("-c", config, "-t")
        assert done.returncode == 2, done
        assert f"{config}:2: " in done.stderr
        assert SECRET not in done.stderr + done.stdout


def test_passwords_are_not_printed(scratch):
    config = write_config(f"{scratch}/lookupd.conf", {"share.server": STORE, "share.sensor": "web1"})
    os.chmod(config, 0o640)
    done = run("-c", config, "-T")
    assert done.returncode == 0, done
    assert f"server = {SHOWN}  ; {config}:2\n" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    done = run("-T", extra_environment={"P0F_LOOKUPD_SHARE_SERVER": STORE, "P0F_LOOKUPD_SHARE_SENSOR": "web1"})
    assert f"server = {SHOWN}  ; environment variable P0F_LOOKUPD_SHARE_SERVER\n" in done.stdout
    assert SECRET not in done.stdout + done.stderr
    assert done.stderr == "", "nothing to be said against that"


def test_what_exposes_a_password(scratch):
    config = write_config(f"{scratch}/lookupd.conf", {"share.server": STORE, "share.sensor": "web1"})
    os.chmod(config, 0o644)
    assert f"share.server: every user can read the password in {config}; run: chmod o-r {config}" in \
        run("-c", config, "-t").stderr
    done = run("-o", f"share.server={STORE.replace('127.0.0.1', 'store')}", "-o", "share.sensor=web1", "-t")
    assert "the password for store:1 crosses the network in clear" in done.stderr
    assert "can see the password in the list of processes" in done.stderr
    assert SECRET not in done.stderr


def test_reload_shows_no_password(fake, serve):
    """Neither in the log nor in /status, where the change waits for a restart."""
    with serve(fake, {"share.sensor": "web1"}) as daemon:
        daemon.settings["share.server"] = STORE
        write_config(daemon.config, daemon.settings)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("settings reloaded\n")
        assert f"share.server = {SHOWN} needs a restart; (empty) stays in force" in daemon.log()
        body = daemon.get("/status").body.decode()
        assert SHOWN in body and SECRET not in body
        daemon.settings["share.server"] = f"{STORE}x"
        write_config(daemon.config, daemon.settings)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("the old settings stay in force")
        body = daemon.get("/status").body.decode()
        assert SHOWN in body and SECRET not in body
        assert SECRET not in daemon.log()


def _reload(daemon, settings):
    daemon.settings.update(settings)
    write_config(daemon.config, daemon.settings)
    before = daemon.log().count("settings reloaded\n")
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: daemon.log().count("settings reloaded\n") > before, "the reload")


def _in_force(daemon, name):
    section, key = name.split(".")
    return daemon.get("/status").json()["configuration"][section][key]


def test_a_store_that_cannot_be_reached(fake, serve):
    """The daemon starts and answers, and shows no password in what it says about the server."""
    fake.hosts[HOST] = {"os_name": "Linux"}
    with serve(fake, {"share.server": STORE, "share.sensor": "web1", "share.timeout": "40ms"}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host(HOST).json()["sensor"] == "web1"
        assert _in_force(daemon, "share.server") == SHOWN
        _reload(daemon, {"share.timeout": "30ms", "share.ttl": "1h", "share.write_interval": "0",
                         "share.sensor": "web2"})
        assert [_in_force(daemon, f"share.{key}") for key in ("timeout", "ttl", "write_interval", "sensor")] == \
            ["30ms", "1h", "0", "web1"]
        daemon.wait_for_line("share.sensor = web2 needs a restart; web1 stays in force\n")
        _reload(daemon, {"share.server": STORE.replace(SECRET, f"{SECRET}-too")})
        daemon.wait_for_line(f"{daemon.config}:{daemon.settings_line('share.server')}: share.server has another "
                             "password, which needs a restart; the old one stays in force\n")
        shown = daemon.get("/status").body + daemon.get("/metrics").body
        assert SECRET not in daemon.log() + shown.decode()


def test_names_of_several_in_a_fleet(scratch, fake, serve):
    with FakeP0f(f"{scratch}/wan.sock", hosts={HOST: {"os_name": "Linux"}}) as wan, \
            serve(f"wan={wan.path}, lan={fake.path}", {"share.server": STORE, "share.sensor": "web1"}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host(HOST).json()["sensor"] == "web1/wan"
        assert [sensor["name"] for sensor in daemon.get("/status").json()["sensors"]] == ["web1/wan", "web1/lan"]


# -- p0f.ready ---------------------------------------------------------------------------------------

def test_ready_changes_with_a_reload(scratch, fake, serve):
    with FakeP0f(f"{scratch}/wan.sock") as wan, serve(f"wan={wan.path}, lan={fake.path}") as daemon:
        daemon.wait_for_p0f()
        wait_until(lambda: daemon.get("/readyz").status == 200, "both to answer")
        wan.stop()
        wait_until(lambda: daemon.get("/readyz").status == 503, "one to be missed")
        _reload(daemon, {"p0f.ready": "any"})
        wait_until(lambda: daemon.get("/readyz").status == 200, "any to be enough")
        _reload(daemon, {"p0f.ready": "all"})
        wait_until(lambda: daemon.get("/readyz").status == 503, "all to be needed")
        wan.start()
        wait_until(lambda: daemon.get("/readyz").status == 200, "both to answer")


# -- the lookup command ------------------------------------------------------------------------------

@pytest.fixture(name="pair")
def _pair(scratch):
    with FakeP0f(f"{scratch}/wan.sock") as wan, FakeP0f(f"{scratch}/lan.sock") as lan:
        yield wan, lan


def _lookup(pair, *words, settings=None, **options):
    wan, lan = pair
    sockets = f"p0f.socket=wan={wan.path}, lan={lan.path}"
    return run("-o", sockets, *_options(settings or {}), "lookup", *words, **options)


def _lines(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_the_newest_is_printed(pair):
    wan, lan = pair
    wan.hosts[HOST] = {"os_name": "Linux", "first_seen": 100, "last_seen": 2000}
    lan.hosts[HOST] = {"os_name": "FreeBSD", "first_seen": 100, "last_seen": 1000}
    for raw in ([], ["--raw"]):
        done = _lookup(pair, *raw, HOST)
        assert done.returncode == 0 and done.stderr == "", done
        found, = _lines(done)
        assert (found["os_name"], list(found)[-1], found["sensor"]) == ("Linux", "sensor", "wan")
    lan.hosts[HOST]["last_seen"] = 2001
    assert _lines(_lookup(pair, HOST))[0]["sensor"] == "lan"
    assert _lookup(pair, "--text", HOST).stdout.endswith("; sensor: lan\n")
    lan.hosts[HOST]["last_seen"] = 2000
    assert _lines(_lookup(pair, HOST))[0]["sensor"] == "wan", "the first listed, on a tie"


def test_one_has_no_name(fake):
    fake.hosts[HOST] = {"os_name": "Linux"}
    found, = _lines(run("-o", f"p0f.socket={fake.path}", "lookup", HOST))
    assert "sensor" not in found
    found, = _lines(run("-o", f"p0f.socket=wan={fake.path}", "lookup", HOST))
    assert found["sensor"] == "wan"
    done = run("-o", f"p0f.socket={fake.path}", "-o", "share.server=redis://127.0.0.1:1", "-o", "share.sensor=web1",
               "lookup", HOST)
    assert _lines(done)[0]["sensor"] == "web1"
    assert "; sensor:" not in run("-o", f"p0f.socket={fake.path}", "lookup", "--text", HOST).stdout


def test_only_one_knows_it(pair):
    wan, lan = pair
    lan.hosts[HOST] = {"os_name": "FreeBSD"}
    done = _lookup(pair, HOST, STRANGER)
    assert done.returncode == 1 and done.stderr == "", done
    found, missing = _lines(done)
    assert found["sensor"] == "lan"
    assert missing["code"] == "no-match"
    assert wan.counts[STRANGER] == lan.counts[STRANGER] == 1


def test_one_is_down(pair):
    """A host that the other one knows is printed; the one that is down may know the rest."""
    wan, lan = pair
    wan.stop()
    lan.hosts[HOST] = {"os_name": "FreeBSD"}
    for form in ([], ["--text"]):
        done = _lookup(pair, *form, HOST)
        assert done.returncode == 0, done
        assert f"{HOST}: wan: {wan.path}: cannot connect to p0f: " in done.stderr
    done = _lookup(pair, STRANGER, HOST, STRANGER)
    assert done.returncode == 2, done
    assert [line.get("status", 200) for line in _lines(done)] == [503, 200, 503]
    assert _lines(done)[0]["detail"].startswith(f"wan: {wan.path}: cannot connect to p0f: ")
    assert done.stderr.count("wan: ") == 1, "said once"
    assert "lan" not in done.stderr.replace(lan.path, "")
    lan.stop()
    done = _lookup(pair, HOST)
    assert done.returncode == 2, done
    assert f"wan: {wan.path}: " in done.stderr and f"lan: {lan.path}: " in done.stderr


def test_one_does_not_answer(pair):
    """It is waited for once, not for each address."""
    wan, lan = pair
    hosts = [f"203.0.113.{n}" for n in range(1, 201)]
    lan.hosts.update({host: {"os_name": "FreeBSD"} for host in hosts})
    wan.freeze()
    # Waiting for each window of 4 would take 25 s.
    done = _lookup(pair, *hosts, STRANGER, settings={"p0f.timeout": "500ms", "p0f.pipeline": "4"}, bound=15)
    wan.thaw()
    assert done.returncode == 2, done
    *found, missing = _lines(done)
    assert [host["ip"] for host in found] == hosts
    assert {host["sensor"] for host in found} == {"lan"}
    assert missing["status"] == 504 and missing["detail"].startswith(f"wan: {wan.path}: ")
    assert done.stderr.count("wan: ") == 1, "said once"
    wait_until(lambda: not wan.open_connections(), "the process that is left to end")


def test_one_answers_nonsense(pair):
    wan, lan = pair
    wan.hosts[HOST] = {"magic": 1}
    lan.hosts[HOST] = {"os_name": "FreeBSD"}
    done = _lookup(pair, HOST)
    assert done.returncode == 0, done
    assert _lines(done)[0]["sensor"] == "lan"
    assert f"wan: {wan.path}: " in done.stderr


def test_each_has_its_dialect(pair):
    wan, lan = pair
    wan.dialect = "mtu"
    wan.hosts[HOST] = {"os_name": "Linux", "last_seen": 3}
    lan.hosts[HOST] = {"os_name": "FreeBSD", "last_seen": 2}
    assert _lines(_lookup(pair, HOST))[0]["os_name"] == "Linux"
