# SPDX-License-Identifier: MIT
"""The file of tokens: what is wrong with it at the start, and what a reload does."""

import os
import signal

import pytest

import daemon as daemon_module
import tokens
from daemon import write_config
from http_client import ask, connect
from waiting import wait_until

HOST = "198.51.100.1"
PATH = f"/host/{HOST}"


@pytest.fixture(name="file")
def _file(scratch):
    return f"{scratch}/tokens"


@pytest.fixture(name="made")
def _made(file):
    return tokens.write(file, "lookup", "all")


@pytest.fixture(name="daemon")
def _daemon(fake, serve, file, made):
    fake.hosts[HOST] = {"os_name": "Linux"}
    with serve(fake, {"http.token_file": file, "http.threads": "4"}) as daemon:
        daemon.admin = tokens.bearer(made["all"])
        wait_until(lambda: daemon.get("/readyz", daemon.admin).status == 200, "p0f to answer")
        yield daemon


def _reload(daemon, line):
    before = len(daemon.log())
    daemon.signal(signal.SIGHUP)
    wait_until(lambda: line in daemon.log()[before:], f"the log to say {line!r}")
    return daemon.log()[before:]


def _lines(file):
    with open(file, encoding="utf-8") as text:
        return text.read().splitlines(keepends=True)


def _write(file, *lines):
    with open(file, "w", encoding="utf-8") as text:
        text.writelines(lines)


def test_a_token_that_was_revoked(daemon, file, made):
    """On connections that are open, of every worker, from the next request on."""
    connections = [connect(daemon.endpoint) for _ in range(16)]
    old = tokens.bearer(made["lookup"])
    assert {ask(connection, PATH, old).status for connection in connections} == {200}
    fresh, line = tokens.make("fresh")
    _write(file, _lines(file)[1], line)
    _reload(daemon, "settings reloaded")
    assert {ask(connection, PATH, old).status for connection in connections} == {401}
    assert {ask(connection, PATH, tokens.bearer(fresh)).status for connection in connections} == {200}
    for connection in connections:
        connection.close()


def test_a_role_that_was_taken_away(daemon, file, made):
    _write(file, _lines(file)[0].replace(" lookup", " self"), _lines(file)[1])
    _reload(daemon, "settings reloaded")
    assert daemon.get(PATH, tokens.bearer(made["lookup"])).status == 403


def test_many_reloads(daemon, file, made):
    """More than any worker has seen: what is not taken over in time is superseded."""
    lines = _lines(file)
    for _ in range(20):
        _write(file, lines[1])
        _reload(daemon, "settings reloaded")
        _write(file, *lines)
        _reload(daemon, "settings reloaded")
    assert daemon.get(PATH, tokens.bearer(made["lookup"])).status == 200


@pytest.mark.parametrize("break_it, reason", [
    (lambda file: _write(file, "web p0fl_secret\n"), ":1: expected sha256:DIGEST; if this is the token itself, "),
    (lambda file: _write(file, *_lines(file), _lines(file)[0]), ":3: duplicate name lookup: already on line 1"),
    (lambda file: _write(file, "# none\n"), ": it holds no token"),
    (lambda file: os.chmod(file, 0o660), ": its group can write it (mode 0660); run: chmod 0640"),
    (os.remove, ": no such file")])
def test_a_broken_file_leaves_the_old_tokens_in_force(daemon, file, made, break_it, reason):
    break_it(file)
    line = daemon.settings_line("http.token_file")
    said = f"{daemon.config}:{line}: http.token_file: {file}{reason}"
    log = _reload(daemon, "; the old settings stay in force")
    assert said in log
    assert "p0fl_secret" not in log
    status = daemon.get("/status", daemon.admin).json()["reload"]
    assert status["successful"] is False
    assert status["error"].startswith(said)
    assert daemon.get(PATH, tokens.bearer(made["lookup"])).status == 200
    assert daemon.get(PATH).status == 401
    tokens.write(file, "lookup")
    _reload(daemon, "settings reloaded")
    assert daemon.get(PATH, tokens.bearer(made["lookup"])).status == 401


