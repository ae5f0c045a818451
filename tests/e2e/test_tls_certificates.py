# SPDX-License-Identifier: MIT
"""Certificate and key: files that are no good, and the exchange on SIGHUP."""

import os
import shutil
import signal
import ssl
import threading

import pytest

import tls
from daemon import free_port, run, write_config
from http_client import ask, read_all
from waiting import wait_until


def _write(path, data, mode=0o640):
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, mode)
    return path


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _test(scratch, settings, name=""):
    """The result of -t, and of a start, which must be the same."""
    config = write_config(f"{scratch}/t.conf", settings)
    tested = run("-c", config, "-t")
    assert tested.returncode, (name, tested)
    started = run("-c", config)
    assert (started.returncode, tested.stderr.splitlines()[-1]) == (tested.returncode, started.stderr.splitlines()[-1])
    return tested


def _bad_files(scratch, authority, pair):
    """{name: (certificate, key, setting that is named, what is said)}"""
    certificate, key = pair
    encrypted = f"{scratch}/encrypted.key"
    tls.openssl("pkey", "-in", key, "-aes128", "-passout", "pass:x", "-out", encrypted)
    os.chmod(encrypted, 0o600)
    der = f"{scratch}/der"
    tls.openssl("x509", "-in", certificate, "-outform", "DER", "-out", der)
    os.mkfifo(f"{scratch}/fifo")
    other = authority.issue("other")
    weak, sha1 = authority.issue("weak", "weak"), authority.issue("sha1", digest="sha1")
    readable = _write(f"{scratch}/readable.key", _read(key), 0o644)
    empty = _write(f"{scratch}/empty", b"")
    huge = _write(f"{scratch}/huge", b"x" * 2_000_000)
    noise = _write(f"{scratch}/noise", os.urandom(5000))
    torn = _write(f"{scratch}/torn.pem", _read(certificate)[:-100])
    torn_key = _write(f"{scratch}/torn.key", _read(key)[:-60])
    bad = {}
    for name, path, said in (("missing", f"{scratch}/nothing", "no such file"),
                             ("directory", scratch, "a directory; a regular file is needed"),
                             ("fifo", f"{scratch}/fifo", "a pipe"), ("huge", huge, "it has more than 1048576 bytes")):
        bad[f"certificate {name}"] = (path, key, "http.tls_certificate", said)
        bad[f"key {name}"] = (certificate, path, "http.tls_key", said)
    bad |= {
        "certificate empty": (empty, key, "http.tls_certificate", "no complete certificate in it"),
        "key empty": (certificate, empty, "http.tls_key", "no private key in it"),
        "certificate noise": (noise, key, "http.tls_certificate", "no complete certificate in it"),
        "key noise": (certificate, noise, "http.tls_key", "no private key in it"),
        "certificate der": (der, key, "http.tls_certificate", "no complete certificate in it"),
        "certificate torn": (torn, key, "http.tls_certificate", "no complete certificate in it"),
        "key torn": (certificate, torn_key, "http.tls_key", "cannot parse the private key"),
        "swapped": (key, certificate, "http.tls_certificate", "no complete certificate in it"),
        "certificate twice": (certificate, _write(f"{scratch}/copy.pem", _read(certificate)), "http.tls_key",
                              "no private key in it"),
        "mismatch": (certificate, other[1], "http.tls_key", "does not belong to the first certificate"),
        "encrypted": (certificate, encrypted, "http.tls_key", "is encrypted"),
        "readable": (certificate, readable, "http.tls_key", f"chmod 0640 {readable}"),
        "group can write": (certificate, _write(f"{scratch}/group.key", _read(key), 0o660), "http.tls_key",
                            "its group can write it"),
        "weak": (*weak, "http.tls_certificate", "1024 bits is too weak"),
        "sha1": (*sha1, "http.tls_certificate", "RSA-SHA1, which clients refuse"),
    }
    return bad


