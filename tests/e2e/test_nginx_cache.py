# SPDX-License-Identifier: MIT
"""The example of an nginx that keeps answers, as it stands in conf/, with the real nginx and p0f."""

import contextlib
import tempfile

import pytest

import nginx
from daemon import free_port
from http_cache_cases import AT_ONCE, HttpCacheCases, stranger
from waiting import wait_until


@contextlib.contextmanager
def _serve(directory, daemon_port, *changes):
    port = free_port()
    text = nginx.cache_example(directory, daemon_port, port,
                               [("proxy_read_timeout 10s", "proxy_read_timeout 1s"), *changes])
    with nginx.Nginx(directory, text, port) as server:
        yield server.endpoint


class TestNginx(HttpCacheCases):
    own_name = "nginx"

    @contextlib.contextmanager
    def cache(self, directory, port):
        with _serve(directory, port) as endpoint:
            yield endpoint

    @pytest.mark.parametrize("stale_for_errors", [False, True])
    def test_when_the_daemon_knows_nothing_any_more(self, lab, stale_for_errors):
        """Restarted, with a p0f that is dead: the line that is there as a comment makes a difference. With a
        p0f that does not know the host: 404, which is no error for which something stale could be served."""
        line = "proxy_cache_use_stale http_502"
        changes = [(f"#{line}", line)] if stale_for_errors else []
        with tempfile.TemporaryDirectory(prefix="lookupd-", dir="/tmp") as directory, \
                _serve(directory, lab.port, *changes) as endpoint:
            lab = lab.behind(endpoint)
            host = f"/host/{lab.visitor()}"
            with lab.serve(AT_ONCE) as daemon:
                first = lab.get(host)
                daemon.stop()
                lab.p0f.kill()
                daemon.start()
                try:
                    wait_until(lambda: daemon.get(host).status == 503, "the daemon to be of no use")
                    if stale_for_errors:
                        self._until(lab, host, "stale", first.body)
                        assert lab.get(f"/host/{stranger()}").status == 503
                    else:
                        wait_until(lambda: lab.get(host).status == 503, "nginx to say so")
                finally:
                    lab.p0f.start()
                wait_until(lambda: lab.get(host).status == 404, "nginx to say that p0f does not know it")
