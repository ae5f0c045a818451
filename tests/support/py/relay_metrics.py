# SPDX-License-Identifier: MIT
"""What /metrics says about the relay."""

from waiting import wait_until

_PREFIX = "p0f_lookupd_relay_"


def read(daemon):
    """Each of its metrics, by name, with its labels but without what all have in common."""
    lines = daemon.get("/metrics").body.decode().splitlines()
    return {name[len(_PREFIX):]: int(value) for name, value in
            (line.rsplit(" ", 1) for line in lines if line.startswith(_PREFIX))}


def queries(daemon):
    """How many have ended, by result."""
    found = read(daemon)
    return {name.split('"')[1]: count for name, count in found.items() if name.startswith("queries_total")}


def wait_for_connections(daemon, count):
    wait_until(lambda: read(daemon)["connections"] == count, f"the relay to have {count} connections")


def wait_for_nobody(daemon):
    """Until all clients have gone, and nothing is looked up for them any more."""
    wait_for_connections(daemon, 0)
    wait_until(lambda: read(daemon)["lookups_pending"] == 0, "no lookup to be pending")
