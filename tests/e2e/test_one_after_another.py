# SPDX-License-Identifier: MIT
"""Requests one after another on the same connection: nothing of one is left for the next."""

import http.client

import pytest

import http_client
import openapi
from daemon import Daemon
from fake_p0f import FakeP0f
from processes import descriptors
from waiting import wait_until

HOST, OTHER = "198.51.100.1", "198.51.100.2"
PAGE = "https://page.example"
BATCH = f'["{OTHER}"]'

# Each changes what becomes of a request, if it should be left from the one before.
LOADED = ["Transfer-Encoding: chunked", f"Origin: {PAGE}", "Access-Control-Request-Method: POST",
          "If-None-Match: \"x\"", "If-None-Match: *", "Cache-Control: only-if-cached",
          f"X-Forwarded-For: {HOST}", f"X-Forwarded-For: {HOST}", "Content-Type: application/json"]


class Connection:
    """A connection on which requests are sent as bytes."""

    def __init__(self, endpoint):
        self._sock = http_client.open_socket(endpoint)

    def ask(self, method, path, *headers, body=b"", host="x"):
        """The answer to one request, of exactly these header fields; it leaves the connection open
        unless it says otherwise."""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]
        self._sock.sendall("\r\n".join(lines).encode() + body)
        response = http.client.HTTPResponse(self._sock, method=method)
        response.begin()
        answer = http_client.Answer(response)
        openapi.check(method, path, answer)
        return answer

    def at_end(self):
        return self._sock.recv(1) == b""

    def close(self):
        self._sock.close()


def _chunked(text):
    """In two pieces."""
    pieces = [text[:3], text[3:], ""]
    return "".join(f"{len(piece):x}\r\n{piece}\r\n" for piece in pieces).encode()


@pytest.fixture(name="daemon", scope="module")
def _daemon(module_scratch):
    known = {"os_name": "Linux"}
    settings = {"http.cors_origins": PAGE, "cache.ttl": "1h", "p0f.first_contact_wait": "0"}
    with FakeP0f(f"{module_scratch}/p0f.sock", {HOST: known, OTHER: known}) as fake, \
            Daemon(module_scratch, fake.path, settings) as daemon:
        yield daemon.wait_for_p0f()


@pytest.fixture(name="connection", params=["POST", "OPTIONS", "PUT"])
def _connection(daemon, request):
    """One on which a request with all of these was answered."""
    connection = Connection(daemon.endpoint)
    # A body that is not wanted would close the connection.
    loaded, body = (LOADED, _chunked(BATCH)) if request.param == "POST" else (LOADED[1:], b"")
    answer = connection.ask(request.param, "/hosts?format=raw", *loaded, body=body)
    assert answer.status == {"POST": 200, "OPTIONS": 204, "PUT": 405}[request.param], answer
    assert answer["Access-Control-Allow-Origin"] == PAGE
    assert answer["Connection"] is None
    yield connection
    connection.close()


def test_a_host_is_told_of(connection):
    """It is asked about anew, whole, in the usual format, and by no page."""
    for _ in range(2):
        answer = connection.ask("GET", f"/host/{HOST}", "Cache-Control: no-cache")
        assert answer.status == 200
        assert answer.json()["os_name"] == "Linux" and "magic" not in answer.json()
        assert answer.cache_status().get("fwd") in ("miss", "request")
        assert answer["Access-Control-Allow-Origin"] is None
        assert answer["Connection"] is None


def test_what_is_not_cached_is_asked_about(connection, daemon):
    """Only the first wanted nothing but what is cached."""
    answer = connection.ask("GET", "/self")
    assert answer.status == 404, "p0f does not know who asks, who is not whom the first spoke for"
    assert answer.json()["ip"] == daemon.endpoint[0]


def test_a_batch_says_its_type_again(connection):
    length = f"Content-Length: {len(BATCH)}"
    assert connection.ask("POST", "/hosts", length, body=BATCH.encode()).status == 415
    answer = connection.ask("POST", "/hosts", length, "Content-Type: application/json",
                            body=BATCH.encode())
    assert [item["query"] for item in answer.json()] == [OTHER]


def test_options_are_no_preflight(connection):
    answer = connection.ask("OPTIONS", "/hosts", f"Origin: {PAGE}")
    assert answer.status == 204
    assert answer["Access-Control-Allow-Methods"] is None


def test_a_request_that_is_refused_had_no_body(daemon, connection):
    """There is nothing more of it to read, so the connection is closed altogether, not only for what
    we have to say, which would take 10 seconds."""
    before = descriptors(daemon.process.pid)
    answer = connection.ask("GET", "/livez", host="a b")
    assert answer.status == 400
    assert answer["Connection"] == "close"
    assert connection.at_end()
    wait_until(lambda: descriptors(daemon.process.pid) < before, "the connection's end", 5)
