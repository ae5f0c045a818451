# SPDX-License-Identifier: MIT
"""conf/examples: a lookup in each language prints the same lines and ends with the same status."""

import os
import re
import signal
import urllib.parse

import pytest

import loopback
from daemon import Daemon, free_port
from fake_p0f import FakeP0f
from languages import NAMES, OF_THE_DAEMON, P0FCLIENT, Programs, can_run, functions
from real_p0f import RealP0f
from waiting import SLOWDOWN, wait_until
from web_site import Handler, WebSite

HOST = "198.51.100.1"
UNKNOWN_OS = "198.51.100.2"
QUOTED = "198.51.100.3"
UTF_8 = "198.51.100.4"
LATIN_1 = "198.51.100.5"
STRANGER = "198.51.100.9"
SIX = "2001:db8::1"
HOSTS = {
    HOST: {"os_name": "Linux", "os_flavor": "3.11 and newer"},
    UNKNOWN_OS: {"http_name": "curl"},
    QUOTED: {"os_name": "\"a\\n'b' $(id) `id` %s <i>&amp;", "os_flavor": "{x} * #"},
    UTF_8: {"os_name": "Größe", "os_flavor": "\N{SNOWMAN}"},
    LATIN_1: {"os_name": b"caf\xe9"},
    SIX: {"os_name": "FreeBSD"},
}

every = pytest.mark.parametrize("name", NAMES)
of_the_daemon = pytest.mark.parametrize("name", OF_THE_DAEMON)


@pytest.fixture(name="programs", scope="module")
def _programs(module_scratch):
    return Programs(module_scratch)


@pytest.fixture(name="p0f", scope="module")
def _p0f(module_scratch):
    with FakeP0f(f"{module_scratch}/p0f.sock", HOSTS) as p0f:
        yield p0f


@pytest.fixture(name="daemon", scope="module")
def _daemon(module_scratch, p0f):
    with Daemon(module_scratch, p0f.path, {"http.max_batch": "9"}) as daemon:
        yield daemon


def _url(port):
    return f"http://127.0.0.1:{port}"


@pytest.fixture(name="run")
def _run(programs, daemon, p0f):
    """run(name, ip...): (exit status, output, errors)."""
    def run(name, *ips):
        return programs.run(name, p0f.path if name == P0FCLIENT else _url(daemon.port), *ips)
    return run


def _no_match(name, ip):
    return f"{ip}: p0f does not know {'the host' if name == P0FCLIENT else ip}\n"


# ---- One host


@every
def test_a_known_host(run, name):
    assert run(name, HOST) == (0, f"{HOST}: Linux 3.11 and newer\n", "")


@every
def test_nulls(run, name):
    assert run(name, UNKNOWN_OS) == (0, f"{UNKNOWN_OS}: unknown OS\n", "")


@every
def test_no_match(run, name):
    assert run(name, STRANGER) == (1, _no_match(name, STRANGER), "")


@every
@pytest.mark.parametrize("ip", ["2001:DB8:0::1", f"[{SIX}]"])
def test_ipv6(run, name, ip):
    assert run(name, ip) == (0, f"{ip}: FreeBSD\n", "")


@every
def test_any_text_of_p0f(run, name):
    ips = [QUOTED, UTF_8] if name == P0FCLIENT else [QUOTED, UTF_8, LATIN_1]
    lines = {QUOTED: "\"a\\n'b' $(id) `id` %s <i>&amp; {x} * #", UTF_8: "Größe \N{SNOWMAN}", LATIN_1: "café"}
    assert run(name, *ips) == (0, "".join(f"{ip}: {lines[ip]}\n" for ip in ips), "")
    assert run(name, QUOTED) == (0, f"{QUOTED}: {lines[QUOTED]}\n", "")


@of_the_daemon
@pytest.mark.parametrize("ip", ["localhost", "fe80::1%eth0", " 10.0.0.0/8", "192.0.2.1?x=y#z",
                                "192.0.2.1\r\nX: é", "-h"])
