# SPDX-License-Identifier: MIT
"""/forward-auth: what is known of a visitor as header fields, for a web server to pass on. It is always a
200, so that nobody is turned away from a site for what we do not know, and all fields are there, so that
nothing a visitor makes up is left in their place."""

import urllib.parse

import pytest

import host_json
import loopback
import p0f_wire
from daemon import Daemon
from fake_p0f import FakeP0f, Reply
from http_client import fetch, fetch_target, open_socket, parse
from problems import assert_problem
from real_p0f import RealP0f
from waiting import wait_until

VISITOR = "198.51.100.1"
ANEW = {"Cache-Control": "no-cache"}
NO_MATCH, ERROR = map(host_json.no_header_fields, ("no-match", "error"))
FULL = {"os_name": "Linux", "os_flavor": "3.11 and newer", "http_name": "Firefox",
        "http_flavor": "10.x or newer", "link_type": "DSL", "language": "English", "distance": 11,
        "uptime_min": 12345, "last_nat": 1_700_000_000, "bad_sw": 2, "os_match_q": 3}


def _fields(answer):
    """The X-P0F- fields of a 200, as they came."""
    assert answer.status == 200, answer
    assert answer.body == b""
    assert answer["Content-Length"] == "0"
    assert answer["Cache-Control"] == "no-store"
    found = [(name[6:], value) for name, value in answer.headers.items()
             if name.startswith("X-P0F-")]
    assert len(dict(found)) == len(found), f"a field is there twice: {found}"
    for _, value in found:
        assert value == value.strip() and all(" " <= c <= "~" for c in value), value
    assert [name for name, _ in found] == list(NO_MATCH)
    return dict(found)


def _decoded(answer):
    return {name: urllib.parse.unquote(value, errors="strict")
            for name, value in _fields(answer).items()}


def _ask(daemon, address=VISITOR, path="/forward-auth", headers=None, **options):
    return daemon.get(path, {"X-Forwarded-For": address, **(headers or {})}, **options)


# -- the real p0f ----------------------------------------------------------------------------------

def test_the_fields_are_those_of_p0f(needs_p0f, scratch, serve):
    addresses = [f"{loopback.NETWORK}.8.{number}" for number in (1, 2, 3)]
    with loopback.WebServer() as web, \
            RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            serve(p0f) as daemon:
        loopback.visit(addresses[0], web.address, language="fr", segment_size=1412, hops=3,
                       enough=lambda: (p0f.known(addresses[0]) or {}).get("uptime_min"))
        loopback.visit(addresses[1], web.address, agent="not ELinks at all")
        loopback.connect(addresses[2], web.address).close()
        for address in addresses[:2]:
            p0f.wait_to_know(address)
        wait_until(lambda: p0f.known(addresses[2]), "p0f to see a connection")
        for address in addresses:
            assert _decoded(_ask(daemon, address)) == host_json.header_fields(p0f.ask(address))
        # Else the comparison would prove little.
        first, liar, quiet = (_fields(_ask(daemon, address)) for address in addresses)
        assert first["OS"].startswith("Linux ") and first["OS-Name"] == "Linux"
        assert first["HTTP"].startswith("elinks") or first["HTTP"].startswith("ELinks")
        assert (first["Language"], first["Distance"]) == ("French", "3")
        assert int(first["Uptime-Min"]) > 0
        assert liar["Bad-SW"] == "2"
        assert quiet["HTTP"] == quiet["Bad-SW"] == ""
        assert _fields(_ask(daemon, f"{loopback.NETWORK}.8.99")) == NO_MATCH


def test_the_real_p0f_is_dead(needs_p0f, scratch, serve):
    """Nobody waits for it: p0f.timeout is longer than this test would wait."""
    with RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            serve(p0f, {"p0f.timeout": "1h", "p0f.first_contact_wait": "0"}) as daemon:
        daemon.wait_for_p0f()
        assert _fields(_ask(daemon)) == NO_MATCH
        p0f.kill()
        for _ in range(3):
            assert _fields(_ask(daemon, "198.51.100.2")) == ERROR


# -- everything p0f can say ------------------------------------------------------------------------

def _served(answer):
    """What a fake host looks like as p0f would send it."""
    return p0f_wire.unpack_answer(p0f_wire.pack_answer(**answer))


