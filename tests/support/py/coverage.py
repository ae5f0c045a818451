#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""coverage.py DIR - what of lib/ and daemon/ was run, by the counters that gcc left in DIR: a line for
each file, the least covered first. Ends with status 1 when one of those that must not fall behind
has less than LEAST percent of its lines covered."""

import json
import os
import subprocess
import sys

LEAST = 95
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))

# lib/ as a whole, and what a wrong answer or a dead p0f could come from.
CORE = {"daemon/" + name for name in (
    "core/loop.c", "http/cache_fields.c", "lookup/admission.c", "lookup/cache.c", "lookup/fetch.c",
    "lookup/flight.c", "lookup/host_record.c", "lookup/lookup.c", "lookup/recall.c", "p0f/fair_queue.c", "p0f/link.c",
    "p0f/pool.c")}


def must_hold(name):
    return name.startswith("lib/") or name in CORE


def summary(directory):
    """gcovr's, of each file."""
    gcovr = ["gcovr", "--root", ROOT, "--filter", "lib/", "--filter", "daemon/",
             "--json-summary", "-", directory]
    told = subprocess.run(gcovr, cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return json.loads(told.stdout)


def percent(covered, total):
    return 100.0 * covered / total if total else 100.0


def row(name, counts):
    lines = percent(counts["line_covered"], counts["line_total"])
    branches = percent(counts["branch_covered"], counts["branch_total"])
    missed = counts["line_total"] - counts["line_covered"]
    return (f"{name:<28} {lines:6.1f} % of {counts['line_total']:4} lines, {missed:3} not run;"
            f" {branches:6.1f} % of {counts['branch_total']:4} branches")


def main():
    whole = summary(sys.argv[1])
    files = sorted(whole["files"],
                   key=lambda f: (percent(f["line_covered"], f["line_total"]), f["filename"]))
    assert files, f"{sys.argv[1]} holds no counters"
    behind = []
    for file in files:
        name = file["filename"]
        low = must_hold(name) and percent(file["line_covered"], file["line_total"]) < LEAST
        behind += [name] if low else []
        print(row(name, file) + (" <- too few" if low else ""))
    print(row("all", whole))
    if behind:
        sys.exit(f"less than {LEAST} % of the lines of {', '.join(behind)} were run")


if __name__ == "__main__":
    main()
