# SPDX-License-Identifier: MIT
"""Any server that is not ours, run for a test."""

import os
import subprocess

from waiting import SLOWDOWN, wait_until


class ServerProgram:
    """With-block in which it serves. `name` is what messages call it; it may end with one of `ends_with`. What
    it prints goes to the file `printed`."""

    name = ""
    ends_with = (0,)
    bound = 20          # for its start, in seconds

    def __init__(self, printed):
        self._printed = str(printed)
        self.process = None

    def launch(self, output):
        """Start it, with its output there; returns the Popen."""
        raise NotImplementedError

    def serves(self):
        """Whether it does by now."""
        raise NotImplementedError

    def __enter__(self):
        with open(self._printed, "ab") as output:
            self.process = self.launch(output)
        try:
            wait_until(self._serves, f"{self.name} to serve", self.bound)
        except BaseException:
            self._end()
            raise
        return self

    def _serves(self):
        assert self.process.poll() is None, f"{self.name} ended with {self.process.returncode}:\n{self.log()}"
        return self.serves()

    def _end(self):
        """Its children end with it, unless it is killed."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(20 * SLOWDOWN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def __exit__(self, kind, value, trace):
        code = self._end()
        if kind is None:
            assert code in self.ends_with, f"{self.name} ended with {code}:\n{self.log()}"
        else:
            print(f"--- what {self.name} said ---\n{self.log()[-5000:]}")

    def log(self):
        """What it has printed."""
        return read_log(self._printed)


def read_log(path):
    """"" if there is none yet."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="backslashreplace") as log:
        return log.read()