HOSTS = {
    "198.51.100.10": FULL,
    "198.51.100.11": {},
    "198.51.100.12": {"distance": 0, "os_name": "Windows"},
    "198.51.100.13": {"os_name": b"\xffis\xe9", "os_flavor": "ü%41 \r\nX-Evil: yes"},
    "198.51.100.14": {"http_name": "x" * 32, "http_flavor": "y" * 32, "language": b"\xff" * 32},
    "198.51.100.15": {"link_type": "a\0b", "language": "100 % sure", "os_name": "日本"},
    "198.51.100.16": {"uptime_min": 0xFFFFFFFF, "last_nat": 0xFFFFFFFF, "distance": 32767},
    "198.51.100.17": {"http_name": " ", "language": "\t", "link_type": "  two  ", "distance": 255},
}


@pytest.fixture(name="lab", scope="module")
def _lab(module_scratch):
    unix = f"{module_scratch}/http.sock"
    with FakeP0f(f"{module_scratch}/p0f.sock", HOSTS) as fake, \
            Daemon(module_scratch, fake.path, also_listen=[f"unix:{unix}"]) as daemon:
        daemon.wait_for_p0f()
        yield daemon, unix


@pytest.fixture(name="daemon")
def _daemon(lab):
    return lab[0]


@pytest.mark.parametrize("address", HOSTS)
def test_what_p0f_says_arrives_unharmed(daemon, address):
    answer = _ask(daemon, address)
    assert _decoded(answer) == host_json.header_fields(_served(HOSTS[address]))
    assert answer["X-Evil"] is None


def test_the_example_of_the_contract(daemon):
    fields = _fields(_ask(daemon, "198.51.100.10"))
    assert fields["OS"] == "Linux 3.11 and newer"
    assert fields["NAT"] == "2023-11-14T22:13:20Z"


METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "BREW", "get"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("body", [None, b"{}"])
def test_any_method(daemon, method, body):
    address = "198.51.100.10"
    assert _fields(_ask(daemon, address, method=method, body=body)) == _fields(_ask(daemon, address))


PATHS = ["/", "//", "/index.html", "/host/192.0.2.1", "/a%20b?c=d&format=xml&wait=x", "/%00%zz%", "/%2e%2e/../livez",
         "/?", "?", "?%", "/wp-login.php?redirect_to=https%3A%2F%2Fx", "/\\", "/{x}|^`", "/;a=b,c", "/caf\u00e9",
         "/*", "/" + "x" * 9_000, "?" + "x" * 9_000, "/?" + "a&" * 4_000]


@pytest.mark.parametrize("path", PATHS)
def test_any_path_below_it(daemon, path):
    """Envoy puts the path that the visitor asked for behind ours."""
    lines = ["X-Forwarded-For: 198.51.100.10"]
    answer = fetch_target(daemon.endpoint, f"/forward-auth{path}", *lines)
    assert _fields(answer)["OS-Name"] == "Linux"
    answer = fetch_target(daemon.endpoint, f"/forward-auth{path}", *lines, "Content-Length: 5", method="PUT")
    assert _fields(answer)["OS-Name"] == "Linux"


@pytest.mark.parametrize("path", ["x", "*", "-", "%2F", ".", ";a"])
def test_other_paths(daemon, path):
    assert_problem(fetch_target(daemon.endpoint, f"/forward-auth{path}"), 404, "not-found")


def test_it_is_one_route(daemon):
    """In the metrics, whatever visitors ask for."""
    def counted():
        lines = daemon.get("/metrics").body.decode().splitlines()
        return {line for line in lines if line.startswith("p0f_lookupd_http_requests_total{")
                and "/forward-auth" in line}
    for path in ("", "/x", "/y?z"):
        _fields(_ask(daemon, path=f"/forward-auth{path}"))
    assert all('route="/forward-auth"' in line for line in counted()) and counted()


def test_any_name_of_the_host(daemon):
    for host in ("x", "www.example.com:8443", "EXAMPLE.com.", "[2001:db8::1]:80", "a_b", "192.0.2.1"):
        assert _fields(_ask(daemon, headers={"Host": host}))["Status"] == "no-match"


# -- never in the way ------------------------------------------------------------------------------

@pytest.mark.parametrize("query", ["?format=xml", "?wait=-1", "?wait=x&format=", "?%zz=%00"])
def test_wrong_parameters_are_ignored(daemon, query):
    assert _fields(_ask(daemon, "198.51.100.10", f"/forward-auth{query}"))["Status"] == "ok"


def test_fields_that_are_the_visitors(fake, serve):
    """A web server passes them on: a visitor who reloads, or who has big cookies, or tells of pages
    that it has, is a visitor all the same, and no reason to ask p0f again."""
    fake.hosts[VISITOR] = FULL
    with serve(fake, {"cache.ttl": "1h"}) as daemon:
        daemon.wait_for_p0f()
        for headers in ({"Cache-Control": "only-if-cached"}, {"Cache-Control": "no-cache"},
                        {"Cache-Control": "max-age=0"}, {"If-None-Match": "*"},
                        {"Cookie": "c" * 7_000}, {"Expect": "200-maybe"},
                        {"Authorization": "Basic eDp5"}, {"Range": "bytes=0-1"}):
            assert _fields(_ask(daemon, headers=headers))["OS-Name"] == "Linux"
        assert fake.counts[VISITOR] == 1


