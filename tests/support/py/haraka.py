# SPDX-License-Identifier: MIT
"""Haraka's plugin p0f, from npm, run by haraka.mjs."""

import json
import os
import subprocess

from daemon import ROOT
from waiting import Bounded

NPM_DIR = os.environ.get("NPM_DIR", os.path.join(ROOT, "build", "npm"))
_SCRIPT = os.path.join(ROOT, "tests", "support", "npm", "haraka.mjs")


class Haraka:
    """With-block in which it gets messages; `settings` is its config/p0f.ini."""

    def __init__(self, directory, settings):
        self._directory = directory
        os.makedirs(f"{directory}/config")
        with open(f"{directory}/config/p0f.ini", "w", encoding="ascii") as file:
            file.write(settings)
        self._process = None

    def __enter__(self):
        self._process = Bounded(["node", _SCRIPT, NPM_DIR, self._directory], bound=60, text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self

    def __exit__(self, *details):
        self._process.stdin.close()
        ended = self._process.wait()
        self._process.__exit__(*details)
        assert ended == 0

    def begin(self, *addresses):
        """So many messages come, all at once."""
        self._process.stdin.write("".join(f"{address}\n" for address in addresses))
        self._process.stdin.flush()

    def finish(self, count):
        """What the plugin has made of so many of them, by address: (results, headers)."""
        answers = [json.loads(self._process.stdout.readline()) for _ in range(count)]
        return {answer["ip"]: (answer["results"], answer["headers"]) for answer in answers}

    def message(self, address):
        self.begin(address)
        return self.finish(1)[address]
