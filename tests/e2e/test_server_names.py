# SPDX-License-Identifier: MIT
"""Under which names the daemon can be reached (http.server_names): a page whose own name is made to
resolve to our address (DNS rebinding) must not be able to read anything."""

import pytest

from daemon import Daemon
from fake_p0f import FakeP0f
from http_client import fetch, fetch_target
from problems import assert_problem

HOST = "198.51.100.1"
STRANGER = "evil.example"
PATHS = [f"/host/{HOST}", "/host/x", "/self", "/", "/livez", "/readyz", "/status", "/metrics", "/openapi.json",
         "/nothing"]


def _lab(module_scratch, names):
    fake = FakeP0f(f"{module_scratch}/p0f.sock", {HOST: {"os_name": "Linux"}})
    settings = {"http.server_names": names, "cache.ttl": "1h", "p0f.first_contact_wait": "0"}
    return fake, Daemon(module_scratch, fake.path, settings, also_listen=[f"unix:{module_scratch}/http.sock"])


@pytest.fixture(name="daemon", scope="module")
def _daemon(module_scratch):
    fake, daemon = _lab(module_scratch, "p0f.example.org, Dashboard")
    with fake, daemon:
        yield daemon.wait_for_p0f()


def _under(daemon, name, path=f"/host/{HOST}", *headers, **options):
    return fetch_target(daemon.endpoint, path, *headers, host=name, **options)


@pytest.mark.parametrize("name", [
    "p0f.example.org", "P0F.EXAMPLE.org", "p0f.example.org:5030", "p0f.example.org.:80", "dashboard",
    "localhost", "LOCALHOST:1", "localhost.", "127.0.0.1", "192.0.2.1:5030", "[::1]", "[2001:db8::1]:80",
    "", ":80", " p0f.example.org\t"])
def test_names_that_are_answered(daemon, name):
    assert _under(daemon, name).status == 200


@pytest.mark.parametrize("name", [
    STRANGER, "evil.example:5030", "example.org", "x.p0f.example.org", "p0f.example.org.evil.example",
    "127.0.0.1.nip.io", "localhost.evil.example", "dashboard.lan", "[evil.example]", "127.1", "0x7f.1"])
def test_names_that_are_not(daemon, name):
    problem = assert_problem(_under(daemon, name), 421, "misdirected")
    assert problem["detail"] == f"{name} is not in http.server_names"


@pytest.mark.parametrize("path", PATHS)
def test_every_path_and_method(daemon, path):
    for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT"):
        answer = _under(daemon, STRANGER, path, method=method)
        assert answer.status == 421, (method, answer)


def test_a_batch(daemon):
    body = f'["{HOST}"]'
    headers = {"Host": STRANGER, "Content-Type": "application/json"}
    answer = fetch(daemon.endpoint, "/hosts", headers, "POST", body)
    assert_problem(answer, 421, "misdirected")
    answer = fetch(daemon.endpoint, "/hosts", {**headers, "Host": "dashboard"}, "POST", body)
    assert answer.json()[0]["status"] == 200


def test_forward_auth_is_asked_under_the_names_of_sites(daemon):
    for path in ("/forward-auth", "/forward-auth/a/page?x"):
        for method in ("GET", "HEAD", "PUT", "OPTIONS"):
            assert _under(daemon, "www.site.example", path, method=method).status == 200


def test_a_unix_socket_has_no_name(daemon, module_scratch):
    for path in (f"/host/{HOST}", "/status"):
        assert fetch(f"{module_scratch}/http.sock", path, {"Host": STRANGER}).status == 200


def test_the_name_in_the_target_is_the_one_that_counts(daemon):
    """RFC 9112, 3.2.2."""
    good, bad = f"http://p0f.example.org/host/{HOST}", f"http://{STRANGER}:5030/host/{HOST}"
    assert _under(daemon, STRANGER, good).status == 200
    for name in ("p0f.example.org", "localhost", ""):
        problem = assert_problem(_under(daemon, name, bad), 421, "misdirected")
        assert problem["detail"] == f"{STRANGER}:5030 is not in http.server_names"
    assert _under(daemon, STRANGER, f"http://[::1]:5030/host/{HOST}").status == 200
    assert_problem(_under(daemon, "localhost", f"http://p0f%2eexample.org/host/{HOST}"), 400, "bad-request")


def test_http_1_0_without_a_host(daemon):
    """Of a health check, say: browsers always send one."""
    assert _under(daemon, None, version="1.0").status == 200
    assert _under(daemon, STRANGER, version="1.0").status == 421


def test_it_is_counted(daemon):
    _under(daemon, STRANGER, "/livez")
    _under(daemon, "x", "/livez", version="1.9")
    text = daemon.get("/metrics").body.decode()
    assert 'p0f_lookupd_http_requests_total{route="/livez",code="421"} ' in text
    assert 'p0f_lookupd_http_requests_total{route="/livez",code="505"} 1\n' in text


def test_it_is_among_the_settings(daemon):
    shown = daemon.get("/status").json()["configuration"]["http"]["server_names"]
    assert shown == "p0f.example.org, Dashboard"


def test_every_name_by_default(fake, serve):
    fake.hosts[HOST] = {"os_name": "Linux"}
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        assert _under(daemon, STRANGER).status == 200
        assert _under(daemon, "localhost", f"http://{STRANGER}/host/{HOST}").status == 200
