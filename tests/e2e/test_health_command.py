# SPDX-License-Identifier: MIT
"""`p0f-lookupd health`: is the daemon healthy? Its exit status is 0 or 1 whatever happens, as Docker wants it,
and it never waits for long."""

import contextlib
import signal
import socket
import ssl
import subprocess
import threading

import pytest

import lacking
import tls as tls_support
import tokens
from daemon import free_port, launch, run, write_config
from waiting import SLOWDOWN, wait_until


def _health(scratch, *words, **settings):
    config = write_config(f"{scratch}/health.conf", settings)
    return run("-c", config, "health", *words)


def test_health(fake, serve, scratch):
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        for words in ([], ["--ready"]):
            done = run("-c", daemon.config, "health", *words)
            assert (done.returncode, done.stderr) == (0, ""), done
            assert done.stdout
        fake.stop()
        wait_until(lambda: daemon.get("/readyz").status == 503, "readiness to fail")
        assert run("-c", daemon.config, "health").returncode == 0
        done = run("-c", daemon.config, "health", "--ready")
        assert (done.returncode, done.stdout) == (1, "")
        assert "503" in done.stderr and fake.path in done.stderr


@pytest.mark.parametrize("listen, through", [
    ("0.0.0.0:{port}, unix:/nowhere", "0.0.0.0:{port}"), ("[::]:{port}", "[::]:{port}"),
    ("localhost:{port}", "localhost:{port}"), ("unix:{scratch}/http.sock", "unix:{scratch}/http.sock")])
def test_health_where_it_listens(fake, serve, scratch, listen, through):
    if listen.startswith("localhost"):
        try:
            socket.gethostbyname("localhost")
        except OSError:
            pytest.skip("localhost has no address here")
    names = {"port": free_port(), "scratch": scratch}
    with serve(fake, {"http.allow_unauthenticated": "yes"}, also_listen=[through.format(**names)]):
        done = _health(scratch, **{"http.listen": listen.format(**names)})
        assert (done.returncode, done.stderr) == (0, ""), done


def test_health_with_tokens(fake, serve, scratch):
    made = tokens.write(f"{scratch}/tokens", "metrics", "self")
    unix = f"unix:{scratch}/http.sock"
    with serve(fake, {"http.token_file": f"{scratch}/tokens"}, also_listen=[unix]) as daemon:
        wait_until(lambda: daemon.get("/readyz", tokens.bearer(made["metrics"])).status == 200, "p0f to answer")
        assert run("-c", daemon.config, "health").returncode == 0
        assert run("health", "--ready", unix).returncode == 0
        for token, status in ((None, 401), ("", 401), ("nobodys", 401), ("nobodys\r\nX: y", 401), (made["self"], 403),
                              (made["metrics"], 200)):
            variables = {} if token is None else {"P0F_LOOKUPD_TOKEN": token}
            done = run("-c", daemon.config, "health", "--ready", extra_environment=variables)
            if status == 200:
                assert (done.returncode, done.stderr) == (0, ""), done
                continue
            assert done.returncode == 1
            assert f": {status} " in done.stderr
            assert "set P0F_LOOKUPD_TOKEN to a token with the role metrics, or ask at a unix socket" in done.stderr
            assert not token or token not in done.stderr