def test_what_is_no_address(run, daemon, name, ip):
    """The daemon is asked about this and nothing else, and its reason is printed."""
    asked = urllib.parse.quote(ip, safe="")
    assert run(name, ip) == (2, "", f"lookup: {daemon.host(asked).json()['detail']}\n")


@every
def test_another_path_is_no_host(run, name):
    status, output, errors = run(name, "..")
    assert status == 2 and "OS" not in output + errors


@of_the_daemon
def test_p0f_down(programs, scratch, serve, name):
    with serve(f"{scratch}/nobody.sock") as daemon:
        problem = daemon.host(HOST)
        assert problem.status == 503
        assert programs.run(name, _url(daemon.port), HOST) == \
            (2, "", f"lookup: {problem.json()['detail']}\n")
        status, output, errors = programs.run(name, _url(daemon.port), HOST, SIX)
        assert (status, errors) == (2, "")
        assert output == "".join(f"{ip}: {daemon.host(ip).json()['detail']}\n" for ip in (HOST, SIX))


def test_p0f_down_without_a_daemon(programs, scratch):
    assert programs.run(P0FCLIENT, f"{scratch}/nobody.sock", HOST, SIX) == \
        (2, "".join(f"{ip}: cannot connect to p0f: No such file or directory\n" for ip in (HOST, SIX)), "")


@of_the_daemon
def test_p0f_too_slow(programs, serve, p0f, name):
    ip = f"203.0.113.{NAMES.index(name)}"
    p0f.hold(ip)
    with serve(p0f, {"p0f.timeout": "20ms"}) as daemon:
        done = programs.run(name, _url(daemon.port), ip)
        p0f.release()
    assert done == (2, "", "lookup: p0f did not answer in time\n")


def test_p0f_too_slow_without_a_daemon(programs, scratch):
    """The answer is left to a child: the fake p0f fails the test if the connection is closed before."""
    with FakeP0f(f"{scratch}/slow.sock", HOSTS) as p0f:
        p0f.hold(HOST)
        assert programs.run(P0FCLIENT, p0f.path, HOST) == (2, f"{HOST}: p0f did not answer in time\n", "")
        p0f.release()
        wait_until(lambda: p0f.connections and not p0f.open_connections(), "the child to close it")


@of_the_daemon
def test_the_daemon_down(programs, name):
    for ips in ([HOST], [HOST, SIX]):
        status, output, errors = programs.run(name, _url(free_port()), *ips)
        assert (status, output) == (2, "")
        assert re.search("connect|refused", errors, re.I) and errors.count("\n") == 1, errors


def test_the_daemon_hung(programs, serve, p0f):
    """All are asked at once, since each waits for two seconds."""
    with serve(p0f) as daemon:
        daemon.signal(signal.SIGSTOP)
        try:
            running = {name: programs.start(name, _url(daemon.port), HOST) for name in OF_THE_DAEMON
                       if can_run(name)}
            for name, process in running.items():
                output, errors = process.communicate(timeout=60 * SLOWDOWN)
                assert (process.returncode, output) == (2, ""), name
                assert errors, name
        finally:
            daemon.signal(signal.SIGCONT)


@of_the_daemon
@pytest.mark.parametrize("status, kind, body, ips", [
    (404, "text/html", "<h1>Not found</h1>", [HOST]), (404, "text/html", "<h1>Not found</h1>", [HOST, SIX]),
    (404, "application/json", '{"error": "not found"}', [HOST]), (200, "text/html", "<h1>Welcome</h1>", [HOST]),
    (200, "text/plain", "", [HOST])], ids=["404", "404-batch", "404-json", "200", "200-empty"])
