# SPDX-License-Identifier: MIT
"""What must hold for a site behind any proxy that asks p0f-lookupd about its visitors, with the real p0f:
what p0f knows of a visitor arrives at the site, nothing that the visitor makes up does, and whatever
happens to p0f or to the daemon, the site is there.

A test module gets all these tests by a class of its own:

    class TestNginx(ProxyMatrix):
        @contextlib.contextmanager
        def proxy(self, directory, site, daemon):
            ...start it, with the example from conf/...
            yield endpoint          # (host, port), where it listens

What a proxy cannot do it says by overriding that test: its docstring tells why, and its body tests what
happens instead."""

import collections
import concurrent.futures
import contextlib
import itertools
import re
import signal
import tempfile
import urllib.parse

import pytest

import host_json
import http_client
import loopback
import recording_site
from daemon import Daemon
from real_p0f import RealP0f
from recording_site import Visitor, visit
from waiting import SLOWDOWN, wait_until

NAMES = list(host_json.no_header_fields("error"))

# From outside the network that p0f looks at. (It knows 127.0.0.1, from which proxies send.)
STRANGER = "127.0.0.2"

# Less than the time-outs that proxies have by themselves, and far more than those of the examples.
QUICK = 15 * SLOWDOWN

_OURS = re.compile("x[-_.]p0f", re.I)
_numbers = itertools.count(1)


def visitor():
    """An address that nobody has come from, in the network that p0f looks at."""
    number = next(_numbers)
    return f"{loopback.NETWORK}.{30 + number // 250}.{1 + number % 250}"


def p0f_fields(fields):
    """What the site is told of a visitor, by what is behind X-P0F-: the fields that have a value. Anything
    that a program could take for one, such as x_p0f_os, which is HTTP_X_P0F_OS to a CGI program, must be
    one."""
    told = [(name, value) for name, value in fields if _OURS.match(name)]
    names = {f"x-p0f-{name}".lower(): name for name in NAMES}
    found = {}
    for name, value in told:
        assert name.lower() in names and names[name.lower()] not in found, told
        found[names[name.lower()]] = urllib.parse.unquote(value)
    return {name: value for name, value in found.items() if value}


def told_status(endpoint, address=STRANGER, fields=()):
    """What the site is told as X-P0F-Status of a visitor with this address."""
    page = visit(endpoint, address, "/", fields)
    assert page.status == 200, page
    return p0f_fields(page.told.fields)["Status"]


def made_up(how=str):
    """Those fields as a visitor may send them: `how` turns X-P0F-OS into the name to send."""
    return [(how(f"X-P0F-{name}"), "made up") for name in NAMES]