def test_health_without_a_daemon(scratch):
    for listen, complaint in ((f"127.0.0.1:{free_port()}", "Connection refused"),
                              (f"unix:{scratch}/nobody", "No such file"), ("127.0.0.1:0", "port"),
                              ("nowhere", "nowhere"), ("[fe80::1%nowhere]:80", "not known")):
        done = _health(scratch, **{"http.listen": listen})
        assert (done.returncode, done.stdout) == (1, ""), done
        assert complaint in done.stderr
    assert _health(scratch, **{"http.nonsense": "1"}).returncode == 1


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"x" * 10000, None])
def test_health_of_something_else(scratch, answer):
    """It says so, and never waits for long: not at all, say, for a program that only accepts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        config = write_config(f"{scratch}/health.conf", {"http.listen": f"127.0.0.1:{port}"})
        process = launch("-c", config, "health")
        connection, _ = server.accept()
        with connection:
            connection.recv(4096)
            if answer is not None:
                connection.sendall(answer)
                with contextlib.suppress(OSError):  # it has read enough
                    connection.shutdown(socket.SHUT_WR)
            said, complaint = process.communicate(timeout=20 * SLOWDOWN)
        assert (process.returncode, said) == (1, "")
        assert ("not an HTTP response" if answer is not None else "Connection timed out") in complaint


# ---- Where it is told to ask

@pytest.fixture(name="elsewhere")
def _elsewhere(scratch):
    """Settings of no daemon: only the argument counts."""
    return write_config(f"{scratch}/health.conf", {"http.listen": "127.0.0.1:1"})


@pytest.mark.parametrize("where", [
    "http://127.0.0.1:{port}", "http://127.0.0.1:{port}/", "HTTP://127.0.0.1:{port}", "http://localhost:{port}",
    "http://[::1]:{port}", "http://0.0.0.0:{port}", "unix:{scratch}/http.sock", "{scratch}/http.sock"])
def test_where_to_ask(fake, serve, scratch, elsewhere, where):
    with serve(fake, {}) as daemon:
        daemon.stop()
        daemon.settings["http.listen"] += f", [::1]:{daemon.port}, unix:{scratch}/http.sock"
        daemon.start().wait_for_p0f()
        where = where.format(port=daemon.port, scratch=scratch)
        done = run("-c", elsewhere, "health", where)
        assert (done.returncode, done.stdout, done.stderr) == (0, '{"status":"ok"}\n', ""), done
        done = run("-c", elsewhere, "health", where, "--ready")
        assert (done.returncode, done.stdout, done.stderr) == (0, '{"status":"ready"}\n', ""), done


def test_what_to_ask_for(fake, serve, elsewhere):
    fake.hosts["192.0.2.1"] = {"os_name": "Linux"}
    with serve(fake, {"cache.ttl": "1h"}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host("192.0.2.1").status == 200
        url = f"http://127.0.0.1:{daemon.port}"
        fake.stop()
        wait_until(lambda: daemon.get("/readyz").status == 503, "readiness to fail")
        assert run("-c", elsewhere, "health", "--ready", url).returncode == 1
        done = run("-c", elsewhere, "health", f"{url}/readyz?stale=ok")
        assert done.returncode == 0 and '"stale"' in done.stdout, done
        done = run("-c", elsewhere, "health", f"{url}/nowhere")
        assert done.returncode == 1 and f"{url}/nowhere: 404 Not Found: {{" in done.stderr, done


def test_its_host_is_that_of_the_url(fake, serve, scratch, elsewhere):
    """A daemon with http.server_names may not know it; addresses, localhost and sockets are always good."""
    with serve(fake, {"http.server_names": "p0f.example"}, also_listen=[f"unix:{scratch}/http.sock"]) as daemon:
        for where in (f"http://127.0.0.1:{daemon.port}", f"http://localhost:{daemon.port}", f"{scratch}/http.sock"):
            assert run("-c", elsewhere, "health", where).returncode == 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = launch("-c", elsewhere, "health", f"http://localhost:{server.getsockname()[1]}/x?y")
        connection, _ = server.accept()
        with connection:
            request = connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\nfine\n")
        assert process.communicate(timeout=20 * SLOWDOWN) == ("fine\n", "")
        assert request == (f"GET /x?y HTTP/1.1\r\nHost: localhost:{server.getsockname()[1]}\r\n"
                           "Connection: close\r\n\r\n").encode()


def test_settings_that_are_broken(fake, serve, scratch):
    """The daemon serves with its old ones, so that is no reason to restart it."""
    broken = write_config(f"{scratch}/broken.conf", {"http.nonsense": "1"})
    with serve(fake) as daemon:
        done = run("-c", broken, "health", f"http://127.0.0.1:{daemon.port}")
        assert (done.returncode, done.stderr) == (0, ""), done


def test_a_proxy_header_where_one_is_needed(fake, serve, scratch):
    with serve(fake, {"http.proxy_protocol": "yes", "http.trusted_proxies": "127.0.0.2"},
               also_listen=[f"unix:{scratch}/http.sock"]) as daemon:
        for where in (f"http://127.0.0.1:{daemon.port}", f"{scratch}/http.sock"):
            done = run("-c", daemon.config, "health", where)
            assert (done.returncode, done.stderr) == (0, ""), done


@pytest.mark.parametrize("where, complaint", [
    ("ftp://127.0.0.1", "expected http://host:port, https://host:port, unix:/path or /path"),
    ("127.0.0.1:5030", "expected http://host:port"), ("", "expected http://host:port"),
    ("unix:relative", "has no absolute path"), ("/" + "x" * 108, "too long"), ("/" + "x" * 1000, "too long"),
    ("http://", "has no host"), ("http://127.0.0.1:0", "port of 0"), ("http://127.0.0.1:x", "no valid port"),
    ("http://user@127.0.0.1:80", "neither an address nor a host name"), ("http://a/x y", "no blank"),
    ("http://127.0.0.1:80/#x", "no #"), ("http://127.0.0.1:1?x", "begins with /"),
    ("http://127.0.0.1:80/a\r\nX:", "no blank"), ("http://" + "x" * 1000, "too long a host"),
    ("http://256.0.0.1:80", "not an IPv4 address")])
def test_where_nobody_can_be_asked(elsewhere, where, complaint):
    done = run("-c", elsewhere, "health", where)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert complaint in done.stderr and done.stderr.count("\n") == 1 + where.count("\n"), done


def test_too_long_a_url(elsewhere):
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = run("-c", elsewhere, "health", f"http://127.0.0.1:{server.getsockname()[1]}/{'x' * 2000}")
    assert done.returncode == 1 and "too long a URL" in done.stderr, done


@pytest.mark.parametrize("words", [["health", "a", "b"], ["health", "--nonsense"], ["--raw", "health"]])
def test_its_status_is_one_on_every_error(words):
    done = run(*words)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr


def test_it_does_not_wait_for_a_trickle(elsewhere):
    """One that always sends a little within the time allowed for one wait."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        process = launch("-c", elsewhere, "health", f"http://127.0.0.1:{server.getsockname()[1]}")
        connection, _ = server.accept()

        def trickle():
            with contextlib.suppress(OSError):
                while not stopped.wait(0.2):
                    connection.sendall(b"x")
        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            said, complaint = process.communicate(timeout=10 * SLOWDOWN)
        finally:
            stopped.set()
            thread.join()
            connection.close()
    assert (process.returncode, said) == (1, "")
    assert "does not answer: Connection timed out" in complaint


