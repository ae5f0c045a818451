# SPDX-License-Identifier: MIT
"""The example for a site behind Caddy, as it stands in conf/, with Debian's Caddy and the real p0f."""

import contextlib
import re
import socket

import pytest

import caddy
import nginx
from daemon import free_port
from examples import example_text
from proxy_matrix import NAMES, STRANGER, FastCgiMatrix, made_up, p0f_fields, told_status, visitor
from recording_site import RecordingSite, Visitor, visit
from waiting import wait_until

EXAMPLE = "p0f-forward-auth.caddy"


def _text():
    return example_text(f"caddy/{EXAMPLE}")


def _site(directory, site, asked, *changes, more=""):
    """The example put there, with the ports that there are here; returns the Caddyfile, and where Caddy
    will listen. `more` goes before line 2."""
    endpoint = ("127.0.0.1", free_port())
    # In this order: a port that is put in could have 5039 in it.
    caddy.copy_example(EXAMPLE, directory, [("5039", str(free_port())), ("127.0.0.1:5030", asked), *changes])
    text = caddy.shown_caddyfile()
    for old, new in ((":80 {\n", f"http://:{endpoint[1]} {{\n{more}"), ("127.0.0.1:8080", f"127.0.0.1:{site}")):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return caddy.OPTIONS + text, endpoint


class TestSite(FastCgiMatrix):
    """With those lines, and with a block for FastCGI before them."""

    @contextlib.contextmanager
    def proxy(self, directory, site, daemon):
        with nginx.FastCgiSite(directory) as fastcgi:
            block = f"handle /fastcgi/* {{\nreverse_proxy unix/{fastcgi.path} {{\ntransport fastcgi\n}}\n}}\n"
            text, endpoint = _site(directory, site.port, f"127.0.0.1:{daemon.port}", more=block)
            with caddy.Caddy(directory, text):
                yield endpoint

    def test_too_many_fields_are_an_error_for_nobody_else(self, lab):
        other = visitor()
        much = [(f"X-{number}", "m" * 1000) for number in range(60)]
        lab.wait_for_status(other, "ok")

        def told():
            assert lab.told(STRANGER, much) == {"Status": "error"}
            return lab.told(other)["Status"] == "ok"
        wait_until(told, "another visitor to be told of all the same")


def test_caddy_finds_nothing_to_complain_about(scratch):
    for name in (EXAMPLE, "p0f-api.caddy"):
        caddy.copy_example(name, scratch)
        formatted = caddy.run(scratch, "fmt", "--diff", name)
        assert formatted.returncode == 0 and not re.search("^[-+]", formatted.stdout, re.M), formatted
    with open(f"{scratch}/Caddyfile", "w", encoding="utf-8") as file:
        file.write(caddy.shown_caddyfile() + "import p0f-api.caddy\n")
    checked = caddy.run(scratch, "validate", "--config", "Caddyfile", "--adapter", "caddyfile")
    assert checked.returncode == 0, checked
    assert "not formatted" not in checked.stderr, checked


def test_no_field_is_left_out():
    """Else a visitor could make that one up."""
    copied = re.findall(r"^\s*copy_headers (.*)$", _text(), re.M)
    assert sorted(" ".join(copied).split()) == sorted(f"X-P0F-{name}" for name in NAMES)


def test_what_the_daemon_is_told(scratch):
    """Who the visitor is, and not what is between the visitor and the site."""
    with RecordingSite() as asked, RecordingSite() as site:
        text, endpoint = _site(scratch, site.port, f"127.0.0.1:{asked.port}")
        with caddy.Caddy(scratch, text):
            visit(endpoint, STRANGER, "/page", [("Cookie", "a=b"), ("Authorization", "Basic eDp5"),
                                                ("X-Forwarded-For", "192.0.2.1")], method="POST", body=b"x" * 70_000)
            with Visitor(endpoint, STRANGER) as visitor_:
                visitor_.open_websocket()
    for request in asked.requests:
        assert request[:2] == ("GET", "/forward-auth") and request.body == b""
        fields = {name.lower(): value for name, value in request.fields}
        assert fields["x-forwarded-for"] == STRANGER
        assert not fields.keys() & {"cookie", "authorization", "upgrade"}
    assert len(asked.requests) == 2


