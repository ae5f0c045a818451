# SPDX-License-Identifier: MIT
"""What the daemon must make of an answer of p0f, worked out independently from the contract."""

import datetime

import p0f_wire

PARSED = ["ip", "first_seen", "last_seen", "total_conn", "uptime_min", "uptime_sec", "uptime",
          "up_mod_days", "last_nat", "last_chg", "distance", "bad_sw", "os_match_q",
          "os_name", "os_flavor", "http_name", "http_flavor", "link_type", "language"]


def text(data):
    """UTF-8, or Latin-1 where it is not UTF-8."""
    data = data.encode() if isinstance(data, str) else data
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def moment(seconds):
    if seconds == 0:
        return None
    at = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(minutes):
    """ISO 8601 in days, hours and minutes, without parts that are zero."""
    if minutes == 0:
        return None
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    date = f"{days}D" if days else ""
    time = (f"{hours}H" if hours else "") + (f"{minutes}M" if minutes else "")
    return "P" + date + ("T" + time if time else "")


def _extras(answer, dialect):
    return {name: answer[name] for name, _ in p0f_wire.EXTRAS[dialect]}


def raw(ip, answer, dialect="p0f3"):
    """The members of a raw answer; `answer` is what p0f_wire.unpack_answer returned."""
    members = {"ip": ip}
    for name in p0f_wire.PLAIN:
        members[name] = text(answer[name]) if name in p0f_wire.STRINGS else answer[name]
    return {**members, **_extras(answer, dialect)}


def parsed(ip, answer, dialect="p0f3"):
    """The members of a parsed answer."""
    minutes = answer["uptime_min"]
    members = {
        "ip": ip,
        "first_seen": moment(answer["first_seen"]),
        "last_seen": moment(answer["last_seen"]),
        "total_conn": answer["total_conn"],
        "uptime_min": minutes or None,
        "uptime_sec": minutes * 60 or None,
        "uptime": duration(minutes),
        "up_mod_days": duration(answer["up_mod_days"] * 24 * 60),
        "last_nat": moment(answer["last_nat"]),
        "last_chg": moment(answer["last_chg"]),
        "distance": None if answer["distance"] in (255, -1) else answer["distance"],
        "bad_sw": answer["bad_sw"] or None,
        "os_match_q": answer["os_match_q"],
    }
    for name in p0f_wire.STRINGS:
        members[name] = text(answer[name]) or None
    extras = {name: value if name == "version" else value or None
              for name, value in _extras(answer, dialect).items()}
    return {**members, **extras}


def header_fields(host):
    """The X-P0F- header fields of an answer, by what is behind that, before they are made safe. HTTP
    strips blanks around them, and those at the front are encoded."""
    texts = {name: text(host[name]) for name in p0f_wire.STRINGS}
    together = {kind: texts[kind + "_name"] and f"{texts[kind + '_name']} {texts[kind + '_flavor']}"
                for kind in ("os", "http")}
    fields = {
        "OS": together["os"], "OS-Name": texts["os_name"], "OS-Flavor": texts["os_flavor"],
        "HTTP": together["http"], "Link": texts["link_type"], "Language": texts["language"],
        "Distance": "" if host["distance"] in (-1, 255) else str(host["distance"]),
        "Uptime-Min": str(host["uptime_min"] or ""), "NAT": moment(host["last_nat"]),
        "Bad-SW": str(host["bad_sw"] or ""), "Match-Quality": str(host["os_match_q"]),
    }
    return {"Status": "ok", **{name: (value or "").rstrip(" ") for name, value in fields.items()}}


def no_header_fields(status):
    """The same where there is no answer, for that reason."""
    empty = p0f_wire.unpack_answer(p0f_wire.pack_answer())
    return {**{name: "" for name in header_fields(empty)}, "Status": status}
