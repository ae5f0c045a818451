# SPDX-License-Identifier: MIT
"""Caddy as Debian packages it, run for a test with the examples in conf/."""

import os
import re
import subprocess

from debian_root import layered
from examples import example_text
from server_program import ServerProgram
from waiting import SLOWDOWN

# For a Caddyfile: no port of its own, and no waiting for connections when it ends.
OPTIONS = "{\n\tadmin off\n\tgrace_period 1ms\n}\n"

# What Caddy says once it listens.
SERVES = "serving initial configuration"


def copy_example(name, directory, changes=()):
    """A copy of conf/caddy/`name` in the directory, with these changes."""
    with open(os.path.join(directory, name), "w", encoding="utf-8") as out:
        out.write(example_text(f"caddy/{name}", changes))


def shown_caddyfile():
    """The Caddyfile shown at the top of p0f-forward-auth.caddy."""
    top = example_text("caddy/p0f-forward-auth.caddy").partition("\n\n")[0]
    return re.search(r"^#     import (.|\n)*^#     }\n", top, re.M)[0].replace("#     ", "").replace("#\n", "\n")


def environment(directory):
    """With which Caddy keeps what it keeps there."""
    return {"PATH": os.environ["PATH"], "HOME": directory}


def run(directory, *arguments):
    """One of its commands; the CompletedProcess, with text."""
    return subprocess.run(layered("caddy", *arguments), cwd=directory, env=environment(directory),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20 * SLOWDOWN,
                          check=False)


class Caddy(ServerProgram):
    """With-block in which it serves that Caddyfile, which is put into the directory."""

    name = "Caddy"

    def __init__(self, directory, text):
        self.directory = str(directory)
        super().__init__(os.path.join(self.directory, "caddy.err"))
        with open(os.path.join(self.directory, "Caddyfile"), "w", encoding="utf-8") as out:
            out.write(text)

    def launch(self, output):
        return subprocess.Popen(
            layered("caddy", "run"), cwd=self.directory, env=environment(self.directory),
            stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def serves(self):
        return SERVES in self.log()
