# SPDX-License-Identifier: MIT
"""Files that are not what they should be: at the start, with -t and on SIGHUP, the daemon never waits for
one nor fills its memory, and says what is wrong with which file; on SIGHUP, the old settings stay in force."""

import os
import signal

import pytest

from bad_files import AS_A_USER, NO_FILE, link, restore, run_as_user, write
from daemon import write_config

def _settings(changes):
    """What is wrong, and said after "PATH:": of the file of settings, whose content is this function's."""
    return lambda path, good: write(path, changes(good))


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
    "no file": lambda path, good: link(path, "/dev/null"),
    "CRLF": _settings(lambda good: good.replace(b"\n", b"\r\n")),
    "byte order mark": _settings(lambda good: b"\xef\xbb\xbf" + good),
    "no line feed at the end": _settings(lambda good: good[:-1]),
    "comment in Latin-1": _settings(lambda good: b"# caf\xe9\n" + good),
    "of another owner": lambda path, good: (write(path, good), os.chown(path, 64_902, 64_902)),
    "writable by its group": lambda path, good: write(path, good, 0o664),
}
BAD = {**NO_FILE, **BAD_SETTINGS}


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
    done = run_as_user("-c", path, *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done
    lines = [line for line in done.stderr.splitlines() if not line.startswith("p0f-lookupd: starting")]
    assert len(lines) == 1, done
    separator = ":" if kind in BAD_SETTINGS else ": "
    assert lines[0].startswith(f"p0f-lookupd: {path}{separator}{expected}"), lines


def test_a_name_that_is_too_long(scratch):
    for name in ("x" * 300, "x/" * 3000):
        done = run_as_user("-t", "-c", f"{scratch}/{name}")
        assert done.returncode == 2 and "File name too long" in done.stderr, done


@pytest.mark.parametrize("kind", GOOD_SETTINGS)
def test_what_is_taken(scratch, kind):
    path, good = _good(scratch)
    GOOD_SETTINGS[kind](path, good)
    done = run_as_user("-t", "-c", path)
    assert (done.returncode, done.stderr) == (0, ""), done


def test_what_everybody_can_write(scratch):
    path, good = _good(scratch)
    write(path, good, 0o666)
    done = run_as_user("-t", "-c", path)
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
        restore(daemon.config, good.replace(b"2s", b"3s"))
        daemon.signal(signal.SIGHUP)
        daemon.wait_for_line("settings reloaded")
        status = daemon.get("/status").json()
        assert status["reload"]["successful"] is True
        assert status["configuration"]["p0f"]["timeout"] == "3s"
