# SPDX-License-Identifier: MIT
"""Whom odd X-Forwarded-For fields from a trusted proxy are taken to name: each is sent to /self, and to
the real nginx with real_ip_recursive on, over TCP and over a unix socket. Where the two differ, the
contract is right, and the row says what nginx makes of it."""

import collections

import pytest

import nginx
from daemon import Daemon, free_port
from fake_p0f import FakeP0f
from http_client import open_socket, parse, read_all

PEER = "127.0.0.1"
TRUSTED = ["127.0.0.0/8", "192.0.2.0/24", "2001:db8:aa::/48"]
VISITOR, HOP, FORGED = "198.51.100.1", "192.0.2.1", "203.0.113.6"
NOBODY = None           # the field names no one: the peer, and over a unix socket there is no client

# `client` is whom we take the fields to name, `nginx` whom nginx does; `why` they differ.
Row = collections.namedtuple("Row", "fields client nginx why")


def _same(client, *fields):
    return Row(fields, client, client, None)


def _differs(client, nginx_says, why, *fields):
    return Row(fields, client, nginx_says, why)


SPACES = "nginx takes a space for a comma"
TABS = "nginx takes a tab for a part of the entry"
EMPTY_FIELD = "nginx ends the walk at an empty field"
FIRST_EMPTY = "nginx takes a comma at the beginning of a field for a part of the entry"
ZONES = "nginx knows no zones"
BRACKETS = "nginx knows brackets around an IPv6 address with a port only"
PORT_0 = "nginx has ports from 1"

ROWS = [
    # Nothing of note
    _same(NOBODY),
    _same(VISITOR, VISITOR),
    _same(VISITOR, f"{VISITOR}, {HOP}"),
    _same(VISITOR, f"{FORGED}, {VISITOR}"),
    _same(VISITOR, f"{FORGED}, {VISITOR}, {HOP}, 127.0.0.7"),
    _same(VISITOR, f"{FORGED},{VISITOR},{HOP}"),
    _same(HOP, HOP),
    _same(HOP, f"{HOP}, 127.0.0.7"),
    _same("2001:db8::1", "2001:DB8:0::1"),
    _same("2001:db8::1", f"{FORGED}, 2001:db8::1, 2001:db8:aa::1"),
    # What is not an address ends the walk
    _same(NOBODY, "unknown"),
    _same(NOBODY, f"{FORGED}, unknown"),
    _same(HOP, f"{FORGED}, unknown, {HOP}"),
    _same(VISITOR, f"unknown, {VISITOR}, {HOP}"),
    _same(NOBODY, f"{FORGED}, _hidden"),
    _same(NOBODY, f"{FORGED}, -"),
    _same(NOBODY, f"{FORGED}, unix:"),
    _same(NOBODY, f"{FORGED}, 192.0.2"),
    _same(NOBODY, f"{FORGED}, {VISITOR}.1"),
    _same(NOBODY, f"{FORGED}, 198.51.100.256"),
    _same(NOBODY, f"{FORGED}, {VISITOR}/32"),
    _same(NOBODY, f"{FORGED}, for={VISITOR}"),
    _same(NOBODY, f"{FORGED}, {VISITOR};{VISITOR}"),
    _same(NOBODY, f"{FORGED}, 2001:db8:::1"),
    _same(NOBODY, f"{FORGED}, \xff\xfe"),
    _same(NOBODY, f"{FORGED}, {'x' * 1000}"),
    _same(NOBODY, f"{FORGED}, 0x7f000001"),
    _same(NOBODY, f"{FORGED}, 3325256705"),
    # Quotes
    _same(NOBODY, f'{FORGED}, "{VISITOR}"'),
    _same(HOP, f'{FORGED}, "{VISITOR}", {HOP}'),
    _same(NOBODY, f"{FORGED}, '{VISITOR}'"),
    _same(NOBODY, f'"{FORGED}, {VISITOR}"'),
    # Ports
    _same(VISITOR, f"{FORGED}, {VISITOR}:4711, {HOP}:80"),
    _same("2001:db8::1", f"{FORGED}, [2001:db8::1]:4711"),
    _same("2001:db8::80", "2001:db8::80"),
    _same(NOBODY, f"{FORGED}, {VISITOR}:"),
    _same(NOBODY, f"{FORGED}, {VISITOR}:65536"),
    _same(NOBODY, f"{FORGED}, {VISITOR}:8x"),
    _same(NOBODY, f"{FORGED}, {VISITOR}:80:80"),
    _same(NOBODY, f"{FORGED}, :80"),
    _differs(VISITOR, NOBODY, PORT_0, f"{FORGED}, {VISITOR}:0"),
    # Brackets
    _differs("2001:db8::1", HOP, BRACKETS, f"{FORGED}, [2001:db8::1], {HOP}"),
    _same(NOBODY, f"{FORGED}, [2001:db8::1"),
    _same(NOBODY, f"{FORGED}, 2001:db8::1]"),
    _same(NOBODY, f"{FORGED}, [2001:db8::1]80"),
    _same(NOBODY, f"{FORGED}, [2001:db8::1]:"),
    _same(NOBODY, f"{FORGED}, []"),
    _differs(VISITOR, NOBODY, BRACKETS, f"{FORGED}, [{VISITOR}]"),
    # Zones
    _differs("fe80::1", NOBODY, ZONES, f"{FORGED}, fe80::1%eth0"),
    _differs("fe80::1", NOBODY, ZONES, f"{FORGED}, [fe80::1%25eth0]:80"),
    _differs(VISITOR, NOBODY, ZONES, f"{VISITOR}, 2001:db8:aa::1%1"),
    _same(NOBODY, f"{FORGED}, {VISITOR}%eth0"),
    # IPv4 in IPv6
    _same(VISITOR, f"::ffff:{VISITOR}, ::ffff:{HOP}"),
    # Blanks
    _same(VISITOR, f"   {FORGED} ,  {VISITOR} , {HOP}   "),
    _differs(NOBODY, VISITOR, SPACES, f"{FORGED} {VISITOR}"),
    _differs(HOP, VISITOR, SPACES, f"{FORGED}, x {VISITOR}, {HOP}"),
    _differs(VISITOR, NOBODY, TABS, f"{FORGED},\t{VISITOR}"),
    _differs(VISITOR, HOP, TABS, f"{FORGED}, {VISITOR}\t,{HOP}"),
    # Empty entries
    _same(NOBODY, ""),
    _same(VISITOR, f"{FORGED},,{VISITOR}, ,{HOP},"),
    _differs(VISITOR, NOBODY, FIRST_EMPTY, f",{VISITOR},,"),
    _same(NOBODY, ", ,"),
    # Several fields
    _same(VISITOR, FORGED, VISITOR),
    _same(VISITOR, FORGED, VISITOR, HOP),
    _same(VISITOR, f"{FORGED}, {VISITOR}", f"{HOP}, {HOP}"),
    _same(HOP, FORGED, "unknown", HOP),
    _same(NOBODY, FORGED, f"{VISITOR}, unknown"),
    _differs(VISITOR, NOBODY, EMPTY_FIELD, f"{FORGED}, {VISITOR}", ""),
    # Many
    _same(VISITOR, ", ".join([FORGED, VISITOR] + [HOP] * 200)),
    _same(HOP, ", ".join([FORGED, "unknown"] + [HOP] * 200)),
    _same(VISITOR, *[FORGED] * 200, VISITOR),
    _same(VISITOR, VISITOR, *[HOP] * 100),
]

