# SPDX-License-Identifier: MIT
"""A soak: everything at once that happens to the daemon in a long life, before the real p0f. There
are more hosts and strangers than it can remember, clients of every kind, and some that leave in
every way; p0f is killed, stopped and started again; settings change. At the end nothing has grown,
nothing is lost, and no answer was about another host.

It goes in rounds. In every second one nobody leaves, so that what was asked and what was answered
must agree exactly. At the end of each all is calm, and the daemon's counters must balance.

SOAK_TIME is for how many seconds; `make soak` is the long one. SOAK_SEED throws the same dice again.
"""

import contextlib
import os
import random
import signal
import statistics
import time
from collections import Counter
from ipaddress import ip_address

import capture
import conservation
import http_client
import p0f_wire
import processes
import real_p0f
from daemon import write_config
from http_load import Load
from namespace import Namespace, Replay
from real_p0f import RealP0f
from tally import Tally
from visitors import RoughVisitor, Visitor, World
from waiting import wait_until

SECONDS = float(os.environ.get("SOAK_TIME") or 2)
SEED = int(os.environ.get("SOAK_SEED") or random.SystemRandom().randrange(1 << 32))
LONG = SECONDS >= 100       # so that everything has happened that can
ROUND = 10 if LONG else 1   # seconds at least
RATE = 2_000 if LONG else 300       # requests a second, of the largest crowd

# Fewer entries than there are hosts and strangers.
SETTINGS = {"http.threads": "2", "http.idle_timeout": "10m",
            "cache.max_hosts": "50", "cache.max_misses": "200",
            "cache.ttl": "300ms", "cache.incomplete_ttl": "100ms", "cache.negative_ttl": "200ms",
            "cache.stale_while_revalidate": "1s", "cache.stale_if_error": "1m",
            "p0f.timeout": "250ms", "p0f.first_contact_wait": "10ms", "p0f.max_pending": "1000",
            "p0f.max_rate": "0"}
OTHERS = {"cache.ttl": ("0", "50ms", "5s", "1h"), "cache.incomplete_ttl": ("0", "5s"),
          "cache.negative_ttl": ("0", "20ms", "5s"), "cache.stale_while_revalidate": ("0", "10s"),
          "cache.stale_if_error": ("0", "1s"), "p0f.timeout": ("50ms", "500ms"),
          "p0f.first_contact_wait": ("0", "50ms"), "p0f.max_pending": ("1", "5", "50"),
          "p0f.max_rate": ("2000", "20000")}

# The hosts of the capture of which p0f always concludes the same.
NETWORKS = ("198.18.0.1", "198.19.0.1", "2001:db8:1::1", "2001:db8:2::1")


