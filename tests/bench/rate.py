# SPDX-License-Identifier: MIT
"""How many queries a second p0f answers: to a daemon that is sent batches, and to a bare client
with as many connections and queries in flight, in turns."""

import json
import os
import re
import subprocess
import time

from measure import Load, cpu_ns
from servers import START_DEADLINE, BenchError, get

# In the daemon its defaults, p0f.connections and p0f.pipeline.
POOL_CONNECTIONS, POOL_PIPELINE = 4, 16
TURNS, TURN_SECONDS = 5, 0.2  # per round
SERIES = re.compile(rb"^p0f_lookupd_(\w+)(?:\{([^}]*)\})? (\d+)$", re.MULTILINE)


class Sample:
    """The daemon's counters, and the CPU time used, at one moment."""

    def __init__(self, port, pids):
        self.at, self.used = time.monotonic(), [cpu_ns([pid]) for pid in pids]
        self.found = self.failed = self.underway = 0
        for name, labels, value in SERIES.findall(get(port, "/metrics")[2]):
            if name == b"p0f_answers_total" and labels == b'result="found"':
                self.found = int(value)
            elif name == b"lookups_total" and b'result="found"' not in labels:
                self.failed += int(value)
            elif name in (b"p0f_queries_in_flight", b"p0f_queue_length"):
                self.underway += int(value)


class Rate:
    """Queries a second, and how busy in CPUs those were who had part in it, by name."""

    def __init__(self):
        self.queries, self.seconds, self.used_ns = 0, 0.0, {}

    def add(self, queries, seconds, used_ns):
        self.queries += queries
        self.seconds += seconds
        for name, ns in used_ns.items():
            self.used_ns[name] = self.used_ns.get(name, 0) + ns

    @property
    def per_second(self):
        return self.queries / self.seconds

    @property
    def busy(self):
        return {name: ns / 1e9 / self.seconds for name, ns in self.used_ns.items()}


def send_batches(rate, daemon, p0f, batches_file, connections):
    """wrk sends one batch after the other on each connection. Counted are p0f's answers, not what
    the batches ask for: what two of them ask for at once is one query."""
    names = ("daemon", "p0f", "wrk")
    with Load(daemon.port, batches_file, os.sched_getaffinity(0), connections) as load:
        pids = (daemon.pid, p0f.pid, load.wrk.pid)
        idle = Sample(daemon.port, pids)
        load.wait_until(lambda: Sample(daemon.port, pids).found > idle.found)
        first = Sample(daemon.port, pids)
        time.sleep(TURN_SECONDS)
        last = Sample(daemon.port, pids)
        load.end()
    daemon.wait_until(lambda: Sample(daemon.port, pids[:2]).underway == 0)
    if Sample(daemon.port, pids[:2]).failed != idle.failed:
        raise BenchError("of a batch of hosts that p0f knows not all were found")
    used = {name: after - before for name, before, after in zip(names, first.used, last.used)}
    rate.add(last.found - first.found, last.at - first.at, used)


def ask_barely(rate, program, p0f, hosts_file):
    before = cpu_ns([p0f.pid])
    argv = [program, p0f.socket, hosts_file, str(round(TURN_SECONDS * 1000)), str(POOL_CONNECTIONS),
            str(POOL_PIPELINE)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as bare:
        output, errors = bare.communicate(timeout=START_DEADLINE)
        if bare.returncode != 0:
            raise BenchError(f"the bare client failed:\n{errors}")
    summary = json.loads(output)
    if summary["others"]:
        raise BenchError(f"p0f does not know all hosts that the bare client asks for:\n{output}")
    rate.add(summary["found"], summary["seconds"], {"p0f": cpu_ns([p0f.pid]) - before})


def compare_rates(daemon, p0f, batches_file, connections, program, hosts_file):
    """One round: the Rate of the batches, and of the bare client."""
    batches, bare = Rate(), Rate()
    for _ in range(TURNS):
        send_batches(batches, daemon, p0f, batches_file, connections)
        ask_barely(bare, program, p0f, hosts_file)
    return batches, bare
