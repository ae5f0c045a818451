# SPDX-License-Identifier: MIT
"""Network namespaces: a loopback interface of one's own, and one with a veth pair in it, so that a
capture can be replayed to p0f alone."""

import ctypes
import itertools
import os
import subprocess

import lacking

_numbers = itertools.count(1)

SEND, RECEIVE = "v0", "v1"


def _ip(*words):
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL)


def move_into_own():
    """This thread, and what it starts from now on, has a loopback interface that nobody else uses."""
    clone_newnet = 0x40000000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(clone_newnet) != 0:
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET)")
    _ip("link", "set", "lo", "up")


def uplink_address(number):
    """What a server listens at, to be reached from the namespace of that number."""
    return f"198.18.{number}.1"


class Namespace:
    """With-block that has the namespace; it and its interfaces are gone afterwards."""

    def __init__(self):
        self.name = f"p0f-lookupd-test-{os.getpid()}-{next(_numbers)}"
        self.prefix = ["ip", "netns", "exec", self.name]

    def __enter__(self):
        lacking.skip_without("namespaces")
        _ip("netns", "add", self.name)
        try:
            _ip("-n", self.name, "link", "add", SEND, "type", "veth", "peer", "name", RECEIVE)
            for interface in (SEND, RECEIVE):
                # No address of its own: only replayed packets are to be seen. By netlink, as in a
                # container /proc/sys may be read-only.
                _ip("-n", self.name, "link", "set", interface, "addrgenmode", "none")
                _ip("-n", self.name, "link", "set", interface, "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        subprocess.run(["ip", "netns", "del", self.name], check=False, stdin=subprocess.DEVNULL)

    def connect(self, number):
        """A network to the namespace that this one is made in, which has the address uplink_address(number)
        on it."""
        near, far = f"up{number}-{os.getpid()}", f"down{number}"
        # With its other end in there, it is gone when that is.
        _ip("link", "add", near, "type", "veth", "peer", "name", far, "netns", self.name)
        _ip("address", "add", f"{uplink_address(number)}/30", "dev", near)
        _ip("link", "set", near, "up")
        _ip("-n", self.name, "address", "add", f"198.18.{number}.2/30", "dev", far)
        _ip("-n", self.name, "link", "set", far, "up")

    def run(self, *command):
        subprocess.run([*self.prefix, *command], check=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL)

    def replay(self, capture):
        """Send every packet of the capture at the times it states; returns when all are sent."""
        self.run("tcpreplay", "-q", "-i", SEND, str(capture))


class Replay:
    """With-block during which a capture is sent again and again, as fast as it goes, or at another
    of tcpreplay's paces: "--multiplier=1" is that of the capture."""

    def __init__(self, namespace, capture, pace="--topspeed"):
        self._command = [*namespace.prefix, "tcpreplay", "-q", pace, "--loop=0",
                         "-i", SEND, str(capture)]
        self._process = None

    def running(self):
        return self._process.poll() is None

    def __enter__(self):
        self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL,
                                         stdout=subprocess.DEVNULL)
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait()
