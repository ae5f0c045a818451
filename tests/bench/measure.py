# SPDX-License-Identifier: MIT
"""What a server costs: CPU time and memory from /proc, requests and latency from wrk."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time

from servers import START_DEADLINE, BenchError

CONNECTIONS = 64
# Per round and server. Short turns, so that the machine's moods weigh on all servers alike.
TURNS, TURN_SECONDS = 50, 0.02
ALONE_SECONDS = 3
UNDER_WAY_NS = 5_000_000  # CPU time by which a server has surely begun to serve
HERE = os.path.dirname(os.path.abspath(__file__))

# Two arrangements of server and wrk. On all CPUs the cost of work moving between CPUs counts
# (wake-ups, contended locks and cache lines), but so does where the scheduler happens to put what.
# With everything on one CPU the figures repeat well.
LAYOUTS = {"all CPUs": os.sched_getaffinity(0), "one CPU": {max(os.sched_getaffinity(0))}}


def cpu_ns(pids):
    """Time on a CPU of all threads of these processes. (utime and stime count in ticks of 10 ms,
    too coarse here.)"""
    total = 0
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/schedstat") as schedstat:
                total += int(schedstat.read().split()[0])
    return total


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def resident_bytes(pid):
    """Resident memory; from smaps_rollup, as VmRSS is some hundred KiB off on recent kernels."""
    with open(f"/proc/{pid}/smaps_rollup") as rollup:
        for line in rollup:
            if line.startswith("Rss:"):
                return int(line.split()[1]) * 1024
    raise BenchError(f"no Rss in /proc/{pid}/smaps_rollup")


class Load:
    """wrk keeping one server busy; halted and continued, so that servers can take short turns."""

    def __init__(self, port, requests_file, cpus, connections=CONNECTIONS, scheme="http"):
        argv = ["wrk", "-t1", f"-c{connections}", "-d1h", "--timeout", "1m",
                "-s", os.path.join(HERE, "stream.lua"), f"{scheme}://127.0.0.1:{port}",
                "--", requests_file]
        self.wrk = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                    stderr=subprocess.STDOUT, text=True,
                                    preexec_fn=lambda: os.sched_setaffinity(0, cpus))

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self.wrk.returncode is None:
            self.wrk.kill()
            self.wrk.communicate()

    def wait_until(self, under_way):
        deadline = time.monotonic() + START_DEADLINE
        while not under_way():
            if self.wrk.poll() is not None or time.monotonic() > deadline:
                raise BenchError("wrk did not get under way")
            time.sleep(0.002)

    def go(self):
        self.wrk.send_signal(signal.SIGCONT)

    def halt(self):
        self.wrk.send_signal(signal.SIGSTOP)

    def run_for(self, seconds):
        self.go()
        time.sleep(seconds)
        self.halt()

    def end(self):
        """Lets wrk finish; the summary that stream.lua prints."""
        output = None
        self.go()
        while output is None:
            self.wrk.send_signal(signal.SIGINT)  # again if need be: only its main thread heeds it
            with contextlib.suppress(subprocess.TimeoutExpired):
                output, _ = self.wrk.communicate(timeout=0.5)
        lines = [line for line in output.splitlines() if line.startswith("SUMMARY ")]
        if self.wrk.returncode != 0 or len(lines) != 1:
            raise BenchError(f"wrk failed:\n{output}")
        summary = json.loads(lines[0].partition(" ")[2])
        if summary["errors"] or not summary["requests"]:
            raise BenchError(f"wrk counted errors, or no requests:\n{output}")
        return summary


class Contender:
    """A server with the stream of requests it is asked. The CPU time of `behind`, a process that
    it asks in turn, is part of its cost."""

    def __init__(self, name, server, requests_file, behind=None, connections=CONNECTIONS, scheme="http"):
        self.name, self.server, self.requests_file = name, server, requests_file
        self.connections, self.scheme = connections, scheme
        self.pids, self.pids_behind = server.pids, behind.pids if behind else []
        self.cpu_us = {layout: [] for layout in LAYOUTS}  # per request, one entry a round,
        self.behind_us = {layout: [] for layout in LAYOUTS}  # and what of it was spent behind
        self.alone = None  # wrk's summary of an undivided run

    def load(self, cpus):
        for pid in self.pids + self.pids_behind:
            for task in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(task), cpus)
        return Load(self.server.port, self.requests_file, cpus, self.connections, self.scheme)

    def used_ns(self):
        return cpu_ns(self.pids), cpu_ns(self.pids_behind)

    def settle(self, layout, before, requests):
        """Notes the cost of a round, given what had been used before it."""
        own, behind = (now - then for now, then in zip(self.used_ns(), before))
        self.cpu_us[layout].append((own + behind) / 1000 / requests)
        self.behind_us[layout].append(behind / 1000 / requests)


def run_round(contenders, layout):
    """Starts a halted wrk for each server, lets them run in many short turns, and ends each."""
    with contextlib.ExitStack() as running:
        loads = []
        for contender in contenders:
            before = contender.used_ns()
            load = running.enter_context(contender.load(LAYOUTS[layout]))
            load.wait_until(lambda c=contender, b=before: c.used_ns()[0] > b[0] + UNDER_WAY_NS)
            load.halt()
            loads.append((contender, load, before))
        for turn in range(TURNS):
            for _, load, _ in loads if turn % 2 == 0 else reversed(loads):
                load.run_for(TURN_SECONDS)
        for contender, load, before in loads:
            contender.settle(layout, before, load.end()["requests"])


def run_alone(contender):
    """An undivided run on all CPUs, for rate and latency, which turns would distort."""
    with contender.load(LAYOUTS["all CPUs"]) as load:
        load.run_for(ALONE_SECONDS)
        contender.alone = load.end()


def interleave(contenders, rounds):
    """Measures contenders side by side, after a run of its own has warmed up each."""
    pids = [pid for contender in contenders for pid in contender.pids + contender.pids_behind]
    if len(set(pids)) != len(pids):
        raise BenchError("a server would be charged for what another contender asked of it")
    for contender in contenders:
        run_alone(contender)
    for _ in range(rounds):
        for layout in LAYOUTS:
            run_round(contenders, layout)


def ratios(contender, base, layout):
    """Cost of `contender` in units of `base`, one ratio per round."""
    return [a / b for a, b in zip(contender.cpu_us[layout], base.cpu_us[layout])]


def _some(connection):
    data = connection.recv(65536)
    if not data:
        raise BenchError("the server closed a keep-alive connection")
    return data


def _receive(connection, buffered):
    """One response off a keep-alive connection: status, lower-case head, and what came after it."""
    while b"\r\n\r\n" not in buffered:
        buffered += _some(connection)
    head, _, rest = buffered.partition(b"\r\n\r\n")
    head = head.lower()
    length = int(head.partition(b"\r\ncontent-length:")[2].partition(b"\r\n")[0])
    while len(rest) < length:
        rest += _some(connection)
    return int(head.split(None, 2)[1]), head, rest[length:]


def ask_each(port, paths, expected):
    """GETs each path once, on CONNECTIONS connections at a time, and wants the expected status.
    Returns how many answers were cache hits."""
    hits = 0
    with contextlib.ExitStack() as opened:
        connections = [opened.enter_context(socket.create_connection(("127.0.0.1", port), 30))
                       for _ in range(CONNECTIONS)]
        buffers = [b""] * CONNECTIONS
        for first in range(0, len(paths), CONNECTIONS):
            group = paths[first:first + CONNECTIONS]
            for connection, path in zip(connections, group):
                connection.sendall(b"GET %s HTTP/1.1\r\nHost: bench\r\n\r\n" % path.encode())
            for i, path in enumerate(group):
                status, head, buffers[i] = _receive(connections[i], buffers[i])
                if status != expected:
                    raise BenchError(f"GET {path} was answered {status}, not {expected}")
                hits += b"\r\ncache-status: p0f-lookupd; hit" in head
    return hits