def connections_of_late(port):
    """How many to or from this port there are, or were a minute ago."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return sum(f":{port:04X} " in line for line in table)


SPELLINGS = {
    "as they are": str,
    "lower case": str.lower,
    "upper case": str.upper,
    "underscores": lambda name: name.replace("-", "_"),
    "an underscore first": lambda name: name.replace("-", "_", 1),
    "an underscore last": lambda name: "_".join(name.rsplit("-", 1)),
    "dots": lambda name: name.replace("-", "."),
    "a dot first": lambda name: name.replace("-", ".", 1),
    "a dot last": lambda name: ".".join(name.rsplit("-", 1)),
    "lower case, underscores": lambda name: name.lower().replace("-", "_"),
}

BODIES = {"none": b"", "small": b"a=1&b=2", "large": bytes(range(256)) * 4096,
          "chunks": [b"a", b"b" * 70_000, b"c" * 1000]}


class Lab:
    """What a test has: p0f, the daemon, the site, and the proxy's endpoint."""

    def __init__(self, p0f, daemon, site, endpoint):
        self.p0f, self.daemon, self.site, self.endpoint = p0f, daemon, site, endpoint

    def get(self, address, target="/", fields=(), hops=0, **options):
        """What the site was asked, when a visitor asks for a page; it must get it."""
        with Visitor(self.endpoint, address, hops, QUICK) as visitor_:
            page = visitor_.ask(target, fields, **options)
        return self.arrived(page, target)

    @staticmethod
    def arrived(page, target):
        """What the site was asked, when that is the page it gave."""
        assert page.status == 200 and page.told, page
        assert page.told.target == target, page
        assert not [name for name, _ in page.fields if _OURS.match(name)], \
            f"this is for the site, not for the visitor: {page}"
        return page.told

    def told(self, address, fields=(), **options):
        """What the site is told of that visitor."""
        return p0f_fields(self.get(address, "/", fields, **options).fields)

    def wait_for_status(self, address, status, fields=(), **options):
        """Until that is what it is told: on a busy machine a proxy's time-out can be over. Returns all
        that it is told then."""
        def told():
            found = self.told(address, fields, **options)
            return found.get("Status") == status and found
        return wait_until(told, f"the site to be told {status}")

    def post(self, address, body):
        """What the site was asked, when a body is sent to it: once, and with that body."""
        target = f"/post/{next(_numbers)}?x=%20{address}"
        told = self.get(address, target, method="POST", body=body)
        assert told.method == "POST"
        (request,) = self.site.asked(target)
        assert request.body == (b"".join(body) if isinstance(body, list) else body)
        return p0f_fields(told.fields)

    def talk(self, address, fields=()):
        """What the site was told of a visitor who opens a WebSocket to it, and uses that."""
        target = f"/socket/{next(_numbers)}"
        with Visitor(self.endpoint, address, timeout=QUICK) as visitor_:
            visitor_.open_websocket(target, fields)
            for payload in (b"", b"hello", b"x" * 70_000, b"bye"):
                visitor_.echo(payload)
        request, = self.site.asked(target)
        return p0f_fields(request.fields)


# ---- What can happen

@contextlib.contextmanager
def _p0f_down(lab):
    lab.p0f.kill()
    try:
        yield
    finally:
        lab.p0f.start()


@contextlib.contextmanager
def _stopped(process):
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def _daemon_down(lab):
    lab.daemon.stop()
    try:
        yield
    finally:
        lab.daemon.start()


TROUBLES = {
    "p0f is down": _p0f_down,
    "p0f hangs": lambda lab: _stopped(lab.p0f.process),
    "the daemon is down": _daemon_down,
    "the daemon hangs": lambda lab: _stopped(lab.daemon.process),
}


