# SPDX-License-Identifier: MIT
"""What p0f concluded, read from its log (-o): a record that owes nothing to its API.

p0f logs every conclusion the moment it draws it, and keeps the last one of each kind.
"""

import calendar
import ipaddress
import re
import time

_LINE = re.compile(r"\[([^]]*)\] mod=([^|]*)\|cli=([^|]*)/\d+\|srv=([^|]*)/\d+\|subj=(cli|srv)\|"
                   r"(.*)")
_UPTIME = re.compile(r"(\d+) days (\d+) hrs (\d+) min \(modulo (\d+) days\)")


def _new_host():
    # 255 is an unknown distance: p0f's README says -1, but it keeps that in an unsigned byte.
    return {"first_seen": 0, "last_seen": 0, "total_conn": 0, "uptime_min": 0, "up_mod_days": 0,
            "last_nat": 0, "last_chg": 0, "distance": 255, "bad_sw": 0, "os_match_q": 0,
            "os": "", "http": "", "link_type": "", "language": ""}


def _lines(path):
    """The parts of every complete line: p0f may be in the middle of writing the last one."""
    with open(path, encoding="utf-8") as log:
        for line in log:
            if line.endswith("\n"):
                yield _LINE.fullmatch(line.rstrip("\n")).groups()


def finished(path):
    """How many conversations came to the end of their HTTP answer."""
    return sum(module == "http response" for _, module, *_ in _lines(path))


def hosts(path):
    """A dict of address -> what the log says; `os` and `http` are name and flavor in one."""
    found = {}
    for when, module, client, server, subject, rest in _lines(path):
        at = calendar.timegm(time.strptime(when, "%Y/%m/%d %H:%M:%S"))
        # Values may hold '=', and in raw signatures '|' never occurs.
        fields = dict(field.split("=", 1) for field in rest.split("|"))
        ends = [found.setdefault(str(ipaddress.ip_address(end)), _new_host())
                for end in (client, server)]
        host = ends[0 if subject == "cli" else 1]
        if module == "syn":
            for end in ends:
                end["first_seen"] = end["first_seen"] or at
                end["last_seen"] = at
                end["total_conn"] += 1
        _apply(host, module, at, fields, subject == "cli")
    return found


def _apply(host, module, at, fields, is_client):
    if module in ("syn", "syn+ack"):
        host["distance"] = int(fields["dist"])
        if fields["os"] != "???":
            host["os"] = fields["os"]
            flags = fields["params"].split()
            host["os_match_q"] = ("fuzzy" in flags) * 1 + ("generic" in flags) * 2
    elif module == "mtu" and fields["link"] != "???":
        host["link_type"] = fields["link"]
    elif module == "uptime":
        days, hours, minutes, modulo = map(int, _UPTIME.fullmatch(fields["uptime"]).groups())
        host["uptime_min"] = (days * 24 + hours) * 60 + minutes
        host["up_mod_days"] = modulo
    elif module == "ip sharing":
        host["last_nat"] = at
    elif module == "host change":
        host["last_chg"] = at
    elif module in ("http request", "http response"):
        if fields["app"] != "???":
            host["http"] = fields["app"]
            if "dishonest" in fields["params"].split():
                host["bad_sw"] = 2
        if fields["lang"] not in ("none", "???"):
            host["language"] = fields["lang"]
    if "ua_vs_os" in fields.get("reason", "").split() and is_client and not host["bad_sw"]:
        host["bad_sw"] = 1
