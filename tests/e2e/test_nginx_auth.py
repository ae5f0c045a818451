# SPDX-License-Identifier: MIT
"""The examples for a site behind nginx, as they stand in conf/, with the real nginx and p0f: what is
known of a visitor arrives at the site, nothing that the visitor makes up does, and whatever happens to
p0f or to the daemon, the site is there."""

import re
import signal
import urllib.parse

import pytest

import host_json
import loopback
import nginx
from daemon import ROOT, Daemon, free_port
from http_client import fetch
from real_p0f import RealP0f
from waiting import wait_until

FORWARD_AUTH, FIELDS = "p0f-forward-auth.conf", "p0f-forward-auth-fields.conf"
NAMES = ["Status", "OS", "OS-Name", "OS-Flavor", "HTTP", "Link", "Language", "Distance", "Uptime-Min",
         "NAT", "Bad-SW", "Match-Quality"]
SITES = ["/", "/fastcgi/"]
LINES = {"/": "X-P0F-{}: ", "/fastcgi/": "HTTP_X_P0F_{}: "}

# From outside the network that p0f looks at. (It knows 127.0.0.1, which nginx answers from.)
STRANGER = "127.0.0.2"

# More than all its time-outs together, less than those of nginx itself.
QUICK = 15


def _site_in_the_comments():
    """The configuration of a site, as it is shown at the top of the example."""
    with open(f"{ROOT}/conf/nginx/{FORWARD_AUTH}", encoding="utf-8") as example:
        lines = [line[6:] for line in example if line.startswith("#     ")]
    assert lines[0].startswith("upstream") and lines[-1] == "}\n", lines
    return "".join(lines)


def _site_in_the_readme():
    with open(f"{ROOT}/README.md", encoding="utf-8") as readme:
        return re.search(r"^    upstream .*?^    server .*?^    }\n", readme.read(), re.M | re.S)[0]


def _config(scratch, port, echo, fastcgi):
    """That site, with the ports that there are here, and one more location, for FastCGI."""
    snippets = f"{scratch}/snippets"
    nginx.example(FORWARD_AUTH, snippets)
    nginx.example(FIELDS, snippets)
    text = _site_in_the_comments()
    more = (f"location /fastcgi/ {{ include snippets/{FIELDS}; fastcgi_param REQUEST_METHOD GET; "
            f"fastcgi_pass unix:{fastcgi.path}; }}\n    location / {{")
    for old, new in (("127.0.0.1:5030", f"127.0.0.1:{port}"), ("location / {", more),
                     ("listen 80", "listen 127.0.0.1:@port@"),
                     ("127.0.0.1:8080", f"127.0.0.1:{echo.port}")):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


class Lab:
    """p0f, the daemon, the two sites, and nginx in front of all that."""

    def __init__(self, scratch, settings):
        self.p0f = RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16")
        self.daemon = Daemon(scratch, self.p0f.socket,
                             {"http.server_names": "p0f.example.org", **(settings or {})})
        self.echo = nginx.EchoSite()
        self.fastcgi = nginx.FastCgiSite(scratch)
        self.nginx = nginx.Nginx(scratch, _config(scratch, self.daemon.port, self.echo, self.fastcgi))
        self.endpoint = self.nginx.endpoint

    def get(self, visitor, path="/", headers=None, **options):
        """The page that the visitor gets, which must be one."""
        answer = fetch(self.endpoint, path, headers, source=visitor, timeout=QUICK, **options)
        assert answer.status == 200, answer
        return answer.body.decode("latin-1")

    def fields(self, visitor, path="/", headers=None):
        """What the site was told of the visitor, by what is behind X-P0F-."""
        page = self.get(visitor, path, headers)
        found = {}
        for name in NAMES:
            begin = LINES[path].format(name)
            if path == "/fastcgi/":
                begin = begin.upper().replace("-", "_")
            values = [line[len(begin):] for line in page.splitlines() if line.startswith(begin)]
            assert len(values) <= 1, page
            if values:
                found[name] = urllib.parse.unquote(values[0])
        told = [line for line in page.splitlines() if re.match("(HTTP_)?X.P0F", line, re.I)]
        assert len(told) == len(found), f"other fields than these: {found}\n{page}"
        assert "made up" not in found.values(), page
        return found

    def wait_for_fields(self, visitor, status, path="/", headers=None):
        """Until that is what the site is told: on a busy machine our 250 ms can be over."""
        def told():
            fields = self.fields(visitor, path, headers)
            return fields["Status"] == status and fields
        return wait_until(told, f"the site to be told {status}")