CONFIG = """
    server {{
        listen 127.0.0.1:@port@;
        listen unix:{path};
        {trusted}
        set_real_ip_from unix:;
        real_ip_header X-Forwarded-For;
        real_ip_recursive on;
        client_header_buffer_size 16k;
        large_client_header_buffers 4 16k;
        location / {{ return 200 $remote_addr; }}
    }}
"""


@pytest.fixture(name="lab", scope="module")
def _lab(module_scratch):
    """{"tcp": (daemon's endpoint, nginx's), "unix": …}"""
    ours, theirs = f"{module_scratch}/http.sock", f"{module_scratch}/nginx.sock"
    config = CONFIG.format(path=theirs, trusted=" ".join(f"set_real_ip_from {n};" for n in TRUSTED))
    with FakeP0f(f"{module_scratch}/p0f.sock") as fake, \
            Daemon(module_scratch, fake.path, {"http.trusted_proxies": ", ".join(TRUSTED),
                                               "p0f.first_contact_wait": "0"},
                   also_listen=[f"unix:{ours}"]) as daemon, \
            nginx.Nginx(module_scratch, config, free_port()) as server:
        daemon.wait_for_p0f()
        yield {"tcp": (daemon.endpoint, server.endpoint), "unix": (ours, theirs)}


def _send(endpoint, target, fields):
    lines = "".join(f"X-Forwarded-For: {field}\r\n" for field in fields)
    with open_socket(endpoint) as sock:
        sock.sendall(f"GET {target} HTTP/1.0\r\n{lines}\r\n".encode("latin-1"))
        return read_all(sock)


def _ours(endpoint, fields):
    answer = parse(_send(endpoint, "/self", fields), target="/self")
    if answer.status == 400:
        assert answer.json()["type"].endswith(":bad-address"), answer
        return "unix:"
    assert answer.status == 404, answer
    return answer.json()["ip"]


def _nginxs(endpoint, fields):
    head, _, body = _send(endpoint, "/", fields).partition(b"\r\n\r\n")
    assert b" 200 " in head, head
    return body.decode().removeprefix("::ffff:")


@pytest.mark.parametrize("over, nobody", [("tcp", PEER), ("unix", "unix:")])
@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_whom_it_is_about(lab, row, over, nobody):
    ours, theirs = lab[over]
    assert _ours(ours, row.fields) == (row.client or nobody)
    assert _nginxs(theirs, row.fields) == (row.nginx or nobody)


def test_each_difference_has_a_reason():
    assert len(ROWS) >= 50
    for row in ROWS:
        assert (row.why is None) == (row.client == row.nginx), row
