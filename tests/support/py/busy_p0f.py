# SPDX-License-Identifier: MIT
"""busy_p0f.c, run for a test: a p0f that stalls, and dies of what the real one dies of."""

import json
import os
import signal
import subprocess

import daemon
from waiting import wait_until

TOOLS = os.path.join(os.path.dirname(daemon.PROGRAM), "tests", "support", "c")


class BusyP0f:
    """With-block in which it serves. At its end every client must have gone, and none too early."""

    def __init__(self, path):
        self.path = str(path)
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen([os.path.join(TOOLS, "busy_p0f"), self.path], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._counts()
        return self

    def __exit__(self, kind, value, trace):
        self.resume()
        if kind is None:
            wait_until(lambda: self.counts()["clients"] == 0, "every client to go")
        counts = self.end()
        if kind is None:
            assert not counts["died"], f"p0f is dead: {counts}"
            assert counts["early_closes"] == 0, f"a connection was closed early: {counts}"
            assert counts["half_closes"] == 0, f"a connection was half-closed: {counts}"

    def end(self):
        """What it counted in all its life. It may have died before."""
        said = self.process.communicate()[0]
        if os.environ.get("FULL"):
            print("\n  p0f:", said.splitlines()[-1])
        return json.loads(said.splitlines()[-1])

    def _counts(self):
        line = self.process.stdout.readline()
        assert line, "busy_p0f has gone"
        counts = json.loads(line)
        assert not counts["died"], f"p0f is dead: {counts}"
        return counts

    def _order(self, order):
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        return self._counts()

    def counts(self):
        """What it has counted so far."""
        return self._order("report")

    def stall(self, milliseconds, every=0):
        """From now on it works at packets for so long, so many milliseconds after the last time (0:
        in every round); 0 for no more stalls."""
        return self._order(f"stall {milliseconds} {every}")

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)
