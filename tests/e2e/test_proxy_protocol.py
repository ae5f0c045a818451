# SPDX-License-Identifier: MIT
"""http.proxy_protocol, with headers written by hand: whom a request is about, and what is refused."""

import functools
import http.client
import signal
import socket

import pytest

import http_client
from daemon import Daemon, run, write_config
from fake_p0f import FakeP0f
from http_client import get_bytes, open_socket, parse, read_all
from problems import assert_problem
from proxy_header import V1_UNKNOWN, V2_LOCAL, V2_UNIX, V2_UNSPEC, tlv, v1, v2

PROXY = "127.0.0.9"             # the only one; whoever tests, and asks without a header, is 127.0.0.1
VISITOR, OTHER, VISITOR6 = "198.51.100.1", "198.51.100.2", "2001:db8::1"
TLVS = tlv(0x05, b"unique-id") + tlv(0x03, b"crc?") + tlv(0x02, b"example.org") + tlv(0x04, b"")
SETTINGS = {"http.proxy_protocol": "yes", "http.trusted_proxies": PROXY, "http.access_log": "yes",
            "p0f.first_contact_wait": "0"}
LIVEZ = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
GET_SELF = b"GET /self HTTP/1.1\r\nHost: x\r\n\r\n"

NAMING = {
    "v1": (v1(VISITOR), VISITOR),
    "v1, IPv6": (v1(VISITOR6), VISITOR6),
    "v1, mapped": (v1(f"::ffff:{VISITOR}"), VISITOR),
    "v2": (v2(VISITOR), VISITOR),
    "v2, IPv6": (v2(VISITOR6), VISITOR6),
    "v2, mapped": (v2(f"::ffff:{VISITOR}"), VISITOR),
    "v2, TLVs": (v2(VISITOR, TLVS), VISITOR),
    "v2, longest": (v2(VISITOR, tlv(0x04, bytes(536 - 28 - 3))), VISITOR),
}
NAMELESS = {"v1 UNKNOWN": V1_UNKNOWN, "v2 LOCAL": V2_LOCAL, "v2 UNSPEC": V2_UNSPEC}


@pytest.fixture(name="lab", scope="module")
def _lab(module_scratch):
    """(daemon, path of its unix socket); p0f knows everybody."""
    unix = f"{module_scratch}/http.sock"
    known = {address: {"os_name": address} for address in (VISITOR, OTHER, VISITOR6, PROXY)}
    with FakeP0f(f"{module_scratch}/p0f.sock", known) as fake, \
            Daemon(module_scratch, fake.path, SETTINGS, also_listen=[f"unix:{unix}"]) as daemon:
        daemon.wait_for_p0f()
        yield daemon, unix


@pytest.fixture(name="daemon")
def _daemon(lab):
    return lab[0]


@pytest.fixture(name="over", params=["tcp", "unix"])
def _over(lab, request):
    """Connects as a proxy does."""
    daemon, path = lab

    def connect(unix):
        return open_socket(path) if unix else _connect(daemon)
    return functools.partial(connect, unix=request.param == "unix")


def _connect(daemon, source=PROXY):
    sock = open_socket(daemon.endpoint, source=source)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def _errors(daemon, reason):
    name = f'p0f_lookupd_http_proxy_protocol_errors_total{{reason="{reason}"}} '
    text = daemon.get("/metrics").body.decode()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith(name))

def _send_pieces(sock, pieces):
    with sock:
        try:
            for piece in pieces:
                sock.sendall(piece)
        except ConnectionError:
            pass        # it has been refused
        return read_all(sock)


def _exchange(daemon, connect, *pieces):
    """All that is answered to what is sent on a new connection. Its header may be late where the machine is
    busy: then again."""
    for _ in range(20):
        late = _errors(daemon, "late")
        received = _send_pieces(connect(), pieces)
        if received or _errors(daemon, "late") == late:
            break
    return received


def _ask(daemon, connect, header, *fields, target="/self"):
    received = _exchange(daemon, connect, header + get_bytes(target, *fields))
    assert received, "closed without an answer"
    return parse(received, target=target)


# -- whom it is about ------------------------------------------------------------------------------

