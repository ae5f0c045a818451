# SPDX-License-Identifier: MIT
"""The example of an Apache that keeps answers, as it stands in conf/, with Debian's Apache and the real
p0f: it goes by what our header fields say, as far as Apache can."""

import contextlib
import re
import signal

import pytest

import apache
import loopback
from daemon import Daemon, free_port
from examples import example_text
from http_client import fetch
from real_p0f import RealP0f
from waiting import wait_until

HOST = f"{loopback.NETWORK}.12.1"
PATH = f"/host/{HOST}"
STRANGER = "/host/192.0.2.12"
CONFIG = "p0f-cache.conf"

pytestmark = pytest.mark.usefixtures("needs_p0f")


class Lab:
    """p0f that has seen a host, the daemon, and Apache in front of it."""

    def __init__(self, directory, p0f, settings):
        self.p0f = p0f
        self.daemon = Daemon(directory, p0f.socket, {
            "http.access_log": "yes", "p0f.first_contact_wait": "0", "cache.incomplete_ttl": "1h",
            "http.server_names": "p0f.example.org", "http.trusted_proxies": "127.0.0.1", **settings})
        self.endpoint = ("127.0.0.1", free_port())
        config = example_text(f"apache/{CONFIG}", [
            ("127.0.0.1:5030", f"127.0.0.1:{self.daemon.port}"), ("timeout=10", "timeout=1"),
            ("VirtualHost 127.0.0.1:5031", f"VirtualHost 127.0.0.1:{self.endpoint[1]}"),
            ("Listen 127.0.0.1:5031", f"Listen 127.0.0.1:{self.endpoint[1]}")])
        modules, = re.findall("^#     a2enmod (.*)", config, re.M)
        self.apache = apache.DebianApache(directory, modules.split(), {f"sites-available/{CONFIG}": config})

    def get(self, path=PATH, headers=None, **options):
        return fetch(self.endpoint, path, headers, **options)

    def until(self, says, path=PATH):
        """Ask until that is what Apache says it has done; returns the answer."""
        def said():
            answer = self.get(path)
            return answer["X-Cache"].partition(" ")[0] == says and answer
        return wait_until(said, f"Apache to say {says}")

    def reached_us(self, path=PATH):
        """The statuses of the answers that the daemon gave, from its access log."""
        self.daemon.wait_for_log()
        return [int(status) for status in re.findall(f'"GET {re.escape(path)}" (\\d+)', self.daemon.log())]


@pytest.fixture(name="lab")
def _lab(scratch):
    """lab({"section.key": value}) for a with-block."""
    @contextlib.contextmanager
    def lab(settings):
        p0f = RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16")
        p0f.start()
        with loopback.WebServer() as web:
            loopback.visit(HOST, web.address)
        p0f.wait_to_know(HOST)
        made = Lab(scratch, p0f, settings)
        with made.daemon, made.apache:
            made.daemon.wait_for_p0f()
            yield made
        p0f.stop()
    return lab


def test_hits_do_not_reach_us(lab):
    with lab({"cache.ttl": "1h", "cache.negative_ttl": "1h"}) as lab_:
        for path, status in ((PATH, 200), (STRANGER, 404)):
            first = lab_.get(path)
            assert (first.status, first["X-Cache"].split()[0]) == (status, "MISS")
            for _ in range(10):
                again = lab_.get(path)
                assert (again.status, again["X-Cache"].split()[0]) == (status, "HIT")
                assert again.body == first.body
                for name in ("ETag", "Cache-Control", "Content-Type"):
                    assert again[name] == first[name]
            assert lab_.get(path, {"If-None-Match": first["ETag"]}).status == 304
            assert lab_.reached_us(path) == [status]
        # Another format is another page.
        assert lab_.get(f"{PATH}?format=raw").json()["status"] == 0x10
        # Whoever wants to ask p0f again does.
        before = len(lab_.reached_us())
        lab_.get(headers={"Cache-Control": "no-cache"})
        assert len(lab_.reached_us()) == before + 1
        # Whoever waits is not told what was known before.
        for number in range(1, 4):
            assert lab_.get(f"{STRANGER}?wait=1").status == 404
            assert lab_.reached_us(STRANGER) == [404] * (1 + number)
        # The rest is not kept.
        for _ in range(2):
            answer = lab_.get("/hosts", {"Content-Type": "application/json"}, method="POST",
                              body=f'["{HOST}"]')
            assert answer.json()[0]["status"] == 200
            for path, status in (("/host/x", 400), ("/livez", 200), ("/status", 200)):
                before = len(lab_.reached_us(path))
                assert lab_.get(path).status == status
                assert len(lab_.reached_us(path)) == before + 1


def test_what_has_expired_is_revalidated(lab):
    with lab({"cache.ttl": "1s", "cache.stale_while_revalidate": "0"}) as lab_:
        first = lab_.get()
        assert lab_.until("REVALIDATE").body == first.body
        assert lab_.reached_us() == [200, 304]
        # That renewed it, and not only for once.
        assert lab_.until("HIT").body == first.body
        assert set(lab_.reached_us()[1:]) == {304}


def test_age_counts(lab):
    """What the daemon has held for its whole time is not held as long once more."""
    with lab({"cache.ttl": "1h"}) as lab_:
        lab_.daemon.host(HOST)
        wait_until(lambda: int(lab_.daemon.host(HOST)["Age"]) >= 1, "the answer to grow old")
        assert int(lab_.get()["Age"]) >= 1
        again = lab_.get()
        assert again["X-Cache"].startswith("HIT") and int(again["Age"]) >= 1


def test_stale_when_we_cannot_answer(lab):
    """However old it is: of stale-if-error Apache knows nothing."""
    with lab({"cache.ttl": "1s", "cache.stale_while_revalidate": "0", "cache.stale_if_error": "0"}) as lab_:
        first = lab_.get()

        def stale():
            answer = lab_.get()
            assert (answer.status, answer.body) == (200, first.body)
            return (answer["Warning"] or "").startswith("111 ")
        lab_.daemon.signal(signal.SIGSTOP)
        try:
            wait_until(stale, "something stale, while the daemon hangs")
        finally:
            lab_.daemon.signal(signal.SIGCONT)
        lab_.until("REVALIDATE")
        lab_.p0f.kill()
        wait_until(lambda: lab_.daemon.host(HOST).status == 503, "the daemon to be of no use")
        wait_until(stale, "something stale, while the daemon is of no use")
        lab_.daemon.stop()
        wait_until(stale, "something stale, while the daemon is down")
        assert lab_.get("/host/192.0.2.13").status == 503
        # And back at once.
        lab_.daemon.start()
        lab_.p0f.start()
        wait_until(lambda: lab_.get("/host/192.0.2.13").status == 404, "the daemon to answer")
        wait_until(lambda: lab_.get().status == 404, "p0f's having forgotten the host to be noticed")


def test_self_is_about_the_visitor(lab):
    """Whatever it says of itself, even from where a proxy could be."""
    with lab({}) as lab_:
        for visitor in (f"{loopback.NETWORK}.12.2", f"{loopback.NETWORK}.12.3", "127.0.0.1"):
            for pretence in (HOST, f"{HOST}, 127.0.0.1", "nonsense", ""):
                for connection in ("close", "close, X-Forwarded-For"):
                    answer = lab_.get("/self", {"X-Forwarded-For": pretence, "Connection": connection},
                                      source=visitor)
                    assert answer.json()["ip"] == visitor
