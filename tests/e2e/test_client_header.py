# SPDX-License-Identifier: MIT
"""http.client_header: the field in which trusted proxies name the client. Sent by us, with all that a proxy could
send; and by the real nginx, to which visitors send all that could make its own element mean something else."""

import pytest

import loopback
import nginx
from daemon import Daemon, free_port
from fake_p0f import FakeP0f
from http_client import fetch, open_socket, parse, read_all
from problems import assert_problem

PEER = "127.0.0.1"
TRUSTED = [PEER, "192.0.2.0/24", "2001:db8:aa::/48"]
CLIENT, HOP, FORGED = "198.51.100.1", "192.0.2.1", "203.0.113.6"
NOBODY = None           # the field names no one: the peer, and over a unix socket there is no client


def _serve(scratch, header, trusted=TRUSTED, settings=None):
    """A daemon, which listens on a unix socket, too, and its p0f."""
    fake = FakeP0f(f"{scratch}/p0f.sock")
    return fake, Daemon(scratch, fake.path, {"http.client_header": header, "http.trusted_proxies": ", ".join(trusted),
                                             "p0f.first_contact_wait": "0", **(settings or {})},
                        also_listen=[f"unix:{scratch}/http.sock"])


def _send(endpoint, lines, source=None, target="/self"):
    with open_socket(endpoint, source=source) as sock:
        text = "".join(f"{line}\r\n" for line in lines)
        sock.sendall(f"GET {target} HTTP/1.0\r\n{text}\r\n".encode("latin-1"))
        return parse(read_all(sock), target=target)


def _whom(answer):
    """Whom /self is about, or NOBODY."""
    if answer.status == 400:
        assert answer.json()["type"].endswith(":bad-address"), answer
        return NOBODY
    assert answer.status == 404, answer
    return answer.json()["ip"]


# -- Forwarded -------------------------------------------------------------------------------------

FORWARDED = [
    (NOBODY,),
    (CLIENT, f"for={CLIENT}"),
    (CLIENT, f"for={FORGED}, for={CLIENT};proto=http;by={HOP}"),
    (CLIENT, f"for={FORGED},for={CLIENT},for={HOP}"),
    (CLIENT, f"by={HOP};FOR=\"{CLIENT}:4711\""),
    ("2001:db8::1", 'For="[2001:db8::1]:_obfuscated"'),
    ("2001:db8::1", 'for="[2001:db8::1]", for="[2001:db8:aa::1]:80"'),
    (CLIENT, f'for={CLIENT};secret="a, for={FORGED}, \\"b\\" \\\\"'),
    (CLIENT, f"for={FORGED}, for={CLIENT}, , for={HOP},"),
    (CLIENT, f"for={FORGED}", f"for={CLIENT}", f"for={HOP}"),
    (HOP, f"for={CLIENT}, for=unknown, for={HOP}"),
    (HOP, f"for={CLIENT}", "for=\"", f"for={HOP}"),
    (HOP, f"for={HOP}"),
    (NOBODY, f"for={FORGED}, for=_hidden"),
    (NOBODY, f'for={FORGED}, for="_hidden:_port"'),
    (NOBODY, f"for={FORGED}, proto=https"),
    (NOBODY, f"for={FORGED}, for={CLIENT};for={CLIENT}"),
    (NOBODY, f"for={FORGED}, {CLIENT}"),
    (NOBODY, f'for={FORGED}, for="{CLIENT}'),
    (NOBODY, f'for={FORGED}, for={CLIENT};proto='),
    (NOBODY, f'for={FORGED}, for={CLIENT} x'),
    # As some proxies send it
    ("2001:db8::1", "for=[2001:db8::1]:80"),
    ("2001:db8::1", "for=2001:db8::1"),
    (CLIENT, f"for={CLIENT}:4711; proto=https; host=example.org:80"),
    ("fe80::1", 'for="[fe80::1%eth0]"'),
]

