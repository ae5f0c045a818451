# SPDX-License-Identifier: MIT
"""The example for a site behind HAProxy, as it stands in conf/ and added to the settings that Debian has
for HAProxy, with the real HAProxy and p0f."""

import contextlib
import json
import threading
import time

import pytest

import haproxy
import recording_site
import web_site
from daemon import free_port
from examples import example_text
from http_client import connect
from proxy_matrix import ProxyMatrix, made_up, p0f_fields
from waiting import SLOWDOWN, wait_until

CONFIG, LUA = "p0f-forward-auth.cfg", "p0f-forward-auth.lua"


def _behind(directory, port, site_port, bind="bind 127.0.0.1:@port@", lua=(), more=()):
    """A HAProxy with that example, for a daemon and a site on these ports. `lua` and `more` are
    changes to its Lua and to its settings."""
    changes = [("127.0.0.1:5030", f"127.0.0.1:{port}"), ("bind :80\n", f"{bind}\n"), *more]
    site = f"backend site\n    server site 127.0.0.1:{site_port}\n"
    return haproxy.DebianHaProxy(
        directory, example_text(f"haproxy/{CONFIG}", changes) + haproxy.in_the_comments(CONFIG, changes) + site,
        {LUA: example_text(f"haproxy/{LUA}", lua)})


def _told(endpoint, fields=()):
    """What the site is told of a visitor."""
    page = recording_site.visit(endpoint, "127.0.0.2", "/", fields)
    assert page.status == 200 and page.told, page
    return p0f_fields(page.told.fields)


class TestHaProxy(ProxyMatrix):
    @contextlib.contextmanager
    def proxy(self, directory, site, daemon):
        with _behind(directory, daemon.port, site.port) as server:
            yield server.endpoint


@pytest.fixture(name="lab")
def _lab(fake, serve):
    """A daemon whose p0f knows the visitor, and a site."""
    fake.hosts["127.0.0.2"] = {"os_name": "Linux"}
    with serve(fake, {"http.trusted_proxies": "127.0.0.1"}) as daemon, recording_site.RecordingSite() as site:
        yield daemon.wait_for_p0f(), site


def test_haproxy_has_no_complaint(scratch):
    assert _behind(scratch, 5030, 8080).complaint() == ""


def test_one_connection_serves_many_visitors(scratch):
    """Those of the checks aside."""
    with recording_site.RecordingSite() as site, recording_site.RecordingSite() as stand_in, \
            _behind(scratch, stand_in.port, site.port) as server:
        wait_until(lambda: _told(server.endpoint) and len(stand_in.asked("/forward-auth")) >= 50,
                   "HAProxy to ask often")
        assert stand_in.connections - len(stand_in.asked("/livez")) < 10


def test_nobody_waits_for_a_daemon_that_is_gone(scratch):
    """For as long as HAProxy would by itself, which is 3 s each time."""
    with recording_site.RecordingSite() as site, _behind(scratch, free_port(), site.port) as server:
        begin = time.monotonic()
        for _ in range(5):
            assert _told(server.endpoint) == {"Status": "error"}
        assert time.monotonic() - begin < 5 * SLOWDOWN


def test_a_daemon_that_hangs_is_asked_once_for_each_visitor(scratch):
    """By itself, HAProxy's client for Lua would ask four times, and the visitor would wait for all."""
    asked, end = [], threading.Event()

    class Hung(web_site.Handler):
        def do_GET(self):
            if self.path == "/livez":
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                asked.append(self.path)
                end.wait()

    with recording_site.RecordingSite() as site, web_site.WebSite(Hung) as hung, \
            _behind(scratch, hung.port, site.port) as server:
        try:
            for _ in range(5):
                assert _told(server.endpoint) == {"Status": "error"}
        finally:
            end.set()
    assert len(asked) == 5


def test_a_reload(scratch, lab):
    """The socket between HAProxy and itself goes over to the new process."""
    daemon, site = lab
    with _behind(scratch, daemon.port, site.port) as server:
        wait_until(lambda: _told(server.endpoint)["Status"] == "ok", "the site to be told")
        server.reload()
        wait_until(lambda: "exited with code 0" in server.log(), "the old process to be gone")
        wait_until(lambda: _told(server.endpoint)["Status"] == "ok", "the site to be told")


def test_a_visitor_over_a_unix_socket(scratch, lab):
    """It has no address; HAProxy's own must not be taken for it."""
    daemon, site = lab
    path = f"{scratch}/haproxy-root/run/site.sock"
    bind = "bind 127.0.0.1:@port@,unix@/run/site.sock mode 666"
    with _behind(scratch, daemon.port, site.port, bind):
        connection = connect(path)
        connection.request("GET", "/", headers=dict(made_up()))
        _, _, fields = json.loads(connection.getresponse().read().partition(b"\n")[0])
        connection.close()
        assert p0f_fields(fields) == {"Status": "error"}


@pytest.mark.parametrize("lua", [
    ("core.httpclient()", "nobody()"), ("answer.status ~= 200", "answer.nobody.status"),
    ("if name:find", "error('no') if name:find")])
def test_an_error_in_lua(scratch, lab, lua):
    daemon, site = lab
    with _behind(scratch, daemon.port, site.port, lua=[lua]) as server:
        for _ in range(3):
            assert _told(server.endpoint, made_up()) == {"Status": "error"}


def test_something_else_answers_in_its_place(scratch):
    statuses = [204, 301, 400, 401, 403, 404, 431, 500, 503]

    class Other(web_site.Handler):
        def do_GET(self):
            self.send_response(200 if self.path == "/livez" or not statuses else statuses.pop())
            self.send_header("X-P0F-OS", "made up")
            self.end_headers()

    def all_have_come():
        assert not statuses or _told(server.endpoint) == {"Status": "error"}
        return not statuses

    with recording_site.RecordingSite() as site, web_site.WebSite(Other) as other, \
            _behind(scratch, other.port, site.port) as server:
        wait_until(all_have_come, "HAProxy to ask")


def test_with_the_proxy_protocol(scratch, fake, serve):
    """HAProxy's header names no address then, as it is itself the client, and X-Forwarded-For counts."""
    fake.hosts["127.0.0.2"] = {"os_name": "Linux"}
    proxy = "127.0.0.9"
    with serve(fake, {"http.proxy_protocol": "yes", "http.trusted_proxies": proxy}) as daemon, \
            recording_site.RecordingSite() as site, \
            _behind(scratch, daemon.wait_for_p0f().port, site.port,
                    more=[("rise 1 ", f"rise 1 source {proxy} send-proxy-v2 ")]) as server:
        wait_until(lambda: _told(server.endpoint).get("OS") == "Linux", "the site to be told")
