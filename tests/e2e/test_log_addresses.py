# SPDX-License-Identifier: MIT
"""Host addresses are personal data: whatever happens, the log holds none, unless http.access_log is set. It
may hold what the settings say, such as where the daemon listens and the networks of proxies."""

import contextlib
import re
import signal
import socket

import pytest

from daemon import write_config
from http_client import Crowd, fetch, get_bytes, open_socket, read_all
from p0f_client import P0fClient
from proxy_header import tlv, v1, v2
from store import Store
from waiting import wait_until

KNOWN, STRANGER, LIAR, SLOW = "203.0.113.1", "203.0.113.99", "203.0.113.66", "203.0.113.77"
FORGED, FORGED6 = "198.51.100.7", "2001:db8:bad::7"
VISITORS = [f"127.77.3.{host}" for host in range(1, 9)]
PROXY, PROXIES = "127.66.5.4", "127.66.0.0/16"
SETTINGS = {"http.trusted_proxies": PROXIES, "http.max_connections": "64", "http.idle_timeout": "1s",
            "http.cors_origins": "https://example.org", "http.server_names": "p0f.example",
            "p0f.first_contact_wait": "0", "p0f.max_pending": "8"}

ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b(?:[0-9a-f]{1,4}:){2,}[0-9a-f:]*|::")

SELF = ("/self", "/forward-auth", "/forward-auth/site")
ODD_FIELDS = [
    (), (f"X-Forwarded-For: {FORGED}",), (f"X-Forwarded-For: {FORGED}, unknown",), (f"X-Forwarded-For: {PROXY}",),
    (f"X-Forwarded-For: {FORGED6}",), (f"Forwarded: for={FORGED}",), (f"X-Real-IP: {FORGED}",),
    (f"Authorization: Bearer {FORGED}",), (f"Host: {FORGED}.example",), (f"Origin: http://{FORGED}",),
    (f"Referer: http://{FORGED}/", f"User-Agent: {FORGED}", f"Cookie: a={FORGED}", f"X-Request-Id: {FORGED}")]
BAD_REQUESTS = [
    get_bytes(f"/host/{FORGED}x"), get_bytes(f"/host/{FORGED}/24"), get_bytes(f"/host/{FORGED}?format={FORGED}"),
    get_bytes(f"/host/%00{FORGED}"), get_bytes(f"/{FORGED}"), get_bytes(f"/{FORGED}" * 1000),
    get_bytes(f"/host/{FORGED}", version="9.9"), get_bytes(f"/host/{FORGED}", method="BREW"),
    get_bytes(f"/host/{FORGED}", host=FORGED), get_bytes(f"/host/{FORGED}", host=f"evil-{FORGED}.example"),
    get_bytes(f"/host/{FORGED}", f" X: {FORGED}"), get_bytes("/", f"X-{FORGED}: " + "x" * 20000),
    get_bytes("/hosts", f"Content-Length: {FORGED}", method="POST"),
    get_bytes("/hosts", "Content-Length: 5", "Content-Length: 6", method="POST"),
    get_bytes("/hosts", f"Transfer-Encoding: {FORGED}", method="POST"),
    f"{FORGED}\r\n\r\n".encode(), f"\x16\x03\x01{FORGED}".encode(), v1(FORGED), v2(FORGED), b"\0" * 500]
BODIES = [f'["{KNOWN}","{STRANGER}","{FORGED}x"]', f'["{FORGED}"', f'{{"{FORGED}":1}}', f'["{FORGED}"]' * 100000]


def _addresses(log):
    """Those in it, but for those in the settings below."""
    return set(ADDRESS.findall(log)) - {"127.0.0.1", "127.0.0.0", PROXIES.split("/", maxsplit=1)[0]}


@pytest.fixture(name="log_of")
def _log_of(fake, serve, scratch):
    """log_of(work): what is logged while `work` is done with a daemon, and thereafter."""
    fake.hosts.update({KNOWN: {"os_name": "Linux"}, LIAR: b"\xcb\0\x71\x42" * 58})

    def log_of(work, more=None):
        settings = {**SETTINGS, "relay.listen": f"unix:{scratch}/relay.sock", **(more or {})}
        with serve(fake, settings, also_listen=[f"unix:{scratch}/http.sock"]) as daemon:
            daemon.wait_for_p0f()
            work(daemon)
            fake.release()
        return daemon.log()
    return log_of


def _send(daemon, data, source):
    """And read whatever it says."""
    with contextlib.suppress(OSError), open_socket(daemon.endpoint, source=source) as sock:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        read_all(sock)


def test_requests_good_and_bad(log_of, scratch):
    def work(daemon):
        for source in (*VISITORS[:2], PROXY):
            for target in (*SELF, f"/host/{KNOWN}", f"/host/{STRANGER}", f"/host/{FORGED6}", "/hosts", "/status"):
                for fields in ODD_FIELDS:
                    _send(daemon, get_bytes(target, *fields), source)
            for data in BAD_REQUESTS:
                _send(daemon, data, source)
            for kind in ("application/json", "text/plain", "text/xml"):
                for body in BODIES:
                    with contextlib.suppress(OSError):
                        fetch(daemon.endpoint, "/hosts", {"Content-Type": kind}, "POST", body, source=source)
        for fields in ODD_FIELDS:
            with open_socket(f"{scratch}/http.sock") as sock:
                sock.sendall(get_bytes("/self", *fields))
                read_all(sock)
        with open_socket(daemon.endpoint, source=VISITORS[0]) as sock:
            sock.sendall(f"GET /host/{FORGED} HTTP/1.1\r\nHost:".encode())
            assert b" 408 " in read_all(sock)
    log = log_of(work)
    assert not _addresses(log), log
    for hint in ("without an address in", "that is not an address", "with only trusted proxies", "was ignored"):
        assert hint in log, log
    assert f"from a trusted proxy ({PROXIES})" in log


