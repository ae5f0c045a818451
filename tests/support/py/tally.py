# SPDX-License-Identifier: MIT
"""What those count who ask the daemon: answers received, and requests they left."""

from collections import Counter
from dataclasses import dataclass, field

_RESULTS = {200: "found", 304: "found", 404: "no_match", 502: "error", 503: "error", 504: "error"}


@dataclass
class Tally:
    """One thread's, or several added up."""
    answers: Counter = field(default_factory=Counter)   # by route and status
    results: Counter = field(default_factory=Counter)   # of lookups: found, no_match or error
    left: Counter = field(default_factory=Counter)      # by route: sent, and no answer waited for
    kinds: Counter = field(default_factory=Counter)     # of requests, for people
    hosts: int = 0                                      # in batches that were answered
    hosts_left: int = 0                                 # … that were left

    def answer(self, route, status):
        """One answer; on /host and /self it is that to a lookup, unless it is a 400."""
        self.answers[route, status] += 1
        if route in ("/host", "/self") and status in _RESULTS:
            self.results[_RESULTS[status]] += 1

    def item(self, status):
        """One of a batch that is an address."""
        self.hosts += 1
        self.results[_RESULTS[status]] += 1

    def load(self, report):
        """What http_load reports."""
        for status, count in report.statuses.items():
            self.answers["/host", status] += count
            if status in _RESULTS:
                self.results[_RESULTS[status]] += count
        self.left["/host"] += report.left

    def lookups_left(self):
        """The most lookups that nobody was told of."""
        return sum(self.left[route] for route in ("/host", "/self", "/forward-auth")) \
            + self.hosts_left

    def requests(self):
        """All that were sent."""
        return sum(self.answers.values()) + sum(self.left.values())

    def add(self, other):
        self.answers.update(other.answers)
        self.results.update(other.results)
        self.left.update(other.left)
        self.kinds.update(other.kinds)
        self.hosts += other.hosts
        self.hosts_left += other.hosts_left
