# SPDX-License-Identifier: MIT
"""A root directory in which a program finds the files of its package where Debian puts them, and
nothing else in /etc and /var. What the program needs beside those is the machine's own."""

import os
import shutil
import subprocess

# Of the machine's /etc, for programs that change to another user or look up a name.
_ETC = ("passwd", "group", "nsswitch.conf", "hosts", "ld.so.cache")
_VAR = ("cache", "lib", "log", "tmp")       # as in base-files
_BOUND = ("usr", "dev", "proc")

_ENTER = """set -e
for name in {bound}; do mount --rbind "/$name" "$0/$name"; done
exec chroot "$0" "$@"
"""


class DebianRoot:
    """`path` is the directory, `files` the unpacked package."""

    def __init__(self, path, files):
        self.path = str(path)
        for name in ("etc", "var"):
            shutil.copytree(f"{files}/{name}", f"{self.path}/{name}", symlinks=True)
        for name in _ETC:
            if os.path.exists(f"/etc/{name}"):      # a bare system has no hosts
                shutil.copy2(f"/etc/{name}", f"{self.path}/etc/{name}")
        for name in (*_BOUND, "run", "tmp", *(f"var/{name}" for name in _VAR)):
            os.makedirs(f"{self.path}/{name}", exist_ok=True)
        os.symlink("/run", f"{self.path}/var/run")
        for name in ("bin", "sbin", "lib", "lib64"):
            if os.path.islink(f"/{name}"):
                os.symlink(os.readlink(f"/{name}"), f"{self.path}/{name}")

    def launch(self, *command, output):
        """Start a program in it; returns the Popen. Its mounts end with it."""
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", _ENTER.format(bound=" ".join(_BOUND)), self.path,
             *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
