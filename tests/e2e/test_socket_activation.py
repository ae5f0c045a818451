# SPDX-License-Identifier: MIT
"""Sockets that systemd opens for the daemon: they replace http.listen and relay.listen, and stay when it goes."""

import os
import shutil
import signal
import socket

import pytest

import activation
from daemon import Daemon, free_port, write_config
from http_client import fetch
from p0f_client import P0fClient
from waiting import SLOWDOWN

HOST = "198.51.100.1"


@pytest.fixture(name="tcp")
def _tcp():
    with activation.listen_tcp() as sock:
        yield sock


class Activated(Daemon):
    """Does not listen where its settings say."""

    def __init__(self, scratch, fake, sockets, names, settings=None):
        super().__init__(scratch, fake.path, settings, **activation.options(sockets, names))
        kinds = names or ["http"]
        self.endpoint = activation.endpoint(sockets[kinds.index("http")]) if "http" in kinds else self.endpoint


def _is_refused(port):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), timeout=5).close()


def test_inherited_sockets_replace_those_of_the_settings(fake, scratch, tcp):
    fake.hosts[HOST] = {"os_name": "Linux"}
    path, relay = f"{scratch}/http.sock", f"{scratch}/relay.sock"
    with activation.listen_tcp("::1") as v6, activation.listen_unix(path) as unix, \
            activation.listen_unix(relay) as relayed:
        daemon = Activated(scratch, fake, [tcp, v6, relayed, unix], ["http", "http", "relay", "http"],
                           {"relay.listen": f"unix:{scratch}/other.sock"})
        with daemon:
            for sock in (tcp, v6, unix):
                assert fetch(activation.endpoint(sock), f"/host/{HOST}").status == 200
                daemon.wait_for_line(f"listening on {_text(sock)} (socket unit)\n")
            daemon.wait_for_line(f"relay: listening on unix:{relay} (socket unit)\n")
            assert b"Linux" in _relayed(relay)
            _is_refused(daemon.port)
            assert not os.path.exists(f"{scratch}/other.sock")
            status = daemon.get("/status").json()
            assert status["configuration"]["http"]["listen"] == ", ".join(map(_text, (tcp, v6, unix)))
            assert status["relay"]["listen"] == [f"unix:{relay}"]
        # The sockets are those of systemd.
        assert os.path.exists(path) and os.path.exists(relay)


def _relayed(path):
    with P0fClient(path) as client:
        return client.ask(HOST)


def _text(sock):
    name = activation.endpoint(sock)
    return f"unix:{name}" if isinstance(name, str) else f"[{name[0]}]:{name[1]}" if ":" in name[0] else \
        f"{name[0]}:{name[1]}"


def test_one_kind_leaves_the_other_to_the_settings(fake, scratch):
    with activation.listen_unix(f"{scratch}/relay.sock") as sock:
        with Activated(scratch, fake, [sock], ["relay"]) as daemon:
            assert daemon.get("/livez").status == 200
            assert _relayed(f"{scratch}/relay.sock")


def test_sockets_without_names_are_for_http(fake, scratch, tcp):
    with Activated(scratch, fake, [tcp], None) as daemon:
        assert fetch(activation.endpoint(tcp), "/livez").status == 200
        daemon.wait_for_line(f"listening on {_text(tcp)} (socket unit)\n")
        _is_refused(daemon.port)


def test_a_reload_leaves_them_alone(fake, scratch, tcp):
    with Activated(scratch, fake, [tcp], ["http"]) as daemon:
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("settings reloaded")
        assert "needs a restart" not in daemon.log()
        assert daemon.get("/livez").status == 200


