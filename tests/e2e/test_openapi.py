# SPDX-License-Identifier: MIT
"""The OpenAPI document: that it is one, that it is complete, that a client can be made of it, and
that a difference between it and the daemon is found, whichever test comes upon it."""

import copy
import email.message
import json
import os
import re
import shutil
import subprocess
import tempfile
import types

import pytest

import daemon as daemon_module
import http_client
import lacking
import openapi
from daemon import Daemon
from fake_p0f import FakeP0f

HOST, STRANGER = "198.51.100.1", "198.51.100.2"
KNOWN = {"first_seen": 1700000000, "last_seen": 1700000100, "total_conn": 3, "uptime_min": 61,
         "os_name": "Linux", "os_flavor": "3.x", "language": "English"}

SUPPORT = os.path.join(daemon_module.ROOT, "tests", "support", "npm")
NPM_DIR = os.environ.get("NPM_DIR", os.path.join(daemon_module.ROOT, "build", "npm"))


@pytest.fixture(name="daemon", scope="module")
def _daemon(module_scratch):
    with FakeP0f(f"{module_scratch}/p0f.sock", {HOST: KNOWN}) as fake, \
            Daemon(module_scratch, fake.path, {"p0f.first_contact_wait": "0"}) as daemon:
        yield daemon.wait_for_p0f()


@pytest.fixture(name="document", scope="module")
def _document():
    return openapi.own()


# -- what is served --------------------------------------------------------------------------------

def _version():
    return daemon_module.run("-V").stdout.split()[-1]


def _built():
    """The document of this tree as the daemon must have it: without what is there for people."""
    with open(openapi.SOURCE, encoding="utf-8") as source:
        members = json.loads(source.read().replace("@version@", _version()))
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")) + "\n"


def test_the_document_of_this_tree_is_served(daemon):
    answer = daemon.get("/openapi.json")
    assert answer.status == 200
    assert answer["Content-Type"] == "application/json"
    assert answer.body.decode() == _built()
    assert answer.json()["info"]["version"] == _version()
    assert daemon.get("/openapi.json", method="HEAD").status == 200


def test_every_path_is_there_with_its_methods(daemon, document):
    for path, item in document.members["paths"].items():
        if path == openapi.PROXIED:
            continue        # it has all there are
        answer = daemon.get(path.replace("{ip}", HOST), method="OPTIONS")
        assert answer.status == 204, (path, answer)
        allowed = {method.strip().lower() for method in answer["Allow"].split(",")}
        described = set(item) & set(openapi.METHODS)
        assert allowed == described | {"options"} | ({"head"} if "get" in described else set()), path


def test_the_index_has_the_same_paths(daemon, document):
    """In the same words as its example in the document."""
    index = daemon.get("/").json()["paths"]
    assert set(index) == set(document.members["paths"])
    content = document.resolve(document.members["paths"]["/"]["get"]["responses"]["200"])["content"]
    assert [example["paths"] for example in _examples(content["application/json"])] == [index]


def _post(path, method):
    return json.dumps([HOST]) if method == "post" else None


def test_parameters_are_those_of_the_document(daemon, document):
    """Each that is there is refused with a value that it cannot have; others are ignored."""
    for path, method, operation in document.operations():
        if method not in ("get", "post"):
            continue
        known = {document.resolve(parameter)["name"]
                 for parameter in document.members["paths"][path].get("parameters", []) +
                 operation.get("parameters", [])}
        for name in ("format", "wait"):
            answer = daemon.get(f"{path.replace('{ip}', HOST)}?{name}=x",
                                {"Content-Type": "application/json"}, method=method.upper(),
                                body=_post(path, method))
            refused = answer.status == 400 and answer.json()["type"].endswith(":bad-parameter")
            assert refused == (name in known), (path, method, name, answer)


