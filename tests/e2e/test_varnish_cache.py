# SPDX-License-Identifier: MIT
"""The example for Varnish, as it stands in conf/, with Debian's Varnish and the real p0f."""

import concurrent.futures
import contextlib
import shutil

import pytest

import varnish
from debian_root import DebianRoot
from http_cache_cases import HttpCacheCases, reached, stranger
from http_client import connect
from waiting import wait_until

# So that tests need not wait for Varnish to notice the daemon, or that it hangs.
QUICK = [(".interval = 1s", ".interval = 50ms"), ("bereq.first_byte_timeout = 2s", "bereq.first_byte_timeout = 1s")]


class TestVarnish(HttpCacheCases):
    unreachable = 503
    own_name = "varnish"
    fields = {"X-Expired": "serve", "X-Cache-Control": "only-if-cached", "X-Cache": "hit"}

    @contextlib.contextmanager
    def cache(self, directory, port):
        with varnish.Varnish(directory, [('.port = "5030"', f'.port = "{port}"'), *QUICK]) as server:
            yield server.endpoint

    def test_many_at_once_are_one_request(self, lab):
        host = f"/host/{lab.visitor()}"
        with lab.serve() as daemon, concurrent.futures.ThreadPoolExecutor(30) as threads:
            answers = list(threads.map(lab.get, [host] * 30))
            assert [answer.status for answer in answers] == [200] * 30
            assert reached(daemon, host) == [200]

    def test_an_error_that_varnish_would_keep_by_itself(self, lab):
        with lab.serve() as daemon:
            assert [lab.get("/host/" + "1" * 5000).status for _ in range(3)] == [414] * 3
            daemon.wait_for_log()
            assert daemon.log().count('" 414\n') == 3

    def test_what_tokens_are_asked_for_is_not_kept(self, lab):
        """So that those without get nothing of it, once p0f-lookupd wants one."""
        host = f"/host/{lab.visitor()}"
        with lab.serve() as daemon:
            for number in range(2):
                assert self.said(lab.get(host, {"Authorization": "Bearer x"})) == "passed"
                assert len(reached(daemon, host)) == number + 1


def _ask(endpoint, path, source=None):
    connection = connect(endpoint, source=source)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


def test_others_are_kept_out(fake, serve, scratch):
    with serve(fake) as daemon, \
            varnish.Varnish(scratch, [('.port = "5030"', f'.port = "{daemon.port}"'),
                                      ('"127.0.0.0"/8', '"127.0.0.1"')]) as server:
        for path in ("/livez", f"/host/{stranger()}"):
            assert _ask(server.endpoint, path, "127.0.0.1") in (200, 404)
            assert _ask(server.endpoint, path, "127.0.0.2") == 403


@pytest.mark.parametrize("probe, status", [("/livez", 200), ("/readyz", 503)])
def test_what_the_daemon_remembers_while_p0f_is_down(fake, serve, scratch, probe, status):
    """Why the example has /livez: with /readyz, Varnish would keep that from everybody."""
    fake.hosts["192.0.2.1"] = {"os_name": "Linux"}
    changes = [('.url = "/livez"', f'.url = "{probe}"'), *QUICK]
    with serve(fake, {"cache.ttl": "1h", "cache.incomplete_ttl": "1h", "http.access_log": "yes"}) as daemon:
        daemon.wait_for_p0f()
        assert daemon.host("192.0.2.1").status == 200
        fake.stop()
        wait_until(lambda: daemon.get("/readyz").status == 503, "the daemon to notice")
        with varnish.Varnish(scratch, [('.port = "5030"', f'.port = "{daemon.port}"'), *changes]) as server:
            wait_until(lambda: len(reached(daemon, probe)) >= 5, "Varnish to probe it")
            wait_until(lambda: _ask(server.endpoint, "/host/192.0.2.1") == status, f"Varnish to answer {status}")
            assert daemon.host("192.0.2.1").status == 200


def test_it_runs_where_debian_puts_it(fake, serve, scratch):
    """Unchanged, with the arguments of Debian's unit that need no user of its own."""
    fake.hosts["192.0.2.1"] = {"os_name": "Linux"}
    root = DebianRoot(f"{scratch}/root", ["varnish"])
    shutil.copy(varnish.EXAMPLE, f"{root.path}/etc/varnish/default.vcl")
    with serve(fake, also_listen=["127.0.0.1:5030"]) as daemon:
        daemon.wait_for_p0f()
        with open(f"{scratch}/output", "w+", encoding="utf-8") as output:
            process = root.launch("varnishd", "-j", "none", "-F", "-n", "/tmp/varnish", "-a", ":6081", "-T",
                                  "localhost:6082", "-f", "/etc/varnish/default.vcl", "-s", "malloc,256m",
                                  output=output)
            try:
                def serves():
                    output.seek(0)
                    text = output.read()
                    assert process.poll() is None, text
                    return varnish.SERVES in text
                wait_until(serves, "Varnish to serve")
                assert _ask(("127.0.0.1", 6081), "/host/192.0.2.1") == 200
            finally:
                process.terminate()
                process.wait()
