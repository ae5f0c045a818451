# SPDX-License-Identifier: MIT
"""Where the daemon listens, and where it refuses to."""

import os
import socket
import subprocess

import pytest

import lacking
from daemon import PROGRAM, environment, free_port, run, write_config
from http_client import Crowd, fetch
from waiting import SLOWDOWN

HOST = "198.51.100.1"


def _config(scratch, fake, listen):
    """The configuration of one more daemon."""
    return write_config(f"{scratch}/more.conf", {"http.listen": listen, "p0f.socket": fake.path})


def test_several_addresses_at_once(fake, serve, scratch):
    fake.hosts[HOST] = {"os_name": "Linux"}
    second, v6, path = free_port(), free_port(), f"{scratch}/http.sock"
    with serve(fake, also_listen=[f"127.0.0.2:{second}", f"[::1]:{v6}", f"unix:{path}"]) as daemon:
        endpoints = [daemon.endpoint, ("127.0.0.2", second), ("::1", v6), path]
        for endpoint in endpoints:
            assert fetch(endpoint, f"/host/{HOST}").json()["ip"] == HOST
            assert fetch(endpoint, "/nothing").status == 404
        assert fake.counts[HOST] == 1, "all share one cache"
        for endpoint in endpoints:
            crowd = Crowd(endpoint, [f"/host/{HOST}"] * 50)
            assert {answer.status for answer in crowd.answers()} == {200}
        # Not on all interfaces, but only where it was told to.
        with pytest.raises(OSError):
            socket.create_connection(("127.0.0.1", second), timeout=5)


def test_a_unix_socket_alone(fake, serve, scratch):
    path = f"{scratch}/{'long-' * 12}name.sock"
    with serve(fake, also_listen=[f"unix:{path}"]):
        assert fetch(path, "/livez").status == 200


def test_a_unix_socket_left_behind(fake, serve, scratch):
    """By a daemon that was killed: the next one takes its place."""
    path = f"{scratch}/http.sock"
    # Without a p0f: nobody who is killed can wait for what is outstanding.
    killed = serve(f"{scratch}/nowhere.sock", also_listen=[f"unix:{path}"]).start()
    assert fetch(path, "/livez").status == 200
    killed.kill()
    with serve(fake, also_listen=[f"unix:{path}"]):
        assert fetch(path, "/livez").status == 200


def test_a_client_of_a_unix_socket_with_a_long_name_of_its_own(fake, serve, scratch):
    path, own = f"{scratch}/http.sock", f"{scratch}/"
    own += "c" * (107 - len(own))
    with serve(fake, also_listen=[f"unix:{path}"]) as daemon:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(20)
            sock.bind(own)
            sock.connect(path)
            sock.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert sock.makefile("rb").read().startswith(b"HTTP/1.1 200 ")
        assert daemon.get("/livez").status == 200


# May be different the next time: 1, where systemd tries again. Else 2.
UNRESOLVED = "no-such-host.invalid:5030"

# For a name server that does not answer (resolv.conf(5)).
IMPATIENT = {"RES_OPTIONS": "timeout:1 attempts:1"}


@pytest.mark.parametrize("listen, why", [
    (UNRESOLVED, "cannot resolve the host: "),
    ("[fe80::1%no-such]:5030", "is there such an interface yet?"),
    ("198.18.0.1:5030", "does not have the address (yet)"),
    ("127.0.0.1:5030, [2001:db8::1]:5030", "does not have the address (yet)"),
], ids=["name", "interface", "address", "second address"])
def test_what_may_come_later(fake, scratch, listen, why):
    config = _config(scratch, fake, listen)
    done = run("-c", config, "-o", "http.allow_unauthenticated=yes", extra_environment=IMPATIENT)
    assert done.returncode == 1, done
    assert f"{config}:2: http.listen: " in done.stderr and why in done.stderr, done.stderr
    assert listen.split(", ")[-1] in done.stderr


@pytest.mark.parametrize("listen", ["256.0.0.1:80", "a..b:80", "[localhost]:80", "*:80"])
def test_what_never_comes(fake, scratch, listen):
    done = run("-c", _config(scratch, fake, listen))
    assert done.returncode == 2, done


UNPRIVILEGED = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all")


