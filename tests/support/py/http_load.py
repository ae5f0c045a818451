# SPDX-License-Identifier: MIT
"""http_load.c, run for a test: more requests than Python could make. Its options are there."""

import json
import os
import signal
import subprocess
from collections import namedtuple

from busy_p0f import TOOLS
from waiting import SLOWDOWN

# In `make harm` the numbers are those that matter; else they are such that the tests are quick.
FULL = bool(os.environ.get("FULL"))

Report = namedtuple("Report", "statuses wrong broken refused left seconds p50 p99 p999 most")


class Load:
    """Begins at once, goes on in the background; end() or result() must be called."""

    def __init__(self, daemon, **options):
        """The options by their letters: n=1000, c=64, x=True, ..."""
        words = [os.path.join(TOOLS, "http_load")]
        for letter, value in options.items():
            words += [f"-{letter}"] if value is True else [f"-{letter}", str(value)]
        # Unbuffered: it may be done already, and what is read here beyond the line would be lost.
        self._process = subprocess.Popen([*words, str(daemon.port)], stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, bufsize=0)
        assert self._process.stdout.readline() == b"begun\n", "http_load did not begin"

    def end(self):
        """No more requests."""
        self._process.send_signal(signal.SIGTERM)
        return self.result()

    def result(self, bound=300):
        """The report, once it has done all it was to do."""
        try:
            said = self._process.communicate(timeout=bound * SLOWDOWN)[0].decode()
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise AssertionError(f"http_load did not finish in {bound} s") from None
        assert self._process.returncode == 0, f"http_load ended with {self._process.returncode}"
        fields = json.loads(said)
        fields["statuses"] = {int(status): n for status, n in fields["statuses"].items()}
        if FULL:
            print("\n ", " ".join(self._process.args[1:]), "->", said.rstrip())
        return Report(**fields)


def load(daemon, **options):
    return Load(daemon, **options).result()
