# SPDX-License-Identifier: MIT
"""The examples for nginx, unchanged and where they say that they belong, in nginx as Debian installs it:
with its settings, its user and its directories."""

import os
import shutil

import pytest

import loopback
from daemon import ROOT, Daemon
from debian_root import DebianRoot
from examples import readme_site
from http_client import fetch
from real_p0f import RealP0f
from recording_site import RecordingSite, visit
from server_program import ServerProgram

STRANGER = "192.0.2.7"


class DebianNginx(ServerProgram):
    """With-block in which nginx runs in that root."""

    name = "nginx"

    def __init__(self, root):
        super().__init__(f"{root.path}/output")
        self.root = root
        self.pid_file = f"{root.path}/run/nginx.pid"

    def launch(self, output):
        return self.root.launch("nginx", "-g", "daemon off;", output=output)

    def serves(self):
        return os.path.exists(self.pid_file)


def _copy(names, directory):
    for name in names:
        shutil.copy(f"{ROOT}/conf/nginx/{name}", directory)


@pytest.fixture(name="root")
def _root(scratch):
    return DebianRoot(f"{scratch}/root", ["nginx"])


def _readme_site(port):
    site = readme_site()
    assert site.count("127.0.0.1:8080") == 1
    return site.replace("127.0.0.1:8080", f"127.0.0.1:{port}")


def test_examples_run_in_debians_nginx(needs_p0f, scratch, root):
    """Twice, since the second start finds what the first one has left. All are of one nginx, so no
    two of them may claim a name."""
    etc = f"{root.path}/etc/nginx"
    _copy(["p0f-cache.conf"], f"{etc}/conf.d")
    _copy(["p0f-forward-auth.conf", "p0f-forward-auth-fields.conf"], f"{etc}/snippets")
    p0f = RealP0f(scratch, packets=f"net {loopback.NETWORK}.0.0/16")
    with p0f, RecordingSite() as site, \
            Daemon(scratch, p0f.socket, also_listen=["127.0.0.1:5030"]) as daemon:
        daemon.wait_for_p0f()
        with open(f"{etc}/sites-enabled/site", "w", encoding="utf-8") as enabled:
            enabled.write(_readme_site(site.port))
        for _ in range(2):
            with DebianNginx(root):
                page = visit(("127.0.0.1", 80), "127.0.0.1")
                assert ("X-P0F-Status", "no-match") in page.told.fields, page
                answer = fetch(("127.0.0.1", 5031), f"/host/{STRANGER}")
                assert (answer.status, answer.json()["ip"]) == (404, STRANGER)
        assert "emerg" not in open(f"{root.path}/var/log/nginx/error.log", encoding="utf-8").read()
    assert os.stat(f"{root.path}/var/cache/nginx-p0f-lookupd").st_uid != 0, "nginx's workers write it"


def test_a_missing_directory_is_noticed(root):
    """Debian's nginx does not make the directory above that of a cache."""
    with open(f"{root.path}/etc/nginx/conf.d/cache.conf", "w", encoding="utf-8") as conf:
        conf.write("proxy_cache_path /var/cache/nginx/some keys_zone=some:1m;\n")
    with pytest.raises(AssertionError, match=r"mkdir.*/var/cache/nginx/some"):
        with DebianNginx(root):
            pass
