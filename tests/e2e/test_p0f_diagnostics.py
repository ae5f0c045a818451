# SPDX-License-Identifier: MIT
"""What is wrong with p0f, or with what is there instead, is said once, with its reason: the same in the
log, in /status and in /readyz."""

import os
import shutil
import signal
import struct

import pytest

import p0f_wire
import unruly_p0f
from real_p0f import RealP0f
from unruly_p0f import UnrulyP0f
from waiting import wait_until

HOST = "198.51.100.1"
ANEW = {"Cache-Control": "no-cache"}
AGAIN = "p0f answers"


def _lines(daemon, socket):
    """What the log says about p0f, without what all lines begin with."""
    return [line.split(": ", 1)[1] for line in daemon.log().splitlines() if f": {socket}: " in line]


def _fault(daemon):
    pool = daemon.get("/status").json()["pool"]
    assert (pool["fault"] is None) == pool["p0f_up"], pool
    return pool["fault"]


def _said(daemon, socket, text):
    """Waits until the log says so; it must be the last line, and the same everywhere. (A count may follow.)"""
    wait_until(lambda: any(text in line for line in _lines(daemon, socket)), f"the log to say {text}")
    lines = _lines(daemon, socket)
    assert text in lines[-1], lines
    fault = _fault(daemon)
    assert lines[-1].startswith(fault)
    answer = daemon.get("/readyz")
    assert (answer.status, answer.json()["detail"]) == (503, fault)
    return lines


def _answers(daemon, socket):
    wait_until(lambda: AGAIN in (_lines(daemon, socket) or [""])[-1], "the log to say that p0f answers", bound=40)
    daemon.wait_for_p0f()
    assert _fault(daemon) is None


# ---- Something else on the socket

def _sends(*answers):
    """Has read the two probes, and sends this and hangs up, or goes on until the client does."""
    def play(sock):
        unruly_p0f.read_queries(sock, 2)
        for answer in answers:
            sock.sendall(answer)
    return play


def _echo(sock):
    sock.sendall(sock.recv(4096))


NO_MATCH = p0f_wire.pack_answer(status=p0f_wire.NO_MATCH)
FOREIGN = {
    "p0f 2": (_sends(struct.pack("=I", 0x0defaced) + bytes(56)), {},
              "not p0f v3's API (answer begins 0x0defaced); p0f 2?"),
    "another layout": (_sends(*[NO_MATCH + bytes(700 - len(NO_MATCH))] * 2), {},
                       " bytes: a p0f build that is not supported"),
    "another dialect": (_sends(NO_MATCH, NO_MATCH), {"p0f.dialect": "mtu"},
                        "p0f.dialect is mtu, but p0f's answers have 232 bytes (p0f3), not 234"),
    "a web server": (_sends(b"HTTP/1.1 400 Bad Request\r\n\r\n"), {},
                     'not p0f v3\'s API (answer begins "HTTP/1.1")'),
    "an echo": (_echo, {}, "not p0f v3's API (answer begins 0x50304601)"),
    "a closed door": (_sends(), {}, "connection closed without an answer"),
}


@pytest.fixture(name="foreign")
def _foreign(scratch):
    with UnrulyP0f(f"{scratch}/p0f.sock", unruly_p0f.answers_all) as foreign:
        yield foreign
        foreign.reform()


@pytest.mark.parametrize("what", FOREIGN)
def test_what_is_not_p0f_is_named_once(foreign, serve, what):
    foreign.play, settings, text = FOREIGN[what]
    with serve(foreign, settings) as daemon:
        wait_until(lambda: foreign.connections >= 20, "many connections")
        lines = _said(daemon, foreign.path, text)
        assert len(lines) == 1, lines
        if not settings:
            foreign.reform()
            _answers(daemon, foreign.path)


def _another_query_format(answers):
    """p0f 3.03b and p0f-ng want 24 bytes; of our two probes they make one query and a part of another."""
    def play(sock):
        while data := sock.recv(24, unruly_p0f.socket.MSG_WAITALL):
            if len(data) == 24 and answers:
                sock.sendall(NO_MATCH)
    return play


@pytest.mark.parametrize("answers", [True, False])
def test_another_query_format(foreign, serve, answers):
    foreign.play = _another_query_format(answers)
    with serve(foreign) as daemon:
        lines = _said(daemon, foreign.path, "queries are never answered: another query format (p0f-ng, "
                      "3.03b), p0f stopped, or its connection limit (-S) reached")
        assert len(lines) == 1, lines
        assert foreign.connections == 4, "they are kept, as answers are outstanding"
        foreign.reform()
        _answers(daemon, foreign.path)


# ---- No way to the socket

def test_the_reason_of_a_failing_reconnect_is_said_once(needs_p0f, scratch, serve):
    """p0f ends and leaves its socket behind; somebody tidies up; then it is back."""
    with RealP0f(scratch) as p0f, serve(p0f) as daemon:
        daemon.wait_for_p0f()
        p0f.kill()
        _said(daemon, p0f.socket, "cannot connect to p0f: nobody listens on this socket")
        before = daemon.get("/metrics").body
        wait_until(lambda: daemon.get("/metrics").body.count(b'result="failed"') and
                   _failed(daemon.get("/metrics").body) >= _failed(before) + 8, "more attempts")
        lines = _lines(daemon, p0f.socket)
        assert len(lines) == 3, lines
        assert AGAIN in lines[0] and "connection to p0f lost: p0f closed" in lines[1], lines
        p0f.start()
        _answers(daemon, p0f.socket)
        assert len(_lines(daemon, p0f.socket)) == 4


