# SPDX-License-Identifier: MIT
"""A daemon whose memory gives out on order: starve.c, preloaded into it."""

import mmap
import os
import struct

import pytest

import daemon as daemon_module

LIBRARY = os.path.join(os.path.dirname(daemon_module.PROGRAM), "tests", "support", "c", "starve.so")
FOR_GOOD = 2**62

# The members of struct starving.
_FIRST, _LAST, _MADE, _REFUSED, _ASKER, _LIVE = range(0, 48, 8)
_SIZE = 48


def _program_holds(*marks):
    with open(daemon_module.PROGRAM, "rb") as program:
        image = program.read()
    return any(mark in image for mark in marks)


# What cannot be done with some builds of the daemon, and why.
needs_own_malloc = pytest.mark.skipif(
    _program_holds(b"libasan.so", b"libtsan.so"),
    reason="a sanitizer brings an allocator of its own, which must be the first one loaded")
needs_plain_life = pytest.mark.skipif(
    _program_holds(b".gcda") or bool(daemon_module.WRAP),
    reason="before and after the daemon other code runs that does not ask whether there is memory: "
           "gcov at the exit, or the script that starts valgrind")


class Starving:
    """What a daemon needs in its environment, and when it gets no memory."""

    def __init__(self, directory):
        path = os.path.join(str(directory), "starve")
        with open(path, "wb") as file:
            file.truncate(mmap.PAGESIZE)
        self._fd = os.open(path, os.O_RDWR)
        self._shared = mmap.mmap(self._fd, _SIZE)
        self.environment = {"LD_PRELOAD": LIBRARY, "STARVE": path}

    def _get(self, at):
        return struct.unpack_from("q", self._shared, at)[0]

    def _set(self, at, value):
        struct.pack_into("q", self._shared, at, value)

    def start(self, first, only_once):
        """From now on the allocation `first`, counted from 1, fails; and all after it until end(),
        unless that is to happen only once."""
        for at in (_MADE, _REFUSED, _ASKER):
            self._set(at, 0)
        self._set(_LAST, first if only_once else FOR_GOOD)
        self._set(_FIRST, first)

    def end(self):
        """Memory is back. Returns how many allocations were refused."""
        self._set(_FIRST, 0)
        return self.refused()

    def made(self):
        """How many there have been since start()."""
        return self._get(_MADE)

    def refused(self):
        return self._get(_REFUSED)

    def live(self):
        """How many blocks are in use."""
        return self._get(_LIVE)

    def caller(self, pid):
        """Who was refused memory, as well as can be told: file+offset."""
        at = self._get(_ASKER)
        try:
            with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
                for line in maps:
                    span, _, offset, _, _, *name = line.split()
                    begin, end = (int(part, 16) for part in span.split("-"))
                    if begin <= at < end:
                        return f"{name[0] if name else '?'}+{at - begin + int(offset, 16):#x}"
        except OSError:
            pass
        return f"{at:#x}"
