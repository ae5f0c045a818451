# SPDX-License-Identifier: MIT
"""The real HAProxy, run for a test in front of one server, as lenient as it can be."""

import os
import subprocess

from daemon import ROOT, free_port
from waiting import SLOWDOWN, wait_until

PROGRAM = os.environ.get("HAPROXY_PROGRAM") or os.path.join(ROOT, "build", "haproxy")

CONFIG = """global
    log stdout format raw local0
defaults
    mode http
    log global
    retries 0
    http-reuse always
    option accept-invalid-http-request
    timeout connect 30s
    timeout client 30s
    timeout server 30s
frontend clients
    bind {host}:{port}
    log-format "%s %ST %{{+Q}}r"
    default_backend servers
backend servers
    server forwarded {server}:{server_port} pool-max-conn 4
"""


class HaProxy:
    """With-block in which HAProxy stands in front of `server` at `endpoint`."""

    def __init__(self, directory, server):
        self.endpoint = ("127.0.0.1", free_port())
        self._config = os.path.join(directory, "haproxy.cfg")
        self._log = os.path.join(directory, "haproxy.log")
        with open(self._config, "w", encoding="utf-8") as config:
            config.write(CONFIG.format(host=self.endpoint[0], port=self.endpoint[1], server=server[0],
                                       server_port=server[1]))
        self._process = None

    def __enter__(self):
        with open(self._log, "wb") as log:
            self._process = subprocess.Popen([PROGRAM, "-db", "-f", self._config],
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._listens, "HAProxy to listen")
        return self

    def _listens(self):
        assert self._process.poll() is None, f"HAProxy ended:\n{self.log()}"
        with open("/proc/net/tcp", encoding="ascii") as sockets:
            return f":{self.endpoint[1]:04X} 00000000:0000 0A" in sockets.read()

    def __exit__(self, kind, value, trace):
        self._process.terminate()
        self._process.wait(20 * SLOWDOWN)
        if kind is not None:
            print(f"--- the end of what HAProxy said ---\n{self.log()[-5000:]}")

    def log(self):
        with open(self._log, encoding="utf-8", errors="backslashreplace") as log:
            return log.read()

    def forwarded(self):
        """The request lines that it has passed on."""
        return [line.partition('"')[2] for line in self.log().split("\n")
                if line.startswith("forwarded ")]
