# SPDX-License-Identifier: MIT
"""TLS handshakes: what is offered, clients that stop in the middle, and many connections."""

import http.client
import socket
import ssl
import struct
import subprocess
import time

import pytest

import processes
import tls
from daemon import free_port
from http_client import ask, read_all
from waiting import SLOWDOWN, wait_until


@pytest.fixture(name="pairs", scope="module")
def _pairs(authority):
    return {key: authority.issue(f"server-{key}", key) for key in ("ec", "rsa", "ed25519")}


@pytest.fixture(name="start")
def _start(fake, serve, pairs):
    def start(key="ec", **more):
        port = free_port()
        daemon = serve(fake, {**tls.settings(port, pairs[key]), **{f"http.{name}": str(value)
                                                                   for name, value in more.items()}})
        daemon.tls_port = port
        return daemon
    return start


def _count(daemon, kind, label):
    text = daemon.get("/metrics").body.decode()
    return next(int(line.split()[-1]) for line in text.splitlines()
                if line.startswith(f"p0f_lookupd_tls_{kind}") and f'"{label}"' in line)


def _wait_for_count(daemon, kind, label, count):
    """A client may know before it is counted."""
    wait_until(lambda: _count(daemon, kind, label) == count, f"{count} {label} in {kind}")


def _failures_by_timeout(daemon):
    """None if the client is refused."""
    try:
        return _count(daemon, "handshake_failures", "timeout")
    except (OSError, http.client.HTTPException):
        return None