ADDRESS = [
    (NOBODY,),
    (CLIENT, CLIENT),
    (CLIENT, f" {CLIENT}:80 "),
    ("2001:db8::1", "[2001:DB8::1]:80"),
    ("fe80::1", "fe80::1%eth0"),
    (HOP, HOP),
    (CLIENT, FORGED, CLIENT, HOP, ""),
    (HOP, FORGED, "unknown", HOP),
    (NOBODY, f"{FORGED}, {CLIENT}"),
    (NOBODY, f"{CLIENT},"),
    (NOBODY, FORGED, f"for={CLIENT}"),
    (NOBODY, "unknown"),
]

# (the setting, what is sent)
FIELDS = [("Forwarded", FORWARDED), ("x-real-IP", ADDRESS), ("CF-Connecting-IP", ADDRESS)]


@pytest.mark.parametrize("header, rows", FIELDS, ids=[header for header, _ in FIELDS])
def test_whom_a_field_names(scratch, header, rows):
    others = [f"{name}: for={FORGED}" if name == "Forwarded" else f"{name}: {FORGED}"
              for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP")
              if name.lower() != header.lower()]
    fake, daemon = _serve(scratch, header)
    with fake, daemon:
        daemon.wait_for_p0f()
        for client, *fields in rows:
            for name in (header, header.upper()):
                lines = [f"{name}: {field}" for field in fields] + others
                assert _whom(_send(daemon.endpoint, lines)) == (client or PEER), lines
                assert _whom(_send(f"{scratch}/http.sock", lines)) == client, lines


def test_who_else_sends_it_is_not_believed(scratch):
    fake, daemon = _serve(scratch, "Forwarded", ["192.0.2.1"])
    with fake, daemon:
        daemon.wait_for_p0f()
        assert _whom(_send(daemon.endpoint, [f"Forwarded: for={FORGED}"])) == PEER


def test_lookups_are_counted_by_that_client(scratch):
    """It is the client of all requests, not only of /self: each may repeat so many queries for itself."""
    fake, daemon = _serve(scratch, "X-Real-IP", settings={"p0f.max_repeat_rate_per_client": "1"})
    with fake, daemon:
        daemon.wait_for_p0f()
        spent = {}
        for client in ("198.51.100.1", "198.51.100.2"):
            headers = {"X-Real-IP": client, "Cache-Control": "no-cache"}
            states = [daemon.host("203.0.113.1", headers=headers)["Cache-Status"] for _ in range(80)]
            spent[client] = sum("rate-limited" not in state for state in states)
        assert spent["198.51.100.2"] > 0, spent
        assert spent["198.51.100.1"] < 80, spent


def test_the_problem_over_a_unix_socket_names_the_field(scratch):
    fake, daemon = _serve(scratch, "CF-Connecting-IP")
    with fake, daemon:
        daemon.wait_for_p0f()
        problem = assert_problem(fetch(f"{scratch}/http.sock", "/self"), 400, "bad-address")
        assert problem["detail"].endswith("without a client address in CF-Connecting-IP")


# -- sent by nginx ---------------------------------------------------------------------------------