@pytest.mark.parametrize("listen, more, why", [
    ("127.0.0.1:1", (), "ports below 1024 need CAP_NET_BIND_SERVICE"),
    ("unix:{}/http.sock", ("-o", "http.socket_group=0"), "must be a member of the socket's group"),
], ids=["port", "group"])
def test_what_the_daemon_has_no_right_to(fake, scratch, listen, more, why):
    """Only an edit of its unit helps."""
    lacking.skip_without("namespaces")
    os.chmod(scratch, 0o777)
    config = _config(scratch, fake, listen.format(scratch))
    # A namespace of its own has all ports above 1023 for everybody, as any other has by default.
    done = subprocess.run(["unshare", "--net", *UNPRIVILEGED, PROGRAM, "-c", config, *more], capture_output=True, text=True,
                          timeout=20 * SLOWDOWN, check=False, env=environment())
    assert done.returncode == 2, done
    assert f"{config}:2: http.listen: " in done.stderr and why in done.stderr, done.stderr


def test_check_of_a_name_that_cannot_be_resolved(fake, scratch):
    """The daemon would not start now, for the same reason and with the same status."""
    config = _config(scratch, fake, UNRESOLVED)
    done = run("-t", "-c", config, extra_environment=IMPATIENT)
    assert done.returncode == 1, done
    assert f"{config}:2: http.listen: {UNRESOLVED}: cannot resolve" in done.stderr


def test_what_is_no_socket_is_left_alone(fake, scratch):
    path = f"{scratch}/precious"
    with open(path, "w", encoding="utf-8") as out:
        out.write("data")
    config = _config(scratch, fake, f"unix:{path}")
    done = run("-c", config)
    assert done.returncode == 1, done
    assert f"{config}:2: http.listen: unix:{path}: File exists: it is not a socket" in done.stderr
    with open(path, encoding="utf-8") as kept:
        assert kept.read() == "data"


def test_a_port_in_use(fake, serve, scratch):
    with serve(fake) as daemon:
        config = _config(scratch, fake, f"127.0.0.1:{daemon.port}")
        done = run("-c", config)
        assert done.returncode == 1, done
        assert f"{config}:2: http.listen: 127.0.0.1:{daemon.port}: Address already in use" in \
            done.stderr
        assert daemon.get("/livez").status == 200


def test_a_unix_socket_in_use(fake, serve, scratch):
    """A daemon that serves is not robbed of its socket by a second one."""
    path = f"{scratch}/http.sock"
    with serve(fake, also_listen=[f"unix:{path}"]):
        config = _config(scratch, fake, f"unix:{path}")
        done = run("-c", config)
        assert done.returncode > 0, done
        assert path in done.stderr
        assert fetch(path, "/livez").status == 200


OPEN = ["0.0.0.0:{}", "[::]:{}", "192.0.2.1:{}", "[2001:db8::1]:{}", "127.0.0.1:{}, 0.0.0.0:{}",
        "[::ffff:192.0.2.1]:{}"]


@pytest.mark.parametrize("listen", OPEN)
def test_beyond_loopback_only_if_that_is_allowed(fake, scratch, listen):
    listen = listen.format(free_port(), free_port())
    config = _config(scratch, fake, listen)
    for done in (run("-c", config), run("-c", config, "-o", "http.allow_unauthenticated=no")):
        assert done.returncode > 0, done
        assert "allow_unauthenticated" in done.stderr
    assert fake.connections == 0


def test_beyond_loopback_when_it_is_allowed(fake, serve):
    port = free_port()
    with serve(fake, {"http.allow_unauthenticated": "yes"},
               also_listen=[f"0.0.0.0:{port}"]) as daemon:
        assert fetch(("127.0.0.3", port), "/livez").status == 200
        assert daemon.get("/livez").status == 200


def test_all_of_127_is_loopback(fake, serve):
    port = free_port()
    with serve(fake, also_listen=[f"127.9.9.9:{port}"]):
        assert fetch(("127.9.9.9", port), "/livez").status == 200


def test_a_restart_at_once(fake, serve):
    """Connections that linger from before do not keep the port."""
    with serve(fake) as daemon:
        connection = daemon.connect()
        connection.request("GET", "/livez")
        connection.getresponse().read()
    daemon.start()
    daemon.stop()
    connection.close()


def test_a_directory_that_is_not_there(fake, scratch):
    path = os.path.join(scratch, "none", "http.sock")
    config = _config(scratch, fake, f"unix:{path}")
    done = run("-c", config)
    assert done.returncode == 1, done
    assert f"unix:{path}: No such file or directory: its directory" in done.stderr


def test_a_directory_at_the_path(fake, scratch):
    config = _config(scratch, fake, f"unix:{scratch}")
    done = run("-c", config)
    assert done.returncode == 1, done
    assert f"unix:{scratch}: Is a directory" in done.stderr