def test_too_many_connections_and_lookups(log_of, fake):
    def work(daemon):
        fake.hold()
        crowd = Crowd(daemon.endpoint, [f"/host/203.0.113.{i}" for i in range(100, 112)])
        wait_until(lambda: daemon.get("/status").json()["lookups"]["pending"] >= 8, "the lookups to wait")
        assert daemon.host(STRANGER).status == 503
        with contextlib.ExitStack() as stack:
            for i in range(200):
                with contextlib.suppress(OSError):
                    stack.enter_context(open_socket(daemon.endpoint, source=VISITORS[i % 8]))
            daemon.wait_for_line("refusing connections")
        fake.release()
        with contextlib.suppress(OSError):      # some had to go
            crowd.answers()
    log = log_of(work)
    assert not _addresses(log), log


def test_a_p0f_with_faults(log_of, fake, scratch):
    def work(daemon):
        with P0fClient(f"{scratch}/relay.sock") as client:
            client.send(KNOWN, STRANGER, FORGED6).send_bytes(bytes(21)).answers(4)
        daemon.host(LIAR)
        daemon.wait_for_line("malformed")
        wait_until(lambda: daemon.host(KNOWN).status == 200, "p0f to be back")
        fake.hold()
        crowd = Crowd(daemon.endpoint, [f"/host/{SLOW}"])
        daemon.wait_for_line("p0f has not answered for")
        fake.release()
        crowd.answers()
        fake.stop()
        daemon.wait_for_line("cannot connect to p0f")
        assert daemon.host(STRANGER).status == 503
        fake.start()
        daemon.wait_for_p0f()
    log = log_of(work)
    assert not _addresses(log), log


def test_reload_and_shutdown(log_of, fake):
    def work(daemon):
        fake.hold()
        crowd = Crowd(daemon.endpoint, [f"/host/{SLOW}"])
        wait_until(lambda: daemon.get("/status").json()["lookups"]["pending"] == 1, "the lookup to wait")
        daemon.settings["http.trusted_proxies"] = "127.0.0.0/8"
        write_config(daemon.config, daemon.settings)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("settings reloaded")
        daemon.signal(signal.SIGTERM)
        daemon.wait_for_line("still shutting down")
        fake.release()
        crowd.answers()
    log = log_of(work, {"p0f.timeout": "20s"})
    assert not _addresses(log), log


def test_proxies_that_send_a_proxy_header(log_of):
    def work(daemon):
        for header in (b"", v1(FORGED).replace(b"443", b"0443"), v2(FORGED, tlv(0x04, bytes(1000))), v1(FORGED),
                       v2(FORGED6), v1(FORGED)[:-4]):
            for data in (get_bytes("/self"), *BAD_REQUESTS):
                _send(daemon, header + data, PROXY)
                _send(daemon, header + data, VISITORS[0])
        for line in ("does not begin with a PROXY header", "malformed", "more than 536 bytes"):
            daemon.wait_for_line(line)
        with open_socket(daemon.endpoint, source=PROXY) as sock:
            sock.sendall(v1(FORGED)[:10])
            assert read_all(sock) == b""
        daemon.wait_for_line("no complete PROXY header")
    log = log_of(work, {"http.proxy_protocol": "yes"})
    assert not _addresses(log), log
    assert f"closing a connection from a trusted proxy ({PROXIES})" in log


@pytest.mark.parametrize("settings, said", [
    ({}, ["a key that begins with 'p0f:' is not a hash", "a host's field webX is not what a sensor writes"]),
    ({"rename-command": ['HSCAN ""', 'HSET ""']}, ["unknown command 'HSCAN'", "unknown command 'HSET'"])])
def test_a_store_with_faults(log_of, scratch, settings, said):
    """Its keys have the addresses of hosts, and it repeats a command that it does not know."""
    def work(daemon):
        wait_until(lambda: daemon.get("/status").json()["share"]["up"], "the store to answer")
        for host in (KNOWN, SLOW, STRANGER, FORGED):
            daemon.host(host)
        for line in said:
            daemon.wait_for_line(line)
        status = daemon.get("/status").json()["share"]
        assert not _addresses(str(status)), status
    with Store(scratch, settings) as store:
        store.call("SADD", f"p0f:{KNOWN}", "x")
        if not settings:
            store.call("HSET", f"p0f:{STRANGER}", "webX", "junk")
        log = log_of(work, {"share.server": store.url, "share.sensor": "here"})
    assert not _addresses(log), log


def test_the_access_log_holds_them(log_of):
    """That is what it is for; and so the others would see them."""
    def work(daemon):
        _send(daemon, get_bytes(f"/host/{FORGED6}"), VISITORS[0])
        _send(daemon, get_bytes("/self", f"X-Forwarded-For: {FORGED}"), PROXY)
        daemon.wait_for_log()
    assert _addresses(log_of(work, {"http.access_log": "yes"})) >= {VISITORS[0], FORGED6, PROXY}
