# SPDX-License-Identifier: MIT
"""Who may ask what (http.token_file): roles and paths, requests without a valid token, and what is said of
them. In front of the real p0f."""

import itertools
import json
import re

import pytest

import tokens
from daemon import Daemon
from http_client import ask, connect, fetch, open_socket, parse, read_all, send_bytes
from problems import assert_problem
from real_p0f import RealP0f
from waiting import wait_until

ORIGIN = "https://dashboard.example.org"
ROLES = ("lookup", "self", "metrics", "all")
JSON = {"Content-Type": "application/json"}
BATCH = ("POST", "/hosts", b'["127.0.0.1"]')

# What each role may do.
PERMITTED = {
    ("GET", "/host/127.0.0.1", None): {"lookup", "all"},
    BATCH: {"lookup", "all"},
    ("GET", "/self", None): {"lookup", "self", "all"},
    ("GET", "/forward-auth", None): {"lookup", "self", "all"},
    ("PUT", "/forward-auth/any/path", None): {"lookup", "self", "all"},
    ("GET", "/metrics", None): {"metrics", "all"},
    ("GET", "/readyz", None): {"metrics", "all"},
    ("GET", "/readyz?stale=ok", None): {"metrics", "all"},
    ("GET", "/status", None): {"metrics", "all"},
    ("GET", "/openapi.json", None): set(ROLES),
    ("GET", "/", None): set(ROLES),
}
ELSE = [("GET", "/nothing", None, 404), ("PUT", "/status", None, 405), ("GET", "/hosts", None, 405),
        ("POST", "/self", b"x", 405), ("OPTIONS", "/status", None, 204), ("OPTIONS", "*", None, 204),
        ("GET", "/host/x", None, 400), ("GET", "/%2e", None, 404)]


class _Lab:
    def __init__(self, daemon, made, unix):
        self.daemon, self.tokens, self.unix = daemon, made, unix

    def ask(self, method, path, body=None, token=None, headers=None, endpoint=None):
        fields = {**(tokens.bearer(token) if token else {}), **(headers or {})}
        if body:
            fields.update(JSON)
        return fetch(endpoint or self.daemon.endpoint, path, fields, method, body)

    def failures(self):
        text = self.ask("GET", "/metrics", token=self.tokens["all"]).body.decode()
        found = re.findall(r'^p0f_lookupd_http_auth_failures_total{reason="(\w+)"} (\d+)$', text, re.M)
        return {reason: int(count) for reason, count in found}


@pytest.fixture(name="lab", scope="module")
def _lab(needs_p0f, module_scratch):
    made = tokens.write(f"{module_scratch}/tokens", *ROLES)
    unix = f"{module_scratch}/http.sock"
    settings = {"http.token_file": f"{module_scratch}/tokens", "http.cors_origins": ORIGIN,
                "http.threads": "2"}
    with RealP0f(module_scratch) as p0f, \
            Daemon(module_scratch, p0f.socket, settings, also_listen=[f"unix:{unix}"]) as daemon:
        fetch(daemon.endpoint, "/livez", {"User-Agent": "Mozilla/5.0", "Accept-Language": "en"})
        p0f.wait_to_know("127.0.0.1")
        lab = _Lab(daemon, made, unix)
        wait_until(lambda: lab.ask("GET", "/readyz", token=made["all"]).status == 200, "p0f to answer")
        yield lab


def _good(path, answer):
    assert answer.status == 200, (path, answer)
    return answer


# -- roles and paths -------------------------------------------------------------------------------

@pytest.mark.parametrize("method, path, body", PERMITTED)
def test_what_each_role_may_do(lab, method, path, body):
    for role in ROLES:
        answer = lab.ask(method, path, body, lab.tokens[role])
        if role in PERMITTED[method, path, body]:
            _good(path, answer)
            assert "WWW-Authenticate" not in answer.headers
        else:
            problem = assert_problem(answer, 403, "forbidden")
            assert f"the role of the token is {role}; /" in problem["detail"]
            assert problem["detail"].endswith(" or all")
            assert answer["WWW-Authenticate"] == 'Bearer realm="p0f-lookupd", error="insufficient_scope"'
        assert answer["Vary"].endswith("Authorization")


@pytest.mark.parametrize("method, path, body, status", [
    *[(method, path, body, 200) for method, path, body in PERMITTED], *ELSE])
def test_nothing_is_told_without_a_token(lab, method, path, body, status):
    answer = lab.ask(method, path, body)
    problem = assert_problem(answer, 401, "unauthorized")
    assert problem["detail"] == "no token; expected Authorization: Bearer TOKEN"
    assert answer["WWW-Authenticate"] == 'Bearer realm="p0f-lookupd"'
    assert answer["Cache-Control"] == "no-store"
    assert "Allow" not in answer.headers
    wrong = lab.ask(method, path, body, lab.tokens["all"] + "x")
    assert assert_problem(wrong, 401, "unauthorized")["detail"] == "unknown token"
    assert wrong["WWW-Authenticate"] == 'Bearer realm="p0f-lookupd", error="invalid_token"'
    assert lab.ask(method, path, body, lab.tokens["all"]).status == status


