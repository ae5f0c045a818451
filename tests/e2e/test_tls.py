# SPDX-License-Identifier: MIT
"""HTTP over TLS: whatever a client does over TCP, it can do over TLS."""

import json
import signal
import socket
import ssl
import subprocess

import pytest

import tls
from daemon import free_port, launch, run, write_config
from http_client import ask, parse, read_all
from waiting import wait_until

HOST = "198.51.100.1"


@pytest.fixture(name="secure")
def _secure(fake, serve, pair):
    """(daemon, port with TLS)"""
    fake.hosts[HOST] = {"os_name": "Linux"}
    port = free_port()
    with serve(fake, tls.settings(port, pair, access_log="yes")) as daemon:
        yield daemon.wait_for_p0f(), port


def _metric(daemon, name):
    text = daemon.get("/metrics").body.decode()
    return next(float(line.split()[-1]) for line in text.splitlines() if line.startswith(f"p0f_lookupd_{name} "))


def _curl(port, authority, path, *options):
    return subprocess.run(["curl", "-sS", "--cacert", authority.root, *options, f"https://localhost:{port}{path}"],
                          capture_output=True, text=True, timeout=60, check=False)


def test_curl(secure, authority):
    port = secure[1]
    done = _curl(port, authority, f"/host/{HOST}")
    assert json.loads(done.stdout)["os_name"] == "Linux", done
    refused = subprocess.run(["curl", "-sS", f"https://localhost:{port}/livez"], capture_output=True, text=True,
                             timeout=60, check=False)
    assert refused.returncode == 60, refused      # it does not know the issuer


def test_keep_alive_head_and_post(secure, context):
    connection = tls.connect_tls(secure[1], context)
    for _ in range(3):
        answer = ask(connection, f"/host/{HOST}")
        assert (answer.status, answer.json()["os_name"]) == (200, "Linux")
        sock = connection.sock
    assert ask(connection, f"/host/{HOST}", method="HEAD").body == b""
    assert ask(connection, "/host/198.51.100.2?wait=0").status == 404        # p0f is asked meanwhile
    hosts = [f"198.51.{n // 256}.{n % 256}" for n in range(1000)]
    answer = ask(connection, "/hosts?wait=0", {"Content-Type": "application/json"}, "POST", json.dumps(hosts))
    assert [item["query"] for item in answer.json()] == hosts
    assert connection.sock is sock
    connection.close()


def test_expect_100_continue(secure, authority):
    done = _curl(secure[1], authority, "/hosts", "-H", "Expect: 100-continue", "-H", "Content-Type: application/json",
                 "-d", f'["{HOST}"]', "-v")
    assert "< HTTP/1.1 100 Continue" in done.stderr, done.stderr
    assert json.loads(done.stdout)[0]["status"] == 200


def test_pipelining_in_one_record_and_byte_by_byte(secure, context):
    request = f"GET /host/{HOST} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
    last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with tls.open_tls(secure[1], context) as sock:
        sock.sendall(request * 20 + last)
        assert read_all(sock).count(b"HTTP/1.1 200") == 21
    with tls.open_tls(secure[1], context) as sock:
        for n, _ in enumerate(last):
            sock.sendall(last[n:n + 1])
        assert read_all(sock).count(b"HTTP/1.1 200") == 1


