# SPDX-License-Identifier: MIT
"""The examples for a site behind nginx, as they stand in conf/, with the real nginx and p0f."""

import contextlib
import re

import pytest

import nginx
from daemon import ROOT, free_port
from examples import example_text, readme_site
from proxy_matrix import NAMES, STRANGER, FastCgiMatrix, connections_of_late, p0f_fields, told_status, visitor
from recording_site import RecordingSite, Visitor, visit
from waiting import wait_until

FORWARD_AUTH, FIELDS = "p0f-forward-auth.conf", "p0f-forward-auth-fields.conf"


def _comments():
    """The configurations shown at the top of the example: of a site, and of one with WebSocket."""
    top = example_text(f"nginx/{FORWARD_AUTH}").partition("\n\n")[0]
    site, websocket = re.findall(r"((?:^#     .*\n)+)", top, re.M)
    return [re.sub("^#     ", "", text, flags=re.M) for text in (site, websocket)]


def _config(directory, text, *changes):
    """That site, with the ports that there are here."""
    snippets = f"{directory}/snippets"
    nginx.copy_example(FORWARD_AUTH, snippets)
    nginx.copy_example(FIELDS, snippets)
    for old, new in (("listen 80", "listen 127.0.0.1:@port@"), *changes):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


class TestSite(FastCgiMatrix):
    """With the six lines and WebSocket, and with a location for FastCGI beside it."""

    @contextlib.contextmanager
    def proxy(self, directory, site, daemon):
        upstream = _comments()[0].partition("server {\n")[0]
        with nginx.FastCgiSite(directory) as fastcgi:
            location = (f"location /fastcgi/ {{ include snippets/{FIELDS}; "
                        f"fastcgi_param REQUEST_METHOD GET; fastcgi_pass unix:{fastcgi.path}; }}\n")
            config = _config(directory, upstream + _comments()[1],
                             ("127.0.0.1:5030", f"127.0.0.1:{daemon.port}"),
                             ("127.0.0.1:8080", f"127.0.0.1:{site.port}"),
                             ("location / {", location + "location / {"))
            with nginx.Nginx(directory, config) as server:
                yield server.endpoint

    def test_visitors_cannot_ask_themselves(self, lab):
        with Visitor(lab.endpoint, STRANGER) as visitor_:
            page = visitor_.ask("/p0f-lookupd")
        assert (page.status, page.told) == (204, None)
        assert not re.search("p0f", str(page.fields), re.I)

    def test_one_connection_serves_many_visitors(self, lab):
        """Else each visitor would wait for a new one."""
        before = connections_of_late(lab.daemon.port)
        for _ in range(200):
            assert lab.told(visitor())
        assert connections_of_late(lab.daemon.port) - before < 100


def test_the_readme_shows_the_same_site():
    def words(text):
        return re.sub(r"#.*", "", text).split()
    assert words(readme_site()) == words(_comments()[0])


def test_no_field_is_left_out():
    """Else a visitor could make that one up."""
    text = example_text(f"nginx/{FIELDS}")
    with open(f"{ROOT}/daemon/http/forward_auth.c", encoding="utf-8") as source:
        sent = sorted(set(re.findall('"X-P0F-([A-Za-z-]+)"', source.read())))
    assert sent == sorted(NAMES)
    assert sorted(re.findall(r"^proxy_set_header X-P0F-(\S+) ", text, re.M)) == sent
    params = sorted(re.findall(r"^fastcgi_param HTTP_X_P0F_(\S+) ", text, re.M))
    assert params == sorted(name.upper().replace("-", "_") for name in sent)


