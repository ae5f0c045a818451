# SPDX-License-Identifier: MIT
"""Caddy as Debian packages it, run for a test with the examples in conf/."""

import os
import re
import subprocess

from daemon import ROOT
from debian_root import layered
from waiting import SLOWDOWN, wait_until

# For a Caddyfile: no port of its own, and no waiting for connections when it ends.
OPTIONS = "{\n\tadmin off\n\tgrace_period 1ms\n}\n"

# What Caddy says once it listens.
SERVES = "serving initial configuration"


def example(name, directory, changes=()):
    """A copy of conf/caddy/`name` in the directory, in which the texts of `changes` (old, new) have been
    replaced, wherever they are; each must be there."""
    with open(f"{ROOT}/conf/caddy/{name}", encoding="utf-8") as source:
        text = source.read()
    for old, new in changes:
        assert old in text, f"{name} does not have {old!r}"
        text = text.replace(old, new)
    with open(os.path.join(directory, name), "w", encoding="utf-8") as out:
        out.write(text)


def shown_caddyfile():
    """The Caddyfile shown at the top of p0f-forward-auth.caddy."""
    with open(f"{ROOT}/conf/caddy/p0f-forward-auth.caddy", encoding="utf-8") as example:
        top = example.read().partition("\n\n")[0]
    return re.search(r"^#     import (.|\n)*^#     }\n", top, re.M)[0].replace("#     ", "").replace("#\n", "\n")


def environment(directory):
    """With which Caddy keeps what it keeps there."""
    return {"PATH": os.environ["PATH"], "HOME": directory}


def run(directory, *arguments):
    """One of its commands; the CompletedProcess, with text."""
    return subprocess.run(layered("caddy", *arguments), cwd=directory, env=environment(directory),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20 * SLOWDOWN,
                          check=False)


class Caddy:
    """With-block in which it serves that Caddyfile, which is put into the directory."""

    def __init__(self, directory, text):
        self.directory = str(directory)
        self._log = os.path.join(self.directory, "caddy.err")
        with open(os.path.join(self.directory, "Caddyfile"), "w", encoding="utf-8") as out:
            out.write(text)
        self.process = None

    def __enter__(self):
        with open(self._log, "wb") as log:
            self.process = subprocess.Popen(
                layered("caddy", "run"), cwd=self.directory, env=environment(self.directory),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self._serves, "Caddy to serve")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def _serves(self):
        assert self.process.poll() is None, f"Caddy ended with {self.process.returncode}:\n{self.log()}"
        return SERVES in self.log()

    def __exit__(self, kind, value, trace):
        self.process.terminate()
        code = self.process.wait(20 * SLOWDOWN)
        if kind is None:
            assert code == 0, f"Caddy ended with {code}:\n{self.log()}"
        else:
            print(f"--- what Caddy said ---\n{self.log()[-5000:]}")

    def log(self):
        with open(self._log, encoding="utf-8", errors="backslashreplace") as log:
            return log.read()