@pytest.fixture(name="lab")
def _lab(needs_p0f, scratch):
    """Nothing is remembered, so that what the site is told is what p0f says now."""
    lab = Lab(scratch, {"cache.ttl": "0", "cache.incomplete_ttl": "0", "cache.negative_ttl": "0",
                        "p0f.first_contact_wait": "0"})
    with lab.p0f, lab.daemon, lab.echo, lab.fastcgi, lab.nginx:
        lab.daemon.wait_for_p0f()
        yield lab


def test_the_readme_shows_the_same_site():
    def words(text):
        return re.sub(r"#.*", "", text).split()
    assert words(_site_in_the_readme()) == words(_site_in_the_comments())


def test_no_field_is_left_out():
    """Else a visitor could make that one up."""
    with open(f"{ROOT}/conf/nginx/{FIELDS}", encoding="utf-8") as fields:
        text = fields.read()
    with open(f"{ROOT}/daemon/http/forward_auth.c", encoding="utf-8") as source:
        sent = sorted(set(re.findall('"X-P0F-([A-Za-z-]+)"', source.read())))
    assert sent == sorted(NAMES)
    assert sorted(re.findall(r"^proxy_set_header X-P0F-(\S+) ", text, re.M)) == sent
    params = sorted(re.findall(r"^fastcgi_param HTTP_X_P0F_(\S+) ", text, re.M))
    assert params == sorted(name.upper().replace("-", "_") for name in sent)


@pytest.mark.parametrize("path", SITES)
def test_the_site_is_told_what_p0f_says(lab, path):
    visitor = f"{loopback.NETWORK}.9.1"
    loopback.visit(visitor, lab.endpoint, language="fr", segment_size=1412, hops=3)
    wait_until(lambda: (lab.p0f.known(visitor) or {}).get("language"), "p0f to read the request")

    def same():
        told = lab.fields(visitor, path)
        said = host_json.header_fields(lab.p0f.ask(visitor))
        return told == {name: value for name, value in said.items() if value} and told
    told = wait_until(same, "the site to be told what p0f says")
    assert told["OS"].startswith("Linux ") and told["Language"] == "French"
    # A visitor who asks with much: nothing of that is p0f-lookupd's business.
    cookies = {"Cookie": "c" * 7000, "X-Much": "m" * 7000, "Cache-Control": "only-if-cached",
               "Authorization": "Basic eDp5", "If-None-Match": "*"}
    lab.wait_for_fields(visitor, "ok", path, cookies)


def test_a_visitor_that_p0f_does_not_know(lab):
    assert lab.wait_for_fields(STRANGER, "no-match") == {"Status": "no-match"}


SPOOFED = {**{f"X-P0F-{name}": "made up" for name in NAMES},
           **{f"x_p0f_{name}".replace("-", "_"): "made up" for name in NAMES}}


@pytest.mark.parametrize("path", SITES)
def test_what_a_visitor_makes_up_does_not_arrive(lab, path):
    known = f"{loopback.NETWORK}.9.2"
    loopback.visit(known, lab.endpoint)
    wait_until(lambda: lab.p0f.known(known), "p0f to see the visitor")
    for visitor, status in ((known, "ok"), (STRANGER, "no-match")):
        for headers in (SPOOFED, {name.lower(): value for name, value in SPOOFED.items()}):
            lab.wait_for_fields(visitor, status, path, headers)
    assert lab.fields(STRANGER, path, {"X-Forwarded-For": known})["Status"] != "ok"
    lab.daemon.stop()
    assert lab.fields(known, path, SPOOFED) == {"Status": "error"}