def test_a_daemon_that_hangs(fake, serve, elsewhere):
    with serve(fake) as daemon:
        daemon.signal(signal.SIGSTOP)
        done = run("-c", elsewhere, "health", f"http://127.0.0.1:{daemon.port}")
        daemon.signal(signal.SIGCONT)
        assert done.returncode == 1 and "does not answer: Connection timed out" in done.stderr, done


# ---- With TLS

@pytest.fixture(name="tls", params=["TLSv1_2", "TLSv1_3"])
def _tls(request, scratch):
    """An SSLContext for a server, with a certificate of another name and of no authority."""
    made = ["-keyout", f"{scratch}/key.pem", "-out", f"{scratch}/cert.pem", "-subj", "/CN=other.example"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "1", *made], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[request.param]
    context.load_cert_chain(f"{scratch}/cert.pem", f"{scratch}/key.pem")
    return context


@pytest.mark.parametrize("status, code", [("200 OK", 0), ("503 Service Unavailable", 1)])
def test_over_tls(elsewhere, tls, status, code):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        process = launch("-c", elsewhere, "health", f"https://127.0.0.1:{port}", "--ready")
        connection, _ = server.accept()
        with tls.wrap_socket(connection, server_side=True) as stream:
            request = stream.recv(4096)
            stream.sendall(f"HTTP/1.1 {status}\r\n\r\nbody\n".encode())
        said, complaint = process.communicate(timeout=20 * SLOWDOWN)
    assert request.startswith(f"GET /readyz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n".encode())
    assert (process.returncode, said) == (code, "" if code else "body\n"), complaint
    assert (f"https://127.0.0.1:{port}: 503 Service Unavailable: body" in complaint) == bool(code)


