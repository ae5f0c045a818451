# SPDX-License-Identifier: MIT
"""Requests at and beyond the limits of HTTP/1.1: what is allowed works, the rest is refused without
harm to anybody else."""

import concurrent.futures
import re
import socket

import pytest

import microhttpd
from daemon import Daemon
from fake_p0f import FakeP0f
from http_client import fetch_target, get_bytes, open_socket, parse, send_bytes
from problems import assert_problem
from waiting import wait_until

HOST = "198.51.100.1"
SMUGGLED = "198.51.100.66"
SETTINGS = {"cache.ttl": "1h", "http.idle_timeout": "3s"}


@pytest.fixture(name="lab", scope="module")
def _lab(module_scratch):
    with FakeP0f(f"{module_scratch}/p0f.sock", {HOST: {"os_name": "Linux"}}) as fake, \
            Daemon(module_scratch, fake.path, SETTINGS) as daemon:
        daemon.wait_for_p0f()
        yield fake, daemon


@pytest.fixture(name="daemon")
def _daemon(lab):
    fake, daemon = lab
    yield daemon
    assert daemon.host(HOST).status == 200, "the daemon is not well after this"
    assert fake.counts[SMUGGLED] == 0, "what was no request has been served as one"


# -- allowed ---------------------------------------------------------------------------------------

def test_a_target_in_absolute_form(daemon):
    """RFC 9112: a server must accept it, whatever its Host says."""
    for scheme in ("http", "HTTP"):
        target = f"{scheme}://127.0.0.1:{daemon.port}/host/{HOST}?format=raw"
        answer = fetch_target(daemon.endpoint, target)
        assert answer.status == 200, answer
        assert answer.json()["ip"] == HOST
    assert_problem(fetch_target(daemon.endpoint, "http://example.com/host/x"), 400, "bad-address")
    assert_problem(fetch_target(daemon.endpoint, "http://example.com/nothing"), 404, "not-found")


def test_http_1_0_needs_no_host(daemon):
    answer = fetch_target(daemon.endpoint, f"/host/{HOST}", version="1.0", host=None)
    assert answer.status == 200
    assert answer.json()["ip"] == HOST


def test_http_1_0_ends_with_the_answer_unless_asked_not_to(daemon):
    for path, status in ((f"/host/{HOST}", 200), ("/host/198.51.100.200?wait=50", 404)):
        for field, answers in (("", 1), ("Connection: keep-alive\r\n", 2)):
            with open_socket(daemon.endpoint) as sock:
                sock.sendall(f"GET {path} HTTP/1.0\r\n{field}\r\n".encode() * 2)
                if answers > 1:
                    sock.shutdown(socket.SHUT_WR)
                received = sock.makefile("rb").read()
            heads = [text.partition(b"\r\n\r\n")[0] for text in received.split(b"HTTP/1.")[1:]]
            assert [int(head.split()[1]) for head in heads] == [status] * answers, received
            assert all(b"\r\nContent-Length:" in head for head in heads)


def test_an_empty_line_before_the_request(daemon):
    received = send_bytes(daemon.endpoint, b"\r\n" + get_bytes(f"/host/{HOST}"))
    assert parse(received).status == 200


def test_many_requests_on_one_connection(daemon):
    """Pipelined: the answers come in order."""
    addresses = [f"198.51.100.{number}" for number in range(100, 120)]
    requests = "".join(f"GET /host/{address}?wait=0 HTTP/1.1\r\nHost: x\r\n\r\n"
                       for address in addresses)
    with open_socket(daemon.endpoint) as sock:
        sock.sendall(requests.encode() + get_bytes("/livez"))
        stream = sock.makefile("rb")
        received = stream.read()
    # Problems name their host, so the order shows.
    found = [received.index(f'"{address}"'.encode()) for address in addresses]
    assert found == sorted(found)