@pytest.mark.parametrize("size", [1, 100_000, 3_000_000])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_visitors_body(daemon, size, method):
    """Web servers should keep it to themselves; but not all are told to."""
    answer = _ask(daemon, "198.51.100.10", body=b"x" * size, method=method)
    assert _fields(answer)["Status"] == "ok"


def _head(method="POST", *lines):
    return "\r\n".join([f"{method} /forward-auth/x HTTP/1.1", "Host: x", *lines, "", ""]).encode()


ANNOUNCED = [["Content-Length: 5"], ["Content-Length: 99999999999"], ["Transfer-Encoding: chunked"],
             ["Content-Length: 5", "Expect: 100-continue"],
             ["Transfer-Encoding: chunked", "Expect: 100-continue"]]


@pytest.mark.parametrize("lines", ANNOUNCED, ids=" ".join)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "HEAD", "BREW"])
@pytest.mark.parametrize("remembered", [True, False])
def test_a_body_that_does_not_come(daemon, lines, method, remembered):
    """It is not waited for, nor is what comes in its place a request."""
    address = "198.51.100.10" if remembered else "198.51.100.99"
    _ask(daemon, "198.51.100.10")
    with open_socket(daemon.endpoint) as sock, sock.makefile("rb") as stream:
        sock.sendall(_head(method, f"X-Forwarded-For: {address}", *lines))
        answer = parse(stream.read(), method, "/forward-auth")  # up to its end, as it is closed
        assert answer["Connection"] == "close"
        assert _fields(answer)["Status"] == ("ok" if remembered else "no-match")


def test_a_body_that_is_announced_as_empty(daemon):
    """As Envoy does: no reason to close the connection."""
    with open_socket(daemon.endpoint) as sock, sock.makefile("rb") as stream:
        for method in METHODS * 2:
            sock.sendall(_head(method, "Content-Length: 0"))
            head = b"".join(iter(stream.readline, b"\r\n"))
            assert head.startswith(b"HTTP/1.1 200 ") and b"Connection: close" not in head


# To a visitor's POST /login?next=/x with a body of 7 bytes, as read in the sources of each; not the proxies
# themselves.
PROXIES = {
    "Caddy's forward_auth": """GET /forward-auth HTTP/1.1
Host: www.example.com
User-Agent: Mozilla/5.0
Accept-Encoding: gzip
Content-Type: application/x-www-form-urlencoded
X-Forwarded-For: 198.51.100.10
X-Forwarded-Host: www.example.com
X-Forwarded-Method: POST
X-Forwarded-Proto: https
X-Forwarded-Uri: /login?next=/x""",
    "Traefik's ForwardAuth": """GET /forward-auth HTTP/1.1
Host: p0f-lookupd:5030
User-Agent: Mozilla/5.0
Content-Type: application/x-www-form-urlencoded
Cookie: a=b
X-Forwarded-For: 198.51.100.10
X-Forwarded-Host: www.example.com
X-Forwarded-Method: POST
X-Forwarded-Port: 443
X-Forwarded-Proto: https
X-Forwarded-Server: edge
X-Forwarded-Uri: /login?next=/x
Accept-Encoding: gzip""",
    "Envoy's ext_authz": """POST /forward-auth/login?next=/x HTTP/1.1
host: www.example.com
content-length: 0
x-envoy-internal: true
x-forwarded-for: 198.51.100.10
x-envoy-expected-rq-timeout-ms: 200""",
    "a partial body of Envoy's": """POST /forward-auth/login?next=/x HTTP/1.1
host: www.example.com
content-length: 7
x-envoy-auth-partial-body: false
x-forwarded-for: 198.51.100.10

a=b&c=d""",
    "nginx's auth_request with Content-Length kept": """POST /forward-auth HTTP/1.1
X-Forwarded-For: 198.51.100.10
Host: p0f-lookupd
Content-Length: 7
User-Agent: Mozilla/5.0
Content-Type: application/x-www-form-urlencoded""",
    "the same in HTTP/1.0": """POST /forward-auth HTTP/1.0
Host: p0f-lookupd
Connection: close
Content-Length: 7
X-Forwarded-For: 198.51.100.10""",
}