def test_head(lab):
    for token, status in ((None, 401), (lab.tokens["self"], 403), (lab.tokens["lookup"], 200)):
        answer = lab.ask("HEAD", "/host/127.0.0.1", token=token)
        assert answer.status == status and answer.body == b""


def test_livez_needs_none(lab):
    for token in (None, "wrong", *lab.tokens.values()):
        answer = _good("/livez", lab.ask("GET", "/livez", token=token))
        assert answer["Vary"] == "Origin"
    assert lab.ask("PUT", "/livez").status == 405


def test_over_a_unix_socket_none_is_needed(lab):
    before = lab.failures()
    for (method, path, body), token in itertools.product(PERMITTED, (None, "wrong", lab.tokens["self"])):
        _good(path, lab.ask(method, path, body, token, {"X-Forwarded-For": "127.0.0.1"}, lab.unix))
    assert lab.failures() == before


def test_the_real_host_is_shown(lab):
    host = lab.ask("GET", "/host/127.0.0.1", token=lab.tokens["lookup"]).json()
    assert host["os_name"] == "Linux"
    assert lab.ask("GET", "/forward-auth", token=lab.tokens["self"])["X-P0F-OS-Name"] == "Linux"


# -- browsers --------------------------------------------------------------------------------------

@pytest.mark.parametrize("path", ["/host/127.0.0.1", "/hosts", "/status", "/"])
def test_a_preflight_has_no_token(lab, path):
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET",
             "Access-Control-Request-Headers": "authorization"}
    answer = lab.ask("OPTIONS", path, headers=asked)
    assert answer.status == 204
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert "Authorization" in answer["Access-Control-Allow-Headers"].split(", ")
    for fields in ({**asked, "Origin": "https://evil.example"}, {"Origin": ORIGIN}):
        assert lab.ask("OPTIONS", path, headers=fields).status == 401
    assert lab.ask("GET", path, headers=asked).status == 401


@pytest.mark.parametrize("path", ["/forward-auth", "/forward-auth/x", "/nothing"])
def test_a_preflight_of_a_visitor_needs_one(lab, path):
    """A proxy that takes any 2xx for a yes would let a visitor in with X-P0F fields of his own."""
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    assert lab.ask("OPTIONS", path, headers=asked).status == 401
    expected = 404 if path == "/nothing" else 200
    assert lab.ask("OPTIONS", path, headers=asked, token=lab.tokens["lookup"]).status == expected


def test_a_page_may_read_why_it_was_denied(lab):
    answer = lab.ask("GET", "/status", headers={"Origin": ORIGIN})
    assert answer.status == 401
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert answer["Vary"] == "Origin, Authorization"


# -- the field as clients write it -----------------------------------------------------------------

def _raw(lab, *fields, path="/host/127.0.0.1"):
    request = f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n".encode()
    return parse(send_bytes(lab.daemon.endpoint,
                            request + b"".join(field + b"\r\n" for field in fields) + b"\r\n"))


@pytest.mark.parametrize("form", [b"Bearer %s", b"bearer %s", b"BEARER \t %s", b"Bearer %s \t "])
@pytest.mark.parametrize("name", [b"Authorization", b"AUTHORIZATION", b"authorization"])
def test_good_fields(lab, name, form):
    token = lab.tokens["lookup"].encode()
    assert _raw(lab, name + b": " + form % token).status == 200
    assert _raw(lab, name + b":" + form % token).status == 200


@pytest.mark.parametrize("field, error", [
    (b"", None), (b" ", None), (b"Basic dXNlcjp0b2tlbg==", None), (b"%s", None), (b"Token %s", None),
    (b"Bearer%s", None), (b"Bearer:%s", None), (b"Digest username=%s", None),
    (b"Bearer", "invalid_token"), (b"Bearer  ", "invalid_token"), (b"Bearer \"%s\"", "invalid_token"),
    (b"Bearer %sx", "invalid_token"), (b"Bearer x%s", "invalid_token"), (b"Bearer %s %s", "invalid_token"),
    (b"Bearer Bearer %s", "invalid_token"), (b"Bearer %s,", "invalid_token"),
    (b"Bearer \xff\xfe", "invalid_token"), (b"Bearer " + b"x" * 7000, "invalid_token")])
def test_bad_fields(lab, field, error):
    token = lab.tokens["lookup"].encode()
    answer = _raw(lab, b"Authorization: " + field.replace(b"%s", token))
    assert_problem(answer, 401, "unauthorized")
    challenge = 'Bearer realm="p0f-lookupd"' + (f', error="{error}"' if error else "")
    assert answer["WWW-Authenticate"] == challenge


