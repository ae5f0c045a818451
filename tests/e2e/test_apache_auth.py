# SPDX-License-Identifier: MIT
"""The example for a site of Apache's, as it stands in conf/, with Debian's Apache and the real p0f."""

import contextlib
import os
import re
import socket

import pytest

import apache
import web_site
from daemon import free_port
from examples import example_text
from http_client import fetch
from proxy_matrix import (NAMES, SPELLINGS, STRANGER, TROUBLES, ProxyMatrix, connections_of_late,
                          made_up, p0f_fields, told_status, visitor)
from recording_site import RecordingSite
from waiting import wait_until

CONFIG, LUA = "p0f-forward-auth.conf", "p0f-forward-auth.lua"

# A site behind Apache, and one of its own, some of which is forbidden.
SITE = """<VirtualHost 127.0.0.1:@port@>
    DocumentRoot /var/www/html
    ProxyPass /own !
    ProxyPass /cgi-bin !
    {comments}
    ScriptAlias /cgi-bin/ /var/www/cgi-bin/
    <Location /own/forbidden>
        Require all denied
    </Location>
    ErrorDocument 403 /cgi-bin/fields
</VirtualHost>
"""
PROGRAM = """#!/bin/sh
printf 'Content-Type: text/plain\\n\\n'
env
"""


def _comments():
    """The commands, and the line for WebSocket, which are shown at the top of the example."""
    lines = re.findall("^#     (.*)", example_text(f"apache/{CONFIG}"), re.M)
    commands, site = lines[:-1], lines[-1]
    assert commands[-1].startswith("systemctl") and site.startswith("ProxyPass")
    return commands, site


def _apache(directory, daemon_port, site_port, changes=()):
    commands, line = _comments()
    modules = [command.split()[1] for command in commands if command.startswith("a2enmod ")]
    files = {
        LUA: example_text(f"apache/{LUA}", [("5030", str(daemon_port)), *changes]),
        f"conf-available/{CONFIG}": example_text(f"apache/{CONFIG}"),
        "sites-available/000-default.conf": SITE.format(
            comments=line.replace("127.0.0.1:8080", f"127.0.0.1:{site_port}")),
    }
    server = apache.DebianApache(directory, [*modules, "proxy", "proxy_http", "cgid"], files)
    os.makedirs(f"{server.root.path}/var/www/cgi-bin")
    os.makedirs(f"{server.root.path}/var/www/html/own")
    path = f"{server.root.path}/var/www/cgi-bin/fields"
    with open(path, "w", encoding="utf-8") as program:
        program.write(PROGRAM)
    os.chmod(path, 0o755)
    return server


class TestSite(ProxyMatrix):
    """Behind ProxyPass; and of CGI."""

    settings = {"http.access_log": "yes"}

    @contextlib.contextmanager
    def proxy(self, directory, site, daemon):
        with _apache(directory, daemon.port, site.port) as server:
            yield server.endpoint

    @staticmethod
    def _cgi_is_told(lab, path, address, headers, status=200):
        page = fetch(lab.endpoint, path, headers, source=address)
        assert page.status == status, page
        params = [line.partition("=") for line in page.body.decode("latin-1").splitlines()]
        return p0f_fields([(name[5:].replace("_", "-"), value) for name, _, value in params
                           if name.startswith("HTTP_")])

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_cgi_is_told_the_same(self, lab, spelling):
        """Also a program that explains a refusal, which Apache decides on before it comes to our hook."""
        known, fields = visitor(), dict(made_up(SPELLINGS[spelling]))
        lab.wait_for_status(known, "ok")
        for path, status in (("/cgi-bin/fields", 200), ("/own/forbidden/", 403)):
            wait_until(lambda: self._cgi_is_told(lab, path, known, fields, status) == lab.told(known),
                       "CGI to be told the same")
            wait_until(lambda: self._cgi_is_told(lab, path, STRANGER, fields, status) ==
                       {"Status": "no-match"}, "CGI to be told no-match")

    def test_cgi_is_told_of_errors(self, lab):
        address = visitor()
        with TROUBLES["the daemon is down"](lab):
            for path, status in (("/cgi-bin/fields", 200), ("/own/forbidden/", 403)):
                assert self._cgi_is_told(lab, path, address, dict(made_up()), status) == {"Status": "error"}
        lab.wait_for_status(address, "ok")

    def test_a_page_is_one_question(self, lab):
        """Apache looks for a lot of files to show a directory."""
        def asked():
            lab.daemon.wait_for_log()
            return lab.daemon.log().count("/forward-auth")
        address = visitor()

        def costs_one():
            before = asked()
            assert fetch(lab.endpoint, "/own/", source=address).status == 200
            return asked() == before + 1
        wait_until(costs_one, "a page that costs one question")

    def test_a_thread_keeps_its_connection(self, lab):
        """Else each visitor would wait for a new one."""
        before, address = connections_of_late(lab.daemon.port), visitor()
        for _ in range(600):
            assert lab.told(address)
        # Debian's Apache has 50 threads, up to 75, and both ends of a connection are here.
        assert connections_of_late(lab.daemon.port) - before < 300


