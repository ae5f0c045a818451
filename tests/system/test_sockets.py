# SPDX-License-Identifier: MIT
"""Socket units: nobody is refused while the daemon is restarted or upgraded."""

import contextlib
import http.client
import threading

import p0f_wire
from booted_system import API
from p0f_client import P0fClient
from waiting import wait_until

SOCKET, RELAY_SOCKET, DAEMON, P0F = "p0f-lookupd.socket", "p0f-lookupd-relay.socket", "p0f-lookupd.service", "p0f.service"
RELAY = "/run/p0f-lookupd-relay.sock"
VISITOR = "127.1.2.3"
CLIENTS = 4


class _Load:
    """With-block in which clients ask about a host, half of them on a new connection each time."""

    def __init__(self, system):
        self._system = system
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(number % 2 == 0,)) for number in range(CLIENTS)]
        self.answered = 0
        self.failures = []

    def _run(self, keeps):
        with self._system.network():
            connection, reused = None, False
            while not self._ends.is_set():
                if connection is None:
                    connection, reused = http.client.HTTPConnection(*API, timeout=60), False
                try:
                    connection.request("GET", f"/host/{VISITOR}")
                    response = connection.getresponse()
                    body = response.read()
                    if response.status != 200:
                        self.failures.append((response.status, body))
                    self.answered += 1
                    reused = keeps and not response.will_close
                except (OSError, http.client.HTTPException) as error:
                    # A kept connection may end just when the next request is sent (RFC 9112, 9.3.1).
                    if not reused or not isinstance(error, (http.client.RemoteDisconnected, ConnectionError)):
                        self.failures.append(error)
                    reused = False
                if not reused:
                    connection.close()
                    connection = None

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.goes_on()
        return self

    def goes_on(self):
        former = self.answered
        wait_until(lambda: self.failures or self.answered >= former + 100, "more answers", bound=60)
        assert self.failures == []

    def __exit__(self, *_):
        self._ends.set()
        for thread in self._threads:
            thread.join()


def _listening(system, *sockets):
    system.systemctl("start", P0F)
    system.systemctl("enable", "--now", *sockets)


def test_a_connection_starts_the_daemon(system):
    _listening(system, SOCKET)
    assert system.show(DAEMON, "ActiveState") == "inactive"
    assert system.fetch("/livez").status == 200
    assert system.show(DAEMON, "ActiveState") == "active"
    system.systemctl("stop", SOCKET, DAEMON)
    with contextlib.suppress(ConnectionRefusedError):
        system.fetch("/livez")
        raise AssertionError("it still listens")


def test_sockets_listen_after_boot(system):
    _listening(system, SOCKET, RELAY_SOCKET)
    system.systemctl("enable", P0F)
    system.reboot()
    assert system.show(DAEMON, "ActiveState") == "inactive"
    system.visit(VISITOR)
    assert system.wait_to_know(VISITOR)["os_name"] == "Linux"
    answer = p0f_wire.unpack_answer(P0fClient(system.path(RELAY)).ask(VISITOR))
    assert answer["status"] == p0f_wire.OK and answer["os_name"] == b"Linux"


def test_restarts_lose_no_request(system):
    _listening(system, SOCKET)
    system.visit(VISITOR)
    system.wait_to_know(VISITOR)
    with _Load(system) as load:
        for _ in range(20):
            system.systemctl("restart", DAEMON)
            load.goes_on()
    assert load.failures == []
    assert system.show(DAEMON, "Result") == "success"


def test_an_upgrade_loses_no_request(system, newer):
    _listening(system, SOCKET)
    system.visit(VISITOR)
    system.wait_to_know(VISITOR)
    daemon, p0f = system.pid(DAEMON), system.pid(P0F)
    with _Load(system) as load:
        system.install(newer)
        assert system.pid(DAEMON) not in (daemon, None), "it was not restarted"
        load.goes_on()
    assert load.failures == []
    assert system.pid(P0F) == p0f, "p0f has forgotten its hosts"
    assert system.show(SOCKET, "ActiveState") == "active"


def test_a_relay_client_is_kept_waiting(system):
    _listening(system, RELAY_SOCKET)
    system.systemctl("start", DAEMON)
    system.visit(VISITOR)
    system.wait_to_know(VISITOR)
    system.systemctl("restart", DAEMON)
    answer = p0f_wire.unpack_answer(P0fClient(system.path(RELAY)).ask(VISITOR))
    assert answer["status"] == p0f_wire.OK
