# SPDX-License-Identifier: MIT
"""http.proxy_protocol with the programs that send the header: HAProxy and nginx (in stream) between a
visitor and the daemon, with the real p0f; health checks; curl."""

import subprocess

import pytest

import debian_root
import haproxy
import loopback
import nginx
from daemon import Daemon, free_port, run, write_config
from http_client import ask, connect, fetch, get_bytes, send_bytes
from real_p0f import RealP0f
from waiting import wait_until

PROXY = "127.0.0.9"         # whom the daemon trusts; the proxies connect from there
VISITORS = [f"{loopback.NETWORK}.31.{number}" for number in (1, 2, 3)]
MADE_UP = f"{loopback.NETWORK}.31.200"
SETTINGS = {"http.proxy_protocol": "yes", "http.trusted_proxies": PROXY, "http.access_log": "yes"}

HAPROXY = """global
    log stdout format raw local0
defaults
    mode MODE
    log global
    timeout connect 30s
    timeout client 30s
    timeout server 30s
frontend clients
    bind {host}:{port}
    BIND
    unique-id-format %%[uuid()]
    default_backend servers
backend servers
    option log-health-checks
    timeout check 30s
    CHECK
    server daemon ADDRESS OPTIONS
"""

SENDS = ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"]


class NginxStream(nginx.Nginx):
    """nginx with a stream block."""

    def __init__(self, directory, stream):
        super().__init__(directory, "")
        module = f"{debian_root.LAYER}/usr/lib/nginx/modules/ngx_stream_module.so"
        self.text = (f"load_module {module};\n" + self.text.partition("http {")[0]
                     + "stream {" + stream.replace("@port@", str(self.endpoint[1])) + "}")


