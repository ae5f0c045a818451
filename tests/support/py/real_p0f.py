# SPDX-License-Identifier: MIT
"""Debian's p0f, run for a test: start, kill, restart, and one question asked without the daemon."""

import os
import shutil
import signal
import socket
import subprocess

import p0f_wire
from waiting import wait_until

# A query sent to a p0f that is alive is answered within milliseconds; a socket is never left while
# an answer to it is outstanding, so this bound is there only to fail instead of hanging.
ANSWER_BOUND = 20


def missing():
    """Why the real p0f cannot be run here, or None."""
    if shutil.which("p0f") is None:
        return "p0f is not installed"
    if os.geteuid() != 0:
        return "capture needs root"
    return None


def ask(path, *addresses):
    """Ask p0f itself, on a connection of our own; the answers as dicts, in order."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(ANSWER_BOUND)
        sock.connect(str(path))
        sock.sendall(b"".join(p0f_wire.pack_query(address) for address in addresses))
        with sock.makefile("rb") as stream:
            return [p0f_wire.unpack_answer(stream.read(p0f_wire.SIZE["p0f3"]))
                    for _ in addresses]


class RealP0f:
    """One p0f process; its socket, its log (-o) and what it prints are files in `directory`."""

    def __init__(self, directory, interface="lo", packets=None, prefix=(), options=()):
        self.socket = os.path.join(directory, "p0f.sock")
        self.log = os.path.join(directory, "p0f.log")
        self.output = os.path.join(directory, "p0f.out")
        # If p0f does not run for some 80 ms, its capture buffer overflows and packets are lost.
        self.command = [*prefix, "nice", "-n", "-20", "p0f", "-i", interface, "-s", self.socket,
                        "-o", self.log, *options]
        if packets is not None:
            self.command.append(packets)       # a filter expression
        self.process = None

    def start(self):
        with open(self.output, "ab") as output:
            # UTC, as the log holds local times.
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=output, env={**os.environ, "TZ": "UTC"})
        wait_until(self._answers, "p0f to answer on its socket")
        return self

    def _answers(self):
        if self.process.poll() is not None:
            with open(self.output, encoding="latin-1") as output:
                raise AssertionError(f"p0f ended with {self.process.returncode}:\n{output.read()}")
        try:
            return self.ask("0.0.0.0")["status"] == p0f_wire.NO_MATCH
        except OSError:
            return False

    def ask(self, address):
        return ask(self.socket, address)[0]

    def known(self, address):
        answer = self.ask(address)
        return answer if answer["status"] == p0f_wire.OK else None

    def wait_to_know(self, address):
        """Until it has read the request of a visitor."""
        wait_until(lambda: (self.known(address) or {}).get("language"),
                   f"p0f to read the request of {address}")

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """The hard way: what it knew is lost and its socket file stays behind."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self):
        """The soft way, so that its log is written out."""
        if self.alive():
            self.process.send_signal(signal.SIGCONT)  # a test that has stopped it may have failed
            self.process.terminate()
            self.process.send_signal(signal.SIGCONT)    # a test that failed may have stopped it
            self.process.wait()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()
