# SPDX-License-Identifier: MIT
"""Every form of share.server: hosts are written to that database by that user, and found there."""

import pytest

import daemon as daemon_module
import share_fields
from daemon import free_port
from shared_tier import HERE, OWN, ask_all, fill, know_own, settings, wait_until_it_works
from store import Store
from waiting import wait_until

PASSWORD = "p@ss:w/rd %?#&\u00e9"       # as it is written nowhere but in the settings
ENCODED = "p%40ss%3Aw%2Frd%20%25%3F%23%26%C3%A9"


@pytest.fixture(name="own", autouse=True)
def _own(fake):
    know_own(fake)


class _InDatabase:
    """The contents of a database."""

    def __init__(self, store, database):
        self._store, self._database = store, database

    def call(self, *words):
        with self._store.client() as client:
            client.call("SELECT", self._database)
            return client.call(*words)

    hash = Store.hash


@pytest.fixture(name="store")
def _store(scratch):
    """The user "web" may run only what the daemon needs; the default user has a password."""
    rights = {"default": ["~*", "&*", "+@all"],
              "web": ["~p0f:*", "+asking", "+cluster|slots", "+hscan", "+hset", "+pexpire", "+ping", "+select"]}
    with Store(scratch, {"bind": "127.0.0.1 ::1", "user": "owner on >owner ~* &* +@all"},
               ("owner", "owner")) as store:
        for user, words in rights.items():
            store.call("ACL", "SETUSER", user, "reset", "on", f">{PASSWORD}", *words)
        yield store


URLS = {
    "TCP": ("redis://:{password}@127.0.0.1:{port}", 0),
    "a user": ("redis://web:{password}@127.0.0.1:{port}", 0),
    "the default user by name": ("redis://default:{password}@127.0.0.1:{port}", 0),
    "a database": ("redis://web:{password}@127.0.0.1:{port}/3", 3),
    "IPv6": ("redis://web:{password}@[::1]:{port}", 0),
    "a name": ("redis://web:{password}@localhost:{port}/1", 1),
    "a unix socket": ("unix://web:{password}@{path}", 0),
    "a unix socket and a database": ("unix://:{password}@{path}?db=2", 2),
}


@pytest.mark.parametrize("what", URLS)
def test_it_is_reached(fake, serve, store, what):
    url, number = URLS[what]
    database = _InDatabase(store, number)
    fill(database)
    url = url.format(password=ENCODED, port=store.port, path=store.path)
    with serve(fake, settings(url)) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        wait_until(lambda: all(HERE in share_fields.read(database, address) for address in OWN),
                   "all to be written")
        assert store.info(f"db{number}") and share_fields.read(database, next(iter(OWN)))
        shown = daemon.log() + daemon.get("/status").body.decode() + daemon.get("/metrics").body.decode()
        checked = daemon_module.run("-c", daemon.config, "-T")
        assert checked.returncode == 0, checked
        for text in (shown, checked.stdout, checked.stderr):
            assert PASSWORD not in text and ENCODED not in text
            assert "p%40" not in text and "p@ss" not in text


def test_a_server_without_names_or_passwords_over_a_unix_socket(fake, serve, scratch):
    with Store(scratch, {"port": 0}) as store:
        fill(store)
        with serve(fake, settings(f"unix:{store.path}")) as daemon:
            daemon.wait_for_p0f()
            wait_until_it_works(daemon)


def test_it_asks_for_nothing_else(fake, serve, store):
    """The permissions in the fleet example suffice."""
    fill(store)
    with serve(fake, settings(f"redis://web:{ENCODED}@127.0.0.1:{store.port}")) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        refused = [entry for entry in store.call("ACL", "LOG") if isinstance(entry, list)]
        assert not refused
        assert "NOPERM" not in daemon.log()


def test_one_read_for_a_question(fake, serve, store):
    """And at most one write with its time to live while nothing changes, all in one round trip."""
    fill(store)
    with serve(fake, settings(f"redis://web:{ENCODED}@127.0.0.1:{store.port}")) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        wait_until(lambda: store.commands("HSET") >= len(OWN), "all to be written")
        before = {name: store.commands(name) for name in ("HSCAN", "HSET", "PEXPIRE")}
        for _ in range(3):
            ask_all(daemon, "maybe")
        assert store.commands("HSCAN") - before["HSCAN"] == 3 * 60
        assert store.commands("HSET") == before["HSET"] and store.commands("PEXPIRE") == before["PEXPIRE"]


# -- TLS -------------------------------------------------------------------------------------------

@pytest.fixture(name="tls_store")
def _tls_store(scratch, authority, pair):
    port = free_port()
    with Store(scratch, {"tls-port": port, "tls-cert-file": pair[0], "tls-key-file": pair[1],
                         "tls-ca-cert-file": authority.root, "tls-auth-clients": "no"}) as store:
        store.tls_url = f"rediss://localhost:{port}"
        fill(store)
        yield store


def _has_tls(scratch, url):
    """Whether hiredis supports it; if not, the setting is refused."""
    checked = daemon_module.run("-t", "-o", f"share.server={url}", "-o", f"p0f.socket={scratch}/p0f.sock")
    if checked.returncode == 0:
        return True
    assert checked.returncode == 2 and "TLS" in checked.stderr and "rediss" in checked.stderr, checked
    return False


def test_tls(fake, serve, scratch, authority, tls_store):
    """The certificate is one that the system trusts."""
    if not _has_tls(scratch, tls_store.tls_url):
        return
    with serve(fake, settings(tls_store.tls_url), extra_environment={"SSL_CERT_FILE": authority.root}) as daemon:
        daemon.wait_for_p0f()
        wait_until_it_works(daemon)
        wait_until(lambda: all(HERE in share_fields.read(tls_store, address) for address in OWN),
                   "all to be written")
