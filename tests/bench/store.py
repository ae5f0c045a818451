# SPDX-License-Identifier: MIT
"""The store of a fleet, for the benchmarks: one server, or a cluster of them, and what it says it has done."""

import os
import subprocess
import sys

from measure import HERE, cpu_ns
from servers import BenchError, find_program, free_port

sys.path.insert(0, os.path.join(HERE, "../support/py"))

import resp  # noqa: E402

SLOTS = 16384


def _program(bench):
    """A server, of whichever kind there is; Debian's tools have it, too, under the name of another of its uses."""
    for kind in "valkey", "redis":
        for name in f"{kind}-server", f"{kind}-check-rdb":
            found = find_program(name)
            if found:
                link = bench.path(f"{kind}-server")
                if not os.path.lexists(link):
                    os.symlink(found, link)
                return link
    return None


def is_missing(bench):
    return _program(bench) is None


class Node:
    """One server, with nothing in it."""

    def __init__(self, bench, name, *options):
        self.port = free_port()
        self._process = bench.start(
            name, [_program(bench), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "",
                   "--dir", bench.folder, *options], lambda: self.call("PING") == b"PONG")
        self.version = subprocess.run([_program(bench), "--version"], capture_output=True, text=True,
                                      check=True).stdout.split(" sha")[0]

    @property
    def pids(self):
        return self._process.pids

    def call(self, *words):
        return self.pipeline([words])[0]

    def pipeline(self, commands):
        with resp.Client(("127.0.0.1", self.port)) as client:
            return client.pipeline(commands)

    def info(self, section, name):
        for line in self.call("INFO", section).decode().splitlines():
            if line.startswith(f"{name}:"):
                return line.partition(":")[2]
        return None

    def wait_until(self, ready):
        self._process.wait_until(ready)


class Store:
    """Some of them: a cluster, if it is more than one. `url` is for share.server."""

    def __init__(self, bench, name, count=1):
        cluster = lambda number: ["--cluster-enabled", "yes", "--cluster-config-file", f"{name}-{number}.nodes",
                                  "--cluster-port", str(free_port())] if count > 1 else []
        self.nodes = [Node(bench, f"{name}-{number}", *cluster(number)) for number in range(count)]
        self.url = ", ".join(f"redis://127.0.0.1:{node.port}" for node in self.nodes)
        if count > 1:
            self._make_cluster()

    def _make_cluster(self):
        first = self.nodes[0]
        for number, node in enumerate(self.nodes):
            node.call("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            begin, end = (SLOTS * part // len(self.nodes) for part in (number, number + 1))
            node.call("CLUSTER", "ADDSLOTSRANGE", begin, end - 1)
            bus = node.call("CONFIG", "GET", "cluster-port")[1]
            if node is not first:
                first.call("CLUSTER", "MEET", "127.0.0.1", node.port, bus)
        for node in self.nodes:
            node.wait_until(lambda n=node: b"cluster_state:ok" in n.call("CLUSTER", "INFO")
                            and b"cluster_known_nodes:%d" % len(self.nodes) in n.call("CLUSTER", "INFO"))

    def commands(self, name):
        """How many of that name it has been given."""
        stats = (node.info("commandstats", f"cmdstat_{name}") for node in self.nodes)
        return sum(int(line.partition("calls=")[2].partition(",")[0]) for line in stats if line)

    def used_ns(self):
        return cpu_ns([pid for node in self.nodes for pid in node.pids])

    def bytes_used(self):
        return sum(int(node.info("memory", "used_memory")) for node in self.nodes)


def fill(node, addresses, like):
    """Puts hosts into it that a daemon of the fleet has written, as it has written the host `like`."""
    sensor, value = node.call("HGETALL", f"p0f:{like}")
    if like.encode() not in value:
        raise BenchError("the address of a host is not in what is stored of it")
    for first in range(0, len(addresses), 1000):
        commands = []
        for address in addresses[first:first + 1000]:
            key = f"p0f:{address}"
            commands += [("HSET", key, sensor, value.replace(like.encode(), address.encode())),
                         ("PEXPIRE", key, 7_200_000)]
        node.pipeline(commands)
