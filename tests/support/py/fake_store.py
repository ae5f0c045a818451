# SPDX-License-Identifier: MIT
"""A scripted Valkey or Redis server, for faults that a real one does not show on demand.

Left alone, it is a Redis that knows what the daemon asks of it. A reply of another kind is given for each command
that is in `replies`: bytes, a Reply, or a function of the command's words that returns one of these, or None for
what it would be otherwise."""

import collections
import os
import socket
import threading

import resp

# What comes behind a reply.
CLOSE, STALL = "close", "stall"

# `data` is bytes, or an iterable of bytes that is sent as long as it is read.
Reply = collections.namedtuple("Reply", "data then", defaults=(None,))

LOADING = b"-LOADING Redis is loading the dataset in memory\r\n"


class _Over(Exception):
    """Nothing more is to be said on this connection."""


class FakeStore:
    """With-block in which it serves on the unix socket `path`."""

    def __init__(self, path, replies=None):
        self.path = str(path)
        self.url = f"unix:{self.path}"
        self.replies = dict(replies or {})
        self.hashes = collections.defaultdict(dict)     # {key: {field: value}}, all of bytes
        # What it saw.
        self.commands = []          # the words of each
        self.connections = 0
        self.stalled = 0            # connections that have come to a stall
        self.cut_off = 0            # connections that were closed while a reply was being sent
        self.crash = None
        self._released = threading.Event()
        self._listener = None
        self._socks = set()
        self._threads = []

    # -- life ---------------------------------------------------------------------------------

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
        self._listener.close()
        self.release()
        for sock in list(self._socks):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass        # closed by the other side
        for thread in list(self._threads):
            thread.join()
        if kind is None:
            assert self.crash is None, f"the fake itself failed: {self.crash!r}"

    def _start(self, target, *arguments):
        thread = threading.Thread(target=target, args=arguments, name="fake store", daemon=True)
        self._threads.append(thread)
        thread.start()

    def release(self):
        """What is stalled, now or later, ends: its connection is closed."""
        self._released.set()

    def count(self, name):
        """How often this command was sent to it."""
        return sum(words[0].upper() == name.encode() for words in list(self.commands))

    # -- connections --------------------------------------------------------------------------

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._socks.add(sock)
            self._start(self._serve, sock)

    def _serve(self, sock):
        try:
            with sock, sock.makefile("rb") as stream:
                while words := resp.read_command(stream):
                    self.commands.append(words)
                    self._send(sock, self._reply(words))
        except (OSError, _Over):
            pass
        except BaseException as problem:       # a test must hear of it, not a thread's stderr
            self.crash = problem
        finally:
            self._socks.discard(sock)

    def _send(self, sock, reply):
        try:
            for piece in [reply.data] if isinstance(reply.data, bytes) else reply.data:
                sock.sendall(piece)
        except OSError:
            self.cut_off += 1
            raise
        if reply.then == STALL:
            self.stalled += 1
            self._released.wait()
        if reply.then:
            raise _Over

    # -- commands -----------------------------------------------------------------------------

    def _reply(self, words):
        name = words[0].upper().decode()
        scripted = self.replies.get(name)
        if callable(scripted):
            scripted = scripted(words)
        if scripted is None:
            scripted = getattr(self, f"_do_{name.lower()}", self._refuse)(*words[1:])
        return scripted if isinstance(scripted, Reply) else Reply(scripted)

    def _refuse(self, *_):
        return b"-ERR unknown command\r\n"

    def _do_ping(self):
        return b"+PONG\r\n"

    def _do_auth(self, *_):
        return b"+OK\r\n"

    def _do_select(self, _):
        return b"+OK\r\n"

    def _do_client(self, *_):
        return b"+OK\r\n"

    def _do_cluster(self, *_):
        return b"-ERR This instance has cluster support disabled\r\n"

    def _do_hscan(self, key, *_):
        return self.scanned(self.hashes[key])

    def _do_hset(self, key, *pairs):
        fresh = set(pairs[::2]) - set(self.hashes[key])
        self.hashes[key].update(zip(pairs[::2], pairs[1::2]))
        return b":%d\r\n" % len(fresh)

    def _do_pexpire(self, *_):
        return b":1\r\n"

    @staticmethod
    def scanned(fields, cursor=b"0"):
        """The reply to HSCAN with these fields."""
        return resp.array(resp.bulk(cursor), resp.array(*(
            resp.bulk(word) for pair in fields.items() for word in pair)))