def test_more_requests_behind_one_that_expects_to_go_on(daemon):
    """It has no body to go on with, and is answered all the same, as is what follows it."""
    expects = b"GET /livez HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n"
    received = send_bytes(daemon.endpoint, expects + get_bytes(f"/host/{HOST}"))
    interim = [b"100"] if microhttpd.CONTINUES_WITHOUT_BODY else []
    assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [*interim, b"200", b"200"], received


def test_a_request_byte_by_byte(daemon):
    with open_socket(daemon.endpoint) as sock:
        for byte in get_bytes(f"/host/{HOST}"):
            sock.sendall(bytes([byte]))
        assert parse(sock.makefile("rb").read()).status == 200


def test_many_headers_and_a_big_cookie_are_fine_within_reason(daemon):
    headers = {f"X-Header-{number}": "value" for number in range(30)}
    for size in (2000, 4096):
        assert daemon.host(HOST, "", {**headers, "Cookie": "c" * size}).status == 200
    for path in ("/livez", "/forward-auth"):
        assert daemon.get(path, {"Cookie": "c" * 4096}).status == 200


def test_a_target_that_is_an_asterisk(daemon):
    """OPTIONS alone may have that: it is about the server as a whole."""
    answer = fetch_target(daemon.endpoint, "*", method="OPTIONS")
    assert (answer.status, answer["Allow"], answer.body) == (204, "GET, HEAD, POST, OPTIONS", b"")
    assert_problem(fetch_target(daemon.endpoint, "*"), 404, "not-found")


def test_many_parameters_are_fine(daemon):
    """As many as a target has room for: what is unknown is ignored, what is known is heeded."""
    for many in ("&a" * 1_000, "&" * 4_000, "&x=" * 1_000):
        answer = fetch_target(daemon.endpoint, f"/host/{HOST}?a{many}&format=raw")
        assert answer.status == 200 and "magic" in answer.json(), answer
        assert fetch_target(daemon.endpoint, f"/livez?a{many}").status == 200


def test_many_small_cookies_are_fine(daemon):
    cookies = "; ".join(f"c{number}=1" for number in range(300))
    assert fetch_target(daemon.endpoint, f"/host/{HOST}", f"Cookie: {cookies}").status == 200
    assert fetch_target(daemon.endpoint, "/forward-auth", f"Cookie: {cookies}").status == 200


@pytest.mark.parametrize("size", [*range(7_000, 9_000, 100), *range(8_050, 8_200, 10)])
def test_a_cookie_is_fine_up_to_the_limit_and_then_refused(daemon, size):
    """Each is answered, in words of ours: there is no size that the HTTP library has no room for."""
    cookie = "Cookie: " + "c" * size
    answer = fetch_target(daemon.endpoint, f"/host/{HOST}", cookie)
    if answer.status != 200:
        assert size > 8_000
        assert_problem(answer, 431, None)
    # A visitor has whatever cookies it has.
    assert fetch_target(daemon.endpoint, "/forward-auth", cookie).status == 200


# -- refused ---------------------------------------------------------------------------------------

def _assert_refused(daemon, request, status, code):
    """With this problem and nothing else, and the connection ends: what follows is no request."""
    request = request.replace(b"Connection: close\r\n", b"")
    with open_socket(daemon.endpoint) as sock:
        sock.sendall(request + _HIDDEN)
        received = sock.makefile("rb").read()
    assert received.count(b"HTTP/1.1 ") == 1 and received.startswith(b"HTTP/1.1 "), received
    answer = parse(received)
    assert_problem(answer, status, code)
    assert answer["Connection"] == "close", answer
    assert len(answer.body) == int(answer["Content-Length"])
    assert received.endswith(answer.body)


