# SPDX-License-Identifier: MIT
"""The examples for Caddy, unchanged and where they say that they belong, in Caddy as Debian installs it."""

import shutil
import signal

import pytest

import caddy
from daemon import ROOT
from debian_root import DebianRoot
from http_client import fetch
from recording_site import RecordingSite, visit
from waiting import SLOWDOWN, wait_until

HOST, STRANGER = "127.0.0.9", "127.0.0.2"


@pytest.fixture(name="root")
def _root(scratch):
    return DebianRoot(f"{scratch}/root", ["caddy"])


def test_examples_run_in_debians_caddy(fake, serve, scratch, root):
    fake.hosts[HOST] = {"os_name": "Linux", "os_flavor": "3.11 and newer"}
    etc = f"{root.path}/etc/caddy"
    for name in ("p0f-forward-auth.caddy", "p0f-api.caddy"):
        shutil.copy(f"{ROOT}/conf/caddy/{name}", etc)
    output = f"{scratch}/output"
    with RecordingSite() as site, serve(fake, also_listen=["127.0.0.1:5030"]) as daemon:
        daemon.wait_for_p0f()
        text = caddy.shown_caddyfile()
        assert text.count("127.0.0.1:8080") == 1
        with open(f"{etc}/Caddyfile", "w", encoding="utf-8") as file:
            file.write(text.replace("127.0.0.1:8080", f"127.0.0.1:{site.port}") + "import p0f-api.caddy\n")
        with open(output, "wb") as out:     # with the command of its unit
            process = root.launch("env", "HOME=/var/lib/caddy", "caddy", "run", "--environ", "--config",
                                  "/etc/caddy/Caddyfile", output=out)
        try:
            def serves():
                with open(output, encoding="utf-8") as said:
                    text = said.read()
                assert process.poll() is None, text
                return caddy.SERVES in text
            wait_until(serves, "Caddy to serve")
            for address, expected in ((HOST, "Linux 3.11 and newer"), (STRANGER, "")):
                def told(address=address):
                    return {name.lower(): value for name, value in
                            visit(("127.0.0.1", 80), address).told.fields}.get("x-p0f-os")
                wait_until(lambda: told() == expected, f"the site to be told {expected!r}")
            answer = fetch(("127.0.0.1", 5031), f"/host/{HOST}")
            assert (answer.status, answer.json()["os_name"]) == (200, "Linux")
            assert fetch(("127.0.0.1", 5031), "/self", source=HOST).json()["ip"] == HOST
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait(20 * SLOWDOWN)