def _failed(metrics):
    return next(int(line.split()[1]) for line in metrics.decode().splitlines()
                if line.startswith('p0f_lookupd_p0f_connects_total{result="failed"}'))


def test_the_directory_is_missing(fake, serve, scratch):
    path = f"{scratch}/run/p0f.sock"
    with serve(path) as daemon:
        _said(daemon, path, f"the directory {scratch}/run does not exist")
        os.mkdir(f"{scratch}/run")
        os.rename(fake.path, path)
        _answers(daemon, path)


def test_a_directory_instead_of_the_socket(fake, serve, scratch):
    """As docker -v makes it, if the container starts before p0f."""
    path = f"{scratch}/mounted"
    os.mkdir(path)
    with serve(path) as daemon:
        _said(daemon, path, "it is a directory, not a socket")
        os.rmdir(path)
        os.rename(fake.path, path)
        _answers(daemon, path)


def test_only_the_socket_is_mounted(needs_p0f, scratch, serve):
    """Into a container, where it stays what it was when p0f makes a new one."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    path = f"{scratch}/mounted.sock"
    open(path, "wb").close()
    with RealP0f(scratch) as p0f:
        container = ["unshare", "--mount", "sh", "-c", f'mount --bind {p0f.socket} {path} && exec "$@"', "sh"]
        with serve(path, prefix=container) as daemon:
            daemon.wait_for_p0f()
            p0f.kill()
            p0f.start()
            _said(daemon, path, "only the socket is mounted into this container")


# root, but with no right to pass over modes.
UNPRIVILEGED = ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all"]


def test_no_permission(needs_p0f, scratch, serve):
    """Of p0f's directory, and then of its socket; who may is said, and it connects as soon as it may."""
    directory = f"{scratch}/run"
    os.mkdir(directory, 0o755)
    with RealP0f(directory) as p0f, serve(p0f, prefix=UNPRIVILEGED) as daemon:
        daemon.wait_for_p0f()
        os.chown(directory, 65534, 65534)
        os.chmod(directory, 0o750)
        p0f.kill()
        p0f.start()
        _said(daemon, p0f.socket,
              "cannot connect to p0f: permission denied to user root (groups root): the directory "
              f"{directory} has owner nobody, group nogroup and mode 0750")
        os.chown(p0f.socket, 65534, 0)
        os.chmod(p0f.socket, 0o600)
        os.chmod(directory, 0o755)
        _said(daemon, p0f.socket,
              "cannot connect to p0f: permission denied to user root (groups root): the socket "
              f"{p0f.socket} has owner nobody, group root and mode 0600")
        os.chmod(p0f.socket, 0o660)
        _answers(daemon, p0f.socket)


# ---- p0f hangs

def test_p0f_hangs(needs_p0f, scratch, serve):
    """It is logged once when it has not answered for 3 s, with an answer outstanding, and once when it does
    again. /status and /readyz know before."""
    with RealP0f(scratch) as p0f, serve(p0f) as daemon:
        daemon.wait_for_p0f()
        wait_until(lambda: daemon.get("/status").json()["pool"]["ready"] == 4, "all connections")
        daemon.wait_for_line(f"{p0f.socket}: {AGAIN}")
        lines = len(_lines(daemon, p0f.socket))
        p0f.process.send_signal(signal.SIGSTOP)
        assert daemon.host(HOST, "?wait=0", ANEW).status == 504
        text = f"{p0f.socket}: p0f has not answered for "
        wait_until(lambda: (_fault(daemon) or "").startswith(text), "the fault")
        assert daemon.get("/readyz").json()["detail"].startswith(text)
        assert len(_lines(daemon, p0f.socket)) == lines, "it may be busy"
        wait_until(lambda: len(_lines(daemon, p0f.socket)) > lines, "the log to say so")
        assert _lines(daemon, p0f.socket)[-1].startswith(text + "3 s, with ")
        p0f.process.send_signal(signal.SIGCONT)
        wait_until(lambda: len(_lines(daemon, p0f.socket)) > lines + 1, "its end")
        assert _lines(daemon, p0f.socket)[-1].startswith(f"{p0f.socket}: {AGAIN} (dialect p0f3) again, after ")
        wait_until(lambda: _fault(daemon) is None, "no fault")
        daemon.wait_for_p0f()
        assert len(_lines(daemon, p0f.socket)) == lines + 2


def test_p0f_is_stopped_when_the_daemon_starts(needs_p0f, scratch, serve):
    with RealP0f(scratch) as p0f:
        p0f.process.send_signal(signal.SIGSTOP)
        with serve(p0f) as daemon:
            lines = _said(daemon, p0f.socket, "queries are never answered")
            assert len(lines) == 1, lines
            p0f.process.send_signal(signal.SIGCONT)
            _answers(daemon, p0f.socket)


# ---- All that p0f has

def test_as_many_connections_as_p0f_serves(fake, serve):
    with serve(fake, {"p0f.connections": "20"}) as daemon:
        advice = "p0f.connections = 20: by default, p0f serves 20 clients in all"
        daemon.wait_for_line(advice)
        assert daemon.log().count(advice) == 1
