# SPDX-License-Identifier: MIT
"""A page in headless Chromium looks hosts up: where http.cors_origins allows it, and nowhere else."""

import json
import re

import pytest

import browser
import host_json
import loopback
from daemon import Daemon
from real_p0f import RealP0f
from waiting import wait_until

HOST = f"{loopback.NETWORK}.12.1"
STRANGER = "192.0.2.9"
OTHER = "https://other.example"


@pytest.fixture(name="p0f", scope="module")
def _p0f(needs_p0f, module_scratch):
    with RealP0f(module_scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            loopback.WebServer() as web:
        loopback.visit(HOST, web.address)
        wait_until(lambda: (p0f.known(HOST) or {}).get("http_name"), "p0f to know the host")
        yield p0f


@pytest.fixture(name="site")
def _site():
    with browser.Site() as site:
        yield site


def _daemon(scratch, p0f, origins):
    return Daemon(scratch, p0f.socket, {"http.cors_origins": origins, "http.access_log": "yes",
                                        "p0f.first_contact_wait": "0"})


def _requests(daemon, etag):
    """What the page asks for; those of the second half only after asking whether it may."""
    host = f"http://127.0.0.1:{daemon.port}/host/"
    json_type = {"Content-Type": "application/json"}
    return [
        (f"{host}{HOST}", {}),
        (f"{host}{STRANGER}", {}),
        (f"{host}nobody", {}),
        (f"{host}{HOST}?format=raw", {"headers": {"Cache-Control": "no-cache"}}),
        (f"{host}{HOST}?x=y", {"headers": {"If-None-Match": etag}, "cache": "no-store"}),
        (f"http://127.0.0.1:{daemon.port}/hosts",
         {"method": "POST", "headers": json_type, "body": json.dumps([HOST, STRANGER])}),
    ]


def _asked(daemon):
    """(method, path) of what came from the browser, which is whatever came since the ETag was
    asked for."""
    daemon.wait_for_log()
    return re.findall(r'"(\w+) (?!/mark)(\S+)" \d+', daemon.log().rpartition('"HEAD ')[2])


@pytest.mark.parametrize("allowed", ["this", "this and another", "*"])
def test_a_page_that_may(scratch, p0f, site, allowed):
    origins = {"this": site.origin, "this and another": f"{OTHER}, {site.origin}", "*": "*"}[allowed]
    with _daemon(scratch, p0f, origins) as daemon:
        etag = daemon.wait_for_p0f().host(HOST, method="HEAD")["ETag"]
        known, unknown, bad, raw, same, batch = site.open(scratch, _requests(daemon, etag))
        expected = host_json.parsed(HOST, p0f.ask(HOST))
        assert known["status"] == 200
        assert json.loads(known["body"]) == expected
        # Fields that a page may only read if it is told so.
        assert known["headers"]["etag"] == etag
        assert int(known["headers"]["age"]) >= 0
        assert known["headers"]["cache-status"].startswith("p0f-lookupd; ")
        assert unknown["status"] == 404
        assert json.loads(unknown["body"])["type"] == "urn:p0f-lookupd:no-match"
        assert bad["status"] == 400
        assert json.loads(raw["body"]) == host_json.raw(HOST, p0f.ask(HOST))
        assert same["status"] == 304
        assert batch["status"] == 200
        assert [item["status"] for item in json.loads(batch["body"])] == [200, 404]
        assert json.loads(batch["body"])[0]["host"] == expected
        asked = _asked(daemon)
        for path in (f"/host/{HOST}", "/hosts"):
            assert any(method == "OPTIONS" and at.startswith(path) for method, at in asked), asked


def test_what_an_app_sends_and_reads(scratch, p0f, site):
    """With a token, tracing, and the fields of /forward-auth."""
    sent = {"Authorization": "Bearer x", "X-Request-Id": "1", "Pragma": "no-cache", "tracestate": "a=b",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    with _daemon(scratch, p0f, site.origin) as daemon:
        daemon.wait_for_p0f()
        here = f"http://127.0.0.1:{daemon.port}"
        known, auth, index, again = site.open(scratch, [
            (f"{here}/host/{HOST}", {"headers": sent}), (f"{here}/forward-auth", {}),
            (f"{here}/", {"cache": "reload"}), (f"{here}/", {"cache": "no-cache"})])
        assert known["status"] == 200, known
        assert auth["headers"]["x-p0f-status"]
        assert index["status"] == again["status"] == 200        # the browser makes that of a 304
        assert index["body"] == again["body"]
        assert index["headers"]["cache-control"] == "no-cache"
        daemon.wait_for_line('"GET /" 304')
        assert re.findall(r'"GET /" (\d+)', daemon.log()) == ["200", "304"]


def test_a_page_under_a_name_of_its_own(scratch, p0f):
    """DNS rebinding: for the browser, the page and the daemon are one site."""
    name = "rebound.example"
    with _daemon(scratch, p0f, "") as daemon:
        daemon.wait_for_p0f()
        url = f"http://{name}:{daemon.port}/host/{HOST}"
        assert '"os_name"' in browser.read_page(scratch, url, name)
    with Daemon(scratch, p0f.socket, {"http.server_names": "p0f.example.org"}) as daemon:
        daemon.wait_for_p0f()
        page = browser.read_page(scratch, f"http://{name}:{daemon.port}/host/{HOST}", name)
        assert '"status":421' in page and '"os_name"' not in page, page
        for good in ("localhost", "127.0.0.1", "p0f.example.org"):
            page = browser.read_page(scratch, f"http://{good}:{daemon.port}/host/{HOST}", good)
            assert '"os_name"' in page, page


@pytest.mark.parametrize("origins", ["", OTHER, "http://127.0.0.1"])
def test_a_page_that_may_not(scratch, p0f, site, origins):
    """The browser asks all the same, and tells the page nothing; and where it has to ask first
    whether it may, it does not ask at all."""
    with _daemon(scratch, p0f, origins) as daemon:
        etag = daemon.wait_for_p0f().host(HOST, method="HEAD")["ETag"]
        told = site.open(scratch, _requests(daemon, etag))
        assert told == [{"error": "TypeError"}] * 6
        methods = [method for method, _ in _asked(daemon)]
        assert methods == ["GET"] * 3 + ["OPTIONS"] * 3