@pytest.mark.parametrize("kind", NAMING)
def test_the_client_in_the_header(daemon, over, kind):
    header, client = NAMING[kind]
    assert _ask(daemon, over, header).json()["ip"] == client
    auth = _ask(daemon, over, header, target="/forward-auth")
    assert (auth["X-P0F-Status"], auth["X-P0F-OS-Name"]) == ("ok", client)
    daemon.wait_for_line(f'p0f-lookupd: {client} "GET /forward-auth" 200')


@pytest.mark.parametrize("header", [v1(VISITOR), v2(VISITOR)], ids=["v1", "v2"])
def test_what_the_client_says_of_itself_is_not_believed(daemon, over, header):
    assert _ask(daemon, over, header, f"X-Forwarded-For: {OTHER}").json()["ip"] == VISITOR


@pytest.mark.parametrize("header", [v1(PROXY), v2(PROXY)], ids=["v1", "v2"])
def test_a_trusted_proxy_in_the_header_is_believed(daemon, over, header):
    """Two proxies in a row, of which the first adds the field and the second the header."""
    assert _ask(daemon, over, header, f"X-Forwarded-For: {OTHER}").json()["ip"] == OTHER
    assert _ask(daemon, over, header).json()["ip"] == PROXY


@pytest.mark.parametrize("kind", NAMELESS)
def test_a_header_that_names_nobody(daemon, over, kind):
    """As without one: the proxy, and whom its field names."""
    header = NAMELESS[kind]
    assert _ask(daemon, over, header, f"X-Forwarded-For: {VISITOR}").json()["ip"] == VISITOR
    answer = _ask(daemon, over, header)
    if over.keywords["unix"]:
        assert_problem(answer, 400, "bad-address")
    else:
        assert answer.json()["ip"] == PROXY


def test_a_client_on_a_unix_socket(daemon, over):
    """It is trusted, and has no address."""
    assert _ask(daemon, over, V2_UNIX, f"X-Forwarded-For: {VISITOR}").json()["ip"] == VISITOR
    assert_problem(_ask(daemon, over, V2_UNIX), 400, "bad-address")


def test_who_is_no_proxy_needs_no_header(daemon):
    assert daemon.get("/livez").status == 200
    assert daemon.get("/self", {"X-Forwarded-For": VISITOR}).json()["ip"] == "127.0.0.1"


@pytest.mark.parametrize("kind", [*NAMING, *NAMELESS])
def test_a_header_from_who_is_no_proxy(daemon, kind):
    """It is a malformed request."""
    header = NAMING[kind][0] if kind in NAMING else NAMELESS[kind]
    received = _send_pieces(_connect(daemon, "127.0.0.8"), [header + get_bytes("/self")])
    assert received == b"" or received.startswith(b"HTTP/1.1 400 "), received
    assert b'"ip"' not in received


# -- how it comes ----------------------------------------------------------------------------------

WHOLE = {"v1": v1(VISITOR), "v2": v2(VISITOR, TLVS)}


@pytest.mark.parametrize("version", WHOLE)
def test_byte_by_byte(daemon, over, version):
    data = WHOLE[version] + get_bytes("/self")
    received = _exchange(daemon, over, *(data[at:at + 1] for at in range(len(data))))
    assert parse(received, target="/self").json()["ip"] == VISITOR


@pytest.mark.parametrize("version", WHOLE)
def test_cut_anywhere(daemon, over, version):
    """Into two packets: the header alone, half of the request with it, and so on."""
    header = WHOLE[version]
    data = header + get_bytes("/self")
    for at in sorted({*range(1, len(data), 7), len(header) - 1, len(header), len(header) + 1}):
        received = _exchange(daemon, over, data[:at], data[at:])
        assert parse(received, target="/self").json()["ip"] == VISITOR


@pytest.mark.parametrize("version", WHOLE)
def test_every_request_on_the_connection(daemon, over, version):
    received = _exchange(daemon, over, WHOLE[version] + GET_SELF * 3 + get_bytes("/self"))
    assert received.count(f'"ip":"{VISITOR}"'.encode()) == 4