def test_tls_of_something_else(fake, serve, elsewhere):
    with serve(fake) as daemon:
        done = run("-c", elsewhere, "health", f"https://127.0.0.1:{daemon.port}")
        assert done.returncode == 1 and "does not answer: " in done.stderr, done
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = run("-c", elsewhere, "health", f"https://127.0.0.1:{server.getsockname()[1]}")
        assert done.returncode == 1 and "does not answer: Connection timed out" in done.stderr, done


def test_where_it_only_serves_tls(fake, serve, scratch):
    """At the first address of http.tls_listen, with the token: that is this host."""
    made = tokens.write(f"{scratch}/tokens", "metrics")
    pair = tls_support.Authority(scratch).issue("server")
    port = free_port()
    with serve(fake, tls_support.settings(port, pair, token_file=f"{scratch}/tokens"),
               also_listen=[f"unix:{scratch}/http.sock"]) as daemon:
        listens = f"127.0.0.1:{port}, 127.0.0.1:{free_port()}"
        config = write_config(f"{scratch}/health.conf", {
            **tls_support.settings(port, pair, listen="", token_file=f"{scratch}/tokens"),
            "http.tls_listen": listens})
        assert run("health", f"{scratch}/http.sock").returncode == 0
        done = run("-c", config, "health")
        assert (done.returncode, done.stderr) == (0, ""), done
        done = run("-c", config, "health", "--ready")
        assert done.returncode == 1 and f"127.0.0.1:{port} (http.tls_listen): 401 " in done.stderr, done
        wait_until(lambda: run("-c", config, "health", "--ready", extra_environment={
            "P0F_LOOKUPD_TOKEN": made["metrics"]}).returncode == 0, "p0f to answer")
        daemon.signal(signal.SIGSTOP)
        done = run("-c", config, "health")
        daemon.signal(signal.SIGCONT)
        assert done.returncode == 1 and "(http.tls_listen) does not answer: Connection timed out" in done.stderr, done


@pytest.fixture(name="far")
def _far():
    """An address that is taken for another host's: connections to it come from another address."""
    lacking.skip_without("namespaces")
    for words in ("addr add 192.0.2.71/32 dev lo", "addr add 192.0.2.72/32 dev lo",
                  "route replace local 192.0.2.71 dev lo table local src 192.0.2.72"):
        subprocess.run(["ip", *words.split()], check=True)
    yield "192.0.2.71"
    for address in "192.0.2.71", "192.0.2.72":
        subprocess.run(["ip", "addr", "del", f"{address}/32", "dev", "lo"], check=True)


def _request(server, context, *words):
    """What the command sends to a TLS server that says 401, and how it ends."""
    process = launch(*words, extra_environment={"P0F_LOOKUPD_TOKEN": "p0fl_secret"})
    connection, _ = server.accept()
    with context.wrap_socket(connection, server_side=True) as stream:
        request = stream.recv(4096)
        stream.sendall(b"HTTP/1.1 401 Unauthorized\r\n\r\n{}\n")
    said, complaint = process.communicate(timeout=20 * SLOWDOWN)
    assert (process.returncode, said) == (1, "")
    return request, complaint


def test_a_token_stays_on_this_host(elsewhere, tls, far):
    """Over TLS to another, whoever is in the middle would get it."""
    with socket.create_server(("", 0)) as server:
        port = server.getsockname()[1]
        for host, sent in ((far, False), ("127.0.0.1", True), ("192.0.2.72", True)):
            where = f"https://{host}:{port}"
            request, complaint = _request(server, tls, "-c", elsewhere, "health", where)
            assert (b"Authorization: Bearer p0fl_secret" in request) == sent, request
            withheld = (f"{where}: 401 Unauthorized; P0F_LOOKUPD_TOKEN is not sent to another host over TLS, since "
                        "the certificate is not verified; ask on the host itself")
            assert (withheld in complaint) == (not sent), complaint
