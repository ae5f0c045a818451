# SPDX-License-Identifier: MIT
"""A network with latency and packet loss."""

import collections
import fcntl
import os
import random
import select
import struct
import subprocess
import threading
import time

import pytest

import lacking

_DEVICE = "/dev/net/tun"

# <linux/if_tun.h>
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000

_INTERFACE = "slow0"


class SlowNetwork:
    """With-block. Whoever connects to a port of `far` reaches that of `near`, where a server listens; each packet
    takes `delay` seconds in each direction, and the part `loss` of them is lost. For one at a time in a
    namespace, and for IPv4 only: a thread sends each packet back, with its addresses swapped."""

    near, far = "198.18.0.1", "198.18.0.2"

    def __init__(self, delay, loss=0.0, seed=1):
        self.delay, self.loss = delay, loss     # may be changed meanwhile
        self.lost = 0
        self._dice = random.Random(seed)
        self._tun = None
        self._end, self._ended = os.pipe()
        self._thread = threading.Thread(target=self._forward, name="slow network", daemon=True)

    def __enter__(self):
        lacking.skip_without("namespaces")
        if not os.path.exists(_DEVICE):
            pytest.skip(f"there is no {_DEVICE} here")
        self._tun = os.open(_DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(self._tun, _TUNSETIFF, struct.pack("16sH22x", _INTERFACE.encode(), _IFF_TUN | _IFF_NO_PI))
        for words in (("address", "add", f"{self.near}/24", "dev", _INTERFACE),
                      ("link", "set", _INTERFACE, "up")):
            subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL)
        self._thread.start()
        return self

    def __exit__(self, *_):
        os.close(self._ended)
        self._thread.join()
        os.close(self._end)
        os.close(self._tun)

    def _forward(self):
        under_way = collections.deque()     # (when it arrives, packet)
        while True:
            wait = max(0, under_way[0][0] - time.monotonic()) if under_way else None
            ready, _, _ = select.select([self._tun, self._end], [], [], wait)
            if self._end in ready:
                return
            if self._tun in ready:
                self._take(os.read(self._tun, 65536), under_way)
            while under_way and under_way[0][0] <= time.monotonic():
                os.write(self._tun, under_way.popleft()[1])

    def _take(self, packet, under_way):
        if packet[0] >> 4 != 4:
            return
        if self._dice.random() < self.loss:
            self.lost += 1
            return
        # Which leaves the checksums as they are.
        swapped = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
        under_way.append((time.monotonic() + self.delay, swapped))
