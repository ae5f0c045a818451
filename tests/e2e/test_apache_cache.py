# SPDX-License-Identifier: MIT
"""The example of an Apache that keeps answers, as it stands in conf/, with Debian's Apache and the real
p0f."""

import contextlib
import re

import apache
from daemon import free_port
from examples import example_text
from http_cache_cases import AT_LEISURE, AT_ONCE, HttpCacheCases, reached, stranger
from waiting import wait_until

CONFIG = "p0f-cache.conf"


class TestApache(HttpCacheCases):
    unreachable = 503

    @contextlib.contextmanager
    def cache(self, directory, port):
        endpoint = ("127.0.0.1", free_port())
        config = example_text(f"apache/{CONFIG}", [
            ("127.0.0.1:5030", f"127.0.0.1:{port}"), ("timeout=10", "timeout=1"),
            ("127.0.0.1:5031", f"127.0.0.1:{endpoint[1]}")])
        modules, = re.findall("^#     a2enmod (.*)", config, re.M)
        with apache.DebianApache(directory, modules.split(), {f"sites-available/{CONFIG}": config}):
            yield endpoint

    def said(self, answer):
        """By X-Cache: Apache has no Cache-Status."""
        word = answer["X-Cache"].partition(" ")[0]
        if word == "HIT":
            return "stale" if (answer["Warning"] or "").startswith("111 ") else "hit"
        if word == "REVALIDATE":
            return "revalidated"
        return "asked" if "fwd=request" in answer["Cache-Status"] else "miss"

    def test_what_the_daemon_does_not_keep_is_not_kept(self, lab):
        """Apache keeps a host all the same, but asks whether it is still valid each time."""
        known, unknown = f"/host/{lab.visitor()}", f"/host/{stranger()}"
        with lab.serve({"cache.ttl": "0", "cache.incomplete_ttl": "0", "cache.negative_ttl": "0"}) as daemon:
            for path, status, told in ((known, 200, [200, 304, 304]), (unknown, 404, [404] * 3)):
                assert [lab.get(path).status for _ in range(3)] == [status] * 3
                assert reached(daemon, path) == told

    def test_stale_at_once_while_it_is_revalidated(self, lab):
        """Of stale-while-revalidate Apache knows nothing: whoever asks first waits."""
        host = f"/host/{lab.visitor()}"
        with lab.serve(AT_LEISURE) as daemon:
            first = lab.get(host)
            assert set(self._until(lab, host, "revalidated", first.body)) <= {"hit", "revalidated"}
            assert reached(daemon, host) == [200, 304]

    def test_stale_when_the_daemon_is_gone(self, lab):
        """Apache has a "no match" for as long as a host."""
        host, unknown = f"/host/{lab.visitor()}", f"/host/{stranger()}"
        with lab.serve(AT_ONCE) as daemon:
            assert lab.get(unknown).status == 404
            first = lab.get(host)
            daemon.stop()
            assert set(self._until(lab, host, "stale", first.body)) <= {"hit", "stale"}
            wait_until(lambda: self.said(lab.get(unknown)) == "stale", "the no match to be stale")
            assert lab.get(unknown).status == 404
            assert lab.get(f"/host/{stranger()}").status == self.unreachable
            daemon.start()
            self._until(lab, host, "revalidated", first.body)

    def test_not_stale_for_longer_than_allowed(self, lab):
        """Of stale-if-error Apache knows nothing: stale, however old."""
        host = f"/host/{lab.visitor()}"
        with lab.serve({**AT_ONCE, "cache.stale_if_error": "0"}) as daemon:
            first = lab.get(host)
            daemon.stop()
            assert set(self._until(lab, host, "stale", first.body)) <= {"hit", "stale"}

    def test_who_is_not_to_be_forwarded(self, lab):
        """A visitor that has Apache drop the field which it adds is nobody else for that."""
        one, other = lab.visitor(), lab.visitor()
        with lab.serve():
            for pretence in (other, f"{other}, 127.0.0.1", "nonsense", ""):
                answer = lab.get("/self", source=one, headers={
                    "X-Forwarded-For": pretence, "Connection": "close, X-Forwarded-For"})
                assert answer.json()["ip"] == one
