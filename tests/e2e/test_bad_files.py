# SPDX-License-Identifier: MIT
"""Files that are not what they should be: at the start, with -t and on SIGHUP, the daemon never waits for
one nor fills its memory, and says what is wrong with which file; on SIGHUP, the old settings stay in force."""

import contextlib
import os
import resource
import signal
import socket
import subprocess

import pytest

from daemon import PROGRAM, WRAP, environment, write_config
from waiting import SLOWDOWN

# Root may read everything, so it is taken that right: what is left is what any user has.
AS_A_USER = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]

MEMORY = 256 << 20      # bytes that reading a file may take, of 1 GiB


def _remove(path):
    with contextlib.suppress(FileNotFoundError):
        os.remove(path)


def _write(path, data, mode=0o644):
    _remove(path)
    with open(path, "wb") as out:
        out.write(data)
    os.chmod(path, mode)


def _link(path, target):
    _remove(path)
    os.symlink(target, path)


def _directory(path, _):
    _remove(path)
    os.mkdir(path)


def _fifo(path, _):
    _remove(path)
    os.mkfifo(path)


def _socket(path, _):
    _remove(path)
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(path)


def _sparse(path, good):
    _write(path, good)
    os.truncate(path, 1 << 30)


# How to make each of what `good` is the proper content, and what is said of it after "PATH: ".
NO_FILE = {
    "missing": (lambda path, good: _remove(path), "no such file; create it, or correct the path"),
    "directory": (_directory, "it is a directory; a regular file is needed"),
    "fifo": (_fifo, "it is a pipe; a regular file is needed"),
    "socket": (_socket, "it is a socket or a device; a regular file is needed"),
    "endless device": (lambda path, good: _link(path, "/dev/zero"), "it is a device; a regular file is needed"),
    "terminal": (lambda path, good: _link(path, "/dev/ptmx"), "it is a device; a regular file is needed"),
    "dangling link": (lambda path, good: _link(path, "/nonexistent/file"),
                      "it is a symbolic link to /nonexistent/file, which does not exist"),
    "loop of links": (lambda path, good: _link(path, path), "a loop of symbolic links"),
    "unreadable": (lambda path, good: _write(path, good, 0o000),
                   "permission denied: the user 0 of the daemon may not read it (owner 0, group 0, mode 0000); "
                   "chgrp it to a group of the daemon, and chmod g+r"),
    "sparse and huge": (_sparse, "it has more than 1048576 bytes; is it the right file?"),
}


def _settings(changes):
    """What is wrong, and said after "PATH:": of the file of settings, whose content is this function's."""
    return lambda path, good: _write(path, changes(good))


BAD_SETTINGS = {
    "NULs": (_settings(lambda good: good + b"a\0b\n"), "6: NUL byte in the line: expected text in UTF-8"),
    "binary": (_settings(lambda good: bytes(range(256)) * 100), "1: NUL byte in the line: expected text in UTF-8"),
    "UTF-16": (_settings(lambda good: good.decode().encode("utf-16")), "1: UTF-16 text: expected UTF-8"),
    "Latin-1": (_settings(lambda good: good.replace(b"/p0f.sock", b"/caf\xe9")),
                "4: p0f.socket = "),
    "a line of 1 MB": (_settings(lambda good: good + b"#" + b"x" * 1000000 + b"\n"),
                       "6: line too long: expected fewer than 8190 bytes"),
    "another file": (_settings(lambda good: b"#!/bin/sh\necho hello\n"), "2: syntax error: expected [section]"),
    "cut off": (_settings(lambda good: good[:-4]), "5: p0f.timeout = : expected a duration"),
}
GOOD_SETTINGS = {
    "empty": _settings(lambda good: b""),
    "no file": lambda path, good: _link(path, "/dev/null"),
    "CRLF": _settings(lambda good: good.replace(b"\n", b"\r\n")),
    "byte order mark": _settings(lambda good: b"\xef\xbb\xbf" + good),
    "no line feed at the end": _settings(lambda good: good[:-1]),
    "comment in Latin-1": _settings(lambda good: b"# caf\xe9\n" + good),
    "of another owner": lambda path, good: (_write(path, good), os.chown(path, 64_902, 64_902)),
    "writable by its group": lambda path, good: _write(path, good, 0o664),
}
BAD = {**NO_FILE, **BAD_SETTINGS}


def _run(*arguments):
    """As a user, with little memory."""
    def limit():
        if not WRAP:
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    return subprocess.run([*AS_A_USER, *WRAP, PROGRAM, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          encoding="utf-8", errors="backslashreplace", timeout=20 * SLOWDOWN, check=False,
                          env=environment(), preexec_fn=limit)


def _good(scratch):
    """Settings for that daemon, whose file is then spoilt."""
    path = write_config(f"{scratch}/settings", {"http.listen": f"unix:{scratch}/http.sock",
                                                "p0f.socket": f"{scratch}/p0f.sock", "p0f.timeout": "2s"})
    with open(path, "rb") as file:
        return path, file.read()


@pytest.mark.parametrize("arguments", [(), ("-t",), ("-T",)], ids=["start", "-t", "-T"])
@pytest.mark.parametrize("kind", BAD)
def test_at_the_start(scratch, kind, arguments):
    spoil, expected = BAD[kind]
    path, good = _good(scratch)
    spoil(path, good)
    done = _run("-c", path, *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done
    lines = [line for line in done.stderr.splitlines() if not line.startswith("p0f-lookupd: starting")]
    assert len(lines) == 1, done
    separator = ":" if kind in BAD_SETTINGS else ": "
    assert lines[0].startswith(f"p0f-lookupd: {path}{separator}{expected}"), lines


def test_a_name_that_is_too_long(scratch):
    for name in ("x" * 300, "x/" * 3000):
        done = _run("-t", "-c", f"{scratch}/{name}")
        assert done.returncode == 2 and "File name too long" in done.stderr, done


@pytest.mark.parametrize("kind", GOOD_SETTINGS)
def test_what_is_taken(scratch, kind):
    path, good = _good(scratch)
    GOOD_SETTINGS[kind](path, good)
    done = _run("-t", "-c", path)
    assert (done.returncode, done.stderr) == (0, ""), done


def test_what_everybody_can_write(scratch):
    path, good = _good(scratch)
    _write(path, good, 0o666)
    done = _run("-t", "-c", path)
    assert done.returncode == 0, done
    assert done.stderr == f"p0f-lookupd: {path}: every user can write it (mode 0666); run: chmod 0664 {path}\n"


@pytest.mark.parametrize("kind", BAD)
def test_on_sighup(fake, serve, kind):
    spoil, expected = BAD[kind]
    with serve(fake, {"p0f.timeout": "2s"}, prefix=AS_A_USER) as daemon:
        with open(daemon.config, "rb") as file:
            good = file.read()
        assert good.count(b"\n") == 5
        spoil(daemon.config, good)
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("the old settings stay in force")
        separator = ":" if kind in BAD_SETTINGS else ": "
        assert f"p0f-lookupd: {daemon.config}{separator}{expected}" in daemon.log()
        status = daemon.get("/status").json()
        assert status["reload"]["successful"] is False
        assert status["reload"]["error"].startswith(f"{daemon.config}:"), status["reload"]
        assert status["configuration"]["p0f"]["timeout"] == "2s"
        (os.rmdir if kind == "directory" else _remove)(daemon.config)
        _write(daemon.config, good.replace(b"2s", b"3s"))
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("settings reloaded")
        status = daemon.get("/status").json()
        assert status["reload"]["successful"] is True
        assert status["configuration"]["p0f"]["timeout"] == "3s"
