# SPDX-License-Identifier: MIT
"""POST /hosts as scripts use it: a list of addresses as it is in a file, and an object on each line in
return."""

import json
import subprocess

import pytest

import host_json
import loopback
from daemon import Daemon
from fake_p0f import FakeP0f
from http_client import Answer, open_socket
from p0f_wire import pack_answer, unpack_answer
from problems import assert_problem
from real_p0f import RealP0f

LINUX, WINDOWS, UNKNOWN = "198.51.100.1", "2001:db8::1", "198.51.100.3"
KNOWN = {LINUX: {"os_name": "Linux"}, WINDOWS: {"os_name": "Windows", "distance": 3}}
TEXT, LINES = "text/plain", "application/x-ndjson"
MOST = 50
LIST = f"{LINUX}\n{WINDOWS}\n".encode()


@pytest.fixture(name="daemon", scope="module")
def _daemon(module_scratch):
    settings = {"http.max_batch": MOST, "cache.ttl": "1h"}
    with FakeP0f(f"{module_scratch}/p0f.sock", KNOWN) as fake, \
            Daemon(module_scratch, fake.path, settings) as daemon:
        yield daemon.wait_for_p0f()


def _post(daemon, body, accept=None, type_=TEXT, query="?wait=0"):
    return daemon.get(f"/hosts{query}",
                      {"Content-Type": type_, **({"Accept": accept} if accept else {})},
                      method="POST", body=body)


def _queries(answer):
    assert answer.status == 200, answer
    return [item["query"] for item in answer.json()]


def _lines(answer):
    """The objects of an answer that has one on each line."""
    assert (answer.status, answer["Content-Type"]) == (200, LINES), answer
    assert answer["Cache-Control"] == "no-store"
    assert answer.body.endswith(b"\n")
    return [json.loads(line) for line in answer.body.decode().split("\n")[:-1]]


# -- text ------------------------------------------------------------------------------------------

def test_each_line_is_looked_up(daemon):
    body = f"{LINUX}\nnobody\n{UNKNOWN}\n::ffff:{LINUX}\n{LINUX}\n".encode()
    items = _post(daemon, body).json()
    assert [item["query"] for item in items] == body.decode().split()
    assert [item["status"] for item in items] == [200, 400, 404, 200, 200]
    assert items == _post(daemon, json.dumps(body.decode().split()), type_="application/json").json()
    assert items[0]["host"] == host_json.parsed(LINUX, unpack_answer(pack_answer(**KNOWN[LINUX])))
    raw = _post(daemon, body, query="?wait=0&format=raw").json()
    assert raw[0]["host"] == host_json.raw(LINUX, unpack_answer(pack_answer(**KNOWN[LINUX])))


FORMS = {
    "no newline at the end": f"{LINUX}\n{WINDOWS}",
    "CR LF": f"{LINUX}\r\n{WINDOWS}\r\n",
    "CR": f"{LINUX}\r{WINDOWS}\r",
    "blank lines": f"\n\n{LINUX}\n \n\t\r\n{WINDOWS}\n\n",
    "blanks around": f"  {LINUX}\t\n\t {WINDOWS} \n",
    "a byte order mark": f"\ufeff{LINUX}\r\n{WINDOWS}\r\n",
    "many blank lines": "\n" * 5000 + f"{LINUX}\n{WINDOWS}",
}


@pytest.mark.parametrize("what", FORMS)
def test_forms_of_a_list(daemon, what):
    assert _queries(_post(daemon, FORMS[what].encode())) == [LINUX, WINDOWS]


@pytest.mark.parametrize("type_", ["text/plain; charset=utf-8", "TEXT/Plain", "text/plain;",
                                   'text/plain;charset="US-ASCII"', "text/plain; format=flowed"])
def test_spellings_of_the_type(daemon, type_):
    assert _queries(_post(daemon, LIST, type_=type_)) == [LINUX, WINDOWS]


@pytest.mark.parametrize("text", [f"{LINUX},", f"{LINUX} {WINDOWS}", f"{LINUX}/", f"{LINUX}:80", "日本",
                                  f"\x01{LINUX}", "# servers", '"', "\\", "x" * 5000, '["1.2.3.4"]'])
def test_a_line_that_is_no_address_does_not_affect_the_others(daemon, text):
    items = _post(daemon, f"{LINUX}\n{text}\n{WINDOWS}\n".encode()).json()
    assert [item["status"] for item in items] == [200, 400, 200]
    assert items[1]["query"] == text
    assert items[1]["code"] == "bad-address"


