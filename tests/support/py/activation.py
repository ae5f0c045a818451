# SPDX-License-Identifier: MIT
"""Passes listening sockets to the daemon, as systemd does for socket units (sd_listen_fds(3))."""

import socket
import subprocess
import sys

from daemon import PROGRAM, WRAP, environment
from waiting import SLOWDOWN

# Runs in the process that becomes the daemon: its descriptors are to begin at 3, and LISTEN_PID is its own.
_BECOME = """
import os, sys
fds = [int(fd) for fd in sys.argv[1].split(",")]
for to, fd in enumerate([os.dup(fd) for fd in fds], 3 + 2 * len(fds)):
    os.dup2(fd, to + 100)
for nth in range(len(fds)):
    os.dup2(3 + 2 * len(fds) + 100 + nth, 3 + nth)
os.closerange(3 + len(fds), 1000)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execvp(sys.argv[2], sys.argv[2:])
"""


def _become(fds):
    return [sys.executable, "-c", _BECOME, ",".join(map(str, fds))]


def _variables(names, count):
    return {"LISTEN_FDS": str(count), **({} if names is None else {"LISTEN_FDNAMES": ":".join(names)})}


def options(sockets, names):
    """For serve(): a daemon that inherits these sockets, which have these FileDescriptorName=."""
    fds = [sock.fileno() for sock in sockets]
    return {"prefix": _become(fds), "pass_fds": fds, "extra_environment": _variables(names, len(fds))}


def run_to_end(sockets, names, *arguments):
    """The CompletedProcess of one that is not expected to serve."""
    fds = [sock.fileno() for sock in sockets]
    return subprocess.run([*_become(fds), *WRAP, PROGRAM, *arguments], stdin=subprocess.DEVNULL, pass_fds=fds,
                          capture_output=True, text=True, timeout=20 * SLOWDOWN, check=False,
                          env=environment(_variables(names, len(fds))))


def listen_tcp(host="127.0.0.1", port=0):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128)


def listen_unix(path):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    sock.bind(path)
    sock.listen(128)
    return sock


def endpoint(sock):
    name = sock.getsockname()
    return name if isinstance(name, str) else name[:2]
