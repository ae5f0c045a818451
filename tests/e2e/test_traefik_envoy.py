# SPDX-License-Identifier: MIT
"""The examples for Traefik and Envoy, which cannot be run here: what these would send, by the settings in
the examples and their source code, and what they would make of the answers."""

import http.client
import re

import pytest
import yaml

import host_json
from examples import example_text
from http_client import Answer

FIELDS = sorted(f"X-P0F-{name}" for name in host_json.no_header_fields("ok"))
KNOWN, UNKNOWN = "198.51.100.1", "198.51.100.2"

# What visitors ask for.
METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"]
TARGETS = ["/", "/a%20b/c?d=%2F&e", "//", "/../host/192.0.2.1", "/%2e%2e/metrics", "/%00", "/%zz?%", "/?",
           "/" + "a" * 4000]


def _load(path):
    return yaml.safe_load(example_text(path))


@pytest.fixture(name="daemon")
def _daemon(fake, serve):
    fake.hosts[KNOWN] = {"os_name": "Linux", "os_flavor": "3.x", "language": "French"}
    with serve(fake, {"p0f.first_contact_wait": "0", "http.server_names": "p0f.example.org"}) as daemon:
        yield daemon.wait_for_p0f()


@pytest.fixture(name="connection")
def _connection(daemon):
    """One that is used for all requests, as both proxies do."""
    connection = http.client.HTTPConnection(*daemon.endpoint, timeout=20)
    yield connection
    connection.close()


def _ask(connection, method, target, fields):
    """The Answer to a request with exactly these fields, on that same connection."""
    connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in fields:
        connection.putheader(name, value)
    connection.endheaders()
    sock = connection.sock
    answer = Answer(connection.getresponse())
    assert connection.sock is sock, "it was closed"
    return answer


# -- Traefik ---------------------------------------------------------------------------------------

def _forward_auth():
    middlewares = _load("traefik/p0f-forward-auth.yml")["http"]["middlewares"]
    return middlewares["p0f-lookupd"]["forwardAuth"]


class _Traefik:
    """Its ForwardAuth, as pkg/middlewares/auth/forward.go has it."""

    def __init__(self, connection):
        self._settings = _forward_auth()
        self._connection = connection

    def sends(self, method, target, visitor, fields=()):
        """A GET of the address, with the visitor's fields that authRequestHeaders has, without those called
        X-Forwarded-*, which it writes itself."""
        assert self._settings["trustForwardHeader"] is False
        assert "preserveRequestMethod" not in self._settings and "forwardBody" not in self._settings
        address = re.fullmatch(r"http://(127\.0\.0\.1:5030)(/.*)", self._settings["address"])
        allowed = {name.lower() for name in self._settings["authRequestHeaders"]}
        passed_on = [(name, value) for name, value in fields
                     if name.lower() in allowed and not name.lower().startswith("x-forwarded-")]
        return _ask(self._connection, "GET", address[2], [
            ("Host", address[1]), *passed_on, ("X-Forwarded-For", visitor), ("X-Forwarded-Host", "x"),
            ("X-Forwarded-Method", method), ("X-Forwarded-Port", "80"), ("X-Forwarded-Proto", "http"),
            ("X-Forwarded-Uri", target), ("Accept-Encoding", "gzip")])

    def replaces(self, name):
        """Whether the field of a request is removed, and copied from an answer. Go writes the names so."""
        name = "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
        return bool(re.search(self._settings["authResponseHeadersRegex"], name))


@pytest.mark.parametrize("method", METHODS)
def test_traefik(connection, method):
    traefik = _Traefik(connection)
    for target in TARGETS:
        for visitor, status in ((KNOWN, "ok"), (UNKNOWN, "no-match")):
            answer = traefik.sends(method, target, visitor, [("X-Forwarded-For", KNOWN),
                                                             ("Cookie", "c" * 100_000), ("Range", "bytes=0-0")])
            # It lets visitors in by any 2xx, and copies nothing but these.
            assert 200 <= answer.status < 300, answer
            assert answer["X-P0F-Status"] == status
            copied = [name for name in answer.headers if traefik.replaces(name)]
            assert sorted(copied) == FIELDS


@pytest.mark.parametrize("name", FIELDS)
def test_traefik_removes_what_a_visitor_makes_up(name):
    traefik = _Traefik(None)
    for spelling in (name, name.lower(), name.upper(), name.replace("-", "_"), name.replace("-", "_", 1)):
        assert traefik.replaces(spelling), spelling
    assert not traefik.replaces("X-P0FX") and not traefik.replaces("My-X-P0F-OS")


def test_traefik_while_p0f_is_down(fake, connection):
    traefik = _Traefik(connection)
    fake.stop()
    answer = traefik.sends("GET", "/", UNKNOWN)
    assert (answer.status, answer["X-P0F-Status"]) == (200, "error")