# As in nginx's documentation ("Using the Forwarded header"): what a visitor sends is appended to if it is valid.
ELEMENT = r"""
    map $remote_addr $proxy_forwarded_elem {
        ~^[0-9.]+$          "for=$remote_addr";
        ~^[0-9A-Fa-f:.]+$   "for=\"[$remote_addr]\"";
        default             "for=unknown";
    }
"""
APPENDED = r"""
    map $http_forwarded $proxy_add_forwarded {
        "~^(,[ \\t]*)*([!#$%&'*+.^_`|~0-9A-Za-z-]+=([!#$%&'*+.^_`|~0-9A-Za-z-]+|\"([\\t \\x21\\x23-\\x5B\\x5D-\\x7E\\x80-\\xFF]|\\\\[\\t \\x21-\\x7E\\x80-\\xFF])*\"))?(;([!#$%&'*+.^_`|~0-9A-Za-z-]+=([!#$%&'*+.^_`|~0-9A-Za-z-]+|\"([\\t \\x21\\x23-\\x5B\\x5D-\\x7E\\x80-\\xFF]|\\\\[\\t \\x21-\\x7E\\x80-\\xFF])*\"))?)*([ \\t]*,([ \\t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+=([!#$%&'*+.^_`|~0-9A-Za-z-]+|\"([\\t \\x21\\x23-\\x5B\\x5D-\\x7E\\x80-\\xFF]|\\\\[\\t \\x21-\\x7E\\x80-\\xFF])*\"))?(;([!#$%&'*+.^_`|~0-9A-Za-z-]+=([!#$%&'*+.^_`|~0-9A-Za-z-]+|\"([\\t \\x21\\x23-\\x5B\\x5D-\\x7E\\x80-\\xFF]|\\\\[\\t \\x21-\\x7E\\x80-\\xFF])*\"))?)*)?)*$" "$http_forwarded, $proxy_forwarded_elem";
        default "$proxy_forwarded_elem";
    }
"""
# As in p0f-lookupd.conf(5).
MANUAL = r"""
    map $remote_addr $forwarded {
        ~:      "for=\"[$remote_addr]\"";
        default "for=$remote_addr";
    }
"""

# (the setting, what stands outside of the server, what the field is set to)
PROXIES = {
    "documented": ("Forwarded", ELEMENT + APPENDED, "Forwarded $proxy_add_forwarded"),
    # Nothing of what a visitor sends is looked at.
    "appended": ("Forwarded", ELEMENT, 'Forwarded "$http_forwarded, $proxy_forwarded_elem"'),
    "our manual": ("Forwarded", MANUAL, "Forwarded $forwarded"),
    "X-Real-IP": ("X-Real-IP", "", "X-Real-IP $remote_addr"),
    "X-Forwarded-For": ("X-Forwarded-For", "", "X-Forwarded-For $proxy_add_x_forwarded_for"),
}

CONFIG = """
    {outside}
    server {{
        listen 127.0.0.1:@port@;
        listen [::1]:@port@;
        location / {{
            proxy_pass http://127.0.0.1:{port};
            proxy_set_header {field};
        }}
    }}
"""

PRETENCES = [
    (), (f"for={FORGED}",), (FORGED,), (f"for={FORGED}", f"for={FORGED}"), (f"for={FORGED}, for={PEER}",),
    ("",), (",",), (f"for={FORGED},",), ("for=unknown",), ('"',), ("\\",), ('x="',), ('x="\\',), (f'for={FORGED};x="',),
    (f'for={FORGED};x="\\',), (f'for={FORGED};x="\\"',), (f'for="{FORGED}',), (f'for="{FORGED}\\',),
    (f'for={FORGED};x="a', 'b"'), (f'for={FORGED};x="", y="',), (f'for={FORGED};x=', '"'), ("for=",), (f"for={FORGED};",),
    (f"for={FORGED};by",), ("\xff\"",), ('"' * 101,), ("\\" * 101,), (f"{FORGED}, 127.0.0.1",), ("unknown",),
]


@pytest.mark.parametrize("proxy", PROXIES)
def test_what_a_visitor_sends_through_nginx_changes_nothing(scratch, proxy):
    header, outside, field = PROXIES[proxy]
    visitor = f"{loopback.NETWORK}.11.1"
    fake, daemon = _serve(scratch, header, [PEER])
    with fake, daemon, nginx.Nginx(scratch, CONFIG.format(outside=outside, port=daemon.port, field=field),
                                   free_port()) as server:
        daemon.wait_for_p0f()
        port = server.endpoint[1]
        for pretence in PRETENCES:
            lines = [f"{header}: {value}" for value in pretence]
            assert _whom(_send(("127.0.0.1", port), lines, source=visitor)) == visitor, lines
            assert _whom(_send(("::1", port), lines)) == "::1", lines


# -- the hint in the log ---------------------------------------------------------------------------