def test_what_is_counted_from_the_start_can_happen(scratch, document):
    """Each path is counted by itself, under its own name, and has answers of these statuses."""
    paths = {path.removesuffix("/{ip}"): item for path, item in document.members["paths"].items()}
    with Daemon(scratch, f"{scratch}/none.sock") as daemon:
        text = daemon.get("/metrics").body.decode()
    shown = re.findall(r'^p0f_lookupd_http_requests_total{route="(.*)",code="(.*)"} ', text, re.M)
    assert {route for route, _ in shown} == {*paths, "none"}
    for route, code in shown:
        if route != "none":
            main = paths[route].get("get") or paths[route]["post"]
            assert code in main["responses"], (route, code)


def test_head_is_as_get(daemon, document):
    for path, method, _ in document.operations():
        if method == "get":
            target = path.replace("{ip}", HOST)
            whole, head = daemon.get(target), daemon.get(target, method="HEAD")
            assert (head.status, head.body) == (whole.status, b"")
            assert set(head.headers) == set(whole.headers)


# -- what it says ----------------------------------------------------------------------------------

def _examples(thing):
    if "example" in thing:
        yield thing["example"]
    for example in thing.get("examples", {}).values():
        yield example["value"]


def test_examples_are_as_the_document_says(document):
    """The validators check that, too, but not what is in header fields, nor the order of members."""
    components, seen = document.members["components"], 0
    for name, thing in [*components["headers"].items(), *components["parameters"].items()]:
        for example in _examples(thing):
            document.check_text(str(example), thing["schema"], name)
            seen += 1
    for _, _, operation in document.operations():
        for part in [operation.get("requestBody", {}), *operation["responses"].values()]:
            for content in document.resolve(part).get("content", {}).values():
                for example in _examples(content):
                    document.check_value(example, content["schema"], "the example")
                    seen += 1
    assert seen > 100


def test_the_example_of_the_status_has_all_settings(daemon, document):
    settings = daemon.get("/status").json()["configuration"]
    content = document.resolve(document.members["paths"]["/status"]["get"]["responses"]["200"])["content"]
    (shown,) = [example["configuration"] for example in _examples(content["application/json"])]
    assert {name: list(section) for name, section in shown.items()} == \
        {name: list(section) for name, section in settings.items()}


def _daemons_problems():
    with open(os.path.join(daemon_module.ROOT, "daemon/http/problem.c"), encoding="utf-8") as source:
        return {code: (int(status), title) for status, code, title in
                re.findall(r'\{(\d+), "([a-z0-9-]+)", "([^"]+)"', source.read())}


def test_every_problem_of_the_daemon_has_an_example(document):
    every = [document.resolve(response) for _, _, operation in document.operations()
             for response in operation["responses"].values()]
    shown = {}
    for response in [*every, openapi.NOT_FOUND, openapi.NOT_ALLOWED]:
        content = response.get("content", {})
        for problem in _examples(content.get("application/problem+json", {})):
            code = problem["type"].rpartition(":")[2]
            assert shown.setdefault(code, (problem["status"], problem["title"])) == \
                (problem["status"], problem["title"])
    assert shown == _daemons_problems()
    assert sorted(document.members["components"]["schemas"]["ProblemType"]["enum"]) == \
        sorted(f"urn:p0f-lookupd:{code}" for code in shown)


# -- what others make of it ------------------------------------------------------------------------

@pytest.fixture(name="workshop")
def _workshop():
    """A directory with the document and with what is in tests/support/npm, where node finds its
    modules."""
    lacking.skip_without("npm")
    directory = tempfile.mkdtemp(prefix="test-", dir=NPM_DIR)
    for name in os.listdir(SUPPORT):
        shutil.copy(os.path.join(SUPPORT, name), directory)
    _write(directory, json.loads(_built()))
    yield directory
    shutil.rmtree(directory)


def _write(directory, members):
    with open(os.path.join(directory, "api.json"), "w", encoding="utf-8") as out:
        json.dump(members, out)


def _node(directory, script, *arguments):
    return subprocess.run(["node", script, *arguments], cwd=directory, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)


def _modules(name):
    return os.path.join(NPM_DIR, "node_modules", *name.split("/"))


def test_validators_find_nothing_wrong(workshop):
    done = _node(workshop, "validate.mjs", "api.json")
    assert done.returncode == 0 and done.stdout == "OpenAPI 3.1: 0 wrong\n", done.stdout


