#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A client of p0f's socket, written from p0f's description of it: of p0f's own, or of the relay's.

    p0f_client.py SOCKET ADDRESS

works as p0f's tools/p0f-client.c does, which Debian does not package: it connects, writes 21 bytes, reads
232 and prints them for people. P0fClient is for tests, and for what that program would not do."""

import ctypes
import os
import signal
import socket
import sys

import p0f_wire
from waiting import SLOWDOWN

SIZE = p0f_wire.SIZE["p0f3"]
BOUND = 20

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


class P0fClient:
    """One connection."""

    def __init__(self, path, bound=BOUND):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(bound * SLOWDOWN)
        try:
            self.sock.connect(str(path))
        except BaseException:
            self.sock.close()
            raise

    def send(self, *addresses):
        self.sock.sendall(b"".join(p0f_wire.pack_query(address) for address in addresses))
        return self

    def send_bytes(self, data):
        self.sock.sendall(data)
        return self

    def receive(self, most=SIZE):
        """An answer, as it is on the wire, read in pieces of at most that size; less of it at the end."""
        data = b""
        while len(data) < SIZE:
            piece = self.sock.recv(min(most, SIZE - len(data)))
            if not piece:
                break
            data += piece
        return data

    def answers(self, count):
        return [self.receive() for _ in range(count)]

    def ask(self, address):
        return self.send(address).receive()

    def host(self, address):
        """What is answered, by field."""
        return p0f_wire.unpack_answer(self.ask(address))

    def end(self):
        """How the other side has ended the connection, or "open" if it has not and does not for so long
        as there is to wait; what it has sent is thrown away."""
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionResetError:
            return "reset"
        except socket.timeout:
            return "open"
        return "closed"

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def ask_each(path, addresses):
    """The answers to all, sent at once on one connection."""
    with P0fClient(path) as client:
        # Less than a connection holds, as nobody reads meanwhile.
        answers = []
        for at in range(0, len(addresses), 200):
            some = addresses[at:at + 200]
            answers += client.send(*some).answers(len(some))
        return answers


class Doomed:
    """A process with so many connections, each of which has sent the next of these bytes, and read as much
    as it says, if it says. kill() is SIGKILL, and comes at the latest when we end."""

    def __init__(self, path, sent, read=()):
        ready, told = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
                clients = [P0fClient(path).send_bytes(data) for data in sent]
                for client, length in zip(clients, read):
                    while length:
                        length -= len(client.sock.recv(length))
                os.write(told, b"!")
                while True:
                    signal.pause()
            finally:
                os._exit(1)
        os.close(told)
        self.ready = os.read(ready, 1) == b"!"
        os.close(ready)

    def kill(self):
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()


def _show(answer):
    host = p0f_wire.unpack_answer(answer)
    if host["magic"] != p0f_wire.ANSWER_MAGIC:
        sys.exit(f"Bad response magic (0x{host['magic']:08x}).")
    if host["status"] == p0f_wire.BADQUERY:
        sys.exit("P0f did not understand the query.")
    if host["status"] == p0f_wire.NO_MATCH:
        print("No matching host in p0f cache. That's all we know.")
        return
    text = {name: host[name].decode("latin-1") for name in p0f_wire.STRINGS}
    print(f"First seen    = {host['first_seen']}")
    print(f"Last update   = {host['last_seen']}")
    print(f"Total flows   = {host['total_conn']}")
    print("Detected OS   =", f"{text['os_name']} {text['os_flavor']}" if text["os_name"] else "???")
    print("HTTP software =", f"{text['http_name']} {text['http_flavor']}" if text["http_name"] else "???")
    print("Network link  =", text["link_type"] or "???")
    print("Language      =", text["language"] or "???")
    print("Distance      =", "???" if host["distance"] in (-1, 255) else host["distance"])
    print("Uptime        =", f"{host['uptime_min']} min" if host["uptime_min"] else "???")


def main():
    if len(sys.argv) != 3:
        sys.exit("Usage: p0f_client.py SOCKET ADDRESS")
    with P0fClient(sys.argv[1]) as client:
        answer = client.ask(sys.argv[2])
    if len(answer) != SIZE:
        sys.exit("Short read from API socket.")
    _show(answer)


if __name__ == "__main__":
    main()
