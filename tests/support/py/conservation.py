# SPDX-License-Identifier: MIT
"""What must hold between the daemon's counters when nothing is under way, and between them and what
those have counted who asked it."""

import re
from collections import Counter

_SERIES = re.compile(r"([a-z0-9_]+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'([a-z_]+)="([^"]*)"')

# With these a request about a host is answered by a lookup; a 400 needs none.
# 499: the client had gone.
LOOKED_UP = ("200", "304", "404", "499", "502", "503", "504")
ERRORS = ("bad_response", "unavailable", "overloaded", "timeout", "not_cached")


class Metrics:
    """The series of one text that /metrics gave."""

    def __init__(self, text):
        self._series = []
        for line in text.splitlines():
            if not line.startswith("#"):
                name, labels, value = _SERIES.fullmatch(line).groups()
                self._series.append((name.removeprefix("p0f_lookupd_"),
                                     dict(_LABEL.findall(labels or "")), float(value)))

    def total(self, name, **labels):
        """The sum of all series of that name with these labels, each of which may be several."""
        return int(sum(value for other, has, value in self._series if other == name and all(
            has[key] == wanted or isinstance(wanted, tuple) and has[key] in wanted
            for key, wanted in labels.items())))

    def by(self, name, *labels):
        """A Counter of a metric's series, by the values of these labels."""
        return Counter({tuple(has[label] for label in labels): int(value)
                        for other, has, value in self._series if other == name})

    def lookups(self):
        """A Counter of how they ended, as far as those who ask are told."""
        return Counter(found=self.total("lookups_total", result="found"),
                       no_match=self.total("lookups_total", result="no_match"),
                       error=self.total("lookups_total", result=ERRORS))


def under_way(metrics):
    """Of what there is none when all is calm, that which there is."""
    gauges = {name: metrics.total(name) for name in
              ("lookups_pending", "flights", "p0f_queries_in_flight", "p0f_queue_length")}
    gauges["p0f_connections not ready"] = \
        metrics.total("p0f_connections", state=("down", "probing", "draining"))
    gauges["http_connections but one"] = metrics.total("http_connections") - 1
    return {name: value for name, value in gauges.items() if value}


def laws(metrics):
    """(what, value, the least and the most it may be) of all that must hold when all is calm."""
    total = metrics.total
    answers, lookups = total("p0f_answers_total"), total("lookups_total")

    def equal(what, one, other):
        return what, one, other, other

    yield equal("queries = answers + unanswered", total("p0f_queries_total"),
                answers + total("p0f_unanswered_total"))
    yield equal("answers = those timed", answers, total("p0f_answer_duration_seconds_count"))
    yield equal("no nonsense from p0f", 0,
                total("p0f_answers_total", result="bad_query")
                + total("p0f_unanswered_total", reason=("malformed", "wrong_dialect"))
                + total("lookups_total", result="bad_response"))
    connected = total("p0f_connects_total", result="connected")
    yield equal("connections made = lost + open", connected,
                total("p0f_connections_lost_total")
                + total("p0f_connections", state=("probing", "ready")))
    yield equal("connections made = first ones + reconnects", connected,
                total("p0f_connections") + total("p0f_reconnects_total"))
    yield equal("lookups = requests answered with one + hosts in batches", lookups,
                total("http_requests_total", route=("/host", "/self"), code=LOOKED_UP)
                + total("http_requests_total", route="/forward-auth", code=("200", "499"))
                + total("batch_hosts_total"))
    yield equal("no lookup that cannot be", 0,
                total("lookups_total", cache=("hit", "stale"), result=ERRORS)
                + total("lookups_total", cache="stale", result="no_match")
                + total("lookups_total", cache="collapsed", result=("overloaded", "not_cached")))
    # The client of one that was cancelled may have gone before it began.
    refused = total("lookups_total", result=("overloaded", "not_cached"))
    yield "lookups = those timed + those refused", \
        lookups - total("lookup_duration_seconds_count"), \
        refused, refused + total("lookups_total", result="cancelled")
    # The cache also answers for a p0f that was waited for in vain.
    yield "those timed as hits", total("lookup_duration_seconds_count", cache="hit"), \
        0, total("lookups_total", cache=("hit", "stale"))
    for store in ("hosts", "misses"):
        entries = total("cache_entries", store=store)
        yield equal(f"{store} = insertions - evictions - removals", entries,
                    total("cache_insertions_total", store=store)
                    - total("cache_evictions_total", store=store)
                    - total("cache_removals_total", store=store))
        yield f"{store} within their limit", entries, 0, total("cache_entries_limit", store=store)
    misses = total("cache_entries", store="misses")
    yield equal("each miss takes the same memory",
                total("cache_bytes", store="misses") % max(misses, 1), 0)


def check(metrics):
    """Asserts them all; returns how many they were."""
    count = 0
    for count, (what, value, least, most) in enumerate(laws(metrics), 1):
        assert least <= value <= most, f"{what}: {value}, expected {least} to {most}"
    return count


def _increase(before, after, read):
    increase = read(after)
    increase.subtract(read(before))
    return increase


def check_tally(before, after, tally):
    """Asserts that between the two the daemon counted what those did who asked it: exactly, but for
    the requests that they left, as nobody can tell what the daemon saw of one. Returns how many
    numbers were compared."""
    answers = _increase(before, after, lambda m: m.by("http_requests_total", "route", "code"))
    compared = []

    def compare(what, daemons, ours, left):
        compared.append(what)
        assert ours <= daemons <= ours + left, \
            f"{what}: the daemon counted {daemons}, we {ours} and {left} left"
    for route, code in answers:
        compare(f"{route} {code}", answers[route, code], tally.answers[route, int(code)],
                tally.left[route])
    for route in {route for route, _ in answers}:
        compare(route, sum(n for (r, _), n in answers.items() if r == route),
                sum(n for (r, _), n in tally.answers.items() if r == route), tally.left[route])
    compare("all requests", sum(answers.values()), sum(tally.answers.values()),
            sum(tally.left.values()))
    compare("hosts in batches",
            after.total("batch_hosts_total") - before.total("batch_hosts_total"),
            tally.hosts, tally.hosts_left)
    lookups = _increase(before, after, Metrics.lookups)
    for result, count in lookups.items():
        compare(f"lookups {result}", count, tally.results[result], tally.lookups_left())
    compare("lookups", sum(lookups.values()), sum(tally.results.values()), tally.lookups_left())
    return len(compared)