def _without_description(members):
    del members["paths"]["/hosts"]["post"]["responses"]["200"]["description"]


def _unresolved(members):
    members["paths"]["/self"]["get"]["responses"]["200"]["$ref"] += "x"


def _no_type(members):
    members["components"]["schemas"]["Name"]["type"] = "strin"


def _no_operation_description(members):
    del members["paths"]["/hosts"]["post"]["description"]


def _unused(members):
    members["components"]["schemas"]["Unused"] = {"type": "string"}


def _bad_example(members):
    content = members["components"]["responses"]["Host"]["content"]["application/json"]
    content["examples"]["raw"]["value"]["magic"] = 5


@pytest.mark.parametrize("harm", [_without_description, _unresolved, _no_type, _bad_example,
                                  _no_operation_description, _unused])
def test_validators_find_what_is_wrong(workshop, document, harm):
    members = copy.deepcopy(document.members)
    harm(members)
    _write(workshop, members)
    done = _node(workshop, "validate.mjs", "api.json")
    assert done.returncode == 1 and not done.stdout.endswith(" 0 wrong\n"), done.stdout


def _generate(workshop, place):
    """The clients of openapi-typescript and of orval. Returns what the compiler says of them."""
    for script, *arguments in ([_modules("openapi-typescript/bin/cli.js"), "api.json", "-o", "api.ts"],
                               ["generate.mjs", "./api.json", place]):
        done = _node(workshop, script, *arguments)
        assert done.returncode == 0, done.stdout
    return _node(workshop, _modules("typescript/bin/tsc"), "-p", ".").stdout


def test_generated_clients_look_hosts_up(workshop, daemon):
    """Types of openapi-typescript around openapi-fetch, and the functions of orval: each compiles under
    strict rules, and gets from the daemon what it was made for."""
    place = f"http://127.0.0.1:{daemon.port}"
    assert _generate(workshop, place) == ""
    done = _node(workshop, "lookup.mjs", place, HOST, STRANGER)
    assert done.returncode == 0, done.stdout
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"ip": HOST, "system": "Linux", "connections": 3},
        {"ip": STRANGER, "status": 404, "why": f"p0f does not know {STRANGER}"},
    ]
    done = _node(workshop, "lookup_orval.mjs", HOST, STRANGER)
    assert done.returncode == 0, done.stdout
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        "Linux", "no-match", KNOWN["total_conn"], "urn:p0f-lookupd:no-match"]


def test_the_compiler_finds_what_clients_cannot_use(workshop, document):
    """A range of statuses, of which orval makes code that is none."""
    members = copy.deepcopy(document.members)
    responses = members["paths"]["/hosts"]["post"]["responses"]
    responses["4XX"] = responses["default"]
    _write(workshop, members)
    assert "every_type.ts" in _generate(workshop, "http://127.0.0.1")


# -- differences are found -------------------------------------------------------------------------

def _copy(answer):
    headers = email.message.Message()
    for name, value in answer.headers.items():
        headers[name] = value
    return types.SimpleNamespace(status=answer.status, headers=headers, body=answer.body)


def _set(name, value):
    """A difference: the body has this value for this member (None: the member is not there)."""
    def harm(answer):
        members = json.loads(answer.body)
        members.pop(name) if value is None else members.update({name: value})
        answer.body = json.dumps(members).encode() + b"\n"
    return harm


def _turned(answer):
    members = json.loads(answer.body)
    answer.body = json.dumps(dict(reversed(members.items()))).encode() + b"\n"


def _twice(answer):
    answer.body = answer.body.replace(b'"total_conn":3', b'"total_conn":3,"total_conn":3')


def _nan(answer):
    answer.body = answer.body.replace(b'"total_conn":3', b'"total_conn":NaN')


def _header(name, value):
    def harm(answer):
        del answer.headers[name]
        if value is not None:
            answer.headers[name] = value
    return harm


def _header_again(answer):
    answer.headers["Age"] = "0"


def _status(value):
    def harm(answer):
        answer.status = value
    return harm


def _body(value):
    def harm(answer):
        answer.body = value
    return harm


