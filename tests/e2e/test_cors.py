# SPDX-License-Identifier: MIT
"""Which pages a browser lets read our answers: what http.cors_origins says, and nobody else."""

import os

import pytest

from daemon import Daemon
from fake_p0f import FakeP0f
from http_client import fetch_target
from problems import assert_problem

HOST = "198.51.100.1"
UNKNOWN = "198.51.100.2"
PAGE = "https://page.example"
OTHER = "http://localhost:8080"
STRANGER = "https://stranger.example"
STRANGERS = [STRANGER, "null", "", "http://page.example", "https://page.example:444",
             "https://page.example.evil.example", "https://page.exampl", "https://PAGE.example",
             f"{PAGE}, {OTHER}", f"{PAGE}/", "*"]

FORWARDED = ["status", "os", "os-name", "os-flavor", "http", "link", "language", "distance", "uptime-min",
             "nat", "bad-sw", "match-quality"]
# What apps send to every server, tracing and HTTP libraries included.
SENT = {"authorization", "cache-control", "content-type", "if-none-match", "traceparent", "tracestate",
        "x-request-id", "pragma", "baggage", "sentry-trace", "if-modified-since", "x-requested-with"}

# A path and the status of its answer; each is another way through the code.
PATHS = {f"/host/{HOST}": 200, f"/host/{HOST}?format=raw": 200, f"/host/{UNKNOWN}?wait=0": 404,
         "/host/x": 400, f"/host/{HOST}?wait=x": 400, "/self": 404, "/forward-auth": 200, "/": 200,
         "/livez": 200, "/nothing": 404, "/host/" + "1" * 5000: 414}


def _lab(module_scratch, name, origins):
    scratch = os.path.join(module_scratch, name)
    os.mkdir(scratch)
    fake = FakeP0f(f"{scratch}/p0f.sock", {HOST: {"os_name": "Linux"}})
    settings = {"http.cors_origins": origins, "cache.ttl": "1h", "p0f.first_contact_wait": "0"}
    return fake, Daemon(scratch, fake.path, settings)


@pytest.fixture(name="listing", scope="module")
def _listing(module_scratch):
    fake, daemon = _lab(module_scratch, "list", f"{PAGE}, {OTHER}")
    with fake, daemon:
        yield daemon.wait_for_p0f()


@pytest.fixture(name="everybody", scope="module")
def _everybody(module_scratch):
    fake, daemon = _lab(module_scratch, "all", "*")
    with fake, daemon:
        yield daemon.wait_for_p0f()


@pytest.fixture(name="nobody", scope="module")
def _nobody(module_scratch):
    fake, daemon = _lab(module_scratch, "none", "")
    with fake, daemon:
        yield daemon.wait_for_p0f()


def _from(origin):
    return {} if origin is None else {"Origin": origin}


def _cors(answer):
    """The fields that CORS is made of, by what is behind Access-Control-."""
    prefix = "Access-Control-"
    found = [(name[len(prefix):], value) for name, value in answer.headers.items()
             if name.startswith(prefix)]
    assert len(dict(found)) == len(found), found
    return dict(found)


def _words(field):
    return {word.strip().lower() for word in field.split(",")}


def _assert_readable(answer, origin):
    cors = _cors(answer)
    assert cors.pop("Allow-Origin") == origin
    assert {"age", "cache-status", "etag", "retry-after"} <= _words(exposed := cors.pop("Expose-Headers"))
    assert {name.lower() for name in answer.headers if name.startswith("X-P0F-")} <= _words(exposed)
    assert {f"x-p0f-{name}" for name in FORWARDED} <= _words(exposed)
    assert cors == {}


def _varies(answer):
    return "origin" in _words(answer["Vary"] or "")


# -- answers ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", PATHS)
def test_a_page_that_is_listed(listing, path, method):
    for origin in (PAGE, OTHER):
        answer = listing.get(path, _from(origin), method=method)
        assert answer.status == PATHS[path] or (method == "POST" and answer.status == 405)
        _assert_readable(answer, origin)
        assert _varies(answer)


@pytest.mark.parametrize("path", PATHS)
def test_a_page_that_is_not_listed(listing, path):
    for origin in (*STRANGERS, None):
        answer = listing.get(path, _from(origin))
        assert answer.status == PATHS[path]         # the browser refuses it, not we
        assert _cors(answer) == {}
        # A cache must not give this to a page that is listed.
        assert _varies(answer)


@pytest.mark.parametrize("path", PATHS)
def test_every_page(everybody, path):
    """Who is no page gets the same: a cache, a browser's too, keeps it and gives it to pages."""
    for origin in (PAGE, STRANGER, "null", None):
        answer = everybody.get(path, _from(origin))
        assert answer.status == PATHS[path]
        _assert_readable(answer, "*")
        assert not _varies(answer)


@pytest.mark.parametrize("path", PATHS)
def test_no_page(nobody, path):
    for origin in (PAGE, STRANGER, "*", None):
        answer = nobody.get(path, _from(origin))
        assert answer.status == PATHS[path]
        assert _cors(answer) == {}
        assert answer["Vary"] == ("Accept" if path == "/" else None)


def test_one_field_says_all_that_an_answer_varies_with(listing):
    """As some caches look at the last one only."""
    for origin in (PAGE, STRANGER, None):
        answer = listing.get("/", _from(origin))
        assert answer.headers.get_all("Vary") == ["Accept, Origin"]


