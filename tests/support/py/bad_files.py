# SPDX-License-Identifier: MIT
"""Ways to spoil a file that the daemon reads, and the daemon as a user who may not read everything."""

import contextlib
import os
import resource
import socket
import subprocess

from daemon import PROGRAM, WRAP, environment
from waiting import SLOWDOWN

# Root may read everything, so it is taken that right: what is left is what any user has.
AS_A_USER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]

MEMORY = 256 << 20      # bytes that reading a file may take, of 1 GiB


def remove(path):
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def write(path, data, mode=0o644):
    remove(path)
    with open(path, "wb") as out:
        out.write(data)
    os.chmod(path, mode)


def link(path, target):
    remove(path)
    os.symlink(target, path)


def _directory(path, _):
    remove(path)
    os.mkdir(path)


def _fifo(path, _):
    remove(path)
    os.mkfifo(path)


def _socket(path, _):
    remove(path)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)


def _sparse(path, good):
    write(path, good)
    os.truncate(path, 1 << 30)


# How to make each of what `good` is the proper content, and what is said of it after "PATH: ".
NO_FILE = {
    "missing": (lambda path, good: remove(path), "no such file; create it, or correct the path"),
    "directory": (_directory, "it is a directory; a regular file is needed"),
    "fifo": (_fifo, "it is a pipe; a regular file is needed"),
    "socket": (_socket, "it is a socket or a device; a regular file is needed"),
    "endless device": (lambda path, good: link(path, "/dev/zero"), "it is a device; a regular file is needed"),
    "terminal": (lambda path, good: link(path, "/dev/ptmx"), "it is a device; a regular file is needed"),
    "dangling link": (lambda path, good: link(path, "/nonexistent/file"),
                      "it is a symbolic link to /nonexistent/file, which does not exist"),
    "loop of links": (lambda path, good: link(path, path), "a loop of symbolic links"),
    "unreadable": (lambda path, good: write(path, good, 0o000),
                   "permission denied: the user 0 of the daemon may not read it (owner 0, group 0, mode 0000); "
                   "chgrp it to a group of the daemon, and chmod g+r"),
    "sparse and huge": (_sparse, "it has more than 1048576 bytes; is it the right file?"),
}


def run_as_user(*arguments):
    """As a user, with little memory."""
    def limit():
        if not WRAP and not os.environ.get("SAN"):     # a sanitizer maps more
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    return subprocess.run([*AS_A_USER, *WRAP, PROGRAM, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          encoding="utf-8", errors="backslashreplace", timeout=20 * SLOWDOWN, check=False,
                          env=environment(), preexec_fn=limit)


def restore(path, good, mode=0o644):
    """Whatever is there now."""
    if os.path.isdir(path) and not os.path.islink(path):
        os.rmdir(path)
    write(path, good, mode)
