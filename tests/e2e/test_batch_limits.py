# SPDX-License-Identifier: MIT
"""POST /hosts: what is refused before its body is looked into, and that the refusal reaches even a
client that is still sending."""

import json

import pytest

import processes
from daemon import Daemon
from fake_p0f import FakeP0f
from http_client import Answer, fetch_target, open_socket, parse
from problems import assert_problem
from waiting import wait_until

HOST = "198.51.100.1"
JSON = {"Content-Type": "application/json"}
BODY = json.dumps([HOST]).encode()
MANY = 2000
# Bytes that are read for so many hosts.
LIMIT = 260_096
LONGEST = "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"
assert LIMIT >= MANY * len(f'"{LONGEST}", ')


@pytest.fixture(name="lab", scope="module")
def _lab(module_scratch):
    settings = {"cache.ttl": "1h", "http.max_batch": MANY}
    with FakeP0f(f"{module_scratch}/p0f.sock", {HOST: {"os_name": "Linux"}}) as fake, \
            Daemon(module_scratch, fake.path, settings) as daemon:
        daemon.wait_for_p0f()
        yield fake, daemon


@pytest.fixture(name="daemon")
def _daemon(lab):
    fake, daemon = lab
    assert daemon.host(HOST).status == 200
    before = fake.asked()
    yield daemon
    assert daemon.host(HOST).status == 200, "the daemon is not well after this"
    assert fake.asked() == before, "what was refused has been asked about"


def _post(daemon, body=BODY, headers=None, query=""):
    """With the headers of JSON, if no others are given."""
    return daemon.get(f"/hosts{query}", JSON if headers is None else headers, method="POST",
                      body=body)


def _filled(size):
    """A good body, blown up to this size."""
    return BODY[:-1] + b" " * (size - len(BODY)) + b"]"


def _chunks(body, size=5000):
    """Without a length, http.client sends what is iterated over in chunks."""
    return (body[at:at + size] for at in range(0, len(body), size))


# -- too large -------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [LIMIT + 1, 1_000_000, 10_000_000, 50_000_000])
def test_too_large(daemon, size):
    """The client sends all of it before it reads: the answer must be there nevertheless."""
    problem = assert_problem(_post(daemon, _filled(size)), 413, "body-too-large")
    assert str(LIMIT) in problem["detail"]


@pytest.mark.parametrize("size", [LIMIT + 1, 1_000_000, 10_000_000])
def test_too_large_in_chunks(daemon, size):
    problem = assert_problem(_post(daemon, _chunks(_filled(size))), 413, "body-too-large")
    assert str(LIMIT) in problem["detail"]


def test_too_large_over_and_over(daemon):
    """More of them than are waited for at once."""
    for _ in range(100):
        assert_problem(_post(daemon, _filled(300_000)), 413, "body-too-large")


@pytest.mark.parametrize("length", [LIMIT + 1, 10**9, 2**63, 2**64 - 1])
def test_too_large_is_told_before_any_of_it_is_sent(daemon, length):
    for more in ([], ["Expect: 100-continue"]):
        answer = fetch_target(daemon.endpoint, "/hosts", "Content-Type: application/json",
                              f"Content-Length: {length}", *more, method="POST")
        assert_problem(answer, 413, "body-too-large")