def test_a_body_is_the_sites_alone(lab):
    """p0f-lookupd is not told of one either, and does not wait for it."""
    def told():
        page = lab.get(STRANGER, method="POST", body=b"x" * 100_000)
        assert "Content-Length: 100000" in page
        return "X-P0F-Status: no-match" in page
    wait_until(told, "the site to be told")


def test_visitors_cannot_ask_themselves(lab):
    answer = fetch(lab.endpoint, "/p0f-lookupd")
    assert (answer.status, answer.body) == (204, b"")
    assert not re.search("p0f", str(answer.headers), re.I)


def _connections_of_late(port):
    """How many to or from this port there are, or were a minute ago."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        return sum(f":{port:04X} " in line for line in table)


def test_one_connection_serves_many_visitors(lab):
    """Else each visitor would wait for a new one."""
    before = _connections_of_late(lab.daemon.port)
    for number in range(50):
        assert lab.fields(f"127.0.0.{number + 1}")
    assert _connections_of_late(lab.daemon.port) - before < 10


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
    with serve(fake, {"p0f.first_contact_wait": "0"}) as daemon, nginx.EchoSite() as site, \
            nginx.Nginx(scratch, BY_HAND.format(port=daemon.port, site=site.port, more=more, path=path)) as server:
        daemon.wait_for_p0f()
        for number in range(50):
            body = None if number % 3 == 0 else b"x" * (number * number)
            page = fetch(server.endpoint, f"/x?y={number}", method="POST" if body else "GET", body=body,
                         source=f"127.0.0.{number + 1}", timeout=QUICK)
            assert page.status == 200, page
            assert "X-P0F-Status: no-match" in page.body.decode(), page
        assert fake.asked() >= 50


# -- whatever happens ------------------------------------------------------------------------------

@pytest.mark.parametrize("path", SITES)
def test_p0f_is_dead(lab, path):
    visitor = f"{loopback.NETWORK}.9.3"
    lab.wait_for_fields(visitor, "ok", path)
    lab.p0f.kill()
    for _ in range(3):
        assert lab.wait_for_fields(visitor, "error", path) == {"Status": "error"}
    lab.p0f.start()
    lab.wait_for_fields(visitor, "ok", path)


@pytest.mark.parametrize("path", SITES)
def test_the_daemon_is_gone(lab, path):
    visitor = f"{loopback.NETWORK}.9.4"
    lab.wait_for_fields(visitor, "ok", path)
    lab.daemon.stop()
    for _ in range(5):
        assert lab.fields(visitor, path) == {"Status": "error"}
    lab.daemon.start()
    lab.wait_for_fields(visitor, "ok", path)


@pytest.mark.parametrize("path", SITES)
def test_the_daemon_hangs(lab, path):
    """nginx's own time-outs are a minute: a site that waited for those would not be there."""
    visitor = f"{loopback.NETWORK}.9.5"
    lab.wait_for_fields(visitor, "ok", path)
    lab.daemon.signal(signal.SIGSTOP)
    try:
        for _ in range(3):
            assert lab.fields(visitor, path) == {"Status": "error"}
    finally:
        lab.daemon.signal(signal.SIGCONT)
    lab.wait_for_fields(visitor, "ok", path)


def test_p0f_hangs(lab):
    visitor = f"{loopback.NETWORK}.9.6"
    lab.wait_for_fields(visitor, "ok")
    lab.p0f.process.send_signal(signal.SIGSTOP)
    try:
        assert lab.fields(visitor) == {"Status": "error"}
    finally:
        lab.p0f.process.send_signal(signal.SIGCONT)
    lab.wait_for_fields(visitor, "ok")


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 431, 500, 503])
def test_something_else_answers_in_its_place(scratch, status):
    """401 and 403 would turn the visitor away, all others would make a 500."""
    port, echo, fastcgi = free_port(), nginx.EchoSite(), nginx.FastCgiSite(scratch)
    config = _config(scratch, port, echo, fastcgi) + \
        f"server {{ listen 127.0.0.1:{port}; location / {{ return {status} /; }} }}"
    with echo, fastcgi, nginx.Nginx(scratch, config) as server:
        page = fetch(server.endpoint, "/", timeout=QUICK)
        assert page.status == 200, page
        assert "X-P0F-Status: error" in page.body.decode()