def test_no_field_is_left_out():
    text = example_text(f"apache/{LUA}")
    names = re.search(r"NAMES = \{(.*?)\}", text, re.S)[1]
    assert re.findall('"(.*?)"', names) == NAMES


def test_without_luasocket(scratch):
    """The site is there, and Apache's log says what is missing."""
    with RecordingSite() as site, \
            _apache(scratch, free_port(), site.port, [('"socket"', '"no_such_module"')]) as server:
        assert told_status(server.endpoint) == "error"
        assert "module 'no_such_module' not found" in server.log()


# One thread, since each has a memory of its own.
ONE_THREAD = """
StartServers 1
ServerLimit 1
ThreadLimit 1
ThreadsPerChild 1
MinSpareThreads 1
MaxSpareThreads 1
MaxRequestWorkers 1
"""


def test_one_that_hangs_is_left_alone(scratch):
    with socket.create_server(("127.0.0.1", 0)) as hung, RecordingSite() as site:
        server = _apache(scratch, hung.getsockname()[1], site.port, [("PAUSE = 1", "PAUSE = 1000")])
        with open(f"{server.root.path}/etc/apache2/mods-available/mpm_event.conf", "w", encoding="utf-8") as out:
            out.write(ONE_THREAD)
        with server:
            assert [told_status(server.endpoint) for _ in range(10)] == ["error"] * 10
        hung.setblocking(False)
        hung.accept()[0].close()
        with pytest.raises(BlockingIOError):
            hung.accept()


# For tests in which a slow machine must not make a difference.
PATIENT = [("PATIENCE = 0.25", "PATIENCE = 20")]

NOT_OURS = [
    "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-P0F-Status: ok\r\nContent-Length: 5\r\n\r\nHello",
    "HTTP/1.1 200 OK\r\nX-P0F-Status: ok\r\n",
    "\r\n",
    "",
]


def test_something_else_answers_in_its_place(scratch):
    answers = [answer.encode() for answer in NOT_OURS for _ in range(2)]
    left = list(answers)

    class Other(web_site.Handler):
        def handle(self):
            self.rfile.readline()
            self.wfile.write(left.pop(0))

    with RecordingSite() as site, web_site.WebSite(Other) as other, \
            _apache(scratch, other.port, site.port, PATIENT) as server:
        assert [told_status(server.endpoint) for _ in answers] == ["error"] * len(answers)
        assert not left, "it has not been asked each time"


def test_a_connection_that_was_closed_meanwhile(scratch):
    """As p0f-lookupd does with one that is idle: nobody is told of an error for that."""
    fields = "".join(f"X-P0F-{name}: {'ok' if name == 'Status' else ''}\r\n" for name in NAMES)
    answered = []

    class Other(web_site.Handler):
        def handle(self):
            while self.rfile.readline().strip():
                pass
            answered.append(1)
            self.wfile.write(f"HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n".encode())

    with RecordingSite() as site, web_site.WebSite(Other) as other, \
            _apache(scratch, other.port, site.port, PATIENT) as server:
        statuses = {told_status(server.endpoint) for _ in range(200)}
        assert statuses == {"ok"}
        assert len(answered) == 200