def test_not_modified(listing):
    etag = listing.host(HOST)["ETag"]
    answer = listing.host(HOST, "", {"Origin": PAGE, "If-None-Match": etag})
    assert answer.status == 304
    _assert_readable(answer, PAGE)


def test_answers_served_again_are_not_mixed_up(listing, everybody):
    """A host asked for over and over within a second: its responses may be shared, the fields that
    are one page's may not."""
    for _ in range(10):
        for origin, expected in ((None, {}), (PAGE, PAGE), (STRANGER, {}), (OTHER, OTHER)):
            answer = listing.host(HOST, "", _from(origin))
            assert answer.cache_status()["hit"]
            assert answer.headers.get_all("Vary") == ["Origin"]
            if expected:
                _assert_readable(answer, expected)
            else:
                assert _cors(answer) == {}
        for origin in (None, PAGE):
            _assert_readable(everybody.host(HOST, "", _from(origin)), "*")


def test_on_one_connection(listing):
    """What a request said is not remembered for the next."""
    connection = listing.connect()
    for origin in (PAGE, None, OTHER, STRANGER, PAGE):
        connection.request("GET", f"/host/{HOST}", headers=_from(origin))
        response = connection.getresponse()
        response.read()
        allowed = origin if origin in (PAGE, OTHER) else None
        assert response.headers["Access-Control-Allow-Origin"] == allowed
    connection.close()


# -- preflight -------------------------------------------------------------------------------------

def _preflight(daemon, path, origin, method="GET", **more):
    headers = {**_from(origin), "Access-Control-Request-Method": method,
               "Access-Control-Request-Headers": "cache-control,if-none-match", **more}
    return daemon.get(path, headers, method="OPTIONS")


@pytest.mark.parametrize("path", [f"/host/{HOST}", "/host/x", "/self", "/livez", "/"])
def test_preflight(listing, everybody, path):
    for daemon, origin, said in ((listing, PAGE, PAGE), (listing, OTHER, OTHER),
                                 (everybody, PAGE, "*"), (everybody, "null", "*")):
        answer = _preflight(daemon, path, origin)
        assert answer.status == 204
        assert answer.body == b""
        cors = _cors(answer)
        assert cors["Allow-Origin"] == said
        assert _words(cors["Allow-Methods"]) == _words(answer["Allow"]) == {"get", "head",
                                                                            "options"}
        assert _words(cors["Allow-Headers"]) == SENT
        assert int(cors["Max-Age"]) > 0
        assert "Allow-Private-Network" not in cors


def test_preflight_of_a_path_with_any_method(listing):
    """/forward-auth answers OPTIONS as any other method, and a browser takes any 2xx for a yes."""
    for path in ("/forward-auth", "/forward-auth/below"):
        answer = _preflight(listing, path, PAGE, **{"Access-Control-Request-Private-Network": "true"})
        assert answer.status == 200 and answer["X-P0F-Status"]
        cors = _cors(answer)
        assert cors["Allow-Origin"] == PAGE
        assert {"get", "head", "post"} <= _words(cors["Allow-Methods"])
        assert _words(cors["Allow-Headers"]) == SENT
        assert cors["Allow-Private-Network"] == "true"
        assert "Allow-Origin" not in _cors(_preflight(listing, path, STRANGER))
        assert "Allow-Methods" not in _cors(listing.get(path, _from(PAGE), method="OPTIONS"))


def test_private_network_access(listing, everybody, nobody):
    """A public site that asks a private address: only who is allowed, and only when asked."""
    asks = {"Access-Control-Request-Private-Network": "true"}
    for daemon, origin in ((listing, PAGE), (everybody, STRANGER)):
        assert _cors(_preflight(daemon, f"/host/{HOST}", origin, **asks))["Allow-Private-Network"] == "true"
        no = {"Access-Control-Request-Private-Network": "false"}
        assert "Allow-Private-Network" not in _cors(_preflight(daemon, "/self", origin, **no))
        answer = daemon.get("/self", {"Origin": origin, **asks})      # no preflight
        assert "Allow-Private-Network" not in _cors(answer)
    for daemon, origin in ((listing, STRANGER), (listing, None), (nobody, PAGE)):
        assert _cors(_preflight(daemon, f"/host/{HOST}", origin, **asks)) == {}


def test_preflight_of_a_stranger(listing, nobody):
    for daemon in (listing, nobody):
        for origin in (STRANGER, "null", None):
            answer = _preflight(daemon, f"/host/{HOST}", origin)
            assert answer.status == 204
            assert _cors(answer) == {}
        assert _varies(answer) == (daemon is listing)


def test_options_that_is_no_preflight(listing):
    answer = listing.get(f"/host/{HOST}", _from(PAGE), method="OPTIONS")
    assert answer.status == 204
    assert answer["Allow"]
    _assert_readable(answer, PAGE)


def test_preflight_of_nothing(listing):
    assert_problem(_preflight(listing, "/nothing", PAGE), 404, "not-found")


def test_requests_that_are_refused_at_once(listing):
    """Before their bodies are read: that way through the code has its own end."""
    lengths = ("Content-Length: 0", "Content-Length: 5")
    answer = fetch_target(listing.endpoint, "/livez", f"Origin: {PAGE}", *lengths)
    assert_problem(answer, 400, None)
    _assert_readable(answer, PAGE)
