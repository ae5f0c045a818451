# SPDX-License-Identifier: MIT
"""The benchmarks of p0f-lookupd: `make bench`, or run.py BUILD_FOLDER [options].

Nearly every figure of speed is server CPU time per request, so what the load generator costs does
not count, and is given as a ratio to something measured in the same rounds, in turns, so what the
machine does besides weighs on both alike. Prints three tables. Ends with status 0 whether or not
targets are met, and with 1 when something could not be measured.
"""

import argparse
import json
import os
import random
import re
import signal
import socket
import statistics
import sys
import tempfile
import time

from measure import (HERE, LAYOUTS, TURN_SECONDS, TURNS, Contender, ask_each, cpu_ns, cpu_ticks,
                     interleave, ratios, resident_bytes)
from rate import POOL_CONNECTIONS, POOL_PIPELINE, compare_rates
from servers import Bench, BenchError, find_program, free_port, get, get_tls, p0f_knows, post, visit
from store import Store, fill, is_missing

MANY = 100_000
FEW = 64
WARM_UP_REQUESTS = 20_000
HOSTS_SEEN_BY_P0F = 2_000
IDLE_SECONDS = 5
HANDSHAKES = 300  # in a round
BATCH = 1_000  # hosts
BATCH_CONNECTIONS = 4
KEEP = {"cache__ttl": "1h", "cache__incomplete_ttl": "1h", "cache__negative_ttl": "1h"}
KEEP_NOTHING = {"cache__ttl": "0", "cache__incomplete_ttl": "0", "cache__negative_ttl": "0"}


class Report:
    """Collects the figures of all sections, for the tables at the end."""

    def __init__(self):
        self.figures, self.ratios, self.costs = [], [], []

    def figure(self, name, value, shown, target, unit):
        self.figures.append((name, shown, f"<= {target} {unit}", verdict(value, target)))

    def floor(self, name, value, shown, target, unit):
        """A figure that is to be no less."""
        reached = "ok" if value >= target else "UNDER"
        self.figures.append((name, shown, f">= {target} {unit}", reached))

    def remark(self, name, shown):
        self.figures.append((name, shown, "", ""))

    def ratio(self, name, contender, base, target=None):
        row = [name]
        for layout in LAYOUTS:
            values = ratios(contender, base, layout)
            row += [spread(values), verdict(statistics.median(values), target)]
        self.ratios.append((*row, "" if target is None else f"<= {target:.2f}"))

    def no_ratio(self, name, reason):
        self.ratios.append((name, reason, "", "", "", ""))

    def cost(self, contender):
        columns = []
        for layout in LAYOUTS:
            behind = statistics.median(contender.behind_us[layout])
            columns += [spread(contender.cpu_us[layout]), f"{behind:.2f}" if behind else ""]
        alone = contender.alone
        latencies = [f"{alone[key] / 1000:.2f}" for key in ("p50", "p90", "p99", "p99.9")]
        rate = f"{alone['requests'] / alone['seconds']:.0f}"
        self.costs.append((contender.name, *columns, rate, *latencies))

    def show(self):
        show_table("Against fixed bounds", ("", "", "target", ""), self.figures)
        show_table("CPU per request, as a ratio: median of the rounds (min - max)",
                   ("", "all CPUs", "", "one CPU", "", "target"), self.ratios)
        show_table("CPU per request in us. Then, undivided on all CPUs with 64 connections kept "
                   "busy: requests per second, latency in ms",
                   ("", "all CPUs", "of it p0f", "one CPU", "of it p0f",
                    "req/s", "p50", "p90", "p99", "p99.9"), self.costs)


def verdict(value, target):
    return "" if target is None else "ok" if value <= target else "OVER"


def spread(values):
    return f"{statistics.median(values):.2f} ({min(values):.2f} - {max(values):.2f})"


def show_table(title, head, rows):
    if not rows:
        return
    print(f"\n{title}")
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, tuple("-" * width for width in widths), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def addresses(first_octet, count):
    """Addresses that are all equally long as text, so that the answers are, too."""
    return [f"{first_octet}.{100 + i // 10_000}.{100 + i // 100 % 100}.{100 + i % 100}"
            for i in range(count)]


def paths_to(hosts):
    return [f"/host/{host}" for host in hosts]


def write_paths(bench, name, paths):
    return bench.write(name, "".join(path + "\n" for path in paths).encode())


def must_hit(port, paths, status=200):
    """All these, asked for before, must now be answered from the cache."""
    hits = ask_each(port, paths, status)
    if hits != len(paths):
        raise BenchError(f"of {len(paths)} addresses asked for before only {hits} are cache hits")


