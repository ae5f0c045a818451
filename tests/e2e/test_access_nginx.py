# SPDX-License-Identifier: MIT
"""Tokens behind the real nginx, with the examples in conf/: what a cache may give to whom, and the token that
nginx sends itself."""

import pytest

import nginx
import tokens
from daemon import free_port
from http_client import fetch
from waiting import wait_until

HOST = "198.51.100.1"
PATH = f"/host/{HOST}"


@pytest.fixture(name="made")
def _made(scratch):
    return tokens.write(f"{scratch}/tokens", "lookup", "all", "self", "metrics")


@pytest.fixture(name="daemon")
def _daemon(scratch, fake, serve, made):
    fake.hosts[HOST] = {"os_name": "Linux"}
    with serve(fake, {"http.token_file": f"{scratch}/tokens", "cache.ttl": "1h"}) as daemon:
        wait_until(lambda: daemon.get("/readyz", tokens.bearer(made["all"])).status == 200, "p0f to answer")
        yield daemon


def _cache(scratch, daemon, *changes):
    port = free_port()
    return nginx.Nginx(scratch, nginx.cache_example(scratch, daemon.port, port, changes), port)


def _is_cached(server, headers):
    return "nginx; hit" in fetch(server.endpoint, PATH, headers).headers.get_all("Cache-Status")


def test_what_is_cached_for_one_is_not_given_to_another(scratch, daemon, made):
    with _cache(scratch, daemon) as server:
        good = tokens.bearer(made["lookup"])
        assert fetch(server.endpoint, PATH, good).status == 200
        wait_until(lambda: _is_cached(server, good), "nginx to cache it")
        for headers, status in (({}, 401), (tokens.bearer("x"), 401), (tokens.bearer(made["metrics"]), 403),
                                (tokens.bearer(made["all"]), 200), (good, 200)):
            assert fetch(server.endpoint, PATH, headers).status == status


def test_the_token_of_the_cache_itself(scratch, daemon, made):
    """The line that is there as a comment."""
    line = 'proxy_set_header Authorization "Bearer TOKEN";'
    with _cache(scratch, daemon, (f"#{line}", line.replace("TOKEN", made["lookup"]))) as server:
        for headers in ({}, {}, tokens.bearer("x")):
            assert fetch(server.endpoint, PATH, headers).status == 200
        wait_until(lambda: _is_cached(server, {}), "nginx to cache it")
