# SPDX-License-Identifier: MIT
"""Servers as Debian packages them, without being installed: `make check-deps` unpacks them, with the
libraries that they need, into one layer, to be put over the machine's own files.

layered() runs a program of that layer on the machine as it is, for a test that writes the program's
settings itself. DebianRoot is for one that takes the settings of Debian's package."""

import os
import shutil
import subprocess

import lacking
from daemon import ROOT

LAYER = os.environ.get("SERVERS") or os.path.join(ROOT, "build", "servers")

# Of the machine's /etc, for programs that change to another user or look up a name.
_ETC = ("passwd", "group", "nsswitch.conf", "ld.so.cache")
_VAR = ("cache", "lib", "log", "tmp")       # as in base-files
_BOUND = ("dev", "proc")

_OVER = 'set -e; mount -t overlay -o lowerdir="$0/usr:/usr" overlay /usr; exec "$@"'

_ENTER = """set -e
mount -t overlay -o lowerdir="$1/usr:/usr" overlay "$0/usr"
for name in {bound}; do mount --rbind "/$name" "$0/$name"; done
shift
exec chroot "$0" "$@"
"""


def _check(layer):
    lacking.skip_without("namespaces")
    assert os.path.isdir(layer), f"there is no {layer}: make check-deps"


def layered(*command, layer=LAYER):
    """The command that runs `command` with the layer over /usr, as that process and with its mounts seen
    by it alone. The rest of the machine is what it is: /etc is not the layer's."""
    _check(layer)
    return ["unshare", "--mount", "sh", "-c", _OVER, layer, *command]


class DebianRoot:
    """A root directory in which a program finds the files of its package where Debian puts them, and
    nothing else in /etc and /var. `path` is the directory; `names` are the entries of the layer's /etc
    and, below /var, of its cache, lib and log that are there."""

    def __init__(self, path, names, layer=LAYER):
        _check(layer)
        self.path = str(path)
        self._layer = layer
        for name in ("usr", *_BOUND, "etc", "run", "tmp", *(f"var/{name}" for name in _VAR)):
            os.makedirs(f"{self.path}/{name}", exist_ok=True)
        os.chmod(f"{self.path}/tmp", 0o1777)
        for parent in ("etc", "var/cache", "var/lib", "var/log"):
            for name in names:
                if os.path.isdir(f"{layer}/{parent}/{name}"):
                    # With their owners.
                    subprocess.run(["cp", "-a", f"{layer}/{parent}/{name}", f"{self.path}/{parent}"],
                                   check=True)
        for name in _ETC:
            shutil.copy2(f"/etc/{name}", f"{self.path}/etc/{name}")
        with open(f"{self.path}/etc/hosts", "w", encoding="ascii") as hosts:    # a bare system has none
            hosts.write("127.0.0.1 localhost\n::1 localhost\n")
        os.symlink("/run", f"{self.path}/var/run")
        for name in ("bin", "sbin", "lib", "lib64"):
            if os.path.islink(f"/{name}"):
                os.symlink(os.readlink(f"/{name}"), f"{self.path}/{name}")

    def launch(self, *command, output):
        """Start a program in it; returns the Popen. Its mounts end with it."""
        return subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", _ENTER.format(bound=" ".join(_BOUND)), self.path,
             self._layer, *command], stdin=subprocess.DEVNULL, stdout=output, stderr=output)