DIFFERENCES = {
    "a member that is missing": ("GET", HOST, _set("language", None)),
    "a member too many": ("GET", HOST, _set("colour", "red")),
    "a member of another dialect": ("GET", HOST, _set("mtu", 1500)),
    "a wrong type": ("GET", HOST, _set("uptime_min", "61")),
    "a number out of range": ("GET", HOST, _set("os_match_q", 4)),
    "an empty text for null": ("GET", HOST, _set("http_name", "")),
    "a time that is none": ("GET", HOST, _set("first_seen", "yesterday")),
    "a duration with a zero": ("GET", HOST, _set("uptime", "PT1H0M")),
    "an address that is none": ("GET", HOST, _set("ip", "localhost")),
    "another order": ("GET", HOST, _turned),
    "a member twice": ("GET", HOST, _twice),
    "a number that is none": ("GET", HOST, _nan),
    "a raw member too many": ("GET", f"{HOST}?format=raw", _set("uptime_sec", 3660)),
    "a raw null": ("GET", f"{HOST}?format=raw", _set("os_match_q", "0")),
    "another type of problem": ("GET", STRANGER, _set("type", "urn:p0f-lookupd:not-found")),
    "a problem of another status": ("GET", STRANGER, _set("status", 400)),
    "a problem of another title": ("GET", STRANGER, _set("title", "Unknown")),
    "a problem without its host": ("GET", STRANGER, _set("ip", None)),
    "a member too many in a problem": ("GET", STRANGER, _set("instance", "/x")),
    "a header that is missing": ("GET", HOST, _header("Age", None)),
    "a header too many": ("GET", HOST, _header("X-Powered-By", "luck")),
    "a header that is wrong": ("GET", HOST, _header("Cache-Status", "p0f-lookupd; miss")),
    "a number in a header that is none": ("GET", HOST, _header("Age", "1.5")),
    "a header twice": ("GET", HOST, _header_again),
    "another content type": ("GET", HOST, _header("Content-Type", "text/plain")),
    "no content type": ("GET", HOST, _header("Content-Type", None)),
    "another status": ("GET", HOST, _status(206)),
    "a success for an error": ("GET", STRANGER, _status(200)),
    "a success for a method that is not there": ("PUT", HOST, None),
    "a success for a path that is not there": ("GET", "../nothing", None),
    "a body for HEAD": ("HEAD", HOST, _body(b"x")),
    "a body for OPTIONS": ("OPTIONS", HOST, _body(b"x")),
}


@pytest.mark.parametrize("what", DIFFERENCES)
def test_a_difference_of_an_answer(daemon, document, what):
    method, target, harm = DIFFERENCES[what]
    path = f"/host/{target}"
    if harm is None:            # a good answer, to something that has none
        answer, path = daemon.host(HOST), path.replace("/host/../", "/")
        with pytest.raises(openapi.Drift):
            document.check(method, path, answer)
        return
    answer = _copy(daemon.get(path, method=method))
    document.check(method, path, answer)
    harm(answer)
    with pytest.raises(openapi.Drift):
        document.check(method, path, answer)


@pytest.fixture(name="altered")
def _altered(document, monkeypatch):
    """A document that does not know the member `language`, in place of ours."""
    members = copy.deepcopy(document.members)
    host = members["components"]["schemas"]["HostMembers"]
    del host["properties"]["language"]
    host["required"].remove("language")
    monkeypatch.setattr(openapi, "own", lambda: altered)
    altered = openapi.Document(members)


@pytest.mark.parametrize("ask", [
    lambda endpoint, path: http_client.fetch(endpoint, path),
    lambda endpoint, path: http_client.ask(http_client.connect(endpoint), path),
    lambda endpoint, path: http_client.fetch_target(endpoint, path),
    lambda endpoint, path: http_client.Crowd(endpoint, [path]).answers(),
    lambda endpoint, path: http_client.parse(http_client.send_bytes(
        endpoint, http_client.get_bytes(path))),
])
def test_a_difference_of_the_document_is_found_by_every_client(daemon, altered, ask):
    ask(daemon.endpoint, "/livez")
    with pytest.raises(openapi.Drift, match="language"):
        ask(daemon.endpoint, f"/host/{HOST}")