@pytest.mark.parametrize("proxy", PROXIES)
def test_what_proxies_send(daemon, proxy):
    """With a status that Envoy takes for a yes, and so that the connection may be kept where there can be
    no doubt about where the next request begins."""
    head, _, body = PROXIES[proxy].replace("\n", "\r\n").partition("\r\n\r\n")
    with open_socket(daemon.endpoint) as sock:
        sock.sendall(f"{head}\r\n\r\n{body}".encode())
        received = b""
        while not received.endswith(b"\r\n\r\n"):
            received += sock.recv(4096)
        answer = parse(received, target="/forward-auth")
        assert answer.status == 200 and answer["X-P0F-OS-Name"] == "Linux"
        assert all(answer[f"X-P0F-{name}"] is not None for name in NO_MATCH)
        closes = "length: 7" in head.lower()
        assert (answer["Connection"] == "close") == closes
        assert not closes or sock.recv(1) == b""


def test_what_follows_is_not_a_request(daemon):
    """A body, or what a proxy would take for one, is not served, though it looks like a request."""
    for lines in ANNOUNCED:
        with open_socket(daemon.endpoint) as sock, sock.makefile("rb") as stream:
            sock.sendall(_head("POST", *lines) + _head("GET") * 10)
            assert stream.read().count(b"HTTP/1.1 ") == 1


def test_who_it_is_cannot_be_told(lab):
    _, unix = lab
    assert _fields(fetch(unix, "/forward-auth")) == ERROR
    headers = {"X-Forwarded-For": "198.51.100.10"}
    assert _fields(fetch(unix, "/forward-auth", headers))["Status"] == "ok"


def test_a_visitor_is_not_believed_what_it_says_of_itself(fake, serve):
    fake.hosts.update({VISITOR: FULL, "127.0.0.1": {"os_name": "peer"}})
    with serve(fake, {"http.trusted_proxies": "10.0.0.0/8"}) as daemon:
        daemon.wait_for_p0f()
        assert _fields(_ask(daemon))["OS-Name"] == "peer"


WRONG = {
    "bad magic": Reply(p0f_wire.pack_answer(magic=0x12345678)),
    "bad status": Reply(p0f_wire.pack_answer(status=0x30)),
    "bad query": Reply(p0f_wire.pack_answer(status=p0f_wire.BADQUERY)),
    "bad_sw out of range": {"bad_sw": 3},
    "os_match_q out of range": {"os_match_q": 4},
}


@pytest.mark.parametrize("what", WRONG)
def test_p0f_answers_nonsense(fake, serve, what):
    fake.hosts[VISITOR] = WRONG[what]
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        assert _fields(_ask(daemon)) == ERROR


def test_p0f_does_not_answer(fake, serve):
    with serve(fake, {"p0f.timeout": "300ms"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        assert _fields(_ask(daemon)) == ERROR
        fake.release()


def test_p0f_was_never_there(scratch, serve):
    with serve(f"{scratch}/nothing.sock", {"p0f.timeout": "1h"}) as daemon:
        assert _fields(_ask(daemon)) == ERROR


def test_too_many_lookups(fake, serve):
    with serve(fake, {"p0f.max_pending": "1", "p0f.timeout": "25s"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold("198.51.100.2")
        first = daemon.connect()
        first.request("GET", "/host/198.51.100.2")
        wait_until(lambda: fake.counts["198.51.100.2"], "the first lookup")
        assert _fields(_ask(daemon)) == ERROR
        fake.release()
        assert first.getresponse().status == 404
        first.close()


def test_what_is_remembered_is_told_when_p0f_is_gone(fake, serve):
    fake.hosts[VISITOR] = FULL
    settings = {"cache.ttl": "1ms", "cache.stale_while_revalidate": "0", "p0f.timeout": "1h"}
    with serve(fake, settings) as daemon:
        assert daemon.wait_for_p0f() and _fields(_ask(daemon))["Status"] == "ok"
        fake.stop()
        wait_until(lambda: daemon.host("198.51.100.3").status == 503, "the loss to be noticed")
        assert _fields(_ask(daemon)) == host_json.header_fields(_served(FULL))
        assert fake.counts[VISITOR] == 1


def test_a_remembered_no_match_does_not_do(fake, serve):
    """The visitor is here now: p0f has surely just seen it."""
    settings = {"cache.negative_ttl": "1h", "p0f.first_contact_wait": "5s"}
    with serve(fake, settings) as daemon:
        assert daemon.host(VISITOR, "?wait=0").status == 404
        fake.hosts[VISITOR] = lambda nth: FULL if nth >= 4 else None
        assert _fields(_ask(daemon))["Status"] == "ok"
        assert fake.counts[VISITOR] == 4
