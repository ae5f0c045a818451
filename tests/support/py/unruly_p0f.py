# SPDX-License-Identifier: MIT
"""A p0f that keeps none of the real one's habits: for what the fake, which does, cannot show.

    with UnrulyP0f(path, play) as p0f: ...

Each connection has a thread of its own, in which `play` has the socket; when it returns, or the client
has gone, the connection is closed. Whether an answer to the client was outstanding is for the play to look at.
"""

import os
import socket
import threading

import p0f_wire

GARBAGE = b"\xff" * (1 << 18)
ANSWERS = p0f_wire.pack_answer(status=p0f_wire.NO_MATCH) * 1024


def read_queries(sock, count):
    """Reads so many whole queries."""
    missing = count * p0f_wire.QUERY.size
    while missing:
        data = sock.recv(missing)
        if not data:
            raise ConnectionResetError
        missing -= len(data)


def answer(sock, count):
    """Answers so many queries with "no match"."""
    for _ in range(count):
        read_queries(sock, 1)
        sock.sendall(p0f_wire.pack_answer(status=p0f_wire.NO_MATCH))


def answers_all(sock):
    """As it should."""
    while True:
        answer(sock, 1)


def floods_with(data):
    """Has read what it was asked, and writes this without end."""
    def play(sock):
        read_queries(sock, 2)
        while True:
            sock.sendall(data)
    return play


def hangs_up_after(count):
    """Answers so many queries, the two probes of a new connection among them."""
    def play(sock):
        answer(sock, count)
    return play


def talks_nonsense_after(count):
    """Answers so many, and the next ones with something else."""
    def play(sock):
        answer(sock, count)
        while True:
            read_queries(sock, 1)
            sock.sendall(p0f_wire.pack_answer(magic=1, status=p0f_wire.NO_MATCH))
    return play


class UnrulyP0f:
    def __init__(self, path, play):
        self.path = str(path)
        self.play = play            # may be changed; new connections get it
        self.connections = 0        # ever
        self._socks = set()
        self._lock = threading.Lock()
        self._listener = None
        self._threads = []

    def __enter__(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(100)
        self._start(self._accept)
        return self

    def __exit__(self, kind, value, trace):
        self._listener.shutdown(socket.SHUT_RDWR)
        self.hang_up()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def reform(self):
        """From here on it behaves."""
        self.play = answers_all
        self.hang_up()

    def hang_up(self):
        """Ends each play there is."""
        with self._lock:
            for sock in self._socks:
                sock.shutdown(socket.SHUT_RDWR)

    def _start(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._socks.add(sock)
            self.connections += 1
            self._start(self._serve, sock)

    def _serve(self, sock):
        try:
            self.play(sock)
        except OSError:
            pass            # the client has gone, or we are to end
        with self._lock:
            self._socks.remove(sock)
        sock.close()