def _offer(daemon, *options):
    """(whether openssl gets through with them, all that it says)"""
    done = subprocess.run(["openssl", "s_client", "-connect", f"127.0.0.1:{daemon.tls_port}", *options],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    text = done.stdout + done.stderr
    return "Cipher is (NONE)" not in text and "New, " in text, text


# -- What is offered -------------------------------------------------------------------------------

def test_versions(start):
    with start() as daemon:
        for version, offered in (("-tls1", False), ("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
            got, text = _offer(daemon, version, "-cipher", "ALL:@SECLEVEL=0")
            assert got == offered, (version, text)
            assert offered or "alert protocol version" in text, text
        _wait_for_count(daemon, "handshake_failures", "version", 2)


@pytest.mark.parametrize("key,signed", [("ec", "ECDSA"), ("rsa", "RSA")])
def test_ciphers(start, key, signed):
    """Forward secrecy and authenticated encryption only."""
    with start(key) as daemon:
        names = subprocess.run(["openssl", "ciphers", "-tls1_2", "ALL:@SECLEVEL=0"], capture_output=True, text=True,
                               check=True).stdout.strip().split(":")
        taken = {name for name in names if not name.startswith("TLS_")
                 and _offer(daemon, "-tls1_2", "-cipher", f"{name}:@SECLEVEL=0")[0]}
        assert taken == {f"ECDHE-{signed}-AES128-GCM-SHA256", f"ECDHE-{signed}-AES256-GCM-SHA384",
                         f"ECDHE-{signed}-CHACHA20-POLY1305"}
        for name, offered in (("TLS_AES_128_GCM_SHA256", True), ("TLS_AES_256_GCM_SHA384", True),
                              ("TLS_CHACHA20_POLY1305_SHA256", True), ("TLS_AES_128_CCM_SHA256", False)):
            got, text = _offer(daemon, "-tls1_3", "-ciphersuites", name)
            assert got == offered, (name, text)


def test_ed25519(start, context):
    with start("ed25519") as daemon:
        with tls.open_tls(daemon.tls_port, context) as sock:
            assert sock.version() == "TLSv1.3"


def test_application_protocols(start):
    """HTTP/1.1, also for clients that name none; those that insist on another one are told."""
    with start() as daemon:
        assert "ALPN protocol: http/1.1" in _offer(daemon, "-alpn", "h2,http/1.1")[1]
        assert _offer(daemon)[0]
        got, text = _offer(daemon, "-alpn", "h2")
        assert not got and "no application protocol" in text, text
        _wait_for_count(daemon, "handshake_failures", "protocol", 1)


def test_the_first_flight_suffices(start, authority):
    """Browsers and OpenSSL send a key for X25519: nobody has to ask for another one."""
    with start() as daemon:
        sock = socket.create_connection(("127.0.0.1", daemon.tls_port), 30)
        sock.sendall(tls.first_flight(authority.context()))
        answer = sock.recv(65536)
        sock.close()
    hello_retry = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
    assert answer[0] == 22 and answer[11:43] != hello_retry


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_sessions_are_resumed(start, context, version):
    context.minimum_version = context.maximum_version = version
    with start() as daemon:
        with tls.open_tls(daemon.tls_port, context) as sock:
            sock.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            read_all(sock)
            session = sock.session
            assert not sock.session_reused
        with tls.open_tls(daemon.tls_port, context, session=session) as sock:
            assert sock.session_reused
        _wait_for_count(daemon, "handshakes_total", "resumed", 1)
        assert _count(daemon, "handshakes_total", "full") == 1


def test_no_renegotiation(start):
    with start() as daemon:
        with subprocess.Popen(["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{daemon.tls_port}"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
            said = b""
            while b"---\n" not in said or b"Verify return code" not in said:
                said += client.stdout.readline()
            client.stdin.write(b"R\n")
            client.stdin.flush()
            said += client.stdout.read()        # the daemon closes the connection
            client.stdin.close()
        assert b"RENEGOTIATING" in said


def test_a_client_that_distrusts_us_sends_an_alert(start):
    with start() as daemon:
        distrustful = ssl.create_default_context()
        distrustful.check_hostname = False
        flights = tls.Flights(daemon.tls_port, distrustful)
        with flights.sock:                      # open until then: a reset could overtake the alert
            flights.sock.sendall(flights.pending())
            with pytest.raises(ssl.SSLCertVerificationError):
                while True:
                    flights.read()
                    flights.pending()
            flights.sock.sendall(flights.unsent())
            _wait_for_count(daemon, "handshake_failures", "alert", 1)


# -- Clients that stop -----------------------------------------------------------------------------

def _stop_somewhere(daemon, context, count):
    """Connections on which the client has stopped: with nothing, in its first flight, after it, and in its second."""
    flight = tls.first_flight(context)
    socks = []
    for number in range(count):
        if number % 4 == 3:
            flights = tls.Flights(daemon.tls_port, context)
            flights.sock.sendall(flights.pending())
            flights.read()
            flights.sock.sendall(flights.pending()[:20])
            socks.append(flights.sock)
        else:
            socks.append(socket.create_connection(("127.0.0.1", daemon.tls_port), 60))
            socks[-1].sendall(flight[:(0, 3, len(flight))[number % 4]])
    return socks


def test_stopped_handshakes_cost_nothing_and_end(start, context):
    """libmicrohttpd by itself would wait for them in a busy loop."""
    with start(idle_timeout="3s") as daemon:
        begin = time.monotonic()
        socks = _stop_somewhere(daemon, context, 40)
        spent = processes.cpu_seconds(daemon.process.pid)
        with tls.open_tls(daemon.tls_port, context) as other:      # nobody else notices
            other.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            assert read_all(other).startswith(b"HTTP/1.1 200 ")
        for sock in socks:
            read_all(sock)
        took = time.monotonic() - begin
        assert took > 2, took
        assert processes.cpu_seconds(daemon.process.pid) - spent < 0.5 * SLOWDOWN
        _wait_for_count(daemon, "handshake_failures", "timeout", 40)


def test_trickling_bytes_does_not_extend_it(start, context):
    flight = tls.first_flight(context)
    with start(idle_timeout="2s") as daemon:
        sock = socket.create_connection(("127.0.0.1", daemon.tls_port), 30)
        begin = time.monotonic()
        sock.settimeout(0.2)
        for n, _ in enumerate(flight):
            try:
                sock.sendall(flight[n:n + 1])
                if sock.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert 1 < time.monotonic() - begin < 10 * SLOWDOWN
        _wait_for_count(daemon, "handshake_failures", "timeout", 1)
        sock.close()


def test_a_slow_handshake_succeeds(start, context):
    """In pieces of some bytes, with the loop between them."""
    with start() as daemon:
        flights = tls.Flights(daemon.tls_port, context)
        flight = flights.pending()
        for n in range(0, len(flight), 40):
            flights.sock.sendall(flight[n:n + 40])
            daemon.get("/livez")
        while not (flight := flights.pending()):    # the daemon's flight can come in pieces, too
            flights.read()
        flights.sock.sendall(flight)
        _wait_for_count(daemon, "handshakes_total", "full", 1)
        flights.sock.close()


def test_resets_and_noise(start, context):
    flight = tls.first_flight(context)
    with start() as daemon:
        for number, data in enumerate((b"", flight[:20], flight, b"\x16\x03\x01\xff\xff" + b"x" * 100, bytes(300),
                                       b"\x80\x2e\x01\x00\x02" + bytes(40))):
            for reset in (True, False):
                sock = socket.create_connection(("127.0.0.1", daemon.tls_port), 30)
                sock.sendall(data)
                if reset:
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                elif number < 3:
                    sock.shutdown(socket.SHUT_WR)
                    read_all(sock)
                else:
                    assert read_all(sock)[:1] in (b"\x15", b""), data      # an alert
                sock.close()
        with tls.open_tls(daemon.tls_port, context):
            pass
        wait_until(lambda: "p0f_lookupd_http_connections 1\n" in daemon.get("/metrics").body.decode(),
                   "all connections to be closed")


def test_shutdown_in_the_middle_of_handshakes(start, context):
    """It does not wait for those clients, but answers the request that it has."""
    with start() as daemon:
        socks = _stop_somewhere(daemon, context, 12)
        with tls.open_tls(daemon.tls_port, context) as sock:
            sock.sendall(b"GET /host/198.51.100.9?wait=500 HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_until(lambda: "p0f_lookupd_lookups_pending 1\n" in daemon.get("/metrics").body.decode(), "the lookup")
            daemon.stop()
            assert read_all(sock).startswith(b"HTTP/1.1 404 ")
        for sock in socks:
            sock.close()


# -- Many ------------------------------------------------------------------------------------------

def test_a_thousand_idle_connections(start, context, allow_descriptors):
    """With a handshake and a request each; the memory per connection is bounded."""
    allow_descriptors(4000)
    with start(threads=2, max_connections=3000, trusted_proxies="127.0.0.0/8") as daemon:
        before = processes.resident_bytes(daemon.process.pid)
        socks = [tls.open_tls(daemon.tls_port, context) for _ in range(1000)]
        for sock in socks:
            sock.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for sock in socks:
            assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
        each = (processes.resident_bytes(daemon.process.pid) - before) / 1000
        print(f"{each:.0f} bytes for each connection")
        assert processes.instrumented(daemon.process.pid) or each < 100 * 1024, each
        spent = processes.cpu_seconds(daemon.process.pid)
        assert daemon.get("/livez").status == 200
        assert processes.cpu_seconds(daemon.process.pid) - spent < 0.3 * SLOWDOWN
        for sock in socks:
            sock.close()


def test_at_the_limit_other_clients_get_in(start, authority):
    """Handshakes that are under way can be evicted, as idle connections are."""
    with start(max_connections=40, trusted_proxies="") as daemon:
        context = authority.context()
        socks = [socket.create_connection(("127.0.0.1", daemon.tls_port), 60) for _ in range(60)]
        for sock in socks[::2]:
            try:
                sock.sendall(tls.first_flight(context))
            except OSError:
                pass

        def enter(source):
            """None if refused, as long as those that were evicted have not all left."""
            try:
                return tls.open_tls(daemon.tls_port, context, source=source)
            except OSError:
                return None
        others = [wait_until(lambda at=n: enter(f"127.0.0.{at}"), "another client to get in")
                  for n in range(7, 7 + 16)]     # more than there is room in reserve for
        for sock in others:
            sock.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
            sock.close()
        for sock in socks:
            sock.close()
        wait_until(lambda: enter("127.0.0.1"), "room").close()
        wait_until(lambda: _failures_by_timeout(daemon) == 0, "the metrics: it was not a time-out that made room")