# -- Envoy -----------------------------------------------------------------------------------------

def _manager():
    listener, = _load("envoy/p0f-forward-auth.yaml")["static_resources"]["listeners"]
    return listener["filter_chains"][0]["filters"][0]["typed_config"]


def _filter(name):
    return next(filter_ for filter_ in _manager()["http_filters"]
                if filter_["name"] == f"envoy.filters.http.{name}")["typed_config"]


class _Envoy:
    """Its ext_authz with a HTTP service, as ext_authz_http_impl.cc has it since 1.28."""

    def __init__(self, connection):
        self._settings = _filter("ext_authz")
        self._service = self._settings["http_service"]
        self._connection = connection

    def sends(self, method, target, visitor, fields=()):
        """The visitor's request with another path, without its body, and with no other fields than are always
        sent or allowed."""
        assert _manager()["use_remote_address"] is True
        forged = "".join(f"{value}, " for name, value in fields if name == "X-Forwarded-For")
        sent = [("Host", "www.example.org"), *fields, ("x-forwarded-for", f"{forged}{visitor}")]
        allowed = {"host", "authorization",
                   *(pattern["exact"] for pattern in self._settings["allowed_headers"]["patterns"])}
        return _ask(self._connection, method, self._service["path_prefix"] + target, [
            ("content-length", "0"),
            *((name.lower(), value) for name, value in sent
              if name.lower() in allowed and name != "X-Forwarded-For")])

    def replaces(self, name):
        patterns = self._service["authorization_response"]["allowed_upstream_headers"]["patterns"]
        return any(name.lower().startswith(pattern["prefix"]) for pattern in patterns)


@pytest.mark.parametrize("method", METHODS)
def test_envoy(connection, method):
    envoy = _Envoy(connection)
    for target in [*TARGETS, "*"]:
        for visitor, status in ((KNOWN, "ok"), (UNKNOWN, "no-match")):
            for forged in ([], [("X-Forwarded-For", KNOWN)], [("X-Forwarded-For", "nonsense")]):
                answer = envoy.sends(method, target, visitor, [
                    *forged, ("Authorization", "Basic eDp5"), ("Cookie", "c"), ("Content-Length", "7"),
                    ("If-None-Match", "*"), ("Expect", "100-continue")])
                # Anything else but a 5xx would be the visitor's answer.
                assert answer.status == 200, answer
                assert answer["X-P0F-Status"] == status
                assert sorted(name for name in answer.headers if envoy.replaces(name)) == FIELDS


@pytest.mark.parametrize("where", ["target", "Authorization", "X-Forwarded-For"])
def test_envoy_lets_nobody_in_whom_the_daemon_would_refuse(connection, where):
    """The largest request that it takes."""
    most = _manager()["max_request_headers_kb"] * 1024 - 100
    envoy = _Envoy(connection)
    if where == "target":
        answer = envoy.sends("GET", "/" + "a" * most, KNOWN)
    else:
        answer = envoy.sends("GET", "/", KNOWN, [(where, "1" * most)])
    assert (answer.status, answer["X-P0F-Status"]) == (200, "ok")


def test_envoy_while_p0f_is_down(fake, connection):
    fake.stop()
    answer = _Envoy(connection).sends("POST", "/", UNKNOWN)
    assert (answer.status, answer["X-P0F-Status"]) == (200, "error")


def test_envoy_removes_what_a_visitor_makes_up():
    """Before it asks, so that this is so when it cannot; those with underscores it drops before all that."""
    names = [filter_["name"].rpartition(".")[2] for filter_ in _manager()["http_filters"]]
    assert names == ["header_mutation", "ext_authz", "router"]
    *removed, last = _filter("header_mutation")["mutations"]["request_mutations"]
    assert last == {"append": {"header": {"key": "x-p0f-status", "value": "error"},
                               "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
    assert sorted([*(mutation["remove"] for mutation in removed), "x-p0f-status"]) == \
        [name.lower() for name in FIELDS]
    assert _manager()["common_http_protocol_options"]["headers_with_underscores_action"] == "DROP_HEADER"


def test_envoy_fails_open_in_time():
    settings, service = _filter("ext_authz"), _filter("ext_authz")["http_service"]
    assert settings["failure_mode_allow"] is True
    clusters = {cluster["name"]: cluster for cluster in
                _load("envoy/p0f-forward-auth.yaml")["static_resources"]["clusters"]}
    cluster = clusters[service["server_uri"]["cluster"]]
    assert service["server_uri"]["timeout"] == cluster["connect_timeout"] == "0.25s"
    endpoint, = cluster["load_assignment"]["endpoints"][0]["lb_endpoints"]
    assert endpoint["endpoint"]["address"]["socket_address"] == {"address": "127.0.0.1", "port_value": 5030}
