#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A p0f that does what it is told: the faults that the real one will not show on demand.

It keeps p0f's habits: one thread, one poll loop, one step per connection and round (read one query
or write one answer), queries that wait in the socket buffer, answers in query order.

    with FakeP0f(path, hosts={"192.0.2.1": {"os_name": "Linux"}}) as fake: ...

A host is a dict of fields, raw bytes, a Reply, None (no match) or a function of the number of this
query (1, 2, ...) that returns one of these. Leaving the block asserts that no client closed a
connection on which an answer was outstanding, nor half-closed one: either can kill or spin the real p0f.
"""

import collections
import ipaddress
import os
import select
import socket
import threading
import time

import p0f_wire

EVERYTHING = object()
PROBE = "0.0.0.0"

Query = collections.namedtuple("Query", "at address connection")
Reply = collections.namedtuple("Reply", "payload hang_up", defaults=(False,))


class _Connection:
    def __init__(self, number, sock):
        self.number = number
        self.sock = sock
        self.partial = b""
        self.outstanding = collections.deque()     # (address, Reply), oldest first
        self.writing = None                 # what is left of the answers being written
        self.finishing = []                 # the Replies that `writing` is made of


class FakeP0f:
    def __init__(self, path, hosts=None, dialect="p0f3"):
        self.path = str(path)
        self.dialect = dialect
        self.hosts = dict(hosts or {})
        # How it serves; all may be changed while it runs.
        self.accepting = True
        self.cap = 20               # connections served at once; the others wait unserved
        self.write_size = None      # bytes a write, e.g. 1
        self.coalesce = False       # write the answers of all queries that have arrived at once
        # What it saw.
        self.queries = []           # every Query
        self.counts = collections.Counter()
        self.connections = 0
        self.early_closes = 0
        self.half_closes = 0
        self._held = set()
        self._thawed = threading.Event()
        self._thawed.set()
        self._conns = {}
        self._stopping = False
        self._hanging_up = False
        self._wake_in, self._wake_out = os.pipe()
        self._listener = None
        self._thread = None
        self.crash = None

    # -- life ---------------------------------------------------------------------------------

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(100)
        self._listener.setblocking(False)
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="fake p0f", daemon=True)
        self._thread.start()
        return self

    def stop(self):
        """Go away as p0f does: all connections closed, the socket file left behind."""
        if self._thread is None:
            return
        self._stopping = True
        self._thawed.set()
        self._wake()
        self._thread.join()
        self._thread = None
        self._listener.close()
        for conn in list(self._conns.values()):
            self._drop(conn)

    def check(self):
        assert self.crash is None, f"the fake itself failed: {self.crash!r}"
        assert self.early_closes == 0, "a connection was closed while an answer was outstanding on it"
        assert self.half_closes == 0, "a connection to p0f was half-closed"

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        self.stop()
        if kind is None:
            self.check()
        for end in (self._wake_in, self._wake_out):
            os.close(end)

    # -- orders -------------------------------------------------------------------------------

    def hold(self, *addresses):
        """Read queries, but withhold the answers about these addresses (all, if none is named)
        and so, as answers come in order, everything behind them on the same connection."""
        self._held = set(addresses) or EVERYTHING

    def release(self):
        self._held = set()
        self._wake()

    def freeze(self):
        """Do nothing at all, as p0f does while it works through a burst of packets."""
        self._thawed.clear()

    def thaw(self):
        self._thawed.set()

    def hang_up(self):
        """Close every connection, as a p0f that is restarted does."""
        self._hanging_up = True
        self._wake()

    def asked(self):
        """How many queries came that were not probes for the dialect."""
        return sum(n for address, n in self.counts.items() if address != PROBE)

    def open_connections(self):
        return len(self._conns)

    # -- the loop -----------------------------------------------------------------------------

    def _wake(self):
        os.write(self._wake_out, b"!")

    def _run(self):
        try:
            while not self._stopping:
                self._thawed.wait()
                if self._hanging_up:
                    self._hanging_up = False
                    for conn in list(self._conns.values()):
                        self._drop(conn)
                self._round()
        except BaseException as problem:       # a test must hear of it, not a thread's stderr
            self.crash = problem

    def _round(self):
        poller = select.poll()
        poller.register(self._wake_in, select.POLLIN)
        if self.accepting and len(self._conns) < self.cap:
            poller.register(self._listener, select.POLLIN)
        for fd, conn in list(self._conns.items()):
            events = select.POLLOUT if self._may_write(conn) else 0
            events |= select.POLLIN if self._may_read(conn) else 0
            poller.register(fd, events)
        for fd, events in poller.poll(10):
            if self._stopping:
                return
            if fd == self._wake_in:
                os.read(fd, 4096)
            elif fd == self._listener.fileno():
                if self.accepting:      # it may have been forbidden while we were polling
                    self._accept()
            elif fd in self._conns:
                self._step(self._conns[fd], events)

    def _accept(self):
        sock, _ = self._listener.accept()
        sock.setblocking(False)
        self.connections += 1
        self._conns[sock.fileno()] = _Connection(self.connections, sock)

    def _is_held(self, address):
        return self._held is EVERYTHING or address in self._held

    def _may_write(self, conn):
        if conn.writing is not None:
            return True
        return bool(conn.outstanding) and not self._is_held(conn.outstanding[0][0])

    def _may_read(self, conn):
        # p0f reads its next query only when the last answer is out. When answers are withheld or
        # gathered, all queries are read, so that a test can see that they have arrived.
        return not conn.outstanding and conn.writing is None or self.coalesce or (
            conn.writing is None and self._is_held(conn.outstanding[0][0]))

    def _step(self, conn, events):
        if events & (select.POLLHUP | select.POLLERR):
            self._gone(conn)
        elif events & select.POLLIN:
            self._read(conn)
        elif events & select.POLLOUT:
            self._write(conn)

    # -- one connection -----------------------------------------------------------------------

    def _read(self, conn):
        size = p0f_wire.QUERY.size
        try:
            data = conn.sock.recv(size - len(conn.partial))
        except ConnectionResetError:
            # The client went with an answer unread: for p0f that was a race it happened to win.
            self.early_closes += 1
            self._drop(conn)
            return
        if not data:
            self.half_closes += 1           # a full close shows as POLLHUP
            self._drop(conn)
            return
        conn.partial += data
        if len(conn.partial) == size:
            query, conn.partial = conn.partial, b""
            self._take(conn, query)

    def _take(self, conn, query):
        magic, _, address = p0f_wire.unpack_query(query)
        text = str(address)
        self.counts[text] += 1
        self.queries.append(Query(time.monotonic(), text, conn.number))
        if magic != p0f_wire.QUERY_MAGIC or address is None:
            answer = Reply(self._pack(status=p0f_wire.BADQUERY))
        else:
            answer = self._answer(self.hosts.get(text), self.counts[text])
        conn.outstanding.append((text, answer))

    def _answer(self, host, nth):
        if callable(host):
            host = host(nth)
        if host is None:
            return Reply(self._pack(status=p0f_wire.NO_MATCH))
        if isinstance(host, Reply):
            return host
        if isinstance(host, bytes):
            return Reply(host)
        return Reply(self._pack(**host))

    def _pack(self, **fields):
        return p0f_wire.pack_answer(dialect=self.dialect, **fields)

    def _write(self, conn):
        if conn.writing is None:
            conn.finishing = [conn.outstanding.popleft()[1]]
            while self.coalesce and conn.outstanding and not self._is_held(conn.outstanding[0][0]):
                conn.finishing.append(conn.outstanding.popleft()[1])
            conn.writing = b"".join(reply.payload for reply in conn.finishing)
        try:
            sent = conn.sock.send(conn.writing[:self.write_size]) if conn.writing else 0
        except (BrokenPipeError, ConnectionResetError):
            self._gone(conn)
            return
        conn.writing = conn.writing[sent:]
        if not conn.writing:
            conn.writing = None
            if any(reply.hang_up for reply in conn.finishing):
                self._drop(conn)

    def _gone(self, conn):
        """The client closed: were there queries without an answer, read or not yet read?"""
        unread = conn.partial
        try:
            while data := conn.sock.recv(65536):
                unread += data
        except ConnectionResetError:
            self.early_closes += 1
        except OSError:
            pass
        if conn.outstanding or conn.writing is not None or len(unread) >= p0f_wire.QUERY.size:
            self.early_closes += 1
        self._drop(conn)

    def _drop(self, conn):
        self._conns.pop(conn.sock.fileno(), None)
        conn.sock.close()


def main():
    import argparse
    import signal
    parser = argparse.ArgumentParser(description="a scripted p0f API socket")
    parser.add_argument("socket")
    parser.add_argument("--dialect", default="p0f3", choices=p0f_wire.DIALECTS)
    parser.add_argument("--host", action="append", nargs="+", default=[],
                        metavar=("ADDRESS", "FIELD=VALUE"))
    options = parser.parse_args()
    hosts = {}
    for address, *pairs in options.host:
        fields = dict(pair.split("=", 1) for pair in pairs)
        hosts[str(ipaddress.ip_address(address))] = {
            name: value if name in p0f_wire.STRINGS else int(value)
            for name, value in fields.items()}
    with FakeP0f(options.socket, hosts, options.dialect):
        signal.sigwait({signal.SIGTERM, signal.SIGINT})


if __name__ == "__main__":
    main()