TARGETS = ["/host/{}", "/{}", f"/host/{HOST}?format={{}}", "/livez?{}"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_that_is_too_long(daemon, target):
    assert_problem(fetch_target(daemon.endpoint, target.format("1" * 9_000)), 414, None)


@pytest.mark.parametrize("size", [33_000, 100_000, 200_000])
@pytest.mark.parametrize("target", TARGETS)
def test_a_target_beyond_all_buffers(daemon, target, size):
    """Refused by the HTTP library, before any of our code sees the request."""
    assert_problem(fetch_target(daemon.endpoint, target.format("1" * size)), 414, "uri-too-long")


@pytest.mark.parametrize("size", [33_000, 200_000])
def test_headers_beyond_all_buffers(daemon, size):
    """Likewise."""
    cookie = fetch_target(daemon.endpoint, f"/host/{HOST}", "Cookie: " + "c" * size)
    assert_problem(cookie, 431, "headers-too-large")
    many = (f"X-{number}: {'v' * 40}" for number in range(size // 50))
    assert_problem(fetch_target(daemon.endpoint, f"/host/{HOST}", *many), 431, "headers-too-large")


@pytest.mark.parametrize("path", ["/livez", "/forward-auth", f"/host/{HOST}"])
def test_headers_that_leave_little_room(daemon, path):
    """Whatever the size, there is an answer: near the limit the HTTP library has read the request, but has
    no room for the header of the response."""
    def one_cookie(size):
        return ["Cookie: a=" + "c" * size]

    def many_fields(size):
        return ["X-Long: " + "v" * 1000] * (size // 1000) + ["X: " + "v" * (size % 1000)]

    for fields, smallest in ((one_cookie, 11_400), (many_fields, 21_800)):
        statuses = [fetch_target(daemon.endpoint, path, *fields(size)).status
                    for size in range(smallest, smallest + 1_200, 50)]
        assert set(statuses) <= {200, 431} and statuses == sorted(statuses), statuses
        assert statuses[-1] == 431


def test_a_chunk_extension_beyond_all_buffers(daemon):
    """Nothing is wrong with it but its size. Where no body is taken, it is not even looked at."""
    for path, status, code in (("/hosts", 413, "body-too-large"),
                               ("/livez", 405, "method-not-allowed")):
        head = (f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                "Transfer-Encoding: chunked\r\n\r\n1;a=")
        received = send_bytes(daemon.endpoint, head.encode() + b"x" * 30_000)
        assert received.count(b"HTTP/1.1 ") == 1, received
        assert_problem(parse(received), status, code)


def test_http_1_1_needs_a_host(daemon):
    answer = fetch_target(daemon.endpoint, f"/host/{HOST}", host=None)
    assert_problem(answer, 400, None)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_two_hosts_are_too_many(daemon, version):
    answer = fetch_target(daemon.endpoint, f"/host/{HOST}", "Host: other.example", version=version)
    assert_problem(answer, 400, None)


TARGETS_OF_NO_FORM = ["**", "*?", "livez", "livez/", "?format=raw", "host/198.51.100.1", "://",
                      "http:///livez", "http://", "http:/x/livez", "x://",
                      "http://a,b/livez", "http://user@x/livez", "ftp://x/livez", "x:443"]


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "CONNECT"])
@pytest.mark.parametrize("target", TARGETS_OF_NO_FORM)
def test_a_target_of_no_form(daemon, target, method):
    """RFC 9112, 3.2: neither a path, nor a whole URI, nor an asterisk."""
    _assert_refused(daemon, get_bytes(target, method=method), 400, "bad-request")


@pytest.mark.parametrize("version", ["1.2", "1.3", "1.9"])
def test_versions_that_there_are_not(daemon, version):
    _assert_refused(daemon, get_bytes("/livez", version=version), 505, "version-not-supported")


@pytest.mark.parametrize("host", ["a b", "a,b", "a, b", ",", "a/b", "user@a", "a\\b", "\xe4", "<a>",
                                  '"a"', "a\tb", "a\x01", "a?b", "a#b", "{a}", "a|b", "a^b", "a`b"])
def test_bytes_that_no_host_may_have(daemon, host):
    for version in ("1.0", "1.1"):
        _assert_refused(daemon, get_bytes("/livez", host=host, version=version), 400, "bad-request")


@pytest.mark.parametrize("host", ["", "x", "x:5030", "[::1]:5030", "a_b", "a.b-c.example.", "x ",
                                  "x \t", "\t x", "%41"])
def test_hosts_that_are_fine(daemon, host):
    assert fetch_target(daemon.endpoint, "/livez", host=host).status == 200


@pytest.mark.parametrize("name", ["", " X", "X ", "X\t", "X Y", "X(", "X,Y", "X/Y", '"X"', "X@Y",
                                  "X\xe4", "X\x01Y", "{X}", "X\\", "X?"])
def test_names_that_are_no_token(daemon, name):
    request = get_bytes("/livez", "X-First: 1", f"{name}: 1")
    if name[:1] == " ":
        request = request.replace(b"X-First: 1\r\n", b"")     # else it is more of that
    _assert_refused(daemon, request, 400, "bad-request")


# Where a NUL is put, and what it would do if it were not seen.
NULS = {
    "method": "GE\0T /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "behind the method": "GET\0 /livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "before the target": "GET \0/livez HTTP/1.1\r\nHost: x\r\n\r\n",
    "target": "GET /livez\0/x HTTP/1.1\r\nHost: x\r\n\r\n",
    "parameters": "GET /livez?a\0b HTTP/1.1\r\nHost: x\r\n\r\n",
    "behind the target": "GET /livez\0 HTTP/1.1\r\nHost: x\r\n\r\n",
    "Host": "GET /livez HTTP/1.1\r\nHost: x\0y\r\n\r\n",
    "behind Host": "GET /livez HTTP/1.1\r\nHost: x\0\r\n\r\n",
    "a value": "GET /livez HTTP/1.1\r\nX: a\0b\r\nHost: x\r\n\r\n",
    "behind a value": "GET /livez HTTP/1.1\r\nX: a\0\r\nHost: x\r\n\r\n",
    "before a value": "GET /livez HTTP/1.1\r\nX:\0a\r\nHost: x\r\n\r\n",
    "the last value": "GET /livez HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
    "bare LFs": "GET /livez HTTP/1.1\nHost: x\nX: a\0b\n\n",
    "chunked": "GET /livez HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\0x\r\n\r\n0\r\n\r\n",
    "a length": "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 0\x003\r\n\r\n",
    "a line that begins with it": "GET /livez HTTP/1.1\r\nHost: x\r\n\0X: 1\r\n\r\n",
    "a line that is nothing else": "GET /livez HTTP/1.1\r\nHost: x\r\n\0\r\n\r\n",
}


@pytest.mark.parametrize("what", NULS)
def test_a_nul_in_the_header(daemon, what):
    _assert_refused(daemon, NULS[what].encode(), 400, "bad-request")


@pytest.mark.parametrize("name", ["Transfer-\0Encoding", "\0", "X\0"])
def test_a_nul_in_a_name(daemon, name):
    request = f"GET /livez HTTP/1.1\r\nHost: x\r\n{name}: chunked\r\n\r\n".encode()
    _assert_refused(daemon, request, 400, "bad-request")


@pytest.mark.parametrize("lines", ["X: a\r\n b", "X: a\r\n\tb", "X:\r\n a", "X: a\r\n ",
                                   "X: a\n b\n c"])
def test_a_field_on_two_lines(daemon, lines):
    """RFC 9112, 5.2, lets a server refuse it, or read it as one line."""
    request = f"GET /livez HTTP/1.1\r\nHost: x\r\n{lines}\r\n\r\n".encode()
    if microhttpd.JOINS_LINES:
        received = send_bytes(daemon.endpoint, request + get_bytes("/livez"))
        assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"200", b"200"], received
    else:
        _assert_refused(daemon, request, 400, "bad-request")


BAD_LENGTHS = {"+5": 400, "5,5": 400, "5, 5": 400, "0x5": 400, "-1": 400, "": 400, "5 5": 400,
               "a": 400, "5a": 400, "5;": 400, "5.0": 400, "18446744073709551616": 413,
               "99999999999999999999999": 413}


@pytest.mark.parametrize("path", ["/livez", "/hosts", f"/host/{SMUGGLED}"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("length", BAD_LENGTHS)
def test_a_malformed_length(daemon, length, method, path):
    """The HTTP library sees it first, and 0.9.75 says so twice if it is let."""
    request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()
    status = BAD_LENGTHS[length]
    code = {400: "bad-request", 413: "body-too-large"}[status]
    if method == "HEAD":
        received = send_bytes(daemon.endpoint, request + _HIDDEN)
        assert received.count(b"HTTP/1.1 ") == 1 and received.endswith(b"\r\n\r\n"), received
        assert parse(received, method).status == status
    else:
        _assert_refused(daemon, request, status, code)


@pytest.mark.parametrize("cookies", [1_000, 1_500, 3_000])
def test_a_thousand_cookies(daemon, cookies):
    """They have room, but not taken apart."""
    cookie = "; ".join(f"c{number}=1" for number in range(cookies))
    for path in (f"/host/{HOST}", "/livez", "/forward-auth"):
        request = get_bytes(path, f"Cookie: {cookie}")
        if len(request) < 24_000:
            _assert_refused(daemon, request, 431, "headers-too-large")


# What begins a request, what spoils it, and what makes it a good one.
SPOILT = {
    "length": ("GET /livez HTTP/1.1\r\nHost: x\r\nContent-Le", "ngth: +1\r\n\r\n",
               "ngth: 0\r\nConnection: close\r\n\r\n"),
    "no colon": ("GET /livez HTTP/1.1\r\nHost: x\r\nConnection", "\r\n\r\n", ": close\r\n\r\n"),
    "name": ("GET /livez HTTP/1.1\r\nHost: x\r\nConnection", " : close\r\n\r\n",
             ": close\r\n\r\n"),
    "request line": ("GET /livez HTTP/", "x.y\r\n\r\n",
                     "1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
    "chunk": ("POST /hosts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
              "Connection: close\r\n\r\n1", "z\r\n", "\r\nx\r\n0\r\n\r\n"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_such_a_request_in_pieces_among_others(daemon, what):
    """Whose it is the library does not say where it refuses one: it is never somebody else's."""
    begin, bad_end, good_end = (text.encode() for text in SPOILT[what])
    others = [open_socket(daemon.endpoint) for _ in range(20)]
    bad = [open_socket(daemon.endpoint) for _ in range(20)]
    for pair in zip(bad, others):
        for sock in pair:
            sock.sendall(begin)
    for sock in bad:
        assert daemon.get("/livez").status == 200
        sock.sendall(bad_end)
        received = sock.makefile("rb").read()
        assert received.count(b"HTTP/1.1 ") == 1, received
        assert_problem(parse(received), 400, "bad-request")
    for sock in others:
        sock.sendall(good_end)
        received = sock.makefile("rb").read()
        assert received.count(b"HTTP/1.1 ") == 1, received
        assert parse(received).status == (415 if what == "chunk" else 200)
    for sock in others + bad:
        sock.close()


def test_a_refusal_behind_other_requests(daemon):
    """On the same connection, and to HEAD without a body."""
    good = b"HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    for spoilt, status in ((b"HEAD /livez HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n", b"400"),
                           (b"HEAD /livez HTTP/1.1\r\nHost: x\r\nContent-Length: +\r\n\r\n", b"400"),
                           (b"HEAD /livez HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 30_000, b"431")):
        received = send_bytes(daemon.endpoint, good * 2 + spoilt + _HIDDEN)
        assert re.findall(rb"HTTP/1\.1 (\d+)", received) == [b"200", b"200", status], received
        assert received.endswith(b"\r\n\r\n"), received


NONSENSE = {
    "nothing": b"",
    "newlines": b"\r\n" * 100,
    "noise": bytes(range(256)) * 4,
    "NULs": b"\0" * 1000,
    "a TLS hello": bytes.fromhex("1603010200010001fc0303") + b"\x55" * 200,
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": f"GET /host/{SMUGGLED}\r\n\r\n".encode(),
    "a method alone": b"GET\r\n\r\n",
    "no end": b"GET /livez HTTP/1.1\r\nHost: x\r\n",
    "no colon": b"GET /livez HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "a blank before the colon": b"GET /livez HTTP/1.1\r\nHost : x\r\n\r\n",
    "a version that is none": b"GET /livez HTTP/x.y\r\nHost: x\r\n\r\n",
    "a bad length": b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
    "a huge length":
        b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551617\r\n\r\n",
    "a body that never comes": b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc",
    "a bad chunk": b"POST /hosts HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    "only a bare CR": b"GET /livez HTTP/1.1\rHost: x\r\r",
}


_HIDDEN = f"GET /host/{SMUGGLED} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()

# A header, and what it makes of the bytes behind it: whatever they are, they are no request.
BODIES = {
    "length": (f"Content-Length: {len(_HIDDEN)}\r\n", b""),
    "chunked": ("Transfer-Encoding: chunked\r\n", f"{len(_HIDDEN):x}\r\n".encode()),
    "both": ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    "two lengths": (f"Content-Length: 0\r\nContent-Length: {len(_HIDDEN)}\r\n", b""),
    "two lengths reversed": (f"Content-Length: {len(_HIDDEN)}\r\nContent-Length: 0\r\n", b""),
    "unknown coding": ("Transfer-Encoding: xchunked\r\n", b""),
    "two codings": ("Transfer-Encoding: chunked, identity\r\n", b""),
    "length behind a blank": (f"Content-Length : {len(_HIDDEN)}\r\n", b""),
    "chunked behind a tab": ("Transfer-Encoding\t: chunked\r\n", f"{len(_HIDDEN):x}\r\n".encode()),
    "length on two lines": (f"Content-Length:\r\n {len(_HIDDEN)}\r\n", b""),
    "length goes on": (f"Content-Length: {len(_HIDDEN) // 10}\r\n {len(_HIDDEN) % 10}\r\n", b""),
    "chunked on two lines": ("Transfer-Encoding:\r\n chunked\r\n",
                             f"{len(_HIDDEN):x}\r\n".encode()),
}
_LIVEZ = "GET /livez HTTP/1.1\r\nHost: x\r\n"
SMUGGLING = {f"body: {what}": f"{_LIVEZ}{headers}\r\n".encode() + prefix + _HIDDEN
             for what, (headers, prefix) in BODIES.items()}


# Those that have a body, whose length is known.
GOOD_BODIES = ["length", "chunked"]
if microhttpd.JOINS_LINES:
    GOOD_BODIES += ["length on two lines", "chunked on two lines"]


@pytest.mark.parametrize("what", GOOD_BODIES)
def test_a_body_is_read_as_what_it_is(daemon, what):
    """Where one is taken. Elsewhere it is not read at all, and nothing behind it."""
    headers, prefix = BODIES[what]
    end = b"\r\n0\r\n\r\n" if prefix else b""
    for begin, statuses in (("POST /hosts HTTP/1.1\r\nHost: x\r\n", [b"415", b"200"]),
                            (_LIVEZ, [b"200"]), ("PUT /hosts HTTP/1.1\r\nHost: x\r\n", [b"405"])):
        request = f"{begin}{headers}\r\n".encode() + prefix + _HIDDEN + end
        received = send_bytes(daemon.endpoint, request + get_bytes("/livez"))
        assert re.findall(rb"HTTP/1\.1 (\d+)", received) == statuses, received


@pytest.mark.parametrize("what", [what for what in BODIES if what not in GOOD_BODIES])
@pytest.mark.parametrize("path", ["/hosts", f"/host/{HOST}", "/livez"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_body_whose_length_is_open_is_refused(daemon, method, path, what):
    """And the connection ends, since nobody can tell where the next request would begin."""
    headers, prefix = BODIES[what]
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{headers}\r\n"
    with open_socket(daemon.endpoint) as sock:
        sock.sendall(head.encode() + prefix + _HIDDEN)
        received = sock.makefile("rb").read()
    assert received.count(b"HTTP/1.1 ") == 1, received
    assert_problem(parse(received, method), 400, None)


def test_http_1_0_has_no_chunks(daemon):
    """RFC 9112, 6.1: a proxy of those days has passed on what it did not understand."""
    head = ("POST /livez HTTP/1.0\r\nConnection: keep-alive\r\n"
            f"Transfer-Encoding: chunked\r\n\r\n{len(_HIDDEN):x}\r\n")
    with open_socket(daemon.endpoint) as sock:
        sock.sendall(head.encode() + _HIDDEN + b"\r\n0\r\n\r\n" + _HIDDEN)
        received = sock.makefile("rb").read()
    assert received.count(b"HTTP/1.1 ") == 1, received
    assert_problem(parse(received), 400, "bad-request")


@pytest.mark.parametrize("field", ["X-Header : x", "X-Header\t: x", " X-Header: x", ": x",
                                   f"Content-Length : {len(_HIDDEN)}"])
def test_a_field_whose_name_is_none_is_refused(daemon, field):
    """RFC 9112, 5.1: a blank before the colon is where two servers may read two things."""
    with open_socket(daemon.endpoint) as sock:
        sock.sendall(f"GET /livez HTTP/1.1\r\n{field}\r\nHost: x\r\n\r\n".encode() + _HIDDEN)
        received = sock.makefile("rb").read()
    assert received.count(b"HTTP/1.1 ") == 1, received
    assert_problem(parse(received), 400, "bad-request")


@pytest.fixture(name="outcome", scope="module")
def _outcome(lab):
    """What the daemon said to each of them. They are sent at once, as the library notices only at
    the idle timeout that nothing more will come behind some of them."""
    _, daemon = lab
    everything = {**NONSENSE, **SMUGGLING}
    with concurrent.futures.ThreadPoolExecutor(len(everything)) as pool:
        said = pool.map(lambda data: send_bytes(daemon.endpoint, data), everything.values())
        return dict(zip(everything, said))


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_refused_or_left_unanswered(daemon, outcome, what):
    if outcome[what]:
        answer = parse(outcome[what])
        assert answer.status in (400, 405, 413, 505), answer
        assert_problem(answer, answer.status, None)


@pytest.mark.parametrize("what", SMUGGLING)
def test_a_body_is_never_taken_for_a_request(daemon, outcome, what):
    assert outcome[what].count(b"HTTP/1.1 ") <= 1, outcome[what]


def test_a_slow_client_holds_nobody_up(daemon):
    """Half requests on many connections, and others are served."""
    halves = [open_socket(daemon.endpoint) for _ in range(50)]
    for sock in halves:
        sock.sendall(b"GET /host/198.51.100.1 HTTP/1.1\r\nHo")
    for _ in range(20):
        assert daemon.host(HOST).status == 200
    for sock in halves:
        sock.sendall(b"st: x\r\nConnection: close\r\n\r\n")
        assert parse(sock.makefile("rb").read()).status == 200
        sock.close()


# -- the log of all that -------------------------------------------------------------------------

def test_what_clients_send_is_escaped_in_the_log(fake, serve):
    """So that a line can be read without doubt."""
    requests = {
        b'GET /a"b\\c HTTP/1.1': '"GET /a\\"b\\\\c" 404',
        b"GET /%22%5C%0A%C3%A4%7F HTTP/1.1": '"GET /\\"\\\\\\x0A\\xC3\\xA4\\x7F" 404',
        b"GET /\xe4\x01 HTTP/1.1": '"GET /\\xE4\\x01" 404',
        b'G"T /livez HTTP/1.1': '"G\\"T /livez" 405',
        b"GET /" + b"\xff" * 1000 + b" HTTP/1.1": '"GET /' + "\\xFF" * 199 + '" 404',
        b"GET /livez HTTP/1.1\r\nContent-Length: +1": '"- /livez" 400',
        b"GET /livez HTTP/x.y": '"- -" 400',
    }
    with serve(fake, {"http.access_log": "yes"}) as daemon:
        for request in requests:
            send_bytes(daemon.endpoint, request + b"\r\nHost: x\r\n\r\n")
        for request, line in requests.items():
            wait_until(lambda line=line: f" {line}\n" in daemon.log(),
                       f"the line of {request}")
