# SPDX-License-Identifier: MIT
"""Clients that leave, linger, dawdle, or come in crowds: each harms nobody but itself."""

import json
import os
import resource
import select
import socket
import subprocess
import time

import pytest

import processes
from busy_p0f import BusyP0f
from daemon import SENTINEL
from http_client import BOUND, Crowd, ask, fetch, get_bytes, open_socket
from http_load import FULL, Load, load
from waiting import SLOWDOWN, wait_until

HIT = "198.51.100.1"
MEBIBYTE = 1 << 20


@pytest.fixture(name="busy")
def _busy(scratch):
    with BusyP0f(os.path.join(scratch, "p0f.sock")) as busy:
        yield busy


def _keep_alive(path):
    return f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()


def _alive(daemon):
    """Whether a newcomer is served. It may be refused a connection."""
    try:
        return fetch(daemon.endpoint, "/livez").status == 200
    except OSError:
        return False


# -- that leave ------------------------------------------------------------------------------------

@pytest.mark.parametrize("reset", [False, True], ids=["FIN", "RST"])
def test_disconnecting_while_suspended(busy, serve, reset):
    with serve(busy, {"cache.ttl": "0", "p0f.first_contact_wait": "0"}) as daemon:
        daemon.wait_for_p0f()
        load(daemon, n=1_000)
        pid = daemon.process.pid
        open_before, memory_before = processes.descriptors(pid), processes.resident_bytes(pid)
        for _ in range(3):
            busy.pause()
            options = {"n": 10_000 if FULL else 2_000, "c": 100, "m": 60_000, "l": 1}
            report = load(daemon, **options, **({"x": True} if reset else {}))
            # Their lookups go on without them, so in the end another may not be admitted; and
            # one that is slow to leave may be told first that it took too long.
            told = sum(report.statuses.values())
            assert set(report.statuses) <= {503, 504}, report
            assert report.left + report.broken + told == options["n"], report
            assert report.left > options["n"] / 2
            busy.resume()
            wait_until(lambda: _alive(daemon), "room for others")
            wait_until(lambda: processes.descriptors(pid) <= open_before + 64,
                       "their connections to be closed")
        assert load(daemon, n=1_000).statuses == {200: 1_000}
        if not processes.instrumented(pid):
            wait_until(lambda: processes.resident_bytes(pid) < memory_before + 4 * MEBIBYTE,
                       "their memory to come back")


