# SPDX-License-Identifier: MIT
"""Threads that ask the daemon for everything it has, and hold each answer against what p0f itself
said of the host before; and rough ones, that leave in every way there is."""

import json
import random
import socket
import struct
import threading
from urllib.parse import unquote

import http_client
from tally import Tally

# What p0f always concludes the same of a host, however often it sees the same packets.
LASTING = ("distance", "os_name", "os_flavor", "http_name", "http_flavor", "link_type", "language")
NOT_YET = (None, "", 255)

MALFORMED = ("1.2.3", "localhost", "1.2.3.4.5", "::1%25lo", "[::1", "10.0.0.0%2F8", "1.2.3.4%00",
             "%zz", "198.18.0.256", "2001:db8::g")


class World:
    """The hosts there are: what p0f said about each that it knows, and strangers without end."""

    def __init__(self, answers):
        self.truth = {address: {name: _shown(name, answer[name]) for name in LASTING}
                      for address, answer in answers.items()}
        self.known = list(self.truth)

    def identities(self):
        """How many of the known hosts can be told apart."""
        return len({tuple(truth.values()) for truth in self.truth.values()})

    def stranger(self, dice):
        if dice.random() < 0.5:
            return f"2001:db8:ffff::{dice.randrange(1, 65536):x}"
        return f"10.{dice.randrange(128, 256)}.{dice.randrange(256)}.{dice.randrange(256)}"

    def anyone(self, dice):
        return dice.choice(self.known) if dice.random() < 0.6 else self.stranger(dice)

    def check(self, address, host):
        """That this is the host at that address."""
        assert host["ip"] == address, host
        assert address in self.truth, f"p0f has never seen {address}: {host}"
        for name, value in self.truth[address].items():
            assert host[name] in (value, *NOT_YET), f"{name} is not {value!r}: {host}"

    def check_answer(self, address, answer):
        """That it is about that address, and one there can be."""
        may = (200, 304, 404, 503, 504) if address in self.truth else (404, 503, 504)
        assert answer.status in may, answer
        if answer.status == 200:
            self.check(address, answer.json())
        elif answer.status != 304:
            assert answer.json()["ip"] == address, answer

    def questions(self, dice, path):
        """The file that http_load takes its questions from."""
        lines = [f"200\t{address}\t{_member(truth, 'distance')},\t"
                 f"{_member(truth, 'os_name')},{_member(truth, 'os_flavor')},"
                 for address, truth in self.truth.items()]
        lines += [f"404\t{self.stranger(dice)}" for _ in range(2 * len(lines))]
        lines += [f"400\t{text}" for text in MALFORMED]
        dice.shuffle(lines)
        with open(path, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        return path


def _shown(name, value):
    """As the daemon has it."""
    if name == "distance":
        return None if value == 255 else value
    return value.decode("latin-1") or None


def _member(truth, name):
    return f'"{name}":{json.dumps(truth[name], ensure_ascii=False)}'


class Visitor(threading.Thread):
    """Asks until it is told to end, with dice of its own."""

    def __init__(self, daemon, world, seed):
        super().__init__(name=f"visitor {seed}")
        self.world, self.dice, self.tally = world, random.Random(seed), Tally()
        self.problem = None
        self.visits = 0
        self._endpoint = daemon.endpoint
        self._over = threading.Event()
        self._connection = daemon.connect()
        self.start()

    def run(self):
        try:
            while not self._over.is_set():
                kind = self.dice.choice(self.kinds)
                kind(self)
                self.tally.kinds[kind.__name__] += 1
                self.visits += 1
        except Exception as problem:    # whatever it is, the test is to fail with it
            self.problem = problem
        finally:
            self._connection.close()

    def end(self):
        self._over.set()
        self.join()
        if self.problem:
            raise self.problem
        return self.tally

    def _ask(self, route, path, headers=None, **options):
        answer = http_client.ask(self._connection, path, headers, **options)
        self.tally.answer(route, answer.status)
        return answer


# -- polite visits ---------------------------------------------------------------------------------

    def _host(self, query="", headers=None, **options):
        address = self.world.anyone(self.dice)
        answer = self._ask("/host", f"/host/{address}{query}", headers, **options)
        if options.get("method") != "HEAD":
            self.world.check_answer(address, answer)
        return answer

    def host(self):
        self._host(self.dice.choice(("", "", "?wait=0", "?wait=30")))

    def host_anew(self):
        self._host("?wait=0", {"Cache-Control": "no-cache"})

    def host_from_cache(self):
        self._host("", {"Cache-Control": "only-if-cached"})

    def head(self):
        assert self._host("?wait=0", method="HEAD").body == b""

    def raw(self):
        self._host("?wait=0&format=raw")

    def conditional(self):
        address = self.dice.choice(self.world.known)
        first = self._ask("/host", f"/host/{address}")
        self.world.check_answer(address, first)
        if first.status != 200:
            return
        again = self._ask("/host", f"/host/{address}", {"If-None-Match": first["ETag"]})
        self.world.check_answer(address, again)
        if again.status == 304:
            assert again["ETag"] == first["ETag"] and again.body == b"", again
        if again.status == 200:
            assert again["ETag"] != first["ETag"], again

    def bad_address(self):
        answer = self._ask("/host", f"/host/{self.dice.choice(MALFORMED)}")
        assert answer.status == 400, answer

    def bad_parameter(self):
        answer = self._ask("/host", f"/host/{self.world.anyone(self.dice)}?wait=5001")
        assert answer.status == 400, answer

    def nothing(self):
        assert self._ask("none", f"/{self.dice.randrange(1000)}").status == 404

    def bad_method(self):
        assert self._ask("/self", "/self", method="DELETE").status == 405

    def myself(self):
        address = self.world.anyone(self.dice)
        self.world.check_answer(address, self._ask("/self", "/self", {"X-Forwarded-For": address}))

    def forward_auth(self):
        address = self.world.anyone(self.dice)
        answer = self._ask("/forward-auth", "/forward-auth", {"X-Forwarded-For": address})
        assert answer.status == 200, answer
        status = answer["X-P0F-Status"]
        self.tally.results[{"ok": "found", "no-match": "no_match", "error": "error"}[status]] += 1
        if status == "ok":
            truth = self.world.truth[address]
            distance, name = answer["X-P0F-Distance"], answer["X-P0F-OS-Name"]
            assert not distance or int(distance) in (truth["distance"], *NOT_YET), answer
            assert not name or unquote(name) == truth["os_name"], answer

    def _items(self, most):
        return [self.dice.choice(MALFORMED) if self.dice.random() < 0.1
                else self.world.anyone(self.dice) for _ in range(self.dice.randrange(1, most))]

    def batch(self):
        items = self._items(60)
        answer = self._ask("/hosts", "/hosts?wait=0", {"Content-Type": "application/json"},
                           method="POST", body=json.dumps(items))
        assert answer.status == 200, answer
        results = answer.json()
        assert [result["query"] for result in results] == items
        for item, result in zip(items, results):
            if item in MALFORMED:
                assert result["status"] == 400, result
                continue
            self.tally.item(result["status"])
            if result["status"] == 200:
                self.world.check(item, result["host"])
            else:
                assert result["status"] in (404, 503, 504) and "host" not in result, result

    def bad_batch(self):
        answer = self._ask("/hosts", "/hosts", {"Content-Type": "application/json"},
                           method="POST", body='["192.0.2.1"')
        assert answer.status == 400, answer

    def operations(self):
        path = self.dice.choice(("/metrics", "/status", "/livez", "/readyz", "/", "/openapi.json"))
        assert self._ask(path, path).status in ((200, 503) if path == "/readyz" else (200,))


Visitor.kinds = (Visitor.host,) * 4 + (Visitor.batch,) * 3 + (Visitor.conditional,) * 3 + \
    (Visitor.myself, Visitor.forward_auth) * 2 + \
    (Visitor.host_anew, Visitor.host_from_cache, Visitor.head, Visitor.raw, Visitor.bad_address,
     Visitor.bad_parameter, Visitor.nothing, Visitor.bad_method, Visitor.bad_batch,
     Visitor.operations)


# -- rough ones ------------------------------------------------------------------------------------

class RoughVisitor(Visitor):
    """Leaves, with a FIN or a reset, or says at once that it will ask no more."""

    def _open(self, data):
        sock = http_client.open_socket(self._endpoint)
        sock.sendall(data)
        return sock

    def _leave(self, sock):
        if self.dice.random() < 0.5:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()

    def _batch(self, items, query):
        body = json.dumps(items).encode()
        return (f"POST /hosts{query} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n").encode() + body

    def _begin_batch(self, items, query):
        """A whole one, which will be left."""
        self.tally.left["/hosts"] += 1
        self.tally.hosts_left += len(items)
        return self._open(self._batch(items, query))

    def leave_waiting(self):
        route = self.dice.choice(("/host", "/self", "/forward-auth"))
        address = self.world.stranger(self.dice)
        path = f"/host/{address}" if route == "/host" else route
        sock = self._open(http_client.get_bytes(f"{path}?wait=200", f"X-Forwarded-For: {address}"))
        self.tally.left[route] += 1
        sock.settimeout(0.01)       # it is answered only after that, or p0f is gone
        try:
            sock.recv(1)
        except (TimeoutError, ConnectionResetError):
            pass
        self._leave(sock)

    def leave_at_once(self):
        path = self.dice.choice(("/metrics", "/status", "/readyz", "/self"))
        self.tally.left[path] += 1
        self._leave(self._open(http_client.get_bytes(path)))

    def leave_batch_waiting(self):
        items = [self.world.stranger(self.dice) for _ in range(self.dice.randrange(1, 300))]
        self._leave(self._begin_batch(items, "?wait=50"))

    def leave_reading(self):
        """An answer too large for what lies between, of which the beginning is read."""
        items = [self.dice.choice(self.world.known) for _ in range(900)]
        sock = self._begin_batch(items, "?wait=0")
        assert sock.recv(100).startswith(b"HTTP/1.1 200 ")
        self._leave(sock)

    def half_a_request(self):
        whole = self._batch(self._items(20), "")
        self._leave(self._open(whole[:self.dice.randrange(1, len(whole))]))

    def half_close(self):
        address = self.world.anyone(self.dice)
        path = f"/host/{address}?wait={self.dice.randrange(30)}"
        with self._open(http_client.get_bytes(path)) as sock, sock.makefile("rb") as stream:
            sock.shutdown(socket.SHUT_WR)
            answer = http_client.parse(stream.read(), target=path)
        self.tally.answer("/host", answer.status)
        self.world.check_answer(address, answer)


RoughVisitor.kinds = (RoughVisitor.leave_waiting,) * 3 + (RoughVisitor.half_close,) * 3 + \
    (RoughVisitor.leave_at_once, RoughVisitor.leave_batch_waiting, RoughVisitor.leave_reading,
     RoughVisitor.half_a_request)