def test_nothing_behind_it_is_taken_for_a_request(lab, daemon):
    """The connection ends with the refusal, as the rest of the body is not read."""
    fake, _ = lab
    hidden = b"GET /host/198.51.100.66 HTTP/1.1\r\nHost: x\r\n\r\n" * 2000
    head = (f"POST /hosts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            f"Content-Length: {LIMIT + 1}\r\n\r\n").encode()
    with open_socket(daemon.endpoint) as sock:
        sock.sendall(head + hidden)
        received = sock.makefile("rb").read()
    assert received.count(b"HTTP/1.1 ") == 1, received
    assert_problem(parse(received, "POST"), 413, "body-too-large")
    assert fake.counts["198.51.100.66"] == 0


def test_a_client_that_never_ends(daemon):
    """Chunk after chunk: at some point it is cut off."""
    head = (b"POST /hosts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    with open_socket(daemon.endpoint) as sock:
        sock.sendall(head)
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            for _ in range(10_000):
                sock.sendall(chunk)


def test_the_limit_itself_is_fine(daemon):
    """Refused for another reason, then."""
    text = {"Content-Type": "text/csv"}
    assert_problem(_post(daemon, b"x" * LIMIT, text), 415, "unsupported-type")
    assert_problem(_post(daemon, _chunks(b"x" * LIMIT), text), 415, "unsupported-type")
    assert_problem(_post(daemon, b"x" * (LIMIT + 1), text), 413, "body-too-large")
    assert_problem(_post(daemon, _chunks(b"x" * (LIMIT + 1)), text), 413, "body-too-large")


def test_as_many_hosts_as_are_allowed_fit(daemon):
    body = json.dumps([LONGEST] * MANY, indent=8).encode()
    answer = _post(daemon, body, {**JSON, "Cache-Control": "only-if-cached"})
    assert answer.status == 200
    assert len(answer.json()) == MANY


def test_the_limit_goes_with_the_setting(fake, serve):
    with serve(fake, {"http.max_batch": "1"}) as daemon:
        daemon.wait_for_p0f()
        answer = _post(daemon, json.dumps([LONGEST], indent=100).encode(), query="?wait=0")
        assert [item["status"] for item in answer.json()] == [404]
        assert_problem(_post(daemon, b"x" * 10_000), 413, "body-too-large")


def test_bodies_where_none_is_wanted(daemon):
    """The request is answered as if it had none, and the connection closed."""
    for path, method, status in (("/livez", "PUT", 405), ("/livez", "GET", 200), ("/hosts", "PUT", 405),
                                 (f"/host/{HOST}", "POST", 405), ("/nothing", "GET", 404)):
        for size in (1, 5_000_000):
            answer = daemon.get(path, method=method, body=b"x" * size)
            assert (answer.status, answer["Connection"]) == (status, "close"), answer


# -- of another type -------------------------------------------------------------------------------

TYPES = ["text/csv", "application/x-ndjson", "text/plain; charset=iso-8859-1", "text/plain+x",
         "text/plain; charset=utf-16", "application/x-www-form-urlencoded", "application/jsonp", "text/json", "*/*",
         "application/json; charset=latin1", "application/json, text/plain", "json",
         "application/problem+json", "multipart/form-data; boundary=x", ""]


@pytest.mark.parametrize("type_", TYPES)
def test_another_type(daemon, type_):
    problem = assert_problem(_post(daemon, headers={"Content-Type": type_}), 415,
                             "unsupported-type")
    assert "application/json or text/plain" in problem["detail"]


def test_the_types_that_are_accepted_are_in_the_response(daemon):
    answer = _post(daemon, headers={"Content-Type": "text/csv"})
    assert answer["Accept"] == "application/json, text/plain"


def test_no_type(daemon):
    assert_problem(_post(daemon, headers={}), 415, "unsupported-type")
    assert_problem(_post(daemon, b"", headers={}), 415, "unsupported-type")


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate, gzip"])
def test_a_compressed_body(daemon, coding):
    answer = _post(daemon, headers={**JSON, "Content-Encoding": coding})
    assert_problem(answer, 415, "unsupported-type")


# -- otherwise wrong -------------------------------------------------------------------------------

@pytest.mark.parametrize("query,name", [("?format=xml", "format"), ("?format=", "format"),
                                        ("?wait=5001", "wait"), ("?wait=-1&format=raw", "wait")])
def test_wrong_parameters(daemon, query, name):
    problem = assert_problem(_post(daemon, query=query), 400, "bad-parameter")
    assert name in problem["detail"]


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "post"])
def test_other_methods(daemon, method):
    answer = daemon.get("/hosts", JSON, method=method, body=BODY if method != "HEAD" else None)
    assert answer.status == 405
    assert answer["Allow"] == "POST, OPTIONS"
    if method != "HEAD":
        assert_problem(answer, 405, "method-not-allowed")


