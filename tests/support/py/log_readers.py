# SPDX-License-Identifier: MIT
"""What the daemon's log can be connected to, with a reader that does not read until it is told to."""

import fcntl
import os
import pty
import select
import socket
import termios
import threading
import tty

from waiting import SLOWDOWN, wait_until


class _Reader:
    """`fd` is for the daemon's stderr: a file description that it shares with us. read() starts reading, in
    a thread; text() is what has been read so far."""

    environment = {}

    def __init__(self, fd, own):
        self.fd = fd
        self._own = own
        self._read = []
        self._flags = fcntl.fcntl(fd, fcntl.F_GETFL)
        self._ending, self._end = os.pipe()
        self._thread = None

    def read(self):
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            ready = select.select([self._own, self._ending], [], [])[0]
            if self._own not in ready:
                return      # all has been read, and nobody writes any more
            try:
                data = os.read(self._own, 65536)
            except OSError:
                return
            if not data:
                return
            self._read.append(data)

    def text(self):
        return b"".join(self._read).decode()

    def wait_for(self, words):
        wait_until(lambda: words in self.text(), f"{words!r} in the log")

    def all(self):
        """Everything, once the daemon has ended."""
        os.write(self._end, b"!")
        self._thread.join(20 * SLOWDOWN)
        assert not self._thread.is_alive()
        return self.text()

    def leave(self):
        """Close the reading end."""
        os.close(self._own)
        self._own = None

    def check_flags(self):
        assert fcntl.fcntl(self.fd, fcntl.F_GETFL) == self._flags

    def close(self):
        for fd in (self.fd, self._own, self._ending, self._end):
            if fd is not None:
                os.close(fd)


class Pipe(_Reader):
    def __init__(self):
        own, fd = os.pipe()
        super().__init__(fd, own)


class Terminal(_Reader):
    """Stopped with Ctrl-S until it is read."""

    def __init__(self):
        own, fd = pty.openpty()
        tty.setraw(fd)
        modes = termios.tcgetattr(fd)
        modes[tty.IFLAG] |= termios.IXON
        termios.tcsetattr(fd, termios.TCSANOW, modes)
        os.write(own, b"\x13")
        super().__init__(fd, own)

    def read(self):
        os.write(self._own, b"\x11")
        super().read()


class Journal(_Reader):
    """A stream socket, which the daemon is told to be the journal."""

    def __init__(self):
        own, fd = socket.socketpair()
        super().__init__(fd.detach(), own.detach())
        end = os.fstat(self.fd)
        self.environment = {"JOURNAL_STREAM": f"{end.st_dev}:{end.st_ino}"}
