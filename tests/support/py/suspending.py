# SPDX-License-Identifier: MIT
"""A daemon on a machine that was suspended: suspend.c, preloaded into it."""

import mmap
import os
import struct

import daemon as daemon_module

LIBRARY = os.path.join(os.path.dirname(daemon_module.PROGRAM), "tests", "support", "c", "suspend.so")


class Suspending:
    """What a daemon needs in its environment, and for how long the machine has slept."""

    def __init__(self, directory):
        path = os.path.join(str(directory), "suspended")
        with open(path, "wb") as file:
            file.truncate(mmap.PAGESIZE)
        with open(path, "r+b") as file:
            self._shared = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self.environment = {"LD_PRELOAD": LIBRARY, "SUSPENDED": path}

    def suspend(self, seconds):
        """That much longer; it is over at once."""
        [ns] = struct.unpack_from("q", self._shared)
        struct.pack_into("q", self._shared, 0, ns + seconds * 10**9)
