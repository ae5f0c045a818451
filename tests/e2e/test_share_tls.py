# SPDX-License-Identifier: MIT
"""The shared tier over TLS (rediss://), if hiredis supports it, with a scripted server behind Python's TLS."""

import contextlib
import socket
import ssl
import threading

import pytest

from daemon import run
from waiting import wait_until

HOST = "198.51.100.1"
PASSWORD = "hunter2"


@pytest.fixture(autouse=True)
def _needs_tls():
    done = run("-t", "-o", "share.server=rediss://store.example.org")
    if "not supported by this build" in done.stderr:
        pytest.skip("hiredis has no TLS here")
    assert done.returncode == 0, done


class TlsStore:
    """With-block in which a store without data serves, on any address, with the context's TLS (None: without)."""

    def __init__(self, context):
        self.commands = []      # names with the first argument
        self._context = context
        self._listener = socket.create_server(("0.0.0.0", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                with connection, contextlib.suppress(OSError):
                    if self._context:
                        connection = self._context.wrap_socket(connection, server_side=True)
                    self._serve(connection)

    def _serve(self, connection):
        file = connection.makefile("rwb")
        while line := file.readline():
            if line[:1] != b"*":
                return
            words = [file.read(int(file.readline()[1:]) + 2)[:-2].decode() for _ in range(int(line[1:]))]
            self.commands.append(" ".join(words[:2]))
            file.write({"PING": b"+PONG\r\n", "HSCAN": b"*2\r\n$1\r\n0\r\n*0\r\n", "HSET": b":1\r\n",
                        "PEXPIRE": b":1\r\n", "AUTH": b"+OK\r\n"}.get(words[0], b"-ERR unknown command\r\n"))
            file.flush()


@pytest.fixture(name="server_context")
def _server_context(pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    return context


def _serve_with(serve, fake, url, authority=None):
    trusted = {"SSL_CERT_FILE": authority.root} if authority else {}
    return serve(fake, {"share.server": url}, extra_environment=trusted)


def _node(daemon):
    return daemon.get("/status").json()["share"]["nodes"][0]


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_a_trusted_server_is_used(fake, serve, authority, server_context, name):
    fake.hosts[HOST] = {"os_name": "Linux"}
    with TlsStore(server_context) as store, \
            _serve_with(serve, fake, f"rediss://:{PASSWORD}@{name}:{store.port}", authority) as daemon:
        wait_until(lambda: _node(daemon)["state"] == "up", "the store to be up")
        assert daemon.host(HOST).status == 200
        wait_until(lambda: f"HSET p0f:{HOST}" in store.commands, "the host to be written")
        assert store.commands[:2] == [f"AUTH {PASSWORD}", "PING"]
        assert f"HSCAN p0f:{HOST}" in store.commands


def _fault(serve, fake, store, url, authority=None):
    with _serve_with(serve, fake, url.format(port=store.port), authority) as daemon:
        wait_until(lambda: _node(daemon)["fault"] not in (None, "not connected yet"), "a fault")
        fake.hosts[HOST] = {"os_name": "Linux"}
        assert daemon.host(HOST).status == 200
        assert PASSWORD not in daemon.log()
        return _node(daemon)["fault"]


def test_an_unknown_authority(fake, serve, server_context):
    with TlsStore(server_context) as store:
        fault = _fault(serve, fake, store, f"rediss://:{PASSWORD}@localhost:{{port}}")
        assert fault.startswith("certificate verification failed: "), fault
    assert store.commands == []


def test_the_name_of_another_server(fake, serve, authority, server_context):
    with TlsStore(server_context) as store:
        fault = _fault(serve, fake, store, f"rediss://:{PASSWORD}@127.0.0.2:{{port}}", authority)
        assert fault == "certificate verification failed: IP address mismatch"
    assert store.commands == []


def test_a_server_without_tls(fake, serve, authority):
    with TlsStore(None) as store:
        fault = _fault(serve, fake, store, f"rediss://:{PASSWORD}@localhost:{{port}}", authority)
        assert fault.startswith(("TLS failed: ", "connection lost: ")), fault


def test_a_server_that_expects_tls(fake, serve, server_context):
    with TlsStore(server_context) as store:
        fault = _fault(serve, fake, store, "redis://127.0.0.1:{port}")
        assert fault.startswith("connection lost before any reply: ") or \
            fault == "the server expects TLS: use rediss:// in share.server", fault