def test_what_the_daemon_is_told(scratch):
    """Who the visitor is, and nothing else; also if the site has a cache."""
    with RecordingSite() as asked, RecordingSite() as site:
        cache = (f"proxy_cache_path {scratch}/cache keys_zone=site:1m; proxy_cache site; "
                 "proxy_cache_valid any 1h;\n")
        config = _config(scratch, cache + _comments()[0], ("127.0.0.1:5030", f"127.0.0.1:{asked.port}"),
                         ("127.0.0.1:8080", f"127.0.0.1:{site.port}"))
        with nginx.Nginx(scratch, config) as server:
            for address in (STRANGER, "127.0.0.3"):
                visit(server.endpoint, address, "/page",
                      [("Cookie", "a=b"), ("Authorization", "Basic eDp5"), ("X-Forwarded-For", "192.0.2.1")],
                      "POST", b"x" * 70_000)
                (request,) = asked.requests
                asked.requests.clear()
                assert request == ("GET", "/forward-auth", request.fields, b"")
                assert sorted(request.fields) == [("Host", "p0f-lookupd"), ("X-Forwarded-For", address)]


@pytest.mark.parametrize("down", [0, 1])
def test_a_second_daemon_takes_over(fake, scratch, serve, down):
    """Whichever of the two it is that nginx would ask."""
    with serve(fake) as first, serve(fake) as second, RecordingSite() as site:
        servers = [f"127.0.0.1:{daemon.port}" for daemon in (first, second)]
        config = _config(scratch, _comments()[0], ("127.0.0.1:8080", f"127.0.0.1:{site.port}"),
                         ("server 127.0.0.1:5030;", "".join(f"server {server};" for server in servers)))
        with nginx.Nginx(scratch, config) as server:
            for daemon in (first, second):
                daemon.wait_for_p0f()
            wait_until(lambda: told_status(server.endpoint) == "no-match", "nginx to ask them")
            (first, second)[down].stop()
            for _ in range(4):
                wait_until(lambda: told_status(server.endpoint) == "no-match", "the other one to be asked")
            (first, second)[down].start()


# -- written by hand -------------------------------------------------------------------------------

BY_HAND = """
    upstream p0f-lookupd {{ server 127.0.0.1:{port}; keepalive 4; }}
    server {{
        listen 127.0.0.1:@port@;
        auth_request /auth;
        auth_request_set $p0f_status $upstream_http_x_p0f_status;
        location / {{ proxy_set_header X-P0F-Status $p0f_status; proxy_pass http://127.0.0.1:{site}; }}
        location = /auth {{
            internal;
            proxy_pass http://p0f-lookupd{path};
            proxy_pass_request_body off;
            proxy_set_header X-Forwarded-For $remote_addr;
            {more}
        }}
    }}
"""
KEEP_ALIVE = 'proxy_http_version 1.1; proxy_set_header Connection "";'


@pytest.mark.parametrize("path", ["/forward-auth", "/forward-auth$request_uri"])
@pytest.mark.parametrize("more", ["", KEEP_ALIVE], ids=["1.0", "1.1"])
def test_a_length_without_a_body(fake, scratch, serve, more, path):
    """nginx keeps the visitor's Content-Length, unless told not to, and sends no body: that is not waited
    for, and the next visitor's request on the connection is not taken for it."""
    with serve(fake, {"p0f.first_contact_wait": "0"}) as daemon, RecordingSite() as site, \
            nginx.Nginx(scratch, BY_HAND.format(port=daemon.port, site=site.port, more=more, path=path)) as server:
        daemon.wait_for_p0f()
        for number in range(50):
            body = None if number % 3 == 0 else b"x" * (number * number)
            page = visit(server.endpoint, f"127.0.0.{number + 1}", f"/x?y={number}",
                         method="POST" if body else "GET", body=body)
            assert page.status == 200, page
            assert p0f_fields(page.told.fields)["Status"] == "no-match"
        assert fake.asked() >= 50


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 431, 500, 503])
def test_something_else_answers_in_its_place(scratch, status):
    """401 and 403 would turn the visitor away, all others would make a 500."""
    port = free_port()
    with RecordingSite() as site:
        config = _config(scratch, _comments()[0], ("127.0.0.1:5030", f"127.0.0.1:{port}"),
                         ("127.0.0.1:8080", f"127.0.0.1:{site.port}"))
        config += f"server {{ listen 127.0.0.1:{port}; location / {{ return {status} /; }} }}"
        with nginx.Nginx(scratch, config) as server:
            assert told_status(server.endpoint) == "error"