class ProxyMatrix:
    """See above. `settings` are the daemon's, beside those that make it remember nothing, so that what the
    site is told is what p0f says now, and take no visitor for a proxy."""

    settings = {}

    def proxy(self, directory, site, daemon):
        raise NotImplementedError

    @pytest.fixture(name="lab", scope="class")
    def _lab(self, request, needs_p0f):
        with tempfile.TemporaryDirectory(prefix="lookupd-", dir="/tmp") as directory, \
                contextlib.ExitStack() as stack:
            p0f = RealP0f(directory, packets=f"net {loopback.NETWORK}.0.0/16")
            stack.callback(p0f.stop)
            p0f.start()
            site = stack.enter_context(recording_site.RecordingSite())
            daemon = stack.enter_context(Daemon(directory, p0f.socket, {
                "cache.ttl": "0", "cache.incomplete_ttl": "0", "cache.negative_ttl": "0",
                "http.trusted_proxies": "127.0.0.1", "http.server_names": "p0f.example.org",
                **self.settings}))
            daemon.wait_for_p0f()
            endpoint = stack.enter_context(request.cls().proxy(directory, site, daemon))
            yield Lab(p0f, daemon, site, endpoint)
            hints = [line for line in daemon.log().splitlines() if "a request to /forward-auth came" in line]
            assert not hints, hints

    # ---- What the site is told

    def test_the_site_is_told_what_p0f_says(self, lab):
        address = visitor()
        with loopback.WebServer() as web:
            loopback.visit(address, web.address, language="fr", segment_size=1412, hops=3)
        lab.p0f.wait_to_know(address)

        def same():
            told = lab.told(address)
            said = host_json.header_fields(lab.p0f.ask(address))
            return told == {name: value for name, value in said.items() if value} and told
        told = wait_until(same, "the site to be told what p0f says")
        assert told["OS"].startswith("Linux ") and told["Language"] == "French"

    def test_a_visitor_that_p0f_does_not_know(self, lab):
        assert lab.wait_for_status(STRANGER, "no-match") == {"Status": "no-match"}

    def test_the_request_is_what_it_was(self, lab):
        own = [("X-Own", "1"), ("Cookie", "a=b"), ("Accept", "*/*")]
        for method in ("GET", "PUT", "DELETE"):
            told = lab.get(visitor(), "/a%20b/c?d=%2F&e", own, method=method)
            assert told.method == method
            # The case of names means nothing, and some proxies change it.
            assert {(name.lower(), value) for name, value in own} <= \
                {(name.lower(), value) for name, value in told.fields}, told

    @pytest.mark.parametrize("status", [401, 403, 404, 500, 503])
    def test_the_sites_own_errors_are_its_own(self, lab, status):
        with Visitor(lab.endpoint, visitor()) as visitor_:
            page = visitor_.ask(f"/status/{status}")
        assert page.status == status and page.told, page

    def test_nobody_is_taken_for_another(self, lab):
        """Each from another distance, all at once, for the same page."""
        visitors = [(visitor(), hops) for hops in range(1, 31)]

        def told(who):
            return lab.wait_for_status(who[0], "ok", hops=who[1])["Distance"]
        with concurrent.futures.ThreadPoolExecutor(len(visitors)) as threads:
            found = list(threads.map(told, visitors * 3))
        assert found == [str(hops) for _, hops in visitors * 3]

    def test_every_request_on_a_connection_has_the_fields(self, lab):
        address = visitor()
        lab.wait_for_status(address, "ok")

        def all_have():
            with Visitor(lab.endpoint, address, timeout=QUICK) as visitor_:
                pages = [visitor_.ask("/"), visitor_.ask("/", made_up()),
                         visitor_.ask("/", method="POST", body=b"x" * 1000),
                         visitor_.ask("/", method="POST", body=[b"x" * 10, b"y"]), visitor_.ask("/")]
            told = [p0f_fields(lab.arrived(page, "/").fields) for page in pages]
            return all(fields["Status"] == "ok" and fields["OS"] for fields in told)
        wait_until(all_have, "the site to be told of the visitor each time")

    # ---- What visitors try

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_what_a_visitor_makes_up_does_not_arrive(self, lab, spelling):
        known, fields = visitor(), made_up(SPELLINGS[spelling])
        for address, status in ((known, "ok"), (STRANGER, "no-match")):
            found = lab.wait_for_status(address, status, fields + fields)
            assert "made up" not in found.values(), found

    def test_a_visitor_cannot_take_fields_away(self, lab):
        """By calling them a matter between itself and the proxy (RFC 9110, 7.6.1)."""
        address, names = visitor(), [f"X-P0F-{name}" for name in NAMES]
        for more in ("", ", X-Forwarded-For", ", X-Real-IP, Forwarded"):
            found = lab.wait_for_status(address, "ok", [("Connection", ", ".join(names) + more)])
            assert found["OS"].startswith("Linux "), found

    def test_nor_have_a_proxy_behind_do_that(self, lab):
        """Which the site may be."""
        fields = lab.get(visitor(), "/", [("Connection", "x-p0f-os, X-P0F-Status")]).fields
        assert not [field for field in fields
                    if field[0].lower() == "connection" and "p0f" in field[1].lower()], fields

    @pytest.mark.parametrize("pretence", [
        "{}", "{}, 127.0.0.1", "127.0.0.1, {}", "{},", "nonsense", "for={}", 'for="{}:80"'])
    def test_what_a_visitor_says_it_is_is_not_believed(self, lab, pretence):
        known = visitor()
        lab.wait_for_status(known, "ok")
        fields = [(name, pretence.format(known)) for name in (
            "X-Forwarded-For", "x-forwarded-for", "X_Forwarded_For", "X-Real-IP", "Forwarded",
            "X-Original-Forwarded-For", "True-Client-IP", "CF-Connecting-IP")]
        assert lab.wait_for_status(STRANGER, "no-match", fields) == {"Status": "no-match"}

    def test_a_visitor_who_sends_much(self, lab):
        """Nothing of that is the daemon's business."""
        fields = [("Cookie", "c" * 5000), ("X-Much", "m" * 5000), ("Cache-Control", "only-if-cached"),
                  ("Authorization", "Basic eDp5"), ("If-None-Match", "*"), ("Accept", "text/html"),
                  ("Range", "bytes=0-0"), ("Origin", "https://example.org")]
        lab.wait_for_status(visitor(), "ok", fields)

    # ---- Bodies and other protocols

    @pytest.mark.parametrize("kind", BODIES)
    def test_a_body_arrives_whole(self, lab, kind):
        address = visitor()
        wait_until(lambda: lab.post(address, BODIES[kind])["Status"] == "ok",
                   "the site to be told of who posts")

    def test_a_websocket(self, lab):
        address = visitor()

        def told():
            found = lab.talk(address, made_up())
            return found["Status"] == "ok" and found
        assert "made up" not in wait_until(told, "the site to be told of who upgrades").values()

    # ---- Whatever happens

    @pytest.mark.parametrize("trouble", TROUBLES)
    def test_the_site_is_there(self, lab, trouble):
        address = visitor()
        lab.wait_for_status(address, "ok")
        with TROUBLES[trouble](lab):
            lab.wait_for_status(address, "error")
            for fields in ((), made_up(), made_up(SPELLINGS["underscores"])):
                assert lab.told(address, fields) == {"Status": "error"}
            for kind in ("small", "large", "chunks"):
                assert lab.post(address, BODIES[kind]) == {"Status": "error"}
            assert lab.talk(address) == {"Status": "error"}
        lab.wait_for_status(address, "ok")

    def test_it_is_there_for_many_while_the_daemon_hangs(self, lab):
        """They do not wait for each other."""
        address = visitor()
        lab.wait_for_status(address, "ok")
        with TROUBLES["the daemon hangs"](lab), concurrent.futures.ThreadPoolExecutor(100) as threads:
            told = list(threads.map(lab.told, [address] * 100))
        assert collections.Counter(fields["Status"] for fields in told) == {"error": 100}
        lab.wait_for_status(address, "ok")


class FastCgiMatrix(ProxyMatrix):
    """With a FastCGI program as well, at /fastcgi/: nginx.FastCgiSite."""

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_fastcgi_is_told_the_same(self, lab, spelling):
        known, fields = visitor(), dict(made_up(SPELLINGS[spelling]))

        def told(address):
            page = http_client.fetch(lab.endpoint, "/fastcgi/", fields, source=address, timeout=QUICK)
            params = [line.partition(": ") for line in page.body.decode("latin-1").splitlines()]
            return p0f_fields([(name[5:].replace("_", "-"), value) for name, _, value in params
                               if name.startswith("HTTP_")])
        lab.wait_for_status(known, "ok")
        wait_until(lambda: told(known) == lab.told(known), "FastCGI to be told the same")
        wait_until(lambda: told(STRANGER) == {"Status": "no-match"}, "FastCGI to be told no-match")
        with TROUBLES["the daemon is down"](lab):
            assert told(known) == {"Status": "error"}