def test_options(daemon):
    answer = daemon.get("/hosts", method="OPTIONS")
    assert (answer.status, answer.body, answer["Allow"]) == (204, b"", "POST, OPTIONS")
    everything = fetch_target(daemon.endpoint, "*", method="OPTIONS")
    assert (everything.status, everything["Allow"]) == (204, "GET, HEAD, POST, OPTIONS")


@pytest.mark.parametrize("path", ["/hosts/", "/Hosts", f"/hosts/{HOST}", "/host"])
def test_no_such_path(daemon, path):
    assert_problem(daemon.get(path, JSON, method="POST", body=BODY), 404, "not-found")


def test_a_refusal_before_the_limit_keeps_the_connection(daemon):
    """The body has been read, so that the next request can follow."""
    connection = daemon.connect()
    for headers in ({"Content-Type": "text/csv"}, {}, {"Content-Type": "text/csv"}):
        connection.request("POST", "/hosts", body=b"x" * LIMIT, headers=headers)
        answer = Answer(connection.getresponse())
        assert_problem(answer, 415, "unsupported-type")
        sock = connection.sock
        assert sock is not None
    connection.request("GET", "/livez")
    assert connection.sock is sock
    assert connection.getresponse().status == 200
    connection.close()


# -- pages -----------------------------------------------------------------------------------------

def test_a_page_may_post(fake, serve):
    page = "https://page.example"
    with serve(fake, {"http.cors_origins": page}) as daemon:
        answer = daemon.get("/hosts", {"Origin": page, "Access-Control-Request-Method": "POST",
                                       "Access-Control-Request-Headers": "content-type"},
                            method="OPTIONS")
        assert answer.status == 204
        assert answer["Access-Control-Allow-Origin"] == page
        assert answer["Access-Control-Allow-Methods"] == "POST, OPTIONS"
        assert "Content-Type" in answer["Access-Control-Allow-Headers"]
        # A refusal too, or the page learns only that something failed.
        answer = daemon.get("/hosts", {**JSON, "Origin": page}, method="POST", body=b"x" * 200_000)
        assert answer.status == 413
        assert answer["Access-Control-Allow-Origin"] == page


# -- memory ------------------------------------------------------------------------------------------

MEBIBYTE = 1 << 20
HALF = 32 * MEBIBYTE        # what batches of one client may hold; all together twice that


def _begin(daemon, length, source):
    """A batch that is not complete yet: so many bytes of its body have been sent."""
    sock = open_socket(daemon.endpoint, source=source)
    sock.sendall(b"POST /hosts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                 b"Connection: close\r\nContent-Length: %d\r\n\r\n" % (length + 2))
    sock.sendall(b" " * length)
    return sock


def _end(sock):
    sock.sendall(b"[]")
    with sock.makefile("rb") as stream:
        return parse(stream.read(4096), "POST", "/hosts")


def test_one_client_has_half_of_the_memory(fake, serve):
    """However many connections it has: the others' batches are answered."""
    fake.hosts[HOST] = {"os_name": "Linux"}
    settings = {"http.max_batch": "1m", "http.trusted_proxies": "", "cache.ttl": "1h"}
    with serve(fake, settings) as daemon:
        daemon.wait_for_p0f()
        greedy = [_begin(daemon, HALF // 4 - 1024, "127.0.0.2") for _ in range(4)]

        wait_until(lambda: processes.unread_bytes(daemon.port) == 0, "their bodies to be read")

        def status_of_one_more():
            with _begin(daemon, MEBIBYTE, "127.0.0.2") as sock:
                return _end(sock).status
        # Nothing but blanks and an empty array: 400 if there is memory to read that with.
        assert status_of_one_more() == 503
        body = json.dumps([HOST] * 1000).encode()
        answer = daemon.get("/hosts", JSON, method="POST", body=body, source="127.0.0.3")
        assert [item["status"] for item in answer.json()] == [200] * 1000
        for sock in greedy:
            sock.close()
        wait_until(lambda: status_of_one_more() == 400, "the memory to come back")