def test_bad_files(scratch, authority, pair):
    """None mends itself: exit status 2."""
    for name, (certificate, key, setting, said) in _bad_files(scratch, authority, pair).items():
        done = _test(scratch, tls.settings(free_port(), (certificate, key)), name)
        assert done.returncode == 2, (name, done)
        line = done.stderr.splitlines()[-1]
        assert f"{setting}: " in line and said in line, (name, line)
        assert f"t.conf:{4 if setting.endswith('key') else 3}: " in line, (name, line)


def test_settings_that_lack_something(scratch, pair):
    port = free_port()
    good = tls.settings(port, pair)
    for change, said in (({"http.tls_key": ""}, "http.tls_listen: http.tls_key is empty"),
                         ({"http.tls_certificate": ""}, "http.tls_listen: http.tls_certificate is empty"),
                         ({"http.listen": f"127.0.0.1:{port}"}, "is in http.listen, too"),
                         ({"http.listen": "", "http.tls_listen": ""}, "set an address in one of them"),
                         ({"http.tls_listen": "unix:/run/x"}, "a unix socket needs no TLS"),
                         ({"http.tls_listen": "0.0.0.0:5031"}, "http.tls_listen: 0.0.0.0:5031 is reachable"),
                         ({"http.tls_key": "key.pem"}, "the absolute path of a file")):
        done = _test(scratch, {**good, **change})
        assert done.returncode == 2 and said in done.stderr, (change, done)
    done = run("-c", write_config(f"{scratch}/t.conf", {**good, "http.tls_listen": ""}), "-t")
    assert done.returncode == 0 and "http.tls_certificate changes nothing" in done.stderr, done


@pytest.mark.parametrize("days,said", [((-90, -1), "expired on"), ((-1, 13), "expires on"), ((2, 90), "not valid before"),
                                       ((-1, 15), None)])
def test_times(fake, serve, authority, days, said):
    """Served nevertheless, with a warning."""
    pair = authority.issue(f"times{days[0]}{days[1]}", days=days)
    port = free_port()
    with serve(fake, tls.settings(port, pair)) as daemon:
        tested = run("-c", daemon.config, "-t")
        assert tested.returncode == 0
        for text in (tested.stderr, daemon.log()):
            assert (said or "http.tls_certificate") in text if said else "http.tls_certificate" not in text, text
        context = ssl.create_default_context(cafile=authority.root)
        if days[0] < 0 < days[1]:
            tls.open_tls(port, context).close()
        else:
            with pytest.raises(ssl.SSLCertVerificationError):
                tls.open_tls(port, context)


@pytest.mark.parametrize("turned", [False, True])
def test_a_chain_is_sent_in_order(scratch, fake, serve, authority, turned):
    """Also if the file has it in another order."""
    middle = authority.intermediate(f"middle{turned}")
    end, inner = (authority.issue(f"below{turned}", issuer=f"middle{turned}")), authority.intermediate(f"in{turned}")
    assert inner
    parts = [_read(end[0]), _read(middle), _read(authority.root)]
    if turned:
        parts[1:] = parts[:0:-1]
    chain = _write(f"{scratch}/chain.pem", b"".join(parts))
    port = free_port()
    with serve(fake, tls.settings(port, (chain, end[1]))):
        assert ask(tls.connect_tls(port, authority.context()), "/livez").status == 200


# -- SIGHUP ----------------------------------------------------------------------------------------

def _reload(daemon):
    log = daemon.log()
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: "settings reloaded" in daemon.log()[len(log):] or "stay in force" in daemon.log()[len(log):],
               "the reload")
    return daemon.log()[len(log):]