def measure_idle(bench, report, _arguments):
    daemon = bench.daemon("daemon", bench.quick_p0f())
    mebibytes = resident_bytes(daemon.pid) / 2**20
    ticks, used = cpu_ticks(daemon.pid), cpu_ns(daemon.pids)
    time.sleep(IDLE_SECONDS)
    ticks, used = cpu_ticks(daemon.pid) - ticks, cpu_ns(daemon.pids) - used
    shown = f"{ticks} ticks ({used / 1000:.0f} us)"
    report.figure(f"idle: CPU over {IDLE_SECONDS} s", ticks, shown, 0, "ticks")
    report.figure("idle: resident memory", mebibytes, f"{mebibytes:.1f} MiB", 8, "MiB")


def growth_per_entry(daemon, first_octet, status):
    """Resident bytes per cache entry, over what the same load on few addresses takes."""
    paths = paths_to(addresses(first_octet, MANY))
    ask_each(daemon.port, paths[:FEW] * (WARM_UP_REQUESTS // FEW), status)
    before = resident_bytes(daemon.pid)
    ask_each(daemon.port, paths, status)
    growth = resident_bytes(daemon.pid) - before
    must_hit(daemon.port, paths, status)
    return growth / (MANY - FEW)


def measure_memory(bench, report, _arguments):
    p0f = bench.quick_p0f()
    each = growth_per_entry(bench.daemon("daemon", p0f, **KEEP), 10, 200)
    report.figure(f"memory per known host, {MANY:,} cached", each, f"{each:.0f} B", 1024, "B")
    each = growth_per_entry(bench.daemon("daemon_misses", p0f, **KEEP, cache__max_misses=str(MANY),
                                         p0f__first_contact_wait="0"), 11, 404)
    report.figure(f'memory per "no match", {MANY:,} cached', each, f"{each:.0f} B", 128, "B")


def measure_hit(bench, report, arguments):
    p0f = bench.quick_p0f()
    paths = paths_to(addresses(10, MANY))
    one, many = bench.daemon("one", p0f, **KEEP), bench.daemon("many", p0f, **KEEP)
    for daemon, asked in (one, paths[:1]), (many, paths):
        ask_each(daemon.port, asked, 200)
        must_hit(daemon.port, asked)

    _, headers, body = get(one.port, paths[0])
    static = bench.static_mhd("static", headers, body, arguments.static)
    twin = bench.static_mhd("static_twin", headers, body, arguments.static)
    nginx = bench.nginx(body)
    file = write_paths(bench, "one.paths", paths[:1])
    one_host = [Contender("hit, 1 host", one, file), Contender("  static MHD", static, file),
                Contender("  nginx", nginx, file), Contender("  static MHD, again", twin, file)]
    file = write_paths(bench, "many.paths", paths)
    many_hosts = [Contender(f"hit, {MANY:,} hosts", many, file),
                  Contender("  static MHD", static, file), Contender("  nginx", nginx, file)]

    for contenders in one_host, many_hosts:  # one after the other, as they share servers
        interleave(contenders, arguments.rounds)
        for contender in contenders:
            report.cost(contender)
        hit, base, server = contenders[:3]
        report.ratio(f"{hit.name} / static MHD", hit, base, 1.15)
        report.ratio(f"{hit.name} / nginx", hit, server, 1.0)
    report.ratio("static MHD / itself (1.00 but for noise)", one_host[3], one_host[1])


def cost_of_handshakes(server, path):
    """CPU in us of a request with a full handshake, one after the other: a client that is slower does not count."""
    before = cpu_ns(server.pids)
    for _ in range(HANDSHAKES):
        if get_tls(server.tls_port, path)[0] != 200:
            raise BenchError(f"{server.name} did not answer over TLS")
    return (cpu_ns(server.pids) - before) / 1000 / HANDSHAKES


def measure_tls(bench, report, arguments):
    pair, port, path = bench.certificate(), free_port(), "/host/10.100.100.100"
    daemon = bench.daemon("tls", bench.quick_p0f(), http__tls_listen=f"127.0.0.1:{port}",
                          http__tls_certificate=pair[0], http__tls_key=pair[1], **KEEP)
    ask_each(daemon.port, [path], 200)
    must_hit(daemon.port, [path])
    nginx = bench.nginx(get(daemon.port, path)[2], pair)
    daemon.tls_port, nginx.tls_port = port, nginx.port

    costs = [[cost_of_handshakes(server, path) for server in (daemon, nginx)] for _ in range(arguments.rounds)]
    for server, each in zip((daemon, nginx), zip(*costs)):
        report.remark(f"hit with a full TLS handshake, {server.name}: CPU per request", f"{spread(each)} us")
    report.remark("  daemon / nginx", spread([own / other for own, other in costs]))

    file = write_paths(bench, "tls.paths", [path])
    daemon.port = port
    hit = Contender("hit over TLS, kept alive", daemon, file, scheme="https")
    server = Contender("  nginx", nginx, file, scheme="https")
    interleave([hit, server], arguments.rounds)
    report.cost(hit)
    report.cost(server)
    report.ratio(f"{hit.name} / nginx", hit, server)


def p0f_that_has_seen(bench, hosts):
    """A real p0f that knows these 127.x.y.z hosts, and does not look at other traffic."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        p0f = bench.real_p0f(listener.getsockname()[1])
        for first in range(0, len(hosts), 200):
            group = hosts[first:first + 200]
            visit(listener, group)
            p0f.wait_until(lambda seen=group: p0f_knows(p0f.socket, seen) == len(seen))
    return p0f


def measure_miss(bench, report, arguments):
    if os.geteuid() != 0 or not find_program("p0f"):
        report.no_ratio("miss (daemon and p0f) / hit", "not measured: needs p0f, and root for it")
        return
    hosts = addresses(127, HOSTS_SEEN_BY_P0F)
    p0f = p0f_that_has_seen(bench, hosts)
    keeping = bench.daemon("keeping", p0f, **KEEP)
    asking = bench.daemon("asking", p0f, **KEEP_NOTHING)
    paths = paths_to(hosts)
    ask_each(keeping.port, paths, 200)
    must_hit(keeping.port, paths)
    if ask_each(asking.port, paths * 2, 200) != 0:
        raise BenchError("a daemon that should keep nothing answers from its cache")

    file = write_paths(bench, "seen.paths", paths)
    miss = Contender("miss, real p0f", asking, file, behind=p0f)
    hit = Contender("  hit", keeping, file)
    interleave([miss, hit], arguments.rounds)
    report.cost(miss)
    report.cost(hit)
    report.ratio("miss (daemon and p0f) / hit", miss, hit, 2.5)


def batches_of(hosts, count):
    """Batches of different hosts out of these, in random order."""
    drawn = random.Random(1)
    return [json.dumps(drawn.sample(hosts, BATCH), separators=(",", ":")) for _ in range(count)]


def write_batches(bench, name, path, batches):
    return bench.write(name, "".join(f"{path} {batch}\n" for batch in batches).encode())


def must_find_all(port, batches, **headers):
    for batch in batches:
        status, body = post(port, "/hosts?wait=0", batch, **headers)
        found = [item["status"] == 200 for item in json.loads(body)] if status == 200 else []
        if len(found) != BATCH or not all(found):
            raise BenchError(f"a batch was answered {status}, with {sum(found)} of {BATCH} hosts")


def measure_cached_batches(bench, report, arguments):
    p0f = bench.quick_p0f()
    hosts = addresses(10, MANY)
    contenders = []
    for server, known, count in ("few", hosts[:BATCH], 1), ("many", hosts, 100):
        daemon = bench.daemon(server, p0f, **KEEP)
        ask_each(daemon.port, paths_to(known), 200)
        must_hit(daemon.port, paths_to(known))
        batches = batches_of(known, count)
        must_find_all(daemon.port, batches, Cache_Control="only-if-cached")
        file = write_batches(bench, f"{server}.batches", "/hosts", batches)
        name = f"batch of {BATCH:,}, {len(known):,} hosts cached"
        contenders.append(Contender(name, daemon, file, connections=BATCH_CONNECTIONS))
    interleave(contenders, arguments.rounds)
    for contender, target in zip(contenders, (1.5, None)):
        for layout in LAYOUTS:
            each = [us / BATCH for us in contender.cpu_us[layout]]
            name = f"{contender.name}: CPU per host, {layout}"
            if target:
                report.figure(name, statistics.median(each), spread(each), target, "us")
            else:
                report.remark(name, spread(each))


def busy_shares(rates):
    return ", ".join(f"{name} {statistics.median(rate.busy[name] for rate in rates):.0%}"
                     for name in rates[0].busy)


def measure_cold_batches(bench, report, arguments):
    hosts = addresses(127, HOSTS_SEEN_BY_P0F)
    p0f = p0f_that_has_seen(bench, hosts)
    daemon = bench.daemon("asking", p0f, **KEEP_NOTHING)
    batches = batches_of(hosts, 100)
    must_find_all(daemon.port, batches[:2])
    if ask_each(daemon.port, paths_to(hosts) * 2, 200) != 0:
        raise BenchError("a daemon that should keep nothing answers from its cache")
    asked = write_batches(bench, "cold.batches", "/hosts?wait=0", batches)
    listed = bench.write("cold.hosts", "".join(f"{host}\n" for host in hosts).encode())
    program = os.path.join(bench.build, "bench", "bare_client")

    rounds = [compare_rates(daemon, p0f, asked, BATCH_CONNECTIONS, program, listed)
              for _ in range(arguments.rounds)]
    batch, bare = zip(*rounds)
    shares = [100 * a.per_second / b.per_second for a, b in rounds]
    report.floor(f"cold batches of {BATCH:,}: query rate, of a bare client's",
                 statistics.median(shares), spread(shares), 60, "%")
    for name, rates in (f"  batches on {BATCH_CONNECTIONS} connections", batch), \
            (f"  bare client, {POOL_CONNECTIONS} x {POOL_PIPELINE} in flight", bare):
        median = statistics.median(rate.per_second for rate in rates)
        report.remark(name, f"{median:,.0f}/s; busy: {busy_shares(rates)}")


def measure_batch(bench, report, arguments):
    measure_cached_batches(bench, report, arguments)
    bench.stop_all()
    if os.geteuid() != 0 or not find_program("p0f"):
        report.remark("cold batches", "not measured: needs p0f, and root for it")
        return
    measure_cold_batches(bench, report, arguments)


class Counted:
    """What a store has been given and has used, from now until end()."""

    NAMES = ("hscan", "hset", "pexpire")

    def __init__(self, store):
        self._store, self._before = store, self._now(store)
        self.calls, self.used_ns = {}, 0

    def _now(self, store):
        return [*(store.commands(name) for name in self.NAMES), store.used_ns()]

    def end(self):
        *calls, self.used_ns = (now - then for now, then in zip(self._now(self._store), self._before))
        self.calls = dict(zip(self.NAMES, calls))


def counter(daemon, name):
    """The sum of a metric's series."""
    found = re.findall(rf"^p0f_lookupd_{name}(?:\{{.*\}})? (\d+)$", get(daemon.port, "/metrics")[2].decode(), re.M)
    return sum(map(int, found))


def measure_misses(bench, report, arguments, variants, base):
    """The cost of a miss with each of these, {name: (settings, store or None)}, as a ratio to that of `base`."""
    p0f = bench.quick_p0f()
    file = write_paths(bench, "asked.paths", paths_to(addresses(10, HOSTS_SEEN_BY_P0F)))
    contenders, counted = {}, {}
    for name, (settings, store) in variants.items():
        daemon = bench.daemon(name.replace(" ", "_"), p0f, **{**KEEP_NOTHING, **settings})
        if store:
            daemon.wait_until(lambda d=daemon: d.says("shared tier: "))
            counted[name] = Counted(store), counter(daemon, "p0f_answers_total"), daemon
        contenders[name] = Contender(f"miss, {name}", daemon, file)
    interleave(list(contenders.values()), arguments.rounds)
    for name, contender in contenders.items():
        report.cost(contender)
        if name != base:
            report.ratio(f"miss, {name} / {base}", contender, contenders[base], 1.3)
    for name, (tally, answers, daemon) in counted.items():
        tally.end()
        misses = counter(daemon, "p0f_answers_total") - answers
        calls = ", ".join(f"{tally.calls[command] / misses:.3f} {command}" for command in tally.NAMES)
        report.remark(f"store, {name}: commands per miss", calls)
        report.remark("  CPU per miss", f"{tally.used_ns / 1000 / misses:.2f} us")


def measure_share(bench, report, arguments):
    if is_missing(bench):
        report.no_ratio("miss with a store / without", "not measured: needs valkey-tools or redis-tools")
        return
    one, three, written = Store(bench, "one"), Store(bench, "three", 3), Store(bench, "written")
    report.remark("store", one.nodes[0].version)
    measure_misses(bench, report, arguments, {
        "no store": ({}, None),
        "1 node": ({"share__server": one.url, "share__sensor": "bench"}, one),
        "3 nodes": ({"share__server": three.url, "share__sensor": "bench"}, three),
        "1 node, all written": ({"share__server": written.url, "share__sensor": "bench",
                                 "share__write_interval": "1ms"}, written)}, "no store")


def measure_share_hit(bench, report, arguments):
    """A hit costs nothing more, and a daemon that is restarted finds what the fleet knows."""
    if is_missing(bench):
        report.no_ratio("hit with a store / without", "not measured: needs valkey-tools or redis-tools")
        return
    store, p0f = Store(bench, "store"), bench.quick_p0f()
    paths = paths_to(addresses(10, MANY))
    without = bench.daemon("without", p0f, **KEEP)
    shared = {"share__server": store.url, "share__sensor": "bench"}
    daemon = bench.daemon("with", p0f, **KEEP, **shared)
    daemon.wait_until(lambda: daemon.says("shared tier: "))
    empty = store.bytes_used()
    for server in without, daemon:
        ask_each(server.port, paths, 200)
        must_hit(server.port, paths)
    report.remark(f"store: memory per host, {MANY:,} hosts", f"{(store.bytes_used() - empty) / MANY:.0f} B")
    file = write_paths(bench, "shared.paths", paths)
    hits = [Contender("hit, 1 node", daemon, file), Contender("  no store", without, file)]
    interleave(hits, arguments.rounds)
    for contender in hits:
        report.cost(contender)
    report.ratio("hit, 1 node / no store", *hits, 1.02)
    measure_restart(bench, report, store.nodes[0], p0f, shared)


def measure_restart(bench, report, node, p0f, shared):
    """Hosts that only the store knows, asked about as soon as a daemon serves."""
    strangers = addresses(11, MANY)
    fill(node, strangers, addresses(10, 1)[0])
    begin = time.monotonic()
    fresh = bench.daemon("restarted", p0f, **KEEP, **shared)
    up = time.monotonic()
    ask_each(fresh.port, paths_to(strangers), 200)
    end = time.monotonic()
    must_hit(fresh.port, paths_to(strangers))
    report.remark(f"restarted daemon: {MANY:,} hosts of the store, each asked about once",
                  f"all found, {MANY / (end - up):,.0f} a second; served after {up - begin:.2f} s")


def measure_sensors(bench, report, arguments):
    """Several p0fs, all of which are asked."""
    sockets = []
    for number in range(3):
        p0f = bench.quick_p0f(f"p0f{number}")
        sockets.append(f"s{number}={p0f.socket}")
    measure_misses(bench, report, arguments, {
        "1 sensor": ({}, None), "3 sensors": ({"p0f__socket": ", ".join(sockets)}, None)}, "1 sensor")


SECTIONS = {"idle": measure_idle, "memory": measure_memory, "hit": measure_hit, "tls": measure_tls,
            "miss": measure_miss, "batch": measure_batch, "share": measure_share, "share_hit": measure_share_hit,
            "sensors": measure_sensors}


def daemon_pool_bytes():
    """The connection memory that the daemon gives libmicrohttpd, from its source."""
    with open(os.path.join(HERE, "../../daemon/http/server.c")) as source:
        found = re.search(r"^#define POOL_BYTES \((\d+) \* 1024\)", source.read(), re.MULTILINE)
    if not found:
        raise BenchError("no POOL_BYTES in daemon/http/server.c: give --pool, the static server's memory")
    return int(found[1]) * 1024


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="Measures p0f-lookupd against a static libmicrohttpd server and nginx.")
    parser.add_argument("build", help="folder with p0f-lookupd and bench/")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--pool", type=int, metavar="BYTES",
                        help="connection memory of the static server (default: the daemon's)")
    parser.add_argument("--static", choices=("accept", "listen"), default="accept",
                        help="how the static server takes connections (see static_mhd.c)")
    parser.add_argument("--only", choices=SECTIONS, action="append", metavar="SECTION",
                        help=f"of {', '.join(SECTIONS)}; may be repeated")
    return parser.parse_args()


def measure_all(arguments, report):
    pool = arguments.pool or daemon_pool_bytes()
    print(f"wrk -t1 -c64, keep-alive; after a warm-up {arguments.rounds} rounds, in each of which "
          f"the servers take {TURNS} turns of {TURN_SECONDS * 1000:.0f} ms.\n"
          "CPU: time on a CPU of all threads of a server (/proc/PID/task/*/schedstat), divided by "
          f"the requests that wrk counted.\nConnection memory of static MHD: {pool} bytes",
          flush=True)
    for name in arguments.only or SECTIONS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="p0f-lookupd-bench-") as folder, \
                Bench(os.path.abspath(arguments.build), folder, pool) as bench:
            SECTIONS[name](bench, report, arguments)


def main():
    arguments = parse_arguments()
    report = Report()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    try:
        measure_all(arguments, report)
    except (BenchError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        report.show()
    return 0


if __name__ == "__main__":
    sys.exit(main())
