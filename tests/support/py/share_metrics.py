# SPDX-License-Identifier: MIT
"""What /metrics says about the shared tier."""

from waiting import wait_until

_PREFIX = "p0f_lookupd_share_"


def read(daemon):
    """Each of its metrics by name, without what all have in common; of one with a label, the name and the label's
    value: {"up": 1, "reads_total found": 3, ...}."""
    found = {}
    for line in daemon.get("/metrics").body.decode().splitlines():
        if line.startswith(_PREFIX):
            name, value = line[len(_PREFIX):].rsplit(" ", 1)
            name, _, label = name.rstrip('"}').partition("{")
            found[f"{name} {label.partition(chr(34))[2]}".strip()] = float(value)
    return found


def count(daemon, name):
    return read(daemon)[name]


def wait_for(daemon, name, least=1):
    """Until it has been counted that often."""
    wait_until(lambda: count(daemon, name) >= least, f"{name} to be {least}")


def wait_until_up(daemon):
    wait_until(lambda: count(daemon, "up"), "the tier to be up")