def test_one_request_after_the_other(daemon):
    """The connection is the client's for as long as it lives."""
    connection = http_client.connect(daemon.endpoint, source=PROXY)
    for _ in range(20):
        connection.connect()
        connection.sock.sendall(v1(VISITOR))
        try:
            http_client.ask(connection, "/livez")
            break
        except (ConnectionError, http.client.RemoteDisconnected):
            connection.close()      # too late
    sock = connection.sock
    for fields in ({}, {"Cache-Control": "no-cache"}, {"X-Forwarded-For": OTHER}):
        assert http_client.ask(connection, "/self", fields).json()["ip"] == VISITOR
    assert connection.sock is sock
    connection.close()


def test_500_at_once(daemon, allow_descriptors):
    """All of them are there when the daemon looks."""
    allow_descriptors(1000)
    visitors = [f"203.0.{number // 200}.{number % 200}" for number in range(500)]
    daemon.signal(signal.SIGSTOP)
    try:
        socks = [_connect(daemon) for _ in visitors]
        for number, (sock, visitor) in enumerate(zip(socks, visitors)):
            sock.sendall((v2(visitor, TLVS) if number % 2 else v1(visitor)) + get_bytes("/self"))
    finally:
        daemon.signal(signal.SIGCONT)
    for sock, visitor in zip(socks, visitors):
        with sock:
            assert_problem(parse(read_all(sock), target="/self"), 404, "no-match", visitor)


# -- what is refused -------------------------------------------------------------------------------

