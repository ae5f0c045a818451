# SPDX-License-Identifier: MIT
"""Varnish as Debian packages it, run for a test with the example in conf/."""

import os
import subprocess

from daemon import ROOT, free_port
from debian_root import layered
from waiting import SLOWDOWN, wait_until

EXAMPLE = f"{ROOT}/conf/varnish/p0f-cache.vcl"

# What Varnish says once it listens.
SERVES = "said Child starts"


class Varnish:
    """With-block in which it serves the example at `endpoint`; the texts of `changes` (old, new) are
    replaced in it first, and each must be there once."""

    def __init__(self, directory, changes=()):
        self.directory = str(directory)
        self.endpoint = ("127.0.0.1", free_port())
        self._log = os.path.join(self.directory, "varnish.log")
        self._vcl = os.path.join(self.directory, "example.vcl")
        with open(EXAMPLE, encoding="utf-8") as example:
            text = example.read()
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        with open(self._vcl, "w", encoding="utf-8") as out:
            out.write(text)
        self.process = None

    def __enter__(self):
        # One process for the manager, without a user of its own, and little memory.
        options = ["-j", "none", "-n", f"{self.directory}/varnish", "-a", f"{self.endpoint[0]}:{self.endpoint[1]}",
                   "-f", self._vcl, "-s", "malloc,16m", "-T", "none"]
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(layered("varnishd", "-F", *options), stdin=subprocess.DEVNULL,
                                            stdout=log, stderr=log)
        try:
            wait_until(self._serves, "Varnish to serve")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def _serves(self):
        assert self.process.poll() is None, f"Varnish ended with {self.process.returncode}:\n{self.log()}"
        return SERVES in self.log()

    def __exit__(self, kind, value, trace):
        self.process.terminate()
        self.process.wait(20 * SLOWDOWN)
        if kind is not None:
            print(f"--- what Varnish said ---\n{self.log()[-5000:]}")
        assert "Panic" not in self.log(), self.log()

    def log(self):
        with open(self._log, encoding="utf-8", errors="backslashreplace") as log:
            return log.read()
