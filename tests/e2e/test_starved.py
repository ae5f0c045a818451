# SPDX-License-Identifier: MIT
"""Memory that gives out, at one allocation after the other, in the real daemon with all its libraries.

Whatever is refused it, the client gets its right answer, or an error that says so, or loses its
connection. Nothing leaks, the same request made again is answered, and p0f is none the worse.
"""

import http.client
import itertools
import json
import os
import signal
import socket
import subprocess

import pytest

import p0f_wire
from daemon import launch, run, write_config
from http_client import ask, get_bytes, open_socket, parse
from http_load import FULL
from problems import assert_problem
from starving import FOR_GOOD, Starving, needs_own_malloc, needs_plain_life
from waiting import wait_until

HIT, COLD, STRANGER, VISITOR = "198.51.100.1", "198.51.100.2", "198.51.100.3", "198.51.100.4"
ORIGIN = "https://dashboard.example"
JSON = {"Content-Type": "application/json"}
ANEW = {"Cache-Control": "no-cache"}
SETTINGS = {"http.threads": 1, "http.cors_origins": ORIGIN, "p0f.timeout": "5s",
            "cache.ttl": "1h", "cache.negative_ttl": "1h"}

pytestmark = needs_own_malloc


def _host(address):
    """What p0f knows of it, which is like nothing that it knows of another."""
    return {"os_name": "Linux", "os_flavor": address, "http_name": "b\xfcrowser", "total_conn": 3}


class Kind:
    """A kind of request. In make check each `step`th of its allocations fails, else every one."""

    def __init__(self, path, headers=None, method="GET", body=None, before=None, step=1):
        self.path = path
        self.before = before    # a path to ask for, so that the answer is not the same once more
        self.headers = headers or {}
        self.method = method
        self.body = body
        self.step = 1 if FULL else step

    def prepare(self, connection):
        if self.before:
            ask(connection, self.before)

    def ask(self, connection):
        return ask(connection, self.path, self.headers, self.method, self.body)


HITS = json.dumps([HIT, "nonsense", HIT])
COLD_ONES = json.dumps([f"203.0.113.{n}" for n in range(8)])