class Soak:
    """All that takes part in it, and what came of it."""

    def __init__(self, directory, p0f, daemon, world):
        self.directory, self.p0f, self.daemon, self.world = directory, p0f, daemon, world
        self.pid = daemon.process.pid
        self.dice = random.Random(SEED)
        self.tally, self.all = Tally(), Tally()         # of this round; of all of them
        self.happened = Counter()
        self.compared = 0
        self.memory = []
        self.visitors = []
        self._watch = daemon.connect()
        self.before = self.metrics = self.calm()
        self.descriptors = processes.descriptors(self.pid)
        self._new_tally()

    # -- calm -----------------------------------------------------------------------------------

    def _look(self):
        answer = http_client.ask(self._watch, "/metrics")
        self.metrics = conservation.Metrics(answer.body.decode())
        if not conservation.under_way(self.metrics):
            return self.metrics
        self.tally.answers["/metrics", 200] += 1
        return None

    def calm(self):
        """The metrics when nothing is under way. They do not count the question for themselves."""
        return wait_until(self._look, "the daemon to be calm")

    def _new_tally(self):
        self.all.add(self.tally)
        self.tally = Tally(answers=Counter({("/metrics", 200): 1}))

    def check(self):
        """Between two rounds."""
        assert self.p0f.alive()
        after = self.calm()
        self.compared += conservation.check(after)
        self.compared += conservation.check_tally(self.before, after, self.tally)
        wait_until(lambda: processes.descriptors(self.pid) <= self.descriptors,
                   "the descriptors to be closed")
        resident = processes.settled_bytes if LONG else processes.resident_bytes
        self.memory.append(resident(self.pid))
        self.before = after
        self._new_tally()
        self._check_p0f_output()

    def _check_p0f_output(self):
        with open(self.p0f.output, encoding="latin-1") as output:
            wrong = [line for line in output if "WARN" in line or "ERROR" in line or "[-]" in line]
        assert not [line for line in wrong if "User-initiated shutdown" not in line], wrong
        for path in self.p0f.output, self.p0f.log:      # they would fill the disk
            os.truncate(path, 0)

    def evicted(self):
        """Whether both stores have been too small."""
        return all(self.metrics.total("cache_evictions_total", store=store)
                   for store in ("hosts", "misses"))

    # -- what happens ---------------------------------------------------------------------------

    def let_visit(self, most):
        """Until some have been served; they make the time go by."""
        def visits():
            for visitor in self.visitors:
                if visitor.problem:
                    raise visitor.problem
            return sum(visitor.visits for visitor in self.visitors)
        enough = visits() + self.dice.randrange(most if LONG else most // 4)
        wait_until(lambda: visits() >= enough, "visitors to be served", bound=60)

    def restart(self):
        assert self.p0f.alive()
        hard = self.dice.random() < 0.7
        self.happened["p0f killed" if hard else "p0f ended"] += 1
        if hard and self.dice.random() < 0.5:       # as it hangs, with answers outstanding
            self.p0f.process.send_signal(signal.SIGSTOP)
            self.let_visit(20)
        if hard:
            self.p0f.kill()
        else:
            self.p0f.stop()
        self.let_visit(50)
        self.p0f.start()

    def pause(self):
        self.happened["p0f stopped"] += 1
        self.p0f.process.send_signal(signal.SIGSTOP)
        try:
            self.let_visit(20)
        finally:
            self.p0f.process.send_signal(signal.SIGCONT)

    def reload(self):
        self.happened["reloads"] += 1
        changed = self.dice.sample(sorted(OTHERS), self.dice.randrange(4))
        self.daemon.settings.update(SETTINGS)
        self.daemon.settings.update({name: self.dice.choice(OTHERS[name]) for name in changed})
        write_config(self.daemon.config, self.daemon.settings)
        before = len(self.daemon.log())
        self.daemon.signal(signal.SIGHUP)
        wait_until(lambda: "settings reloaded" in self.daemon.log()[before:], "the reload")

    # -- rounds ---------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _crowd(self, rough):
        """All who ask, and what they counted."""
        questions = self.world.questions(self.dice, os.path.join(self.directory, "questions"))
        # Together a crowd, whose memory the daemon gives back when it has gone.
        options = [{"f": questions, "c": 40, "r": RATE},
                   {"a": "10.0.0.1", "m": 60_000, "c": 24, "r": RATE // 2, "q": "?wait=0"},
                   {"f": questions, "c": 8, "r": 50, "h": True}]
        if rough:
            options += [{"f": questions, "q": "?wait=60", "c": 16, "r": 100, "l": 3, **reset}
                        for reset in ({}, {"x": True})]
        with contextlib.ExitStack() as stack:
            for each in options:
                load = Load(self.daemon, n=1_000_000, **each)
                stack.callback(lambda load=load: self._count(load.end()))
            kinds = [Visitor] * 3 + [RoughVisitor] * (2 if rough else 0)
            self.visitors = [kind(self.daemon, self.world, self.dice.randrange(1 << 32))
                             for kind in kinds]
            for visitor in self.visitors:
                stack.callback(lambda visitor=visitor: self.tally.add(visitor.end()))
            yield

    def _count(self, report):
        assert report.wrong == report.broken == report.refused == 0, report
        self.tally.load(report)

    def round(self, rough):
        over = time.monotonic() + ROUND
        events = [self.restart, self.pause, self.reload, self.reload]
        first = self.dice.sample(events, len(events))
        with self._crowd(rough):
            while first or time.monotonic() < over:
                event = first.pop() if first else self.dice.choice(events)
                event()
                self.let_visit(150)
        self.check()


def _known_to(p0f):
    addresses = [str(ip_address(first) + n) for first in NETWORKS for n in range(400)]
    return {address: answer
            for address, answer in zip(addresses, real_p0f.ask(p0f.socket, *addresses))
            if answer["status"] == p0f_wire.OK}


def _learn(namespace, packets, p0f):
    """The hosts, when p0f has nothing more to say of them: on a busy machine it loses packets."""
    worlds = []
    for _ in range(20):
        namespace.replay(packets)
        processes.wait_until_idle(p0f.process.pid, "p0f to have seen them all")
        worlds.append(World(_known_to(p0f)))
        if len(worlds) > 1 and worlds[-1].truth == worlds[-2].truth:
            return worlds[-1]
    raise AssertionError("p0f has lost packets, 20 times")


def _check_memory(samples):
    """That at the end it takes no more than a tenth more than after the warm-up; each sample may be
    off by as much."""
    part = len(samples) // 4
    if part < 3:
        print(f"  {len(samples)} rounds are too few to tell whether memory grows")
        return
    then, now = (statistics.median(some) for some in (samples[part:2 * part], samples[-part:]))
    print(f"  resident: {then / 1e6:.2f} MB after the warm-up, {now / 1e6:.2f} MB at the end")
    assert now <= 1.1 * then, samples


def _check_that_it_happened(metrics):
    """All that a soak is for: else there was nothing to withstand."""
    for cache in ("hit", "stale", "miss", "expired", "bypass", "collapsed"):
        assert metrics.total("lookups_total", cache=cache), cache
    for result in ("found", "no_match", "unavailable", "timeout", "overloaded", "not_cached"):
        assert metrics.total("lookups_total", result=result), result
    for store in "hosts", "misses":
        assert metrics.total("cache_removals_total", store=store)
    assert metrics.total("p0f_unanswered_total", reason="disconnected")
    assert metrics.total("p0f_abandoned_answers_total")
    assert metrics.total("refreshes_total")
    assert metrics.total("http_requests_total", code="304")


def test_soak(needs_p0f, scratch, serve):
    print(f"\n  SOAK_SEED={SEED}")
    packets = os.path.join(scratch, "hosts.pcap")
    capture.write(packets)
    with Namespace() as namespace, \
            RealP0f(scratch, interface="v1", prefix=namespace.prefix) as p0f, \
            serve(p0f, SETTINGS) as daemon:
        world = _learn(namespace, packets, p0f)
        assert world.identities() > 200
        soak, begun = Soak(scratch, p0f, daemon, world), time.monotonic()
        over = begun + SECONDS
        with Replay(namespace, packets, "--multiplier=1") as replay:
            while len(soak.memory) < 2 or time.monotonic() < over or not soak.evicted():
                assert time.monotonic() < over + 60, "nothing is evicted"
                soak.round(rough=len(soak.memory) % 2 == 0)
                assert replay.running()
                print(f"  {time.monotonic() - begun:5.0f} s: {soak.memory[-1] / 1e6:.2f} MB, "
                      f"{processes.descriptors(soak.pid)} descriptors, "
                      f"{soak.all.requests()} requests", flush=True)
        if LONG:
            if not processes.instrumented(soak.pid):
                _check_memory(soak.memory)
            _check_that_it_happened(soak.metrics)
        _report(soak)


def _report(soak):
    statuses = Counter()
    for (_, status), count in soak.all.answers.items():
        statuses[status] += count
    print(f"  {soak.all.requests()} requests: {sum(soak.all.left.values())} left, answers "
          f"{dict(sorted(statuses.items()))}, {soak.all.hosts} hosts in batches")
    print(f"  {dict(soak.happened)}; visits {dict(soak.all.kinds)}")
    print(f"  lookups {dict(soak.metrics.by('lookups_total', 'cache', 'result'))}")
    print(f"  {soak.compared} numbers compared in {len(soak.memory)} rounds")