@pytest.mark.parametrize("down", [0, 1])
def test_a_second_daemon_takes_over(fake, scratch, serve, down):
    with serve(fake) as first, serve(fake) as second, RecordingSite() as site:
        daemons = (first, second)
        text, endpoint = _site(scratch, site.port, " ".join(f"127.0.0.1:{daemon.port}" for daemon in daemons),
                               ("lb_retries 1", "lb_retries 2"))
        with caddy.Caddy(scratch, text):
            for daemon in daemons:
                daemon.wait_for_p0f()
            wait_until(lambda: told_status(endpoint) == "no-match", "Caddy to ask one of them")
            daemons[down].stop()
            wait_until(lambda: told_status(endpoint) == "no-match", "Caddy to ask the other one")
            daemons[down].start()


def test_a_proxy_in_front(fake, scratch, serve):
    """What trusted_proxies is for."""
    proxy, host = "127.0.0.77", "192.0.2.1"
    fake.hosts[host] = {"os_name": "Linux"}
    with serve(fake, {"http.trusted_proxies": f"127.0.0.1, {proxy}"}) as daemon, RecordingSite() as site:
        text, endpoint = _site(scratch, site.port, f"127.0.0.1:{daemon.port}",
                               ("uri /forward-auth\n", f"uri /forward-auth\ntrusted_proxies {proxy}\n"))
        with caddy.Caddy(scratch, text):
            daemon.wait_for_p0f()
            fields = [("X-Forwarded-For", f"192.0.2.9, {host}")]
            wait_until(lambda: told_status(endpoint, proxy, fields) == "ok", "the visitor to be found")
            wait_until(lambda: told_status(endpoint, STRANGER, fields) == "no-match", "others not to be believed")


@pytest.mark.parametrize("status", [301, 401, 403, 503])
def test_something_else_answers_in_its_place(scratch, status):
    port = free_port()
    with RecordingSite() as site:
        text, endpoint = _site(scratch, site.port, f"127.0.0.1:{port}")
        text += f"http://:{port} {{\nheader X-P0F-OS Windows\nredir * / {status}\n}}\n" if status < 400 else \
            f"http://:{port} {{\nheader X-P0F-OS Windows\nrespond {status}\n}}\n"
        with caddy.Caddy(scratch, text):
            page = visit(endpoint, STRANGER, "/", made_up())
            assert p0f_fields(page.told.fields) == {"Status": "error"}, page


def test_a_success_of_something_else(scratch):
    """Caddy would tell the site the names of its own placeholders."""
    port = free_port()
    with RecordingSite() as site:
        text, endpoint = _site(scratch, site.port, f"127.0.0.1:{port}")
        with caddy.Caddy(scratch, f"{text}http://:{port} {{\nrespond 200\n}}\n"):
            page = visit(endpoint, STRANGER, "/", made_up())
            assert p0f_fields(page.told.fields) == {"Status": "error"}, page


def test_one_that_hangs_is_left_alone(scratch):
    """Most visitors do not wait for it. 50 that did would take 12 s."""
    with socket.create_server(("127.0.0.1", 0)) as hung, RecordingSite() as site:
        text, endpoint = _site(scratch, site.port, f"127.0.0.1:{hung.getsockname()[1]}")
        with caddy.Caddy(scratch, text):
            for _ in range(50):
                assert told_status(endpoint) == "error"
            hung.setblocking(False)
            waited = 0
            with contextlib.suppress(BlockingIOError):
                while hung.accept():
                    waited += 1
            assert 1 <= waited < 25
