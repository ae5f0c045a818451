# SPDX-License-Identifier: MIT
"""Runs a real Valkey or Redis for a test, whichever Debian has: one server, one with a replica, or a cluster. Each has
its own ports and unix socket, and keeps its data in memory only."""

import contextlib
import os
import signal
import subprocess

import resp
from daemon import free_port
from debian_root import LAYER, layered
from server_program import ServerProgram
from waiting import wait_until


def program(kind):
    """The name of Debian's "server" or "cli"."""
    for name in ("valkey", "redis"):
        if os.path.lexists(f"{LAYER}/usr/bin/{name}-{kind}"):
            return f"{name}-{kind}"
    raise AssertionError(f"there is neither Valkey nor Redis in {LAYER}: make check-deps")


class Store(ServerProgram):
    """With-block in which a server runs; its files are in `directory`, beside those of others. `settings` are
    lines of its configuration file, by name; a list of values is as many lines. `login`, if it needs
    one, is the (user, password) of somebody who may do everything."""

    name = "the store"
    ends_with = (0, -signal.SIGKILL)

    def __init__(self, directory, settings=None, login=None):
        self.port = free_port()
        stem = os.path.join(str(directory), f"store-{self.port}")
        super().__init__(f"{stem}.log")
        self.path = f"{stem}.sock"
        self.rdb = f"{stem}.rdb"
        self.login = login
        self.settings = {
            "port": self.port, "bind": "127.0.0.1", "unixsocket": self.path, "unixsocketperm": "777",
            "dir": str(directory), "dbfilename": os.path.basename(self.rdb), "save": '""',
            "shutdown-timeout": 0, "repl-diskless-sync-delay": 0, **(settings or {})}
        self._config = f"{stem}.conf"

    # -- life ---------------------------------------------------------------------------------

    def launch(self, output):
        with open(self._config, "w", encoding="utf-8") as file:
            for name, values in self.settings.items():
                for value in values if isinstance(values, list) else [values]:
                    file.write(f"{name} {value}\n")
        return subprocess.Popen(layered(program("server"), self._config), stdin=subprocess.DEVNULL,
                                stdout=output, stderr=output)

    def serves(self):
        try:
            return self.call("PING") == b"PONG"
        except (OSError, resp.StoreError):
            return False

    def start(self):
        """Again, with nothing in it."""
        return self.__enter__()

    def begin(self):
        """The same, but it may not serve yet."""
        with open(self._printed, "ab") as output:
            self.process = self.launch(output)

    def kill(self):
        self.process.kill()
        self.process.wait()

    @contextlib.contextmanager
    def stopped(self):
        """It hangs, with its connections open."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    # -- how it is reached --------------------------------------------------------------------

    @property
    def url(self):
        """For share.server, over TCP."""
        return f"redis://127.0.0.1:{self.port}"

    def client(self, login=None):
        return resp.Client(self.path, login or self.login)

    def call(self, *words):
        """Runs a command as administrator."""
        with self.client() as client:
            return client.call(*words)

    def hash(self, key):
        """The fields of a hash, as text by text."""
        words = [word.decode(errors="backslashreplace") for word in self.call("HGETALL", key)]
        return dict(zip(words[::2], words[1::2]))

    def info(self, name):
        """A value of INFO."""
        for line in self.call("INFO", "everything").decode().splitlines():
            key, _, value = line.partition(":")
            if key == name:
                return value
        raise KeyError(name)

    def commands(self, name):
        """How often this command was sent to it."""
        try:
            return int(self.info(f"cmdstat_{name.lower()}").split(",")[0].partition("=")[2])
        except KeyError:
            return 0


@contextlib.contextmanager
def replica_of(store, directory, settings=None):
    """A replica of that server, in sync."""
    with Store(directory, {"replicaof": f"127.0.0.1 {store.port}", **(settings or {})}) as replica:
        wait_until(lambda: replica.info("master_link_status") == "up", "the replica to be in step")
        yield replica


# -- clusters --------------------------------------------------------------------------------------

SLOTS = 16384


class ClusterNode(Store):
    """Not yet in a cluster. A node that does not answer for half a second is taken to be dead."""

    def __init__(self, directory, settings=None, login=None):
        port = free_port()
        super().__init__(directory, {
            "cluster-enabled": "yes", "cluster-port": port, "cluster-node-timeout": 500,
            # Else a master without slots becomes a replica.
            "cluster-allow-replica-migration": "no",
            "cluster-config-file": os.path.join(str(directory), f"nodes-{port}.conf"), **(settings or {})}, login)
        self.bus = port

    @property
    def id(self):
        return self.call("CLUSTER", "MYID").decode()

    def nodes(self):
        """What it knows of the cluster: the words about each node, by id."""
        lines = self.call("CLUSTER", "NODES").decode().splitlines()
        return {line.split()[0]: line.split()[1:] for line in lines}

    def well(self, count):
        """Whether it is part of a cluster of so many nodes that works."""
        state = dict(line.split(":") for line in self.call("CLUSTER", "INFO").decode().split())
        return state["cluster_state"] == "ok" and int(state["cluster_known_nodes"]) == count


class Cluster:
    """With-block in which some masters have equal parts of the slots; with `replicas`, each has one."""

    def __init__(self, directory, masters=3, replicas=False, settings=None, login=None):
        make = [ClusterNode(directory, settings, login) for _ in range(masters * (2 if replicas else 1))]
        self.masters, self.replicas = make[:masters], make[masters:]
        self.nodes = make
        self._running = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            for node in self.nodes:
                stack.enter_context(node)
            self._create()
            self._running = stack.pop_all()
        return self

    def __exit__(self, *details):
        return self._running.__exit__(*details)

    def _create(self):
        for number, node in enumerate(self.nodes):
            node.call("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        for number, master in enumerate(self.masters):
            first, end = (SLOTS * part // len(self.masters) for part in (number, number + 1))
            master.call("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        for node in self.nodes[1:]:
            node.call("CLUSTER", "MEET", "127.0.0.1", self.nodes[0].port, self.nodes[0].bus)
        wait_until(self._acquainted, "the nodes to know each other")
        for master, replica in zip(self.masters, self.replicas):
            replica.call("CLUSTER", "REPLICATE", master.id)
        wait_until(lambda: all(node.well(len(self.nodes)) for node in self.nodes), "the cluster to work")
        wait_until(lambda: all(replica.info("master_link_status") == "up" for replica in self.replicas),
                   "the replicas to be in step")

    def _acquainted(self):
        return all(len(nodes) == len(self.nodes) and not any("handshake" in words[1] for words in nodes.values())
                   for nodes in (node.nodes() for node in self.nodes))

    @property
    def url(self):
        """For share.server: all of its masters."""
        return ", ".join(master.url for master in self.masters)

    def slot(self, key):
        return self.nodes[0].call("CLUSTER", "KEYSLOT", key)

    def owner(self, key):
        """The master of a key, by the slots they began with."""
        return self.masters[next(number for number in range(len(self.masters))
                                 if self.slot(key) < SLOTS * (number + 1) // len(self.masters))]

    def call(self, *words):
        """A command whose second word is a key, to the master that has it."""
        return self.owner(words[1]).call(*words)

    hash = Store.hash

    # -- slots ----------------------------------------------------------------------------------

    def begin_to_move(self, slot, source, target):
        """From now on `source` answers with ASK about what it no longer has of that slot."""
        target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", source.id)
        source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", target.id)

    def move_keys(self, slot, source, target):
        """All keys there are in the slot."""
        while keys := source.call("CLUSTER", "GETKEYSINSLOT", slot, 100):
            source.call("MIGRATE", "127.0.0.1", target.port, "", 0, 10_000, "KEYS", *keys)

    def finish_move(self, slot, target):
        """From now on all others answer with MOVED."""
        for node in [target, *(node for node in self.masters if node is not target)]:
            node.call("CLUSTER", "SETSLOT", slot, "NODE", target.id)

    def cli(self, *words):
        """The command that runs Debian's client with these."""
        return layered(program("cli"), *map(str, words))

    def reshard(self, source, target, slots):
        """The command that moves so many slots while the cluster is in use."""
        return self.cli("--cluster", "reshard", f"127.0.0.1:{source.port}", "--cluster-from", source.id,
                        "--cluster-to", target.id, "--cluster-slots", slots, "--cluster-yes")