V2_HEAD = V2_LOCAL[:12]
REFUSED = {
    "no header": ("missing", get_bytes("/self")),
    "a letter": ("missing", b"G"),
    "TLS": ("missing", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "a second line end": ("missing", b"\r\n\r\n\r\n"),
    "a bare line feed": ("malformed", b"PROXY UNKNOWN\n" + get_bytes("/self")),
    "a leading zero": ("malformed", v1(VISITOR).replace(b" 443", b" 0443")),
    "a port": ("malformed", v1(VISITOR).replace(b" 443", b" 65536")),
    "a name": ("malformed", v1(VISITOR).replace(VISITOR.encode(), b"localhost")),
    "two blanks": ("malformed", v1(VISITOR).replace(b" ", b"  ")),
    "version 3": ("malformed", V2_HEAD + b"\x31\x11\x00\x0c" + bytes(12)),
    "another command": ("malformed", V2_HEAD + b"\x22\x11\x00\x0c" + bytes(12)),
    "another family": ("malformed", V2_HEAD + b"\x21\x41\x00\x0c" + bytes(12)),
    "too short for an address": ("malformed", V2_HEAD + b"\x21\x21\x00\x0c" + bytes(12)),
    "a line without end": ("too_long", b"PROXY UNKNOWN " + b"x" * 600),
    "537 bytes": ("too_long", V2_HEAD + b"\x21\x11\x02\x09" + bytes(521)),
    "65551 bytes": ("too_long", V2_HEAD + b"\x21\x11\xff\xff"),
    "nothing": ("late", b""),
    "half a line": ("late", v1(VISITOR)[:20]),
    "half of it": ("late", v2(VISITOR)[:20]),
    "nearly all": ("late", v2(VISITOR, TLVS)[:-1]),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_refused(daemon, over, kind):
    """Closed without a word, counted, and everybody else is served."""
    reason, data = REFUSED[kind]
    before = {each: _errors(daemon, each) for each in ("missing", "malformed", "too_long", "late")}
    received = _exchange(daemon, over, data) if reason != "late" else _send_pieces(over(), [data])
    assert received == b""
    after = {each: _errors(daemon, each) for each in before}
    assert after.pop(reason) == before.pop(reason) + 1
    assert reason == "late" or after.pop("late") >= before.pop("late")
    assert after == before
    assert _ask(daemon, over, v1(VISITOR)).json()["ip"] == VISITOR


def test_closed_before_its_header(daemon, over):
    """As by what only looks whether somebody listens."""
    before = [_errors(daemon, each) for each in ("missing", "malformed", "too_long")]
    for _ in range(20):
        over().close()
    assert _ask(daemon, over, v1(VISITOR)).json()["ip"] == VISITOR
    assert [_errors(daemon, each) for each in ("missing", "malformed", "too_long")] == before


def test_no_hint_about_what_a_visitor_sends(daemon, over):
    """That its field is ignored is as it should be; it is no proxy to be trusted."""
    assert _ask(daemon, over, v2(VISITOR), f"X-Forwarded-For: {OTHER}").json()["ip"] == VISITOR
    daemon.wait_for_log()
    assert "was ignored" not in daemon.log()


def test_the_log_says_it_once(fake, serve):
    """And what to do; the addresses of visitors are not in it."""
    settings = {**SETTINGS, "http.access_log": "no"}
    with serve(fake, settings) as daemon:
        def connect():
            return _connect(daemon)
        for _ in range(3):
            _exchange(daemon, connect, get_bytes("/self", f"X-Forwarded-For: {VISITOR}"))
            _exchange(daemon, connect, v1(VISITOR).replace(b" 443", b" 0443"))
        daemon.wait_for_line("malformed")
        lines = [line for line in daemon.log().split("\n") if "http.proxy_protocol" in line
                 and "100 ms" not in line]
        start = f"p0f-lookupd: http.proxy_protocol: closing a connection from a trusted proxy ({PROXY}): "
        assert lines == [
            start + "it does not begin with a PROXY header; make the proxy send one (HAProxy: send-proxy, "
            "check-send-proxy; nginx: proxy_protocol on), or set http.proxy_protocol = no",
            start + "its PROXY header is malformed"]
        assert VISITOR not in daemon.log()


# -- limits ----------------------------------------------------------------------------------------

def test_a_greedy_visitor_of_a_proxy(fake, serve):
    """It is the visitor who is counted: others who come through the same proxy are served."""
    most = 64
    with serve(fake, {**SETTINGS, "http.max_connections": most}) as daemon:
        def visit(visitor):
            for _ in range(20):
                sock = _connect(daemon)
                sock.sendall(v2(visitor) + LIVEZ)
                try:
                    if sock.recv(4096).startswith(b"HTTP/1.1 200 "):
                        return sock
                except ConnectionError:
                    pass
                sock.close()
            return None
        greedy = [visit(VISITOR) for _ in range(most * 15 // 16)]
        assert all(greedy)
        others = [visit(f"203.0.113.{number}") for number in range(20)]
        assert all(others)
        for sock in others:         # and stay
            sock.sendall(LIVEZ)
            assert sock.recv(4096).startswith(b"HTTP/1.1 200 ")
        for sock in greedy + others:
            sock.close()


def test_descriptors_run_out(fake, serve):
    """While silent connections have them all; they come back."""
    settings = {**SETTINGS, "http.max_connections": 16, "http.threads": 1}
    with serve(fake, settings, prefix=["prlimit", "--nofile=64:64"]) as daemon:
        socks = [_connect(daemon) for _ in range(150)]
        daemon.wait_for_line("cannot accept connections")
        for sock in socks:
            assert read_all(sock) == b""
            sock.close()
        assert _ask(daemon, lambda: _connect(daemon), v1(VISITOR)).status == 404


def test_shutdown_while_headers_are_awaited(fake, serve):
    with serve(fake, SETTINGS) as daemon:
        socks = [_connect(daemon) for _ in range(10)]
        for sock in socks[5:]:
            sock.sendall(v1(VISITOR)[:10])
        daemon.stop(within=3)
        for sock in socks:
            assert read_all(sock) == b""
            sock.close()


# -- settings --------------------------------------------------------------------------------------

def test_it_is_off_by_default(fake, serve):
    with serve(fake, {"http.trusted_proxies": PROXY}) as daemon:
        received = _send_pieces(_connect(daemon), [v1(VISITOR) + get_bytes("/self")])
        assert received == b"" or received.startswith(b"HTTP/1.1 400 "), received
        assert http_client.fetch(daemon.endpoint, "/livez", source=PROXY).status == 200


def test_advice_where_it_changes_nothing(scratch):
    for listen, useless in (("127.0.0.1:5030", True), (f"unix:{scratch}/http.sock", False)):
        config = write_config(f"{scratch}/test.conf", {
            "http.proxy_protocol": "yes", "http.trusted_proxies": "", "http.listen": listen})
        done = run("-c", config, "-t")
        assert done.returncode == 0
        assert ("http.proxy_protocol = yes changes nothing" in done.stderr) == useless