def test_several_fields(lab):
    good = b"Authorization: Bearer " + lab.tokens["lookup"].encode()
    for fields in ((good, good), (good, b"Authorization: Basic x"), (b"Authorization: Basic x", good)):
        problem = assert_problem(_raw(lab, *fields), 401, "unauthorized")
        assert problem["detail"] == "several Authorization fields; expected one"


def test_a_token_elsewhere_is_none(lab):
    token = lab.tokens["lookup"]
    assert _raw(lab, path=f"/host/127.0.0.1?access_token={token}").status == 401
    assert _raw(lab, b"X-Authorization: Bearer " + token.encode()).status == 401
    assert _raw(lab, b"Proxy-Authorization: Bearer " + token.encode()).status == 401


def test_huge_fields(lab):
    token = lab.tokens["lookup"].encode()
    assert _raw(lab, b"Authorization: Bearer " + b"x" * 100_000).status == 431
    assert _raw(lab, b"Authorization: Bearer " + token, b"X: " + b"x" * 9000).status == 431


# -- connections -----------------------------------------------------------------------------------

def test_a_connection_is_kept_open(lab):
    connection = connect(lab.daemon.endpoint)
    good = tokens.bearer(lab.tokens["lookup"])
    for headers, status in (({}, 401), (good, 200), (tokens.bearer("x"), 401), (good, 200), ({}, 401)):
        assert ask(connection, "/host/127.0.0.1", headers).status == status
    connection.close()


def test_a_body_is_not_waited_for(lab):
    """A batch that is denied is denied at once, and nothing is taken for another request."""
    smuggled = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
    for length in (len(smuggled), 10 ** 6):
        with open_socket(lab.daemon.endpoint) as sock:
            sock.sendall(b"POST /hosts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n" % length + smuggled)
            answer = read_all(sock)
        assert answer.startswith(b"HTTP/1.1 401 "), answer
        assert b"\r\nConnection: close\r\n" in answer
        assert answer.count(b"HTTP/1.1") == 1


def test_a_client_that_sends_a_large_body_still_reads_the_answer(lab):
    body = json.dumps(["127.0.0.1"] * 5000).encode()
    for _ in range(5):
        assert lab.ask("POST", "/hosts", body).status == 401
        assert lab.ask("POST", "/hosts", body, lab.tokens["self"]).status == 403


def test_expect_continue(lab):
    with open_socket(lab.daemon.endpoint) as sock:
        sock.sendall(b"POST /hosts HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n")
        assert read_all(sock).startswith(b"HTTP/1.1 401 ")


# -- what is said of it ----------------------------------------------------------------------------

def test_failures_are_counted(lab):
    before = lab.failures()
    for token in (None, None, "wrong", lab.tokens["self"], lab.tokens["metrics"], lab.tokens["self"]):
        lab.ask("GET", "/host/127.0.0.1", token=token)
    after = lab.failures()
    assert {reason: after[reason] - before[reason] for reason in after} == \
        {"missing": 2, "invalid": 1, "forbidden": 3}
    text = lab.ask("GET", "/metrics", token=lab.tokens["all"]).body.decode()
    assert re.search(r'^p0f_lookupd_http_requests_total{route="/host",code="403"} [1-9]', text, re.M)


def test_failures_are_logged_once_in_a_while(lab):
    """Without the token and the client's address."""
    for _ in range(300):
        lab.ask("GET", "/host/198.51.100.77?wait=0", token="not-the-token")
    wait_until(lambda: "refused a request for /host/{ip}: " in lab.daemon.log(), "the log to say so")
    lines = [line for line in lab.daemon.log().splitlines() if "refused a request" in line]
    denied = sum(lab.failures().values())
    assert len(lines) < denied / 10
    shown = sum(1 + int((re.search(r"\((\d+) more before it\)", line) or [0, 0])[1]) for line in lines)
    assert shown <= denied
    for secret in ("not-the-token", "127.0.0.1", "198.51.100.77"):
        assert not any(secret in line for line in lines)


def test_no_token_is_shown_anywhere(lab):
    seen = [lab.ask("GET", path, token=lab.tokens["all"]).body.decode()
            for path in ("/status", "/metrics", "/", "/openapi.json")]
    seen += [lab.ask("GET", "/status", token=token).body.decode() for token in ("wrong-token", lab.tokens["self"])]
    with open(lab.daemon.settings["http.token_file"], encoding="utf-8") as file:
        digests = re.findall(r"sha256:(\w+)", file.read())
    assert len(digests) == len(ROLES)
    for text in (*seen, lab.daemon.log()):
        for secret in (*lab.tokens.values(), *digests, "wrong-token"):
            assert secret not in text