KINDS = {
    "hit": Kind(f"/host/{HIT}", before=f"/host/{HIT}?format=raw"),
    "hit raw": Kind(f"/host/{HIT}?format=raw", before=f"/host/{HIT}"),
    "hit of a page": Kind(f"/host/{HIT}", {"Origin": ORIGIN}),
    "not modified": Kind(f"/host/{HIT}", {"If-None-Match": "*"}, before=f"/host/{HIT}?format=raw"),
    "head": Kind(f"/host/{HIT}", method="HEAD", before=f"/host/{HIT}?format=raw"),
    "cold": Kind(f"/host/{COLD}", ANEW),
    "cold raw": Kind(f"/host/{COLD}?format=raw", ANEW),
    "no match": Kind(f"/host/{STRANGER}?wait=0", ANEW),
    "no match, asked twice": Kind(f"/host/{STRANGER}?wait=6", ANEW),
    "remembered no match": Kind(f"/host/{STRANGER}"),
    "only if cached": Kind("/host/192.0.2.77", {"Cache-Control": "only-if-cached"}),
    "batch of hits": Kind("/hosts", JSON, "POST", HITS),
    "cold batch": Kind("/hosts?format=raw&wait=0", {**JSON, **ANEW}, "POST", COLD_ONES, step=3),
    "bad batch": Kind("/hosts", JSON, "POST", "[1]"),
    "self": Kind("/self", {"X-Forwarded-For": f"{VISITOR}, 127.0.0.1"}),
    "forward-auth": Kind("/forward-auth", {"X-Forwarded-For": VISITOR}),
    "status": Kind("/status", step=37),
    "metrics": Kind("/metrics", step=3),
    "readyz": Kind("/readyz"),
    "livez": Kind("/livez"),
    "index": Kind("/", step=5),
    "openapi": Kind("/openapi.json"),
    "preflight": Kind(f"/host/{HIT}", {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"},
                      "OPTIONS"),
    "bad address": Kind("/host/nonsense"),
    "not found": Kind("/nowhere"),
    "method not allowed": Kind(f"/host/{HIT}", method="DELETE"),
    "unsupported type": Kind("/hosts", {"Content-Type": "text/plain"}, "POST", "[]"),
}

# ---- What came of a request

VARYING = {"Date", "Age", "Cache-Status", "Content-Length"}


def _shape(value):
    """JSON without the values."""
    if isinstance(value, dict):
        return {name: _shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_shape(item) for item in value]
    return isinstance(value, (int, float))


def _essence(path, answer):
    """All of an answer that is the same each time."""
    headers = sorted((name, None if name in VARYING else value)
                     for name, value in answer.headers.items())
    body = answer.body
    if path == "/status":
        body = _shape(answer.json()) | {"connections": None}
    if path == "/metrics":
        # What cannot be found out of the process is left out.
        body = {line.rpartition(b" ")[0] for line in body.splitlines()
                if b"code=" not in line and b"process_" not in line}
    return answer.status, headers, body


def _is_excuse(kind, answer):
    """It says that it could not be done."""
    if kind.path == "/forward-auth":
        return answer.status == 200 and answer["X-P0F-Status"] == "error"
    if answer.status >= 500:
        return kind.method == "HEAD" or bool(assert_problem(answer, answer.status, None))
    return False


def _is_right_in_part(right, answer):
    """A batch, each item of which has its right answer or an excuse."""
    if answer.status != 200:
        return False
    items = answer.json()
    assert len(items) == len(right.json())
    return all(item == wanted or item["query"] == wanted["query"] and item["status"] >= 500
               for item, wanted in zip(items, right.json()))


class Client:
    """One that keeps its connection for as long as the daemon does."""

    def __init__(self, daemon):
        self._connection = daemon.connect()

    def prepare(self, kind):
        kind.prepare(self._connection)

    def ask(self, kind):
        """The answer; None if the connection was closed instead."""
        try:
            return kind.ask(self._connection)
        except (http.client.RemoteDisconnected, ConnectionError):
            self._connection.close()        # the next request opens another one
            return None

    def close(self):
        self._connection.close()


def _judge(kind, right, answer):
    """It is the right answer, or there is an excuse."""
    if answer is None or _essence(kind.path, answer) == _essence(kind.path, right):
        return
    assert (_is_excuse(kind, answer) or kind.path.startswith("/hosts")
            and _is_right_in_part(right, answer)), f"{answer} instead of {right}"


class Sweep:
    """All that fails in turn, once or from there on until the client has its outcome."""

    def __init__(self, daemon, starving):
        self.daemon = daemon
        self.starving = starving
        self.struck = 0

    def run(self, prepare, attempt, repair, step=1):
        """After prepare(), attempt() is done with each `step`th allocation refused, until there are
        no more; then repair() with memory there, after which as many blocks are in use as before.
        """
        for _ in range(3):
            prepare()
            attempt()
            repair()
        quiet, before = self._settled(), self.struck
        for only_once in (True, False):
            for number in itertools.count(1, step):
                prepare()
                self.starving.start(number, only_once)
                try:
                    attempt()
                    refused = self.starving.end()
                    if not refused:
                        break
                    repair()
                    self._wait_for(quiet)
                except AssertionError as problem:
                    caller = self.starving.caller(self.daemon.process.pid)
                    raise AssertionError(f"allocation {number}, {'once' if only_once else 'on'}, by "
                                         f"{caller}: {problem}") from problem
                self.struck += 1
            repair()
            self._wait_for(quiet)
        assert self.struck > before, "nothing was refused"

    def _wait_for(self, blocks):
        wait_until(lambda: self.starving.live() == blocks, f"{blocks} blocks to be in use again")

    def _settled(self):
        """How many blocks are in use, once that does not change any more."""
        seen = []

        def still():
            seen.append(self.starving.live())
            return len(seen) > 10 and len(set(seen[-10:])) == 1
        wait_until(still, "the number of blocks to settle")
        return seen[-1]


@pytest.fixture(name="starving")
def _starving(scratch):
    return Starving(scratch)


@pytest.fixture(name="starved")
def _starved(fake, serve, starving):
    """(daemon, Sweep): all its kinds of hosts are known."""
    for address in (HIT, COLD, VISITOR, *(f"203.0.113.{n}" for n in range(8))):
        fake.hosts[address] = _host(address)
    with serve(fake, SETTINGS, extra_environment=starving.environment) as daemon:
        daemon.wait_for_p0f()
        yield daemon, Sweep(daemon, starving)


# ---- Requests

def _nothing():
    pass


def test_requests(starved):
    daemon, sweep = starved
    client = Client(daemon)
    for address in (HIT, STRANGER):
        daemon.host(address)
    for name, kind in KINDS.items():
        client.ask(kind)
        right = client.ask(kind)
        ask_right = _until_right(kind, right, lambda: client.ask(kind))
        try:
            sweep.run(lambda: client.prepare(kind), lambda: _judge(kind, right, client.ask(kind)),
                      ask_right, kind.step)
        except AssertionError as problem:
            raise AssertionError(f"{name}: {problem}") from problem
    client.close()


def _until_right(kind, right, request):
    """A function that asks, and must get the right answer."""
    def again():
        answer = request()
        assert answer is not None, "the connection was closed though there is memory"
        assert _essence(kind.path, answer) == _essence(kind.path, right)
    return again


def test_a_connection(starved):
    daemon, sweep = starved
    kind = KINDS["hit"]
    right = daemon.host(HIT)

    def come():
        client = Client(daemon)
        try:
            return client.ask(kind)
        finally:
            client.close()

    sweep.run(_nothing, lambda: _judge(kind, right, come()), _until_right(kind, right, come))
    wait_until(lambda: _metric(daemon, "http_connections") == 1,
               "none of the others to count as open any more")


def _metric(daemon, name):
    text = daemon.get("/metrics").body.decode()
    return next(int(line.split()[1]) for line in text.splitlines()
                if line.startswith(f"p0f_lookupd_{name} "))


def _relayed(path, queries):
    """The answers to them of the relay, as far as there are any, on a connection of their own."""
    answers, size = b"", p0f_wire.SIZE["p0f3"]
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(path)
        try:
            client.sendall(queries)
            client.shutdown(socket.SHUT_WR)
            while data := client.recv(4096):
                answers += data
        except ConnectionError:
            pass
    assert len(answers) % size == 0, "a part of an answer"
    return [answers[at:at + size] for at in range(0, len(answers), size)]


def test_the_relay(fake, serve, starving, scratch):
    """What it has answered is right, and then it may close the connection."""
    path = os.path.join(scratch, "relay.sock")
    settings = {**SETTINGS, "relay.listen": f"unix:{path}", "p0f.first_contact_wait": "0",
                "p0f.max_repeat_rate": 0, "p0f.max_repeat_rate_per_client": 0}
    queries = b"".join(p0f_wire.pack_query(address) for address in (HIT, STRANGER, HIT)) + bytes(21)
    fake.hosts[HIT] = _host(HIT)
    with serve(fake, settings, extra_environment=starving.environment) as daemon:
        daemon.wait_for_p0f()
        right = _relayed(path, queries)
        assert [p0f_wire.unpack_answer(answer)["status"] for answer in right] == [
            p0f_wire.OK, p0f_wire.NO_MATCH, p0f_wire.OK, p0f_wire.BADQUERY]

        def attempt():
            answers = _relayed(path, queries)
            assert answers == right[:len(answers)]

        def again():
            assert _relayed(path, queries) == right

        Sweep(daemon, starving).run(_nothing, attempt, again)
        assert _metric(daemon, "relay_connections") == 0


class Waiters:
    """Three that wait for p0f to answer about one host."""

    def __init__(self, daemon, fake, path):
        self._daemon, self._fake, self._path = daemon, fake, path
        self._sockets = []

    def gather(self):
        self._fake.hold(COLD)
        for _ in range(3):
            self._sockets.append(open_socket(self._daemon.endpoint))
            self._sockets[-1].sendall(get_bytes(self._path))
        wait_until(lambda: _metric(self._daemon, "lookups_pending") == 3, "all of them to wait")

    def answers(self):
        """Of each its answer; None if its connection was closed instead."""
        self._fake.release()
        answers = []
        while self._sockets:
            with self._sockets.pop() as sock:
                received = b""
                try:
                    while data := sock.recv(65536):
                        received += data
                except ConnectionResetError:
                    pass
            answers.append(parse(received, target=self._path) if received else None)
        return answers


@pytest.mark.parametrize("known", [True, False])
def test_waiters(fake, serve, starving, known):
    fake.hosts[COLD] = _host(COLD) if known else None
    settings = {**SETTINGS, "cache.ttl": 0, "cache.negative_ttl": 0}
    with serve(fake, settings, extra_environment=starving.environment) as daemon:
        daemon.wait_for_p0f()
        kind = Kind(f"/host/{COLD}?wait=0")
        waiters = Waiters(daemon, fake, kind.path)
        right = daemon.get(kind.path, {"Connection": "close"})

        def attempt():
            for answer in waiters.answers():
                _judge(kind, right, answer)

        again = _until_right(kind, right, lambda: daemon.get(kind.path, {"Connection": "close"}))
        Sweep(daemon, starving).run(waiters.gather, attempt, again)


def test_a_refresh_in_the_background(fake, serve, starving):
    """Each request is for another host, as none is asked about twice a second."""
    hosts = [f"203.0.113.{n}" for n in range(256)]
    fake.hosts.update({address: _host(address) for address in hosts})
    settings = {**SETTINGS, "cache.ttl": "1ms", "cache.stale_while_revalidate": "1h"}
    with serve(fake, settings, extra_environment=starving.environment) as daemon:
        connection = daemon.connect()
        connection.request("POST", "/hosts", json.dumps(hosts), JSON)
        assert connection.getresponse().read().count(b'"status":200') == len(hosts)
        connection.close()
        client, rotation = Client(daemon), itertools.cycle(hosts)

        def check(address, answer):
            if answer.status == 200:
                assert answer.json()["ip"] == answer.json()["os_flavor"] == address
                assert answer["ETag"] and answer["Cache-Control"] and answer["Vary"]
            else:
                assert_problem(answer, 503, None)

        def attempt():
            address = next(rotation)
            answer = client.ask(Kind(f"/host/{address}"))
            if answer is not None:
                check(address, answer)

        def again():
            address = next(rotation)
            answer = client.ask(Kind(f"/host/{address}"))
            assert answer.status == 200
            check(address, answer)
        Sweep(daemon, starving).run(_nothing, attempt, again)
        client.close()


# ---- What nobody asked for

def test_connections_to_p0f(starved, fake):
    """All four come back, however often there was no memory for them."""
    daemon, sweep = starved

    def hang_up():
        before = fake.connections
        fake.hang_up()
        wait_until(lambda: fake.connections == before + 4 or sweep.starving.refused(),
                   "the daemon to connect again, or to fail to")

    def all_back():
        daemon.wait_for_p0f()
        assert daemon.host(COLD, "", ANEW).json()["os_flavor"] == COLD
    sweep.run(_nothing, hang_up, all_back)


def test_reload(starved):
    """The settings are the old ones or the new ones, and the log says which."""
    daemon, sweep = starved
    timeouts = itertools.cycle(["5s", "6s"])

    def reload():
        done, failed = (daemon.log().count(mark) for mark in (RELOADED, OLD_ONES))
        write_config(daemon.config, {**daemon.settings, "p0f.timeout": next(timeouts)})
        daemon.signal(signal.SIGHUP)
        wait_until(lambda: daemon.log().count(RELOADED) > done
                   or daemon.log().count(OLD_ONES) > failed, "the log to say what came of it")
        return daemon.log().count(RELOADED) > done

    def again():
        timeout = next(timeouts), next(timeouts)
        assert reload(), daemon.log()
        assert daemon.get("/status").json()["configuration"]["p0f"]["timeout"] == timeout[0]
    RELOADED, OLD_ONES = "settings reloaded", "the old settings stay in force"
    sweep.run(_nothing, reload, again, 1 if FULL else 17)
    for line in daemon.log().splitlines():
        assert OLD_ONES not in line or "memory" in line, line


@needs_plain_life
@pytest.mark.parametrize("only_once", [True, False])
def test_start(fake, serve, scratch, starving, only_once):
    """It starts, or says that there is no memory and ends with exit code 1. If it starts, then it finds
    p0f, which comes later, with all its connections."""
    fake.hosts[HIT] = _host(HIT)
    failed = 0
    for number in itertools.count(1, 1 if FULL else 23):
        fake.stop()
        with Readiness(scratch) as readiness:
            daemon = serve(fake, {**SETTINGS, "http.threads": 2},
                           extra_environment={**starving.environment, **readiness.environment})
            starving.start(number, only_once)
            daemon.launch()
            wait_until(lambda: daemon.ended() or readiness.told(), "the daemon to start or end")
            refused = starving.end()
        if daemon.ended():
            failed += 1
            assert daemon.process.returncode == 1, f"allocation {number}: {daemon.log()}"
            assert "memory" in daemon.log().lower(), f"allocation {number}: {daemon.log()}"
            continue
        fake.start()
        daemon.wait_for_p0f()
        assert daemon.host(HIT).json()["os_flavor"] == HIT
        daemon.stop()
        if not refused:
            break
    assert failed


@needs_plain_life
@pytest.mark.parametrize("only_once", [True, False])
def test_lookup_command(fake, starving, only_once):
    """Its exit code is not the one that says that p0f does not know the host."""
    fake.hosts[HIT] = _host(HIT)
    failed = 0
    for number in itertools.count(1, 1 if FULL else 23):
        starving.start(number, only_once)
        done = run("lookup", "-o", f"p0f.socket={fake.path}", HIT,
                   extra_environment=starving.environment)
        refused = starving.end()
        if done.returncode == 0:
            assert json.loads(done.stdout)["os_flavor"] == HIT
        else:
            failed += 1
            assert done.returncode == 2, f"allocation {number}: {done}"
            assert "memory" in done.stderr.lower(), f"allocation {number}: {done}"
        if not refused:
            break
    assert failed and done.returncode == 0


@needs_plain_life
def test_lookup_command_without_a_child(fake, starving):
    """If none can be left to take the outstanding answer, the command itself stays until it comes."""
    def ask():
        """The process, once it has ended or been refused the last thing that it wants: the child."""
        process = launch("lookup", "-o", f"p0f.socket={fake.path}", "-o", "p0f.timeout=1ms", HIT,
                         extra_environment=starving.environment)
        wait_until(lambda: process.poll() is not None or starving.refused(), "the end of its patience")
        return process

    fake.hold()
    starving.start(FOR_GOOD, False)
    assert ask().poll() == 2
    starving.start(starving.made(), True)
    process = ask()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)       # when it does not stay it ends at once
    fake.release()
    assert process.wait(30) == 2
    wait_until(lambda: not fake.open_connections(), "the connections to be closed")
    fake.check()


class Readiness:
    """What a daemon tells of it, as to systemd."""

    def __init__(self, directory):
        path = os.path.join(directory, "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(path)
        self._path = path
        self.environment = {"NOTIFY_SOCKET": path}

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self._socket.close()
        os.unlink(self._path)

    def told(self):
        try:
            return b"READY=1" in self._socket.recv(4096)
        except BlockingIOError:
            return False
