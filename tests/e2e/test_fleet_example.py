# SPDX-License-Identifier: MIT
"""conf/fleet: its steps, the settings and users of its server, and the program that reads hosts without the daemon."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml

import share_fields
from daemon import ROOT, Daemon
from fake_p0f import FakeP0f
from resp import StoreError
from store import Cluster, Store
from waiting import wait_until

CONF = f"{ROOT}/conf/fleet"
HOST = "192.0.2.1"
IN_A_CLUSTER = {"asking"}
ROOT_USER = ("admin", "secret")


def _compose():
    with open(f"{CONF}/compose.yaml", encoding="utf-8") as file:
        text = file.read()
    return text, yaml.safe_load(text)["services"]


def _steps():
    """Those commands of its comment that prepare the store."""
    lines = [line[4:].strip() for line in _compose()[0].splitlines() if line.startswith("#   ")]
    return [line for line in lines if not re.match("podman|curl", line)]


@pytest.fixture(name="directory")
def _directory(scratch):
    """A copy in which the steps have been done, with somebody else who may do everything."""
    copy = f"{scratch}/fleet"
    shutil.copytree(CONF, copy)
    subprocess.run(["sh", "-ec", "\n".join(_steps())], cwd=copy, check=True, timeout=20)
    with open(f"{copy}/users.acl", "a", encoding="ascii") as file:
        file.write(f"user {ROOT_USER[0]} on >{ROOT_USER[1]} ~* &* +@all\n")
    return copy


@pytest.fixture(name="password")
def _password(directory):
    assert os.stat(f"{directory}/.env").st_mode & 0o777 == 0o600
    with open(f"{directory}/.env", encoding="ascii") as file:
        return re.fullmatch(r"P0F_STORE_PASSWORD=([0-9a-f]{64})\n", file.read())[1]


def _settings(directory):
    """Those that the example's command gives the store, as lines of its configuration."""
    program, *words = _compose()[1]["store"]["command"]
    assert program == "valkey-server"
    settings = {name.removeprefix("--"): f'"{value}"' for name, value in zip(words[::2], words[1::2])}
    [mounted] = _compose()[1]["store"]["volumes"]
    source, target, _ = mounted.split(":")
    assert settings["aclfile"] == f'"{target}"' and source == "./users.acl"
    return {**settings, "aclfile": f'"{directory}/users.acl"'}


@pytest.fixture(name="store")
def _store(directory):
    with Store(directory, _settings(directory), login=ROOT_USER) as store:
        yield store


def _url(store, user, password):
    return store.url.replace("redis://", f"redis://{user}:{password}@")


def _allowed(user):
    with open(f"{CONF}/users.acl", encoding="ascii") as file:
        [line] = [line for line in file if line.startswith(f"user {user} ")]
    return {word[1:] for word in line.split() if word.startswith("+")}


def _used(store):
    """The commands of others that the store has been given."""
    return {line.split(":")[0].removeprefix("cmdstat_") for line in store.call("INFO", "commandstats").decode().split()
            if line.startswith("cmdstat_")} - {"info", "acl|log", "auth", "ping"}


def _share_hosts(urls, scratch, hosts=(HOST,)):
    """One daemon writes them, and another reads them."""
    os.mkdir(f"{scratch}/web1")
    os.mkdir(f"{scratch}/web2")
    with FakeP0f(f"{scratch}/web1/p0f.sock", {host: {"os_name": "Linux"} for host in hosts}) as knows, \
            FakeP0f(f"{scratch}/web2/p0f.sock") as empty, \
            Daemon(f"{scratch}/web1", knows.path, {"share.server": urls, "share.sensor": "web1"}) as writer, \
            Daemon(f"{scratch}/web2", empty.path, {"share.server": urls, "share.sensor": "web2",
                                                   "cache.negative_ttl": "0"}) as reader:
        for host in hosts:
            wait_until(lambda h=host: writer.host(h, headers={"Cache-Control": "no-cache"}).status == 200 and
                       reader.host(h).status == 200, f"{host} to be shared")
            assert reader.host(host).json()["sensor"] == "web1"


def test_what_the_daemon_is_allowed_is_enough(store, directory, password, scratch):
    _share_hosts(_url(store, "p0f-lookupd", password) + "/1", scratch)
    assert store.call("ACL", "LOG") == []
    assert _used(store) == _allowed("p0f-lookupd") - IN_A_CLUSTER - {"ping"}


def test_in_a_cluster(directory, password, scratch):
    """With redirections, as the daemon's map of slots is outdated."""
    hosts = [f"192.0.2.{number}" for number in range(1, 10)]
    with Cluster(directory, settings={"aclfile": f"{directory}/users.acl"}, login=ROOT_USER) as cluster:
        _share_hosts(", ".join(_url(node, "p0f-lookupd", password) for node in cluster.masters), scratch, hosts)
        assert all(node.call("ACL", "LOG") == [] for node in cluster.masters)
        assert set().union(*map(_used, cluster.masters)) >= {"cluster|slots", "hscan", "hset", "pexpire"}


def test_nobody_else_gets_in(store, directory, password):
    for login in (("default", ""), ("p0f-lookupd", "0" * 64), ("reader", password)):
        with pytest.raises(StoreError, match="WRONGPASS|NOAUTH"), store.client(login) as client:
            client.call("PING")
    with store.client(("p0f-lookupd", password)) as client:
        assert client.call("PING") == b"PONG"
        for words in (("HGETALL", "p0f:x"), ("HSCAN", "other", "0"), ("FLUSHALL",), ("KEYS", "*"), ("ACL", "LIST")):
            with pytest.raises(StoreError, match="NOPERM"):
                client.call(*words)


def test_before_the_steps(scratch):
    """Nobody can log in."""
    shutil.copytree(CONF, f"{scratch}/fleet")
    with open(f"{scratch}/fleet/users.acl", "a", encoding="ascii") as file:
        file.write(f"user {ROOT_USER[0]} on >{ROOT_USER[1]} ~* &* +@all\n")
    with Store(scratch, _settings(f"{scratch}/fleet"), login=ROOT_USER) as store:
        for user in ("default", "p0f-lookupd", "reader"):
            for password in ("", "0", "0" * 64):
                with pytest.raises(StoreError), store.client((user, password)) as client:
                    client.call("PING")


def test_reading_a_host_without_the_daemon(store, directory, scratch):
    pytest.importorskip("redis")
    with open(f"{directory}/users.acl", encoding="ascii") as file:
        text = file.read()
    with open(f"{directory}/users.acl", "w", encoding="ascii") as file:
        file.write(re.sub("(user reader on )#0+", r"\1>r", text))
    store.call("ACL", "LOAD")
    seen = share_fields.now() - 1000
    share_fields.write(store, HOST, sensor="web1", last_seen=seen + 5, os_name=b"Linux", os_flavor=b"3.11 and newer")
    share_fields.write(store, HOST, sensor="web2", last_seen=seen, os_name=b"Windows", os_flavor=b"7 or 8")

    def read(ip):
        return subprocess.run([sys.executable, f"{CONF}/read-host.py", _url(store, "reader", "r"), ip], check=True,
                              capture_output=True, text=True, timeout=20).stdout
    assert read(HOST) == f"web2 {seen} Windows 7 or 8\nweb1 {seen + 5} Linux 3.11 and newer\n"
    assert read("192.0.2.99") == ""
    # From version 5 on, the client says who it is; that it may not is nothing to it.
    refused = [dict(zip(entry[::2], entry[1::2]))[b"object"] for entry in store.call("ACL", "LOG")]
    assert set(refused) <= {b"client|setinfo"}