def test_another_server(programs, name, status, kind, body, ips):
    """Which is a failure, and never "no match"."""
    class Other(Handler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.do_GET()

    with WebSite(Other) as site:
        exit_status, output, errors = programs.run(name, site.origin, *ips)
    assert (exit_status, output) == (2, ""), errors
    assert errors.count("\n") == 1, errors
    assert status == 200 or re.search(f"{status}|not a response of p0f-lookupd", errors), errors


# ---- Several


@every
def test_a_batch(run, name):
    assert run(name, HOST, UNKNOWN_OS, SIX, HOST) == \
        (0, f"{HOST}: Linux 3.11 and newer\n{UNKNOWN_OS}: unknown OS\n{SIX}: FreeBSD\n"
            f"{HOST}: Linux 3.11 and newer\n", "")
    assert run(name, STRANGER, HOST) == \
        (1, f"{_no_match(name, STRANGER)}{HOST}: Linux 3.11 and newer\n", "")


@every
def test_a_batch_with_a_bad_item(run, daemon, name):
    reason = "not an IPv4 or IPv6 address" if name == P0FCLIENT else daemon.host("localhost").json()["detail"]
    assert run(name, HOST, "localhost", STRANGER, SIX) == \
        (2, f"{HOST}: Linux 3.11 and newer\nlocalhost: {reason}\n{_no_match(name, STRANGER)}{SIX}: FreeBSD\n",
         "")


@of_the_daemon
def test_a_batch_is_one_request(run, daemon, name):
    def requests():
        text = daemon.get("/metrics").body.decode()
        return [int(re.search(rf'http_requests_total{{route="{route}",code="200"}} (\d+)', text).group(1))
                for route in ("/host", "/hosts")]
    single, several = requests()
    run(name, HOST, SIX, UNKNOWN_OS)
    assert requests() == [single, several + 1]


@of_the_daemon
@pytest.mark.parametrize("count, expected", [(0, 400), (10, 413)])
def test_a_batch_that_is_refused(run, daemon, name, count, expected):
    status, output, errors = run(name, *[HOST] * count)
    assert (status, output) == (2, "")
    assert re.fullmatch(r"lookup: .*\b(address|9)\b.*\n", errors), errors


# ---- The real p0f


@pytest.fixture(name="real", scope="module")
def _real(needs_p0f, module_scratch):
    """(socket, daemon, two addresses that p0f knows)."""
    host = f"{loopback.NETWORK}.17.1"
    directory = f"{module_scratch}/real"
    os.mkdir(directory)
    with loopback.WebServer() as web, loopback.WebServer(("::1", 0)) as web6, \
            RealP0f(directory, packets=f"net {loopback.NETWORK}.0.0/16 or "
                                       f"(ip6 and port {web6.address[1]})") as p0f:
        for ip, server in ((host, web), ("::1", web6)):
            loopback.connect(ip, server.address).close()
            wait_until(lambda address=ip: p0f.known(address), f"p0f to know {ip}")
        with Daemon(directory, p0f.socket) as daemon:
            yield p0f.socket, daemon, (host, "::1")
        assert p0f.alive()


@every
def test_the_real_p0f(programs, real, name):
    socket, daemon, ips = real
    stranger = f"{loopback.NETWORK}.17.99"
    server = socket if name == P0FCLIENT else _url(daemon.port)
    lines = ""
    for ip in ips:
        host = daemon.host(ip).json()
        assert host["language"] is None
        line = f"{ip}: {host['os_name']} {host['os_flavor']}\n" if host["os_name"] else f"{ip}: unknown OS\n"
        assert programs.run(name, server, ip) == (0, line, "")
        lines += line
    assert programs.run(name, server, *ips, stranger) == (1, lines + _no_match(name, stranger), "")


# ---- Their length


@every
def test_it_is_short(name):
    """A lookup has less than 15 lines of code; with libcurl, each of its functions has."""
    found = functions(name)
    assert "main" in found or name == "lookup.sh"
    for function, lines in found.items():
        assert 0 < len(lines) < 15, (function, lines)
    if name != "lookup-curl.c":
        assert len(found.get("ask", []) + found["lookup"]) < 15