def test_no_connection_is_lost_between_two_daemons(fake, scratch, tcp):
    """Those that come while none runs wait for the next one."""
    fake.hosts[HOST] = {"os_name": "Linux"}
    with Activated(scratch, fake, [tcp], ["http"]):
        pass
    waiting = []
    for _ in range(100):
        sock = socket.create_connection(activation.endpoint(tcp), timeout=20 * SLOWDOWN)
        sock.sendall(f"GET /host/{HOST} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        waiting.append(sock)
    with Activated(scratch, fake, [tcp], ["http"]):
        for sock in waiting:
            with sock, sock.makefile("rb") as answer:
                assert answer.read().startswith(b"HTTP/1.1 200 ")


def test_it_stops_accepting_at_once(fake, scratch, tcp):
    """What comes while it waits for p0f is left to the next one."""
    with Activated(scratch, fake, [tcp], ["http"], {"p0f.timeout": "100ms"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        assert daemon.host(HOST).status == 504
        daemon.signal(signal.SIGTERM)
        daemon.wait_for_line("SIGTERM: shutting down")
        with socket.create_connection(activation.endpoint(tcp), timeout=20 * SLOWDOWN) as sock:
            sock.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            fake.release()
            assert daemon.wait_end(5) == 0
            with Activated(scratch, fake, [tcp], ["http"]), sock.makefile("rb") as answer:
                assert answer.read().startswith(b"HTTP/1.1 200 ")


def test_what_was_meant_for_another_process_is_left_alone(fake, serve):
    """LISTEN_PID says for whom it is."""
    with serve(fake, extra_environment={"LISTEN_FDS": "2", "LISTEN_PID": str(os.getpid())}) as daemon:
        assert daemon.get("/livez").status == 200


# ---- What is refused, with status 2: only an edit of the socket unit can help

def _refused(scratch, fake, sock, name, *arguments):
    config = write_config(f"{scratch}/more.conf",
                          {"http.listen": f"127.0.0.1:{free_port()}", "p0f.socket": fake.path})
    done = activation.run_to_end([sock], [name], "-c", config, *arguments)
    assert done.returncode == 2, done
    return done.stderr


@pytest.mark.parametrize("name", ["https", "p0f-lookupd.socket", "Http"])
def test_an_unknown_name(fake, scratch, tcp, name):
    assert f"socket 3 of the service manager is named '{name}'; its unit needs " \
        "FileDescriptorName=http, tls or relay" in _refused(scratch, fake, tcp, name)


def test_what_is_no_listening_socket(fake, scratch, tcp):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        assert "for http.listen, is not a stream socket" in _refused(scratch, fake, datagrams, "http")
    with socket.create_connection(tcp.getsockname()) as connected:
        assert "does not listen (Accept=no is needed)" in _refused(scratch, fake, connected, "http")
    with open("/dev/null", "rb") as file:
        assert "is not a socket" in _refused(scratch, fake, file, "http")


def test_an_address_that_other_hosts_reach(fake, scratch):
    """The rule for http.listen holds for it, too."""
    with activation.listen_tcp("0.0.0.0") as sock:
        told = _refused(scratch, fake, sock, "http")
        assert f"socket unit: http.listen: 0.0.0.0:{sock.getsockname()[1]} is reachable" in told
        allowed = Activated(scratch, fake, [sock], ["http"], {"http.allow_unauthenticated": "yes"})
        allowed.endpoint = ("127.0.0.1", sock.getsockname()[1])
        with allowed:
            assert allowed.get("/livez").status == 200


def test_a_relay_over_tcp(fake, scratch, tcp):
    assert "socket unit: relay.listen = 127.0.0.1:" in _refused(scratch, fake, tcp, "relay")


def test_names_that_no_setting_can_have(fake, scratch):
    with activation.listen_unix(f"\0{scratch}") as abstract:
        assert "has no path" in _refused(scratch, fake, abstract, "http")
    with activation.listen_unix(f"{scratch}/a, b") as listed:
        assert "a path with a comma" in _refused(scratch, fake, listed, "http")


def test_mode_and_group_of_an_inherited_socket_are_not_ours(fake, scratch):
    with activation.listen_unix(f"{scratch}/relay.sock") as sock:
        with Activated(scratch, fake, [sock], ["relay"], {"relay.socket_mode": "0600"}) as daemon:
            daemon.wait_for_line("relay.socket_mode changes nothing: the socket is that of a socket unit")


def test_the_tool_of_systemd(fake, scratch):
    """It starts the daemon when the first client comes."""
    program = shutil.which("systemd-socket-activate")
    if not program:
        pytest.skip("systemd-socket-activate is not installed")
    port = free_port()
    daemon = Daemon(scratch, fake.path, prefix=[program, "-l", f"127.0.0.1:{port}", "--fdname=http"])
    daemon.endpoint = ("127.0.0.1", port)
    with daemon:
        assert daemon.get("/livez").status == 200
