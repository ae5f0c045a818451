# SPDX-License-Identifier: MIT
"""TLS behind the real HAProxy in mode tcp: the PROXY header comes before the handshake."""

import pytest

import haproxy
import tls
from daemon import free_port
from http_client import ask

HAPROXY = """global
    log stdout format raw local0
defaults
    mode tcp
    timeout connect 30s
    timeout client 30s
    timeout server 30s
frontend clients
    bind {host}:{port}
    default_backend servers
backend servers
    server daemon {server}:{server_port} SENDS
"""


@pytest.mark.parametrize("sends", ["send-proxy", "send-proxy-v2"])
def test_haproxy_in_front(scratch, fake, serve, sends):
    """The client is the one that the header names, on both kinds of address."""
    authority = tls.Authority(scratch)
    port = free_port()
    with serve(fake, {**tls.settings(port, authority.issue("server")), "http.proxy_protocol": "yes",
                      "http.trusted_proxies": "127.0.0.9"}), \
            haproxy.HaProxy(scratch, ("127.0.0.1", port),
                            HAPROXY.replace("SENDS", f"source 127.0.0.9 {sends}")) as proxy:
        connection = tls.connect_tls(proxy.endpoint[1], authority.context())
        connection.source_address = ("127.0.0.77", 0)
        for _ in range(2):
            assert ask(connection, "/self?wait=0").json()["ip"] == "127.0.0.77"
        connection.close()
