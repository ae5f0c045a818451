# SPDX-License-Identifier: MIT
"""Requests that cannot be served: each is told why, in the one form of a problem, and p0f hears
nothing of it."""

import json

import pytest

from daemon import Daemon
from fake_p0f import FakeP0f
from http_client import fetch_target
from problems import assert_problem

HOST = "198.51.100.1"
PATHS = [f"/host/{HOST}", "/livez", "/"]
METHODS = ["POST", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "PROPFIND", "BREW", "get", "G-E_T"]


@pytest.fixture(name="lab", scope="module")
def _lab(module_scratch):
    with FakeP0f(f"{module_scratch}/p0f.sock", {HOST: {"os_name": "Linux"}}) as fake, \
            Daemon(module_scratch, fake.path, {"cache.ttl": "1h"}) as daemon:
        daemon.wait_for_p0f()
        yield fake, daemon


@pytest.fixture(autouse=True)
def _p0f_hears_nothing(lab):
    fake, daemon = lab
    daemon.host(HOST)
    before = fake.asked()
    yield
    assert fake.asked() == before
    assert daemon.get("/livez").status == 200


@pytest.fixture(name="daemon")
def _daemon(lab):
    return lab[1]


BAD_FORMATS = "xml RAW raw%20 rawx ra parsed,raw %00 raw%00 0".split()


@pytest.mark.parametrize("value", BAD_FORMATS)
def test_unknown_format(daemon, value):
    problem = assert_problem(daemon.host(HOST, f"?format={value}"), 400, "bad-parameter")
    assert "format" in problem["detail"]


def test_empty_format(daemon):
    for query in ("?format=", "?format"):
        assert_problem(daemon.host(HOST, query), 400, "bad-parameter")


BAD_WAITS = """
    -1 5001 99999999999999999999 18446744073709551616 4294967296 1.5 1e3 0x10 abc 10ms %201
    1%20 %2B1 +1 1%00 -0 %D9%A1
""".split()


@pytest.mark.parametrize("value", [*BAD_WAITS, ""])
def test_bad_wait(daemon, value):
    problem = assert_problem(daemon.host(HOST, f"?wait={value}"), 400, "bad-parameter")
    assert "wait" in problem["detail"]


def test_the_problem_names_the_bad_value(daemon):
    """And a value that would break the JSON, were it put there as it is, does not."""
    for value, decoded in (("xml", "xml"), ("a%22b", 'a"b'), ("%3Cb%3E", "<b>")):
        problem = assert_problem(daemon.host(HOST, f"?format={value}"), 400, "bad-parameter")
        assert decoded in problem["detail"] or value in problem["detail"]
    assert "5001" in assert_problem(daemon.host(HOST, "?wait=5001"), 400, "bad-parameter")["detail"]
    for nasty in ("%01%02%1f", "%ff%fe", "%0d%0aX-Bad:%20yes", "%E2%82", "x" * 3000):
        answer = daemon.host(HOST, f"?format={nasty}")
        assert_problem(answer, 400, "bad-parameter")
        assert answer["X-Bad"] is None


def test_one_bad_parameter_among_good_ones(daemon):
    assert_problem(daemon.host(HOST, "?format=raw&wait=x"), 400, "bad-parameter")
    assert_problem(daemon.host(HOST, "?wait=0&format=x"), 400, "bad-parameter")


HARMLESS_QUERIES = """
    ? ?foo ?foo=bar ?= ?&&& ?foo=%00%zz ?formats=x ?wait_=x ?foo=bar&format=parsed ?Format=x
    ?format=%70arsed ?format=parsed& ?a=b=c&format=parsed&&
""".split()


@pytest.mark.parametrize("query", HARMLESS_QUERIES)
def test_unknown_parameters_are_ignored(daemon, query):
    answer = fetch_target(daemon.endpoint, f"/host/{HOST}{query}")
    assert answer.status == 200, answer
    assert answer.body == daemon.host(HOST).body


def test_parameters_do_not_matter_elsewhere(daemon):
    assert daemon.get("/livez?format=x&wait=y").status == 200
    assert daemon.get("/?format=x").status == 200


UNKNOWN_PATHS = """
    /nothing /host /HOST/198.51.100.1 /Livez /livez/ /livez/x /livezx // //livez
    /hostx/198.51.100.1 /hos/198.51.100.1 /%00 /livez%00 /favicon.ico /robots.txt /%
    /index.html /./livez /host%2F198.51.100.1
""".split()


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
def test_unknown_path(daemon, path):
    answer = fetch_target(daemon.endpoint, path)
    assert_problem(answer, 404, "not-found")


def test_the_index_names_the_paths(daemon):
    answer = daemon.get("/")
    assert answer.status == 200
    assert answer["Content-Type"] == "application/json"
    for path in ("/host/", "/livez"):
        assert path in json.dumps(answer.json())


def test_livez(daemon):
    answer = daemon.get("/livez")
    assert answer.status == 200
    assert int(answer["Content-Length"]) == len(answer.body)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_methods_that_are_not_allowed(daemon, path, method):
    answer = fetch_target(daemon.endpoint, path, "Content-Length: 0", method=method)
    assert_problem(answer, 405, "method-not-allowed")
    assert {name.strip() for name in answer["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("path", PATHS)
def test_options(daemon, path):
    answer = daemon.get(path, method="OPTIONS")
    assert answer.status == 204
    assert answer.body == b""
    assert {name.strip() for name in answer["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize("size", [1, 1000, 100_000])
def test_a_body_is_read_away_before_the_refusal(daemon, size):
    """Else a client that is still sending would see its connection reset instead of an answer."""
    answer = daemon.get(f"/host/{HOST}", method="POST", body=b"x" * size,
                        headers={"Content-Type": "application/json"})
    assert_problem(answer, 405, "method-not-allowed")


def test_a_problem_says_how_long_it_is(daemon):
    for path in ("/host/x", "/nothing", f"/host/{HOST}?wait=x"):
        answer = daemon.get(path)
        assert int(answer["Content-Length"]) == len(answer.body)
