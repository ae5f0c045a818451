# SPDX-License-Identifier: MIT
"""A machine of a fleet: a network namespace in which a real p0f sees what is replayed there and nothing else, and
the daemon that asks it."""

import contextlib
import json
import os

import http_client
import many_hosts
import namespace
import p0f_wire
import real_p0f
from daemon import Daemon
from waiting import wait_until

BATCH = 1000


class Machine:
    """With-block. The daemon serves on a unix socket, by which it can be reached from outside; `sensor` is its
    share.sensor. With an `uplink`, which is a number, there is a network between this namespace and it, on
    which the one outside has the address uplink_address()."""

    def __init__(self, directory, sensor, uplink=None):
        self.directory = os.path.join(str(directory), sensor)
        os.mkdir(self.directory)
        self.sensor = sensor
        self.namespace = namespace.Namespace()
        self.p0f = real_p0f.RealP0f(self.directory, interface=namespace.RECEIVE, prefix=self.namespace.prefix,
                                    options=("-m", "20000,40000"))
        self.daemon = None
        self._uplink = uplink
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            stack.enter_context(self.namespace)
            if self._uplink is not None:
                self.namespace.connect(self._uplink)
            stack.enter_context(self.p0f)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *details):
        return self._stack.__exit__(*details)

    def serve(self, server, settings=None):
        """A with-block in which the daemon runs, with that share.server."""
        path = os.path.join(self.directory, "http.sock")
        self.daemon = Daemon(self.directory, self.p0f.socket, {
            "http.listen": f"unix:{path}", "share.server": server, "share.sensor": self.sensor,
            **(settings or {})}, prefix=self.namespace.prefix)
        self.daemon.endpoint = path
        return self.daemon

    # -- visitors -----------------------------------------------------------------------------

    def replay(self, count, first=0, port=80):
        """So many visitors come, of those that many_hosts has; returns their addresses once p0f knows them."""
        packets = os.path.join(self.directory, "visitors.pcap")
        hosts = many_hosts.write(packets, count, first, port)
        before = self.p0f.ask(many_hosts.LAST)["total_conn"]
        self.namespace.replay(packets)
        wait_until(lambda: self.p0f.ask(many_hosts.LAST)["total_conn"] > before, "p0f to see the visitors")
        return hosts

    def truth(self, addresses):
        """What p0f itself says about those that it knows, by address."""
        known = {}
        for begin in range(0, len(addresses), BATCH):
            some = addresses[begin:begin + BATCH]
            known.update((address, answer) for address, answer in zip(some, real_p0f.ask(self.p0f.socket, *some))
                         if answer["status"] == p0f_wire.OK)
        return known

    # -- questions ----------------------------------------------------------------------------

    def ask(self, addresses):
        """What the daemon says about each, raw: by address, the item of a batch."""
        items = {}
        connection = http_client.connect(self.daemon.endpoint)
        for begin in range(0, len(addresses), BATCH):
            some = addresses[begin:begin + BATCH]
            answer = http_client.ask_unchecked(connection, "/hosts?format=raw&wait=0",
                                               {"Content-Type": "application/json"}, "POST", json.dumps(some))
            assert answer.status == 200, answer
            items.update(zip(some, answer.json()))
        connection.close()
        return items