def test_another_file_needs_a_restart(daemon, file, made, scratch):
    """As does none: without tokens, anybody who can connect could ask."""
    other = tokens.write(f"{scratch}/other", "lookup")["lookup"]
    for setting in (f"{scratch}/other", ""):
        daemon.settings["http.token_file"] = setting
        write_config(daemon.config, daemon.settings)
        _reload(daemon, f"http.token_file = {setting or '(empty)'} needs a restart; {file} stays in force")
        assert daemon.get(PATH, tokens.bearer(made["lookup"])).status == 200
        assert daemon.get(PATH, tokens.bearer(other)).status == 401
        assert daemon.get(PATH).status == 401
    assert daemon.get("/status", daemon.admin).json()["reload"]["waiting_for_restart"] == \
        {"http.token_file": ""}


# -- the start -------------------------------------------------------------------------------------

def _start(config, *arguments):
    return daemon_module.run("-c", config, *arguments)


@pytest.mark.parametrize("content, mode, reason", [
    ("", 0o600, ": it holds no token, so nobody could get in"),
    ("web secret-token\n", 0o600, ":1: expected sha256:DIGEST"),
    ("web sha256:00\n", 0o600, ":1: expected 64 hexadecimal digits"),
    ("web", 0o602, ": every user can write it (mode 0602); run: chmod 0600")])
def test_a_bad_file_at_the_start(scratch, file, content, mode, reason):
    _write(file, content)
    os.chmod(file, mode)
    config = write_config(f"{scratch}/conf", {"http.token_file": file})
    for arguments in (("-t",), ("-T",), ()):
        ended = _start(config, *arguments)
        assert ended.returncode == 2
        assert ended.stdout == ""
        assert f"p0f-lookupd: {config}:2: http.token_file: {file}{reason}" in ended.stderr
        assert "secret-token" not in ended.stderr


def test_with_a_pipe_or_a_directory(scratch, file):
    config = write_config(f"{scratch}/conf", {"http.token_file": file})
    os.mkfifo(file)
    assert "it is a pipe; a regular file is needed" in _start(config).stderr
    os.remove(file)
    os.mkdir(file)
    assert "it is a directory; a regular file is needed" in _start(config).stderr
    assert _start(config).returncode == 2


def test_the_owner(scratch, file, made):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(file, 12345, -1)
    ended = _start(write_config(f"{scratch}/conf", {"http.token_file": file}), "-t")
    assert ended.returncode == 2
    assert f"{file}: it belongs to the user 12345, who could let anybody in; run: chown root {file}" in ended.stderr


@pytest.mark.parametrize("listen", ["0.0.0.0:1", "[::]:1", "192.0.2.1:1"])
def test_listening_beyond_loopback(scratch, file, made, listen):
    """The message has all three ways out, and each of them is one."""
    settings = {"http.listen": listen}
    config = f"{scratch}/conf"
    ended = _start(write_config(config, settings), "-t")
    assert ended.returncode == 2
    assert ended.stderr == (
        f"p0f-lookupd: {config}:2: http.listen: {listen} is reachable from other hosts and there is no token; "
        "set http.token_file, or http.allow_unauthenticated = yes, or listen on a loopback address or a unix "
        "socket\n")
    for way_out in ({"http.token_file": file}, {"http.allow_unauthenticated": "yes"},
                    {"http.listen": f"127.0.0.1:1, [::1]:1, unix:{scratch}/x"}):
        assert _start(write_config(config, {**settings, **way_out}), "-t").returncode == 0


def test_tokens_and_no_authentication_together(scratch, file, made):
    config = write_config(f"{scratch}/conf", {"http.token_file": file, "http.allow_unauthenticated": "yes"})
    ended = _start(config, "-t")
    assert ended.returncode == 0
    assert "http.allow_unauthenticated changes nothing: with http.token_file, requests need a token" in ended.stderr


def test_nothing_of_the_file_is_printed(scratch, file, made):
    ended = _start(write_config(f"{scratch}/conf", {"http.token_file": file}), "-T")
    assert ended.returncode == 0
    assert f"token_file = {file}  ; " in ended.stdout
    assert "sha256:" not in ended.stdout + ended.stderr
