# SPDX-License-Identifier: MIT
"""Who gets in: tokens and TLS through the unit."""

import http.client
import re
import socket
import ssl

TOKENS, SETTINGS = "/etc/p0f-lookupd.tokens", "/etc/p0f-lookupd.conf"
P0F, DAEMON = "p0f.service", "p0f-lookupd.service"
HOST = "/host/192.0.2.1"


def _make_token(system, name, *role):
    """With the command; its line is in the file afterwards."""
    made = system.run("p0f-lookupd", "token", name, *role)
    line = re.search(rf"^{name} sha256:[0-9a-f]{{64}}.*$", made.stdout, re.M)
    assert line, made
    system.write(TOKENS, line[0] + "\n", append=True)
    token = re.search(r"\b[A-Za-z0-9_-]{32,}\b", made.stderr)
    assert token, made
    return {"Authorization": f"Bearer {token[0]}"}


def test_tokens(system):
    lookup = _make_token(system, "web")
    metrics = _make_token(system, "prometheus", "metrics")
    system.write(SETTINGS, f"[http]\ntoken_file = {TOKENS}\n")
    system.systemctl("start", P0F, DAEMON)
    assert system.fetch("/livez").status == 200
    assert system.fetch(HOST).status == 401
    assert system.fetch(HOST, {"Authorization": "Bearer wrong"}).status == 401
    assert system.fetch(HOST, lookup).status == 404
    assert system.fetch("/metrics", lookup).status == system.fetch(HOST, metrics).status == 403
    assert system.fetch("/metrics", metrics).status == 200
    system.write(TOKENS, "")
    other = _make_token(system, "other")
    system.systemctl("reload", DAEMON)
    assert system.fetch(HOST, lookup).status == 401
    assert system.fetch(HOST, other).status == 404
    system.write(TOKENS, "broken\n")
    assert system.systemctl("reload", DAEMON, check=False).returncode != 0
    assert system.fetch(HOST, other).status == 404
    log = system.journal("-u", DAEMON)
    assert TOKENS in log and other["Authorization"].split()[1] not in log


def _make_certificate(system, name):
    system.shell(f"""mkdir -p /etc/p0f-lookupd-tls && cd /etc/p0f-lookupd-tls &&
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN={name} \\
            -addext subjectAltName=DNS:{name} -keyout key.pem -out cert.pem &&
        chown root:p0f-lookupd key.pem && chmod 640 key.pem""")
    return system.read("/etc/p0f-lookupd-tls/cert.pem")


def _ask(system, certificate, name):
    context = ssl.create_default_context(cadata=certificate)
    with system.network():
        connection = http.client.HTTPSConnection("127.0.0.1", 5443, timeout=30, context=context)
        sock = context.wrap_socket(socket.create_connection(("127.0.0.1", 5443), 30),
                                   server_hostname=name)
    connection.sock = sock
    connection.request("GET", HOST)
    response = connection.getresponse()
    response.read()
    return connection, response.status, sock.version()


def test_tls(system):
    first = _make_certificate(system, "one.example")
    system.write(SETTINGS, "[http]\ntls_listen = 127.0.0.1:5443\ntls_certificate = /etc/p0f-lookupd-tls/cert.pem\n"
                           "tls_key = /etc/p0f-lookupd-tls/key.pem\n")
    system.systemctl("start", P0F, DAEMON)
    old, status, version = _ask(system, first, "one.example")
    assert (status, version) == (404, "TLSv1.3")
    second = _make_certificate(system, "two.example")
    system.systemctl("reload", DAEMON)
    new, status, _ = _ask(system, second, "two.example")
    assert status == 404
    old.request("GET", HOST)        # goes on as it was
    assert old.getresponse().status == 404
    system.write("/etc/p0f-lookupd-tls/cert.pem", "broken\n")
    assert system.systemctl("reload", DAEMON, check=False).returncode != 0
    kept, status, _ = _ask(system, second, "two.example")
    assert status == 404
    for connection in (old, new, kept):
        connection.close()