# For each kind: what is sent, and what is said of it.
HINTS = {
    "X-Forwarded-For": [
        ([], "({peer}) without an address in X-Forwarded-For: if a proxy sent it, the proxy must add its client's address "
             "(in nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;); if you did, ignore this"),
        ([f"{FORGED}, unknown"], "({peer}) with something in X-Forwarded-For that is not an address: the proxy must add "
                                 "its client's address (in nginx: "),
        ([f"{HOP}, {HOP}"], "({peer}) with only trusted proxies in X-Forwarded-For: unless one of them is the client, "
                            "http.trusted_proxies is too wide"),
    ],
    "forwarded": [
        ([","], "({peer}) without an address in forwarded: if a proxy sent it, the proxy must add its client's address "
                "(for=ADDRESS; p0f-lookupd.conf(5) has an example for nginx)"),
        ([FORGED], "({peer}) with something in forwarded that is not an address"),
        ([f"for={HOP}"], "({peer}) with only trusted proxies in forwarded"),
    ],
    "X-Real-IP": [
        ([""], "({peer}) without an address in X-Real-IP: if a proxy sent it, the proxy must add its client's address "
               "(in nginx: proxy_set_header X-Real-IP $remote_addr;)"),
        ([f"{FORGED}, {CLIENT}"], "({peer}) with something in X-Real-IP that is not an address"),
        ([HOP], "({peer}) with only trusted proxies in X-Real-IP"),
    ],
}
ORIGIN = "came from a trusted proxy"


@pytest.mark.parametrize("header", HINTS)
@pytest.mark.parametrize("target", ["/self", "/forward-auth"])
def test_a_proxy_that_seems_to_be_the_client_is_logged_once(scratch, header, target):
    fake, daemon = _serve(scratch, header, settings={"http.access_log": "yes"})
    with fake, daemon:
        daemon.wait_for_p0f()
        good = f"for={CLIENT}" if header == "forwarded" else CLIENT
        _send(daemon.endpoint, [f"{header}: {good}"], target=target)
        _send(f"{scratch}/http.sock", [f"{header}: {good}"], target=target)
        daemon.host(CLIENT)     # /host is not about its client
        daemon.wait_for_log()
        assert "a request to" not in daemon.log()
        for fields, words in HINTS[header]:
            expected = f"a request to {target} {ORIGIN} {words.format(peer=PEER)}"
            over_unix = f"a request to {target} came over a unix socket{words.format(peer='')[2:]}"
            for _ in range(3):
                for endpoint in (daemon.endpoint, f"{scratch}/http.sock"):
                    _send(endpoint, [f"{header}: {field}" for field in fields], target=target)
            daemon.wait_for_log()
            assert daemon.log().count(expected) == 1, daemon.log()
            assert daemon.log().count(over_unix) == 1, daemon.log()
        assert daemon.log().count("a request to") == 2 * len(HINTS[header]), daemon.log()
        hints = [line for line in daemon.log().splitlines() if "a request to" in line]
        for address in (CLIENT, FORGED, HOP):
            assert address not in "".join(hints), hints


def test_a_proxy_that_is_not_trusted_is_logged_once(scratch):
    fake, daemon = _serve(scratch, "X-Forwarded-For", ["192.0.2.1"], settings={"http.access_log": "yes"})
    with fake, daemon:
        daemon.wait_for_p0f()
        _send(daemon.endpoint, [])
        daemon.wait_for_log()
        assert "a request to" not in daemon.log()
        for _ in range(3):
            _send(daemon.endpoint, [f"X-Forwarded-For: {CLIENT}"], target="/forward-auth")
        daemon.wait_for_log()
        hints = [line for line in daemon.log().splitlines() if "a request to" in line]
        assert len(hints) == 1, hints
        assert hints[0].endswith("a request to /forward-auth came with X-Forwarded-For, which was ignored, as the peer is "
                                 "not in http.trusted_proxies: add it there if it is your proxy")