@pytest.fixture(name="replaced")
def _replaced(scratch, fake, serve, pair):
    """(daemon, port, install): whose files install(pair) replaces."""
    files = f"{scratch}/cert.pem", f"{scratch}/key.pem"

    def install(other):
        for source, target in zip(other, files):
            shutil.copy(source, f"{target}.new")
            os.chmod(f"{target}.new", 0o600)
            os.rename(f"{target}.new", target)
    install(pair)
    port = free_port()
    with serve(fake, {**tls.settings(port, files), "cache.ttl": "11s"}) as daemon:
        yield daemon, port, install


def test_old_connections_keep_the_old_one(replaced, authority):
    daemon, port, install = replaced
    context = authority.context()
    renewed = authority.issue("renewed")
    old = tls.connect_tls(port, context)
    assert ask(old, "/livez").status == 200
    first = tls.serial(old.sock)
    flights = tls.Flights(port, context)
    flights.sock.sendall(flights.pending())
    flights.read()                              # in the middle of its handshake
    with tls.open_tls(port, context) as sock:
        sock.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        read_all(sock)
        session = sock.session
    install(renewed)
    assert "settings reloaded" in _reload(daemon)
    with tls.open_tls(port, context) as sock:
        second = tls.serial(sock)
    assert second != first
    kept = old.sock
    assert ask(old, "/livez").status == 200 and old.sock is kept
    flights.sock.sendall(flights.pending() + b"")
    with tls.open_tls(port, context, session=session) as sock:
        assert not sock.session_reused          # sessions end with the certificate
    fingerprint = tls.openssl("x509", "-in", renewed[0], "-noout", "-fingerprint", "-sha256").split("=")[1].strip()
    assert daemon.get("/status").json()["tls"]["certificate"]["sha256_fingerprint"] == \
        fingerprint.replace(":", "").lower()
    old.close()
    flights.sock.close()


def test_a_broken_pair_leaves_the_old_in_force(replaced, authority, pair):
    daemon, port, install = replaced
    install((pair[0], authority.issue("foreign")[1]))
    daemon.settings["cache.ttl"] = "22s"
    write_config(daemon.config, daemon.settings)
    said = _reload(daemon)
    assert "does not belong to the first certificate" in said and "stay in force" in said, said
    assert daemon.get("/status").json()["configuration"]["cache"]["ttl"] == "11s"       # all or nothing
    assert "p0f_lookupd_config_last_reload_successful 0" in daemon.get("/metrics").body.decode()
    tls.open_tls(port, authority.context()).close()
    install(pair)
    assert "settings reloaded" in _reload(daemon)
    assert daemon.get("/status").json()["configuration"]["cache"]["ttl"] == "22s"


def test_other_paths_are_taken_on_reload(scratch, replaced, authority):
    daemon, port, _install = replaced
    pair = authority.issue("elsewhere")
    with tls.open_tls(port, authority.context()) as sock:
        first = tls.serial(sock)
    daemon.settings.update({"http.tls_certificate": pair[0], "http.tls_key": pair[1]})
    write_config(daemon.config, daemon.settings)
    assert "needs a restart" not in _reload(daemon)
    with tls.open_tls(port, authority.context()) as sock:
        assert tls.serial(sock) != first
    assert scratch


def test_reloads_under_load_lose_nothing(replaced, authority, pair):
    daemon, port, install = replaced
    context = authority.context()
    stop, failed, serials = threading.Event(), [], set()
    pairs = [pair, *(authority.issue(f"turn{n}") for n in range(3))]

    def load(keep):
        connection = tls.connect_tls(port, context)
        while not stop.is_set():
            try:
                if ask(connection, "/livez").status != 200:
                    failed.append("status")
                serials.add(tls.serial(connection.sock))
            except OSError as error:
                failed.append(error)
            if not keep:
                connection.close()
        connection.close()

    threads = [threading.Thread(target=load, args=(n % 2 == 0,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(20):
        install(pairs[turn % len(pairs)])
        assert "settings reloaded" in _reload(daemon)
    wait_until(lambda: len(serials) > 1, "several certificates to be seen")
    stop.set()
    for thread in threads:
        thread.join()
    assert not failed