def test_a_body_that_is_too_large_is_refused_before_it_is_read(secure, context):
    """The answer arrives although much of the body is on its way."""
    with tls.open_tls(secure[1], context) as sock:
        sock.sendall(b"POST /hosts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     b"Content-Length: 100000000\r\n\r\n")
        try:
            for _ in range(64):
                sock.sendall(b" " * 16384)
        except OSError:
            pass
        assert parse(read_all(sock), "POST", "/hosts").status == 413


@pytest.mark.parametrize("request_bytes,status", [
    (b"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
    (b"GET / HTTP/1.1\r\nHost: x\r\nCookie: " + b"x" * 40000 + b"\r\n\r\n", 431),
    (b"GET /" + b"x" * 40000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    (b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", 505),
    (b"POST /hosts HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400)])
def test_bad_requests_get_our_answers(secure, context, request_bytes, status):
    """Not the pages of libmicrohttpd, also where it does not call us."""
    with tls.open_tls(secure[1], context) as sock:
        try:
            sock.sendall(request_bytes)
        except OSError:
            pass
        assert parse(read_all(sock)).status == status


def test_no_body_for_head_without_a_handler(secure, context):
    with tls.open_tls(secure[1], context) as sock:
        sock.sendall(b"HEAD /livez HTTP/1.1\r\nHost: x\r\nCookie: " + b"x" * 40000 + b"\r\n\r\n")
        head, _, body = read_all(sock).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 431 ") and body == b"", (head, body)


def test_a_request_that_does_not_come_gets_a_408(fake, serve, pair, context):
    port = free_port()
    with serve(fake, tls.settings(port, pair, idle_timeout="1s")):
        with tls.open_tls(port, context) as sock:
            sock.sendall(b"GET /livez HTTP/1.1\r\n")
            assert parse(read_all(sock)).status == 408
        with tls.open_tls(port, context) as sock:
            assert read_all(sock) == b""        # idle


def test_a_client_that_closes_its_side_is_answered(secure):
    """openssl sends close_notify and a FIN at the end of its input."""
    done = subprocess.run(["openssl", "s_client", "-quiet", "-no_ign_eof", "-connect", f"127.0.0.1:{secure[1]}"],
                          input=b"GET /livez HTTP/1.0\r\nHost: localhost\r\n\r\n", capture_output=True, timeout=60,
                          check=False)
    assert done.returncode == 0 and _metric(secure[0], 'http_requests_total{route="/livez",code="200"}') >= 2, done


def test_plain_http_on_its_port(secure):
    """As nginx says it."""
    daemon, port = secure
    with socket.create_connection(("127.0.0.1", port), 30) as sock:
        sock.sendall(b"GET /host/192.0.2.1 HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"x" * 9000 + b"\r\n\r\n")
        answer = parse(read_all(sock))
    assert answer.status == 400 and "https://" in answer.json()["detail"]
    assert _metric(daemon, 'tls_handshake_failures_total{reason="plain_http"}') == 1


def test_tls_on_a_plain_port(secure, context):
    with pytest.raises(ssl.SSLError):
        tls.open_tls(secure[0].port, context)


def test_status_and_metrics(secure, pair, authority):
    daemon = secure[0]
    assert authority
    shown = daemon.get("/status").json()
    assert shown["tls"]["listen"] == [f"127.0.0.1:{secure[1]}"]
    expected = tls.openssl("x509", "-in", pair[0], "-noout", "-fingerprint", "-sha256").strip().split("=")[1]
    certificate = shown["tls"]["certificate"]
    assert certificate["sha256_fingerprint"] == expected.replace(":", "").lower()
    assert (certificate["subject"], certificate["issuer"]) == ("CN=localhost", "CN=Test Root")
    end = tls.openssl("x509", "-in", pair[0], "-noout", "-enddate", "-dateopt", "iso_8601").strip().split("=")[1]
    assert certificate["not_after"] == end.replace(" ", "T")
    seconds = _metric(daemon, "tls_certificate_expiry_timestamp_seconds")
    assert seconds == ssl.cert_time_to_seconds(
        tls.openssl("x509", "-in", pair[0], "-noout", "-enddate").strip().split("=")[1])
    assert "PRIVATE" not in json.dumps(shown)


def test_only_tls(scratch, fake, pair, context):
    """http.listen may be empty then."""
    port = free_port()
    config = write_config(f"{scratch}/only.conf", {"http.listen": "", "p0f.socket": fake.path,
                                                   **tls.settings(port, pair)})
    assert run("-c", config, "-t").returncode == 0
    process = launch("-c", config, output=subprocess.DEVNULL)
    try:
        def lives():
            try:
                return ask(tls.connect_tls(port, context), "/livez").status == 200
            except OSError:
                return False
        wait_until(lives, "the daemon to serve with TLS")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
