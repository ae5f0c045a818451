# SPDX-License-Identifier: MIT
"""The files of tokens, of the certificate and of its key, if they are not what they should be: at the start, with -t
and -T and on SIGHUP, the message names setting, line, file and remedy; on SIGHUP, the old ones stay in force."""

import functools
import os
import signal
import ssl

import pytest

import tls
import tokens
from bad_files import AS_A_USER, NO_FILE, restore, run_as_user, write
from daemon import free_port, write_config
from waiting import wait_until

SETTINGS = ("http.token_file", "http.tls_certificate", "http.tls_key")
NO_CERTIFICATE = "there is no complete certificate in it; expected -----BEGIN CERTIFICATE-----"
NO_KEY = "there is no private key in it; expected -----BEGIN PRIVATE KEY-----"


def _content(change, mode=0o640):
    return lambda path, good: write(path, change(good), mode)


def _mode(mode):
    return lambda path, good: write(path, good, mode)


def _given_away(path, good):
    write(path, good, 0o640)
    os.chown(path, 12345, -1)


_EMPTY, _BINARY = _content(lambda good: b""), _content(lambda good: bytes(range(256)) * 100)
_TORN, _NUL = _content(lambda good: good[:-60]), _content(lambda good: good + b"a\0b\n")

# What is said after "FILE: ", or "FILE" with a line.
BAD = {
    "http.token_file": {
        "empty": (_EMPTY, ": it holds no token"), "binary": (_BINARY, ":1: "), "NUL": (_NUL, ":2: "),
        "torn": (_TORN, ":1: expected 64 hexadecimal digits"),
        "token itself": (_content(lambda good: b"web p0fl_secret\n"), ":1: expected sha256:DIGEST; if this is the token itself, "),
        "all can write": (_mode(0o646), ": every user can write it (mode 0646); run: chmod 0644 "),
        "group can write": (_mode(0o660), ": its group can write it (mode 0660); run: chmod 0640 "),
        "of another owner": (_given_away, ": it belongs to the user 12345, who could let anybody in; run: chown root ")},
    "http.tls_certificate": {
        "empty": (_EMPTY, f": {NO_CERTIFICATE}"), "binary": (_BINARY, f": {NO_CERTIFICATE}"),
        "torn": (_TORN, f": {NO_CERTIFICATE}")},
    "http.tls_key": {
        "empty": (_EMPTY, f": {NO_KEY}"), "binary": (_BINARY, f": {NO_KEY}"),
        "torn": (_TORN, ": cannot parse the private key: "),
        "all can read": (_mode(0o644), ": every user can read it (mode 0644); run: chmod 0640 "),
        "all can write": (_mode(0o642), ": every user can write it (mode 0642); run: chmod 0640 "),
        "group can write": (_mode(0o660), ": its group can write it (mode 0660); run: chmod 0640 ")},
}
for _kinds in BAD.values():
    _kinds.update({name: (spoil, f": {said}") for name, (spoil, said) in NO_FILE.items()})
BAD["http.token_file"]["sparse and huge"] = (NO_FILE["sparse and huge"][0], ": it has more than 262144 bytes; ")


@pytest.fixture(name="made")
def _made(scratch):
    """(settings, {setting: content}, token)"""
    token = tokens.write(f"{scratch}/tokens", "all")["all"]
    pair = tls.Authority(scratch).issue("server")
    settings = tls.settings(free_port(), pair, token_file=f"{scratch}/tokens")
    files = {}
    for setting in SETTINGS:
        with open(settings[setting], "rb") as file:
            files[setting] = file.read()
    return settings, files, token


def _expected(config, settings, setting, said):
    with open(config, encoding="utf-8") as file:
        lines = file.read().splitlines()
    key = setting.partition(".")[2]
    number = next(i for i, line in enumerate(lines, 1) if line.startswith(f"{key} ") or line.startswith(f"{key}="))
    return f"{config}:{number}: {setting}: {settings[setting]}{said}"


@pytest.mark.parametrize("setting", SETTINGS)
def test_at_the_start(scratch, made, setting):
    settings, files, _ = made
    config = write_config(f"{scratch}/settings", {**settings, "http.listen": f"unix:{scratch}/http.sock",
                                                  "p0f.socket": f"{scratch}/p0f.sock"})
    assert run_as_user("-c", config, "-t").returncode == 0
    for kind, (spoil, said) in BAD[setting].items():
        spoil(settings[setting], files[setting])
        for arguments in ((), ("-t",), ("-T",)):
            done = run_as_user("-c", config, *arguments)
            assert (done.returncode, done.stdout) == (2, ""), (kind, arguments, done)
            lines = [line for line in done.stderr.splitlines() if not line.startswith("p0f-lookupd: starting")]
            assert len(lines) == 1, (kind, arguments, done)
            assert lines[0].startswith(f"p0f-lookupd: {_expected(config, settings, setting, said)}"), \
                (kind, arguments, lines)
            assert "p0fl_secret" not in done.stderr
        restore(settings[setting], files[setting], 0o640)


def _reload(daemon, line):
    """What it logs meanwhile."""
    before = len(daemon.log())
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: line in daemon.log()[before:], f"the log to say {line!r}")
    return daemon.log()[before:]


@pytest.mark.parametrize("setting", SETTINGS)
def test_on_sighup(scratch, fake, serve, made, setting):
    settings, files, token = made
    bearer, port = tokens.bearer(token), int(settings["http.tls_listen"].partition(":")[2])
    context = ssl.create_default_context(cafile=f"{scratch}/ca/root.pem")
    with serve(fake, settings, prefix=AS_A_USER) as daemon:
        get_status = functools.partial(daemon.get, "/status", bearer)
        for kind, (spoil, said) in BAD[setting].items():
            spoil(settings[setting], files[setting])
            expected = _expected(daemon.config, daemon.settings, setting, said)
            log = _reload(daemon, "the old settings stay in force")
            assert f"p0f-lookupd: {expected}" in log, (kind, log)
            reload = get_status().json()["reload"]
            assert reload["successful"] is False and reload["error"].startswith(expected), (kind, reload)
            assert daemon.get("/status").status == 401, kind
            tls.open_tls(port, context).close()
            restore(settings[setting], files[setting], 0o640)
            _reload(daemon, "settings reloaded")
            assert get_status().json()["reload"]["successful"] is True, kind