REFUSED = {
    "nothing": (b"", "got 0"),
    "blank lines": (b" \r\n\n\t\n", "got 0"),
    "a byte order mark only": (b"\xef\xbb\xbf", "got 0"),
    "one too many": (LIST * (MOST // 2) + b"x", f"expected 1 to {MOST} items, got {MOST + 1}"),
    "a NUL": (LIST + b"1.2.3.4\0\n", "line 3: NUL byte"),
    "Latin-1": (LIST + b"\n# caf\xe9\n", "line 4: not UTF-8"),
    "UTF-16": (LIST.decode().encode("utf-16"), "UTF-16"),
    "compressed": (b"\x1f\x8b\x08\0\0\0\0\0", "line 1"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_list(daemon, what):
    body, why = REFUSED[what]
    for accept in (None, LINES):
        problem = assert_problem(_post(daemon, body, accept), 400, "bad-body")
        assert why in problem["detail"]


def test_as_many_as_are_allowed(daemon):
    assert _queries(_post(daemon, LIST * (MOST // 2))) == [LINUX, WINDOWS] * (MOST // 2)


def test_in_chunks(daemon):
    connection = daemon.connect()
    chunks = (LIST[at:at + 1] for at in range(len(LIST)))
    connection.request("POST", "/hosts?wait=0", chunks, {"Content-Type": TEXT})
    assert _queries(Answer(connection.getresponse())) == [LINUX, WINDOWS]
    connection.close()


# -- a line for each -------------------------------------------------------------------------------

@pytest.mark.parametrize("query", ["?wait=0", "?wait=0&format=raw"])
def test_lines_are_the_elements_of_the_array(daemon, query):
    asked = json.dumps([LINUX, 'no"\none', UNKNOWN, WINDOWS])
    array = _post(daemon, asked, type_="application/json", query=query)
    lines = _post(daemon, asked, LINES, "application/json", query)
    assert array["Content-Type"] == "application/json"
    assert _lines(lines) == array.json()
    assert lines.body == array.body[1:-2].replace(b'},{"query"', b'}\n{"query"') + b"\n"
    assert len(_lines(_post(daemon, LINUX, LINES))) == 1


@pytest.mark.parametrize("accept,type_", [
    (None, "application/json"),
    ("*/*", "application/json"),
    ("application/*", "application/json"),
    ("application/json, text/plain, */*", "application/json"),
    ("application/json, application/x-ndjson;q=0.9", "application/json"),
    ("text/csv", "application/json"),
    ("text/html,application/xhtml+xml,*/*;q=0.8", "application/json"),
    ("application/x-ndjson;q=0", "application/json"),
    (LINES, LINES),
    ("application/x-ndjson, application/json;q=0.9", LINES),
    ("application/x-ndjson, */*", LINES),
    ("application/json;q=0.1, Application/X-NDJSON", LINES),
])
def test_what_is_accepted(daemon, accept, type_):
    answer = _post(daemon, LIST, accept)
    assert (answer.status, answer["Content-Type"]) == (200, type_)


def test_problems_stay_problems(daemon):
    assert_problem(_post(daemon, b"[", LINES, "application/json"), 400, "bad-body")
    assert_problem(_post(daemon, LIST, LINES, query="?format=xml"), 400, "bad-parameter")
    assert_problem(_post(daemon, LIST, LINES, "text/csv"), 415, "unsupported-type")
    assert_problem(_post(daemon, b"x" * 100_000, LINES), 413, "body-too-large")


def test_many_lines_are_read_slowly(fake, serve):
    """A few bytes at a time, of more than the connection's buffers hold."""
    hosts = [f"10.1.{number // 250}.{number % 250}" for number in range(20_000)]
    fake.hosts.update({host: {"os_name": host} for host in hosts[::2]})
    with serve(fake, {"http.max_batch": "20000", "cache.ttl": "1h", "p0f.timeout": "25s"}) as daemon:
        daemon.wait_for_p0f()
        body = "\n".join(hosts).encode()
        with open_socket(daemon.endpoint) as sock:
            sock.sendall(b"POST /hosts?wait=0 HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n"
                         b"Accept: application/x-ndjson\r\nConnection: close\r\n"
                         b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            received = b""
            while chunk := sock.recv(4096):
                received += chunk
        head, _, lines = received.partition(b"\r\n\r\n")
        assert f"Content-Length: {len(lines)}".encode() in head
        items = [json.loads(line) for line in lines.splitlines()]
        assert [item["query"] for item in items] == hosts
        for host, item in zip(hosts[::2], items[::2]):
            assert item["host"]["os_name"] == host
        assert {item["status"] for item in items[1::2]} == {404}


# -- as it is used ---------------------------------------------------------------------------------

def test_curl_with_a_file_and_the_real_p0f(needs_p0f, scratch, serve):
    addresses = [f"{loopback.NETWORK}.9.{number}" for number in range(11, 14)]
    with open(f"{scratch}/list.txt", "w", encoding="utf-8") as out:
        out.write("\r\n".join([*addresses, "192.0.2.7", ""]))
    with loopback.WebServer() as web, \
            RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            serve(p0f) as daemon:
        for address in addresses:
            loopback.visit(address, web.address)
            p0f.wait_to_know(address)
        done = subprocess.run(
            ["curl", "-sS", "--fail-with-body", "--data-binary", f"@{scratch}/list.txt",
             "-H", "Content-Type: text/plain", "-H", "Accept: application/x-ndjson",
             f"http://127.0.0.1:{daemon.port}/hosts?wait=0"],
            stdout=subprocess.PIPE, check=True, timeout=60)
        items = [json.loads(line) for line in done.stdout.decode().splitlines()]
        assert items[:-1] == [{"query": address, "status": 200,
                               "host": host_json.parsed(address, p0f.ask(address))}
                              for address in addresses]
        assert (items[-1]["query"], items[-1]["code"]) == ("192.0.2.7", "no-match")
