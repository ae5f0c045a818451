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
    return re.findall(r'"(\w+) (\S+)" \d+', daemon.log().rpartition('"HEAD ')[2])


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