@pytest.fixture(name="lab", scope="module")
def _lab(needs_p0f, module_scratch):
    """(daemon, path of its unix socket), with the real p0f, which knows the visitors."""
    unix = f"{module_scratch}/http.sock"
    with RealP0f(module_scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            loopback.WebServer() as web, \
            Daemon(module_scratch, p0f.socket, SETTINGS, also_listen=[f"unix:{unix}"]) as daemon:
        for address in (*VISITORS, MADE_UP):
            loopback.visit(address, web.address)
            p0f.wait_to_know(address)
        yield daemon.wait_for_p0f(), unix


@pytest.fixture(name="daemon")
def _daemon(lab):
    return lab[0]


def _address(lab, over):
    """Of the daemon, as HAProxy writes it."""
    daemon, unix = lab
    return f"127.0.0.1:{daemon.port} source {PROXY}" if over == "tcp" else f"unix@{unix}"


def _haproxy(scratch, address, options, mode="http", check="", bind=""):
    settings = HAPROXY
    for old, new in (("MODE", mode), ("CHECK", check), ("BIND", bind), ("ADDRESS", address), ("OPTIONS", options)):
        settings = settings.replace(old, new)
    return haproxy.HaProxy(scratch, ("", ""), settings)


def _errors(daemon):
    """Those that no busy machine explains."""
    text = daemon.get("/metrics").body.decode()
    return sum(int(line.split()[1]) for line in text.splitlines()
               if line.startswith("p0f_lookupd_http_proxy_protocol_errors_total{") and "late" not in line)


def _see_visitors(endpoint):
    """Each is found, whatever it says of itself, and on every request of its connection."""
    connections = [connect(endpoint, source=visitor) for visitor in VISITORS]
    for fields in ({}, {"X-Forwarded-For": MADE_UP}, {"X-Forwarded-For": f"{MADE_UP}, {PROXY}"}):
        for connection, visitor in zip(connections, VISITORS):
            answer = ask(connection, "/self", fields)
            assert (answer.status, answer.json()["ip"]) == (200, visitor), answer
            auth = ask(connection, "/forward-auth", fields)
            assert (auth["X-P0F-Status"], auth["X-P0F-Distance"]) == ("ok", "0"), auth
    for connection in connections:
        connection.close()


# -- HAProxy ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("sends", SENDS)
@pytest.mark.parametrize("mode", ["http", "tcp"])
@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_haproxy(scratch, lab, over, mode, sends):
    before = _errors(lab[0])
    with _haproxy(scratch, _address(lab, over), sends, mode) as server:
        _see_visitors(server.endpoint)
    assert _errors(lab[0]) == before


@pytest.mark.parametrize("sends", SENDS)
def test_haproxy_on_ipv6(scratch, lab, sends):
    """For a client of IPv4 its header has ::ffff:a.b.c.d, as the socket is for both."""
    port = free_port()
    with _haproxy(scratch, _address(lab, "tcp"), sends, bind=f"bind :::{port} v4v6"):
        answer = fetch(("::1", port), "/self")
        assert (answer.status, answer.json()["ip"]) == (404, "::1")
        _see_visitors(("127.0.0.1", port))


@pytest.mark.parametrize("sends", SENDS)
@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_health_checks_of_haproxy(scratch, lab, over, sends):
    """They send LOCAL, or UNKNOWN in version 1, with no more than `check`."""
    daemon = lab[0]

    def checks():
        return [line.split()[1] for line in daemon.log().splitlines() if line.endswith('"GET /livez" 200')]
    daemon.wait_for_log()
    before, asked = _errors(daemon), len(checks())
    check = "option httpchk GET /livez"
    with _haproxy(scratch, _address(lab, over), f"{sends} check inter 100", check=check) as server:
        wait_until(lambda: len(checks()) >= asked + 5, "some checks")
        _see_visitors(server.endpoint)
        wait_until(lambda: "succeeded" in server.log(), "HAProxy to log it")
        assert "is DOWN" not in server.log(), server.log()
    assert _errors(daemon) == before
    assert checks()[-1] == (PROXY if over == "tcp" else "unix")


def test_haproxy_without_the_header(scratch, lab):
    """The log says what is missing."""
    daemon = lab[0]
    with _haproxy(scratch, _address(lab, "tcp"), "") as server:
        assert send_bytes(server.endpoint, get_bytes("/self")).startswith(b"HTTP/1.1 502 ")
    daemon.wait_for_line(f"closing a connection from a trusted proxy ({PROXY}): it does not begin with a "
                         "PROXY header; make the proxy send one (HAProxy: send-proxy, check-send-proxy")


# -- nginx -----------------------------------------------------------------------------------------

STREAM = """
    server {
        listen 127.0.0.1:@port@;
        LISTEN
        proxy_pass ADDRESS;
        proxy_protocol on;
    }
"""


def _nginx(scratch, lab, over, listen=""):
    daemon, unix = lab
    address = f"127.0.0.1:{daemon.port}; proxy_bind {PROXY}" if over == "tcp" else f"unix:{unix}"
    return NginxStream(scratch, STREAM.replace("ADDRESS", address).replace("LISTEN", listen))


@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_nginx(scratch, lab, over):
    before = _errors(lab[0])
    with _nginx(scratch, lab, over) as server:
        _see_visitors(server.endpoint)
    assert _errors(lab[0]) == before


@pytest.mark.parametrize("over", ["tcp", "unix"])
def test_nginx_on_a_unix_socket(scratch, lab, over):
    """It sends UNKNOWN, so its client is trusted, as one is that connects to our unix socket."""
    path = f"{scratch}/nginx.sock"
    with _nginx(scratch, lab, over, f"listen unix:{path};"):
        answer = fetch(path, "/self", {"X-Forwarded-For": VISITORS[0]})
        assert answer.json()["ip"] == VISITORS[0]


def test_nginx_behind_haproxy(scratch, lab):
    """Two headers: nginx takes the one that HAProxy has sent, and sends it on."""
    daemon = lab[0]
    port = free_port()
    stream = (f"server {{ listen 127.0.0.1:{port} proxy_protocol; set_real_ip_from 127.0.0.0/8;"
              f"proxy_pass 127.0.0.1:{daemon.port}; proxy_bind {PROXY}; proxy_protocol on; }}")
    with NginxStream(scratch, stream), \
            _haproxy(scratch, f"127.0.0.1:{port}", "send-proxy-v2", "tcp") as server:
        _see_visitors(server.endpoint)


# -- health checks, and curl -----------------------------------------------------------------------

def test_the_health_command(scratch, lab):
    """It sends a header where the daemon expects one of it, and none where it does not."""
    daemon, unix = lab
    before = _errors(daemon)
    done = run("-c", daemon.config, "health")
    assert (done.returncode, done.stdout) == (0, '{"status":"ok"}\n'), done
    settings = {**SETTINGS, "http.listen": f"unix:{unix}"}
    done = run("-c", write_config(f"{scratch}/unix.conf", settings), "health", "--ready")
    assert (done.returncode, done.stdout) == (0, '{"status":"ready"}\n'), done
    assert _errors(daemon) == before


class ShyDaemon(Daemon):
    """One whose tester may need a header, which the health command knows."""

    def _lives(self):
        assert self.process.poll() is None, self.log()
        return run("-c", self.config, "health").returncode == 0


@pytest.mark.parametrize("trusted", ["127.0.0.0/8, ::1", "127.0.0.1", "::1", ""])
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_the_health_command_by_who_is_trusted(scratch, fake, host, trusted):
    settings = {**SETTINGS, "http.trusted_proxies": trusted, "http.listen": f"{host}:{free_port()}"}
    with ShyDaemon(scratch, fake.path, settings) as daemon:
        assert run("-c", daemon.config, "health").returncode == 0
    assert "http.proxy_protocol: closing" not in daemon.log()


def test_curl(scratch, fake):
    """With the default http.trusted_proxies."""
    unix = f"{scratch}/http.sock"
    settings = {"http.proxy_protocol": "yes", "http.access_log": "yes"}
    with ShyDaemon(scratch, fake.path, settings, also_listen=[f"unix:{unix}"]) as daemon:
        def curl(*words):
            return subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", *words,
                                   f"http://127.0.0.1:{daemon.port}/livez"], stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=60, check=False).stdout
        for words in ([], ["--unix-socket", unix]):
            assert curl("--haproxy-protocol", *words) == "200"
            assert curl(*words) == "000"
        for client in ("127.0.0.1", "unix"):
            daemon.wait_for_line(f'p0f-lookupd: {client} "GET /livez" 200')
