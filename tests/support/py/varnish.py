# SPDX-License-Identifier: MIT
"""Varnish as Debian packages it, run for a test with the example in conf/."""

import os
import subprocess

from daemon import ROOT, free_port
from debian_root import layered
from server_program import ServerProgram

EXAMPLE = f"{ROOT}/conf/varnish/p0f-cache.vcl"

# What Varnish says once it listens.
SERVES = "said Child starts"


class Varnish(ServerProgram):
    """With-block in which it serves the example at `endpoint`; the texts of `changes` (old, new) are
    replaced in it first, and each must be there once."""

    name = "Varnish"

    def __init__(self, directory, changes=()):
        super().__init__(os.path.join(directory, "varnish.log"))
        self.directory = str(directory)
        self.endpoint = ("127.0.0.1", free_port())
        self._vcl = os.path.join(self.directory, "example.vcl")
        with open(EXAMPLE, encoding="utf-8") as example:
            text = example.read()
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        with open(self._vcl, "w", encoding="utf-8") as out:
            out.write(text)

    def launch(self, output):
        # One process for the manager, without a user of its own, and little memory.
        options = ["-j", "none", "-n", f"{self.directory}/varnish", "-a", f"{self.endpoint[0]}:{self.endpoint[1]}",
                   "-f", self._vcl, "-s", "malloc,16m", "-T", "none"]
        return subprocess.Popen(layered("varnishd", "-F", *options), stdin=subprocess.DEVNULL,
                                stdout=output, stderr=output)

    def serves(self):
        return SERVES in self.log()

    def __exit__(self, *error):
        super().__exit__(*error)
        assert "Panic" not in self.log(), self.log()