def test_half_a_request_and_gone(fake, serve):
    """Half a request and the end of the connection, at once or one after the other."""
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        before = processes.descriptors(daemon.process.pid)
        for half in (b"G", b"GET /livez HTTP/1.1\r\n", b"GET /livez HTTP/1.1\r\nHost: x\r\n",
                     b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc"):
            for _ in range(20):
                with open_socket(daemon.endpoint) as sock:
                    sock.sendall(half)
        # Long before http.idle_timeout, which is more than a minute.
        wait_until(lambda: processes.descriptors(daemon.process.pid) <= before,
                   "their connections to be closed")


def test_half_a_request_and_gone_does_not_delay_the_end(fake, serve):
    with serve(fake) as daemon:
        for _ in range(50):
            with open_socket(daemon.endpoint) as sock:
                sock.sendall(b"GET /livez HTTP/1.1\r\nHost: x\r\n")
        assert _alive(daemon)       # so they have been accepted
        daemon.stop(within=4)


@pytest.mark.parametrize("how", ["at once", "later"])
def test_half_close(fake, serve, how):
    """A client that says it will ask no more is answered, hit or miss; then the connection ends."""
    fake.hosts[HIT] = {"os_name": "Linux"}
    paths = {f"/host/{HIT}": 200, f"/host/{SENTINEL}?wait=50": 404, "/livez": 200, "/status": 200}
    with serve(fake, {"cache.ttl": "1h", "http.idle_timeout": "1h"}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host(HIT).status == 200
        socks = {}
        for path in [path for path in paths for _ in range(10)]:
            sock = open_socket(daemon.endpoint)
            sock.sendall(_keep_alive(path))
            if how == "later":
                select.select([sock], [], [], 0.02)     # until the answer, or the middle of the wait
            sock.shutdown(socket.SHUT_WR)
            socks[sock] = path
        for sock, path in socks.items():
            with sock, sock.makefile("rb") as stream:
                assert stream.read().startswith(f"HTTP/1.1 {paths[path]} ".encode()), path


# -- that dawdle -----------------------------------------------------------------------------------

ENDLESS = [b"GET /", b"GET /livez HTTP/1.1\r\nX-Endless: ",
           b"POST /hosts HTTP/1.1\r\nHost: x\r\nContent-Length: 99999\r\n\r\n"]


@pytest.mark.parametrize("begin", ENDLESS)
def test_a_request_byte_by_byte_without_end(fake, serve, begin):
    """Each byte tells the HTTP library that the client is there; still it ends."""
    with serve(fake, {"http.idle_timeout": "1s"}) as daemon:
        with open_socket(daemon.endpoint) as sock:
            sock.sendall(begin)
            sent = []

            def over():
                try:
                    sock.sendall(b"x")
                except OSError:
                    return True
                sent.append(1)
                if len(sent) % 50 == 0:
                    assert daemon.get("/livez").status == 200
                return False
            wait_until(over, "the connection to be ended")
        assert len(sent) > 10


def _over(sock):
    """Whether the other side has ended it; what it says before is of no interest."""
    try:
        while select.select([sock], [], [], 0)[0]:
            if not sock.recv(4096):
                return True
    except OSError:
        return True
    return False


def test_a_byte_a_second(fake, serve):
    """None is ever quiet for as long as http.idle_timeout, and still each ends."""
    with serve(fake, {"http.idle_timeout": "3s"}) as daemon:
        daemon.wait_for_p0f()
        before = processes.descriptors(daemon.process.pid)
        socks = [open_socket(daemon.endpoint) for _ in range(20 * len(ENDLESS))]
        for sock, begin in zip(socks, ENDLESS * 20):
            sock.sendall(begin)
        open_after = []

        def all_over():
            select.select([], [], [], 1)        # which is what they do
            assert daemon.get("/livez").status == 200
            for sock in socks:
                try:
                    sock.sendall(b"x")
                except OSError:
                    pass                        # ended, as is seen next
            socks[:] = [sock for sock in socks if not _over(sock)]
            open_after.append(len(socks))
            return not socks
        wait_until(all_over, "the connections to be ended")
        assert open_after[0] == 20 * len(ENDLESS), "they are given some time"
        wait_until(lambda: processes.descriptors(daemon.process.pid) <= before,
                   "the daemon's side of them to be closed")


def test_an_answer_read_slowly(fake, serve):
    """It takes as long as it takes, and is whole; who reads none of it at all is told to go."""
    known = [f"203.0.{n // 250}.{n % 250}" for n in range(1000)]
    fake.hosts.update({address: {"total_conn": n} for n, address in enumerate(known)})
    body = json.dumps(known * 20)       # so that the answer does not fit into the sockets' buffers
    request = (f"POST /hosts HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
               f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}").encode()
    with serve(fake, {"http.idle_timeout": "4s", "http.max_batch": "20000",
                      "cache.ttl": "1h", "cache.incomplete_ttl": "1h",
                      "p0f.timeout": f"{20 * SLOWDOWN}s"}) as daemon:
        daemon.wait_for_p0f()
        before = processes.descriptors(daemon.process.pid)
        socks = [socket.socket() for _ in range(4)]
        for sock in socks:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
            sock.settimeout(BOUND)
            sock.connect(daemon.endpoint)
            sock.sendall(request)
        slow, received = socks[0], []
        begin = time.monotonic()
        while piece := slow.recv(32_768):
            received.append(piece)
            select.select([], [], [], 0.02)
            if len(received) % 20 == 0:
                assert daemon.get("/livez").status == 200
        assert time.monotonic() - begin > 4, "it was over before anybody's time was up"
        head, _, hosts = b"".join(received).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 ")
        assert [host["host"]["total_conn"] for host in json.loads(hosts)] == [*range(1000)] * 20
        wait_until(lambda: processes.descriptors(daemon.process.pid) <= before,
                   "the others to be ended")
        for sock in socks:
            sock.close()


def test_answers_that_are_not_read(fake, serve):
    """A client that asks and asks and reads nothing: its answers wait, others are served."""
    fake.hosts[HIT] = {"os_name": "Linux"}
    with serve(fake, {"cache.ttl": "1h", "http.threads": "1"}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host(HIT).status == 200
        begun = processes.resident_bytes(daemon.process.pid)
        request = _keep_alive(f"/host/{HIT}")
        with open_socket(daemon.endpoint) as sock:
            sock.setblocking(False)
            asked = 0

            def stuck():
                nonlocal asked
                try:
                    while (sent := sock.send(request * 100)) >= 0:
                        asked += sent
                except BlockingIOError:
                    return daemon.get("/livez").status == 200 and \
                        not select.select([], [sock], [], 0.2)[1]
            wait_until(stuck, "the daemon to take no more of its requests")
            assert daemon.host(HIT).status == 200
            if not processes.instrumented(daemon.process.pid):
                assert processes.resident_bytes(daemon.process.pid) < begun + 2 * MEBIBYTE
            # All whole requests are answered, in the end.
            sock.setblocking(True)
            sock.shutdown(socket.SHUT_WR)
            with sock.makefile("rb") as stream:
                answers = 0
                while (head := stream.readline()) == b"HTTP/1.1 200 OK\r\n":
                    fields = {}
                    while (line := stream.readline()) != b"\r\n":
                        name, _, value = line.partition(b": ")
                        fields[name] = value
                    assert HIT.encode() in stream.read(int(fields[b"Content-Length"]))
                    answers += 1
                assert answers == asked // len(request)


def test_pipelined_hit_miss_hit(fake, serve):
    """In the order they were asked, though the first miss takes its time."""
    fake.hosts.update({f"198.51.100.{n}": {"total_conn": n} for n in range(1, 4)})
    with serve(fake, {"cache.ttl": "1h"}) as daemon:
        daemon.wait_for_p0f()
        for n in (1, 3):
            assert daemon.host(f"198.51.100.{n}").status == 200
        paths = ["/host/198.51.100.1", f"/host/{SENTINEL}?wait=200", "/host/198.51.100.3", "/livez",
                 "/host/198.51.100.2", "/nothing", "/host/198.51.100.1"]
        with open_socket(daemon.endpoint) as sock, sock.makefile("rb") as stream:
            sock.sendall(b"".join(_keep_alive(path) for path in paths[:-1]) + get_bytes(paths[-1]))
            received = stream.read()
        heads = received.split(b"HTTP/1.1 ")[1:]
        assert [head[:3] for head in heads] == [b"200", b"404", b"200", b"200", b"200", b"404",
                                               b"200"]
        assert b'"total_conn":1,' in heads[0] and b"Cache-Status: p0f-lookupd; hit" in heads[0]
        assert SENTINEL.encode() in heads[1] and b'"total_conn":3,' in heads[2]
        assert b'"total_conn":2,' in heads[4] and b"fwd=miss" in heads[4]


# -- that come in crowds ---------------------------------------------------------------------------

@pytest.fixture(name="many_descriptors")
def _many_descriptors():
    """As many as this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def _idle(daemon, count):
    """So many connections, each of which has been served once."""
    socks = [open_socket(daemon.endpoint) for _ in range(count)]
    for sock in socks:
        sock.sendall(_keep_alive("/livez"))
    for sock in socks:
        assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
    return socks


def test_idle_connections(fake, serve, many_descriptors):
    count = 10_000 if FULL else 500
    if many_descriptors < count + 100:
        pytest.skip(f"{count} connections need more descriptors than may be open")
    # With so many more, none of those that come first have to make room for the last.
    with serve(fake, {"http.max_connections": str(count * 5 // 4)}) as daemon:
        daemon.wait_for_p0f()
        load(daemon, n=1_000)
        pid = daemon.process.pid
        memory_before = processes.resident_bytes(pid)
        socks = _idle(daemon, count)
        for _ in range(20):
            assert daemon.get("/livez").status == 200
        assert load(daemon, n=1_000, c=4, m=1).broken == 0
        processes.wait_until_idle(pid, "the daemon to have nothing to do")
        for sock in socks:
            sock.close()
        assert daemon.get("/livez").status == 200
        if not processes.instrumented(pid):
            wait_until(lambda: processes.resident_bytes(pid) < memory_before + 4 * MEBIBYTE,
                       "their memory to come back")


def test_idle_connections_make_room(fake, serve):
    """When all connections are taken by clients that send nothing, the oldest are closed."""
    with serve(fake, {"http.max_connections": "100"}) as daemon:
        socks = [open_socket(daemon.endpoint) for _ in range(100)]
        for sock in socks[::2]:
            try:
                sock.sendall(_keep_alive("/livez"))
            except OSError:
                pass        # one of those
        for _ in range(20):     # whose own end takes the daemon a moment, too
            wait_until(lambda: _alive(daemon), "room for another")
        # The last may have been refused, if the daemon's start has left a connection a while.
        ended = wait_until(lambda: (_alive(daemon), [n for n in range(99) if _over(socks[n])])[1],
                           "the oldest to be ended")
        # Two threads have taken them in, so the order is not quite theirs; and if that took some
        # seconds, there has been more than one round of it.
        assert 1 <= len(ended) <= 60 and max(ended) < 80
        for sock in socks:
            sock.close()


@pytest.mark.parametrize("threads", [1, 2])
def test_more_connections_than_may_be(fake, serve, threads):
    """All at once, again and again: some are refused, and that is all."""
    limit = 20
    with serve(fake, {"http.max_connections": str(limit),
                      "http.threads": str(threads)}) as daemon:
        before = processes.descriptors(daemon.process.pid)
        for _ in range(10):
            socks = [open_socket(daemon.endpoint) for _ in range(3 * limit)]
            served = 0
            for sock in socks:
                try:
                    sock.sendall(_keep_alive("/livez"))
                    served += sock.recv(4096).startswith(b"HTTP/1.1 200 ")
                except OSError:
                    pass
            assert limit / 2 <= served <= limit
            assert processes.descriptors(daemon.process.pid) <= before + limit
            for sock in socks:
                sock.close()
            wait_until(lambda: _alive(daemon), "room again")
            wait_until(lambda: processes.descriptors(daemon.process.pid) <= before,
                       "the connections to be closed")
        daemon.wait_for_line("http.max_connections (20) reached")


def test_waiting_requests_leave_room(fake, serve):
    """Though more wait for p0f than there are connections."""
    with serve(fake, {"http.max_connections": "64", "p0f.timeout": "20s"}) as daemon:
        daemon.wait_for_p0f()
        fake.hold()
        crowds = [Crowd(daemon.endpoint, [f"/host/203.0.113.{n}" for n in range(60)])]
        wait_until(lambda: crowds[0].waiting() <= 56, "the last to be refused")
        for _ in range(20):
            assert daemon.get("/livez").status == 200
        assert crowds[0].waiting() == 56
        fake.release()
        statuses = [answer.status for answer in crowds[0].answers()]
        assert sorted(statuses) == [404] * 56 + [503] * 4


# -- when there are no descriptors left ------------------------------------------------------------

def _allow(daemon, descriptors):
    subprocess.run(["prlimit", "--pid", str(daemon.process.pid), f"--nofile={descriptors}:"],
                   check=True)


def test_no_descriptors_to_accept_with(fake, serve):
    fake.hosts[HIT] = {"os_name": "Linux"}
    with serve(fake) as daemon:
        daemon.wait_for_p0f()
        _allow(daemon, processes.descriptors(daemon.process.pid) + 20)
        # One that is there already is served on.
        connection = daemon.connect()
        connection.connect()
        crowd = Crowd(daemon.endpoint, ["/livez"] * 19)
        assert {answer.status for answer in crowd.answers()} == {200}
        begin = time.monotonic()
        # Some more than there is room for, should one from before only just be gone.
        idle = [open_socket(daemon.endpoint) for _ in range(30)]
        for sock in idle:
            sock.sendall(_keep_alive("/livez"))
        wait_until(lambda: "cannot accept" in daemon.log(), "the daemon to say so")
        more = Crowd(daemon.endpoint, [f"/host/{HIT}"] * 100)
        assert more.waiting() == 100
        processes.wait_until_idle(daemon.process.pid, "the daemon to wait, not to try and try")
        assert HIT in _said(connection, f"/host/{HIT}")
        connection.close()
        for sock in idle:
            sock.close()
        # They have been in the queue, and are served now, each when others have gone.
        assert {answer.status for answer in more.answers()} == {200}
        assert daemon.log().count("cannot accept") <= 2 + 10 * (time.monotonic() - begin)


def _said(connection, path):
    connection.request("GET", path)
    return connection.getresponse().read().decode()


def test_no_descriptors_to_reconnect_with(fake, serve):
    fake.hosts[HIT] = {"os_name": "Linux"}
    with serve(fake, {"cache.stale_if_error": "0", "cache.ttl": "0"}) as daemon:
        daemon.wait_for_p0f()
        connection = daemon.connect()
        connection.connect()
        assert daemon.get("/livez").status == 200
        _allow(daemon, 3)
        fake.hang_up()
        wait_until(lambda: "Too many open files" in _said(connection, "/status"),
                   "the daemon to have tried in vain")
        assert ask(connection, f"/host/{HIT}").status == 503
        _allow(daemon, 1024)
        wait_until(lambda: daemon.host(HIT).status == 200, "p0f to be reached again")
        connection.close()
