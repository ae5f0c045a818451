# SPDX-License-Identifier: MIT
"""hold.c and flood.c, run for a test: more connections, and more requests, than Python could make."""

import json
import os
import signal
import subprocess

from busy_p0f import TOOLS
from http_client import BOUND


class _Attacker:
    """Goes on until the block's end."""

    def __init__(self, program, *words, **options):
        """The options by their letters, as in http_load.py."""
        command = [os.path.join(TOOLS, program), *map(str, words)]
        for letter, value in options.items():
            command += [f"-{letter}"] if value is True else [f"-{letter}", str(value)]
        # Unbuffered: it may be done already, and what is read here beyond the line would be lost.
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.PIPE, bufsize=0)

    def __enter__(self):
        assert self._process.stdout.readline() == b"begun\n", f"{self._process.args[0]} did not begin"
        return self

    def end(self):
        """What it says at its end; see there."""
        self._process.send_signal(signal.SIGTERM)
        said = self._process.communicate(timeout=BOUND)[0]
        assert self._process.returncode == 0, f"{self._process.args[0]} ended badly"
        return json.loads(said)

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


class Hold(_Attacker):
    """Keeps connections."""

    def __init__(self, port, **options):
        super().__init__("hold", port, **options)


class Flood(_Attacker):
    """Sends one request again and again: bytes, for which a file is written to that directory."""

    def __init__(self, daemon, request, **options):
        path = os.path.join(daemon.directory, f"request-{len(os.listdir(daemon.directory))}")
        with open(path, "wb") as out:
            out.write(request)
        super().__init__("flood", daemon.port, path, **options)
