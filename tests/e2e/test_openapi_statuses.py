# SPDX-License-Identifier: MIT
"""What the OpenAPI document says may come, does come: every status of every operation, with every type of
problem. That nothing else comes is seen to by http_client, in every test."""

import json
import os

import openapi
import tokens
from http_client import Crowd, fetch, fetch_target
from waiting import wait_until

HOST, STRANGER, IMPOSSIBLE = "198.51.100.1", "198.51.100.2", "198.51.100.3"
HELD = [f"198.51.100.{number}" for number in range(100, 150)]
NEVER_ASKED = "198.51.100.9"
JSON = {"Content-Type": "application/json"}

# What takes more than a request or two, and the tests in which it does come: a text in a file of tests/.
ELSEWHERE = {
    ("/hosts", "408", "request-timeout"): ("e2e/test_request_timeout.py", '"no body": POST'),
    ("any", "default", "request-timeout"): ("e2e/test_request_timeout.py", '"a line": b"GET /livez'),
    ("/hosts", "503", "overloaded"): ("e2e/test_batch_limits.py", "status_of_one_more() == 503"),
    # Between the last answer and the end.
    ("any", "default", "p0f-unavailable"): ("unit/ops/test_status.c", "cr_assert_null(late.request.snapshot)"),
}


def _problems(response):
    content = response.get("content", {}).get("application/problem+json", {})
    return [example["value"]["type"].rpartition(":")[2]
            for example in content.get("examples", {}).values()]


def _described(document):
    """(path, status, problem) of all that may come; what is the same for each path has the path "any"."""
    for path, _, operation in document.operations():
        for status, response in operation["responses"].items():
            for problem in _problems(document.resolve(response)) or [None]:
                yield "any" if status == "default" else path, status, problem


class _Lab:
    """A daemon, and what has come of it."""

    def __init__(self, fake, daemon, unix):
        self.fake, self.daemon, self.unix = fake, daemon, unix
        self.document = openapi.own()
        self.seen = set()

    def note(self, path, answer, method="GET"):
        target = path.replace("{ip}", HOST)
        status = str(answer.status)
        problem = answer.json()["type"].rpartition(":")[2] if answer.status >= 400 else None
        if status in self.document.responses(method, target):
            self.seen.add((path, status, problem))
        else:
            self.seen.add(("any", "default", problem))
        return answer

    def ask(self, path, address, query="", headers=None):
        """/self asks about the client."""
        if path == "/self":
            headers = {"X-Forwarded-For": address, **(headers or {})}
        return self.note(path, self.daemon.get(path.replace("{ip}", address) + query, headers))

    def get(self, path, headers=None):
        return self.note(path, self.daemon.get(path, headers))

    def post(self, body, type_="application/json", query=""):
        self.note("/hosts", self.daemon.get(f"/hosts{query}", {"Content-Type": type_}, method="POST",
                                            body=body), "POST")


def _ask_for_everything_else(lab, path, method):
    """What any request may get."""
    target = path.replace("{ip}", HOST)

    def send(*headers, more="", **options):
        lab.note(path, fetch_target(lab.daemon.endpoint, target + more, *headers, method=method,
                                    **options), method)
    send("Host: x")
    send(f"Content-Length: {10 ** 30}")
    send(more="?" + "x" * 5000)
    send("X-Long: " + "x" * 9000)
    send(version="1.2")
    send(host="evil.example")


def _look_up(lab, path):
    found = lab.ask(path, HOST)
    lab.ask(path, HOST, headers={"If-None-Match": found["ETag"]})
    lab.ask(path, STRANGER)
    lab.ask(path, IMPOSSIBLE)
    lab.ask(path, HOST, "?wait=x")
    lab.ask(path, NEVER_ASKED, headers={"Cache-Control": "only-if-cached"})


def _overload(lab, path):
    """More than may wait."""
    lab.fake.hold(*HELD)
    crowd = Crowd(lab.daemon.endpoint, [path.replace("{ip}", address) for address in HELD],
                  each=[f"X-Forwarded-For: {address}" for address in HELD])
    wait_until(lambda: crowd.waiting() < len(HELD), "the first to be refused")
    lab.fake.release()
    for answer in crowd.answers():
        lab.note(path, answer)


def _post(lab):
    lab.post(json.dumps([HOST]))
    lab.post(HOST, "text/plain")
    lab.post("[")
    lab.post("x" * 1_000_000)
    lab.post("x", "text/csv")
    lab.post("[]", query="?format=x")


def _operate(lab):
    for path in ("/livez", "/readyz", "/metrics", "/status", "/forward-auth"):
        lab.get(path)
    lab.note("/readyz", lab.daemon.get("/readyz?stale=no"))
    for path in ("/", "/openapi.json"):
        lab.get(path, {"If-None-Match": lab.get(path)["ETag"]})


def _lose_p0f(lab):
    lab.fake.stop()
    wait_until(lambda: lab.get("/readyz").status == 503, "the loss of p0f")
    for path in ("/host/{ip}", "/self"):
        lab.ask(path, NEVER_ASKED)


def _deny(lab, document):
    """Without a token, and with one that nobody has such use for."""
    for path, method, operation in document.operations():
        roles = ("metrics",) if path in ("/host/{ip}", "/hosts", "/self", "/forward-auth") else ("self",)
        for token in (None, *(lab.tokens[role] for role in roles)):
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            answer = lab.daemon.get(path.replace("{ip}", HOST), headers, method=method.upper())
            lab.note(path, answer, method.upper())


def test_each_status_does_come(fake, serve, scratch):
    document = openapi.own()
    fake.hosts.update({HOST: {"os_name": "Linux"}, IMPOSSIBLE: {"bad_sw": 9}})
    unix = f"{scratch}/http.sock"
    settings = {"p0f.max_pending": "5", "p0f.first_contact_wait": "0", "p0f.timeout": "25s",
                "http.server_names": "localhost"}
    with serve(fake, settings, also_listen=[f"unix:{unix}"]) as daemon:
        daemon.wait_for_p0f()
        lab = _Lab(fake, daemon, unix)
        _operate(lab)
        _post(lab)
        lab.note("/host/{ip}", daemon.host("x"))
        lab.note("/self", fetch(unix, "/self"))
        for path in ("/host/{ip}", "/self"):
            _look_up(lab, path)
            _overload(lab, path)
        for path, method, _ in document.operations():
            _ask_for_everything_else(lab, path, method.upper())
        _lose_p0f(lab)
    lab.tokens = tokens.write(f"{scratch}/tokens", "metrics", "self")
    with serve(fake, {"http.token_file": f"{scratch}/tokens"}) as lab.daemon:
        _deny(lab, document)
    described = set(_described(document))
    assert lab.seen <= described
    assert described - lab.seen == set(ELSEWHERE)


def test_what_comes_elsewhere_is_tested_there():
    tests = os.path.dirname(os.path.dirname(__file__))
    for name, text in ELSEWHERE.values():
        with open(os.path.join(tests, name), encoding="utf-8") as source:
            assert text in source.read(), (name, text)
