# SPDX-License-Identifier: MIT
"""conf/examples: a lookup in each language prints the same lines and ends with the same status."""

import os
import re
import signal

import pytest

import loopback
from daemon import Daemon, free_port
from fake_p0f import FakeP0f
from languages import NAMES, OF_THE_DAEMON, P0FCLIENT, Programs, can_run, measure
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
    with Daemon(module_scratch, p0f.path) as daemon:
        yield daemon


@pytest.fixture(name="without_p0f", scope="module")
def _without_p0f(module_scratch):
    with Daemon(module_scratch, f"{module_scratch}/nobody.sock") as daemon:
        yield daemon


@pytest.fixture(name="other_server", scope="module")
def _other_server():
    class Other(Handler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_error(404)

    with WebSite(Other) as site:
        yield site.origin


def _url(port):
    return f"http://127.0.0.1:{port}"


@pytest.fixture(name="run")
def _run(programs, daemon, p0f):
    """run(name, ip...): (exit status, output, errors)."""
    def run(name, *ips):
        return programs.run(name, p0f.path if name == P0FCLIENT else _url(daemon.port), *ips)
    return run


def _post(daemon, path, ips):
    return daemon.get(path, {"Content-Type": "text/plain"}, method="POST", body="\n".join(ips).encode()).json()


def _no_match(name, ip):
    return f"{ip}: p0f does not know {'the host' if name == P0FCLIENT else ip}\n"


@every
def test_known_hosts(run, name):
    """With all that the text of p0f can be, and nulls."""
    lines = {HOST: "Linux 3.11 and newer", UNKNOWN_OS: "unknown OS", SIX: "FreeBSD", f"[{SIX}]": "FreeBSD",
             "2001:DB8:0::1": "FreeBSD", QUOTED: "\"a\\n'b' $(id) `id` %s <i>&amp; {x} * #",
             UTF_8: "Größe \N{SNOWMAN}", LATIN_1: "café"}
    if name == P0FCLIENT:
        del lines[LATIN_1]      # whose bytes are printed as p0f has them
    assert run(name, *lines) == (0, "".join(f"{ip}: {text}\n" for ip, text in lines.items()), "")


@every
def test_no_match(run, name):
    assert run(name, STRANGER, HOST) == (1, f"{_no_match(name, STRANGER)}{HOST}: Linux 3.11 and newer\n", "")


@every
def test_what_is_no_address(run, daemon, name):
    """It spoils nothing for the others."""
    if name == P0FCLIENT:
        bad = {"localhost": "not an IPv4 or IPv6 address"}
    else:
        ips = ["localhost", "-h", "..", "fe80::1%eth0", "10.0.0.0/8", "192.0.2.1?x=y#z&", "é", "%s"]
        bad = {item["query"]: item["detail"] for item in _post(daemon, "/hosts", ips)}
        assert list(bad) == ips
    lines = "".join(f"{ip}: {reason}\n" for ip, reason in bad.items())
    assert run(name, HOST, *bad, STRANGER, SIX) == \
        (2, f"{HOST}: Linux 3.11 and newer\n{lines}{_no_match(name, STRANGER)}{SIX}: FreeBSD\n", "")


@of_the_daemon
def test_p0f_down(programs, without_p0f, name):
    problem = without_p0f.host(HOST)
    assert problem.status == 503
    assert programs.run(name, _url(without_p0f.port), HOST, SIX) == \
        (2, "".join(f"{ip}: {problem.json()['detail']}\n" for ip in (HOST, SIX)), "")


def test_p0f_down_without_a_daemon(programs, scratch):
    assert programs.run(P0FCLIENT, f"{scratch}/nobody.sock", HOST, SIX) == \
        (2, "".join(f"{ip}: cannot connect to p0f: No such file or directory\n" for ip in (HOST, SIX)), "")


def test_p0f_too_slow_without_a_daemon(programs, scratch):
    """The answer is left to a child: the fake p0f fails the test if the connection is closed before."""
    with FakeP0f(f"{scratch}/slow.sock", HOSTS) as p0f:
        p0f.hold(HOST)
        assert programs.run(P0FCLIENT, p0f.path, HOST) == (2, f"{HOST}: p0f did not answer in time\n", "")
        p0f.release()
        wait_until(lambda: p0f.connections and not p0f.open_connections(), "the child to close it")


# ---- The whole request fails


@of_the_daemon
@pytest.mark.parametrize("path, ips", [("", []), ("/nowhere", [HOST])], ids=["400", "404"])
def test_a_request_that_is_refused(programs, daemon, name, path, ips):
    """Above all, this 404 is not "no match"."""
    detail = _post(daemon, f"{path}/hosts", ips)["detail"]
    status, output, errors = programs.run(name, f"{_url(daemon.port)}{path}", *ips)
    assert (status, output) == (2, "")
    assert errors.splitlines()[-1].endswith(f": {detail}"), errors


@of_the_daemon
def test_the_daemon_down(programs, name):
    status, output, errors = programs.run(name, _url(free_port()), HOST)
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
def test_another_server(programs, other_server, name):
    status, output, errors = programs.run(name, other_server, HOST)
    assert (status, output) == (2, "")
    assert re.search("404|not a response of p0f-lookupd", errors) and errors.count("\n") == 1, errors


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
    lines = ""
    for ip in ips:
        host = daemon.host(ip).json()
        assert host["language"] is None
        lines += f"{ip}: {host['os_name']} {host['os_flavor']}\n" if host["os_name"] else f"{ip}: unknown OS\n"
    server = socket if name == P0FCLIENT else _url(daemon.port)
    assert programs.run(name, server, *ips, stranger) == (1, lines + _no_match(name, stranger), "")


# ---- Their length


@every
def test_it_is_short(name):
    """A lookup with its error handling has less than 15 lines. So has the whole program in a scripting
    language."""
    program, most, lookup = measure(name)
    assert 0 < lookup < 15
    assert lookup <= program <= most
