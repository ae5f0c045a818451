# SPDX-License-Identifier: MIT
"""What bash makes of a command line that is completed, with the file that is installed for it."""

import os
import pty
import re
import subprocess

import pytest

from daemon import PROGRAM, ROOT
from waiting import SLOWDOWN

COMPLETION = f"{ROOT}/conf/bash-completion/p0f-lookupd"
PROMPT = b"ready> "
INSERT_ALL = b"\x1b*"


class Shell:
    """An interactive bash on a terminal of its own."""

    def __init__(self, directory):
        self._terminal, end = pty.openpty()
        self._process = subprocess.Popen(
            ["bash", "--norc", "--noprofile", "-i"], stdin=end, stdout=end, stderr=end, cwd=directory,
            start_new_session=True, env={"PATH": f"{os.path.dirname(PROGRAM)}:/usr/bin:/bin", "TERM": "dumb",
                                         "PS1": PROMPT.decode(), "HISTFILE": "", "LC_ALL": "C.UTF-8"})
        os.close(end)
        self._read_to(PROMPT)

    def _read_to(self, end):
        read = b""
        while not read.endswith(end):
            read += os.read(self._terminal, 4096)

    def run(self, line):
        os.write(self._terminal, line + b"\n")
        self._read_to(b"\n" + PROMPT)

    def close(self):
        os.close(self._terminal)
        self._process.wait(20 * SLOWDOWN)


@pytest.fixture(name="complete")
def _complete(scratch):
    """What becomes of the last word of a line when all its completions are inserted. The line is not run: its words
    are printed instead."""
    shell = Shell(scratch)
    shell.run(b". " + COMPLETION.encode())

    def complete(line):
        shell.run(line.encode() + INSERT_ALL + b"\x01printf '%s\\n' \x05 >words")
        with open(f"{scratch}/words", encoding="utf-8") as file:
            return file.read().split("\n")[len(line.split(" ")) - 1:-1]
    yield complete
    shell.close()


def _help():
    return subprocess.run([PROGRAM, "-h"], capture_output=True, text=True, check=True, timeout=20).stdout


def test_commands(complete):
    commands = complete("p0f-lookupd ")
    assert {"lookup", "health", "help"} <= set(commands)
    assert not [name for name in commands if not re.fullmatch("[a-z]+", name)]
    assert complete("p0f-lookupd he") == ["health", "help"]
    assert complete("p0f-lookupd -c x.conf -o cache.ttl=5s loo") == ["lookup"]
    assert complete("p0f-lookupd --config=x.conf loo") == ["lookup"]


def test_options(complete):
    options = complete("p0f-lookupd -")
    assert {"-c", "--config", "-o", "--option", "-t", "--test", "-h", "--help"} <= set(options)
    assert "--raw" not in options
    assert complete("p0f-lookupd lookup --") == ["--raw", "--text"]
    assert complete("p0f-lookupd -o cache.ttl=5s health --re") == ["--ready"]
    assert complete("p0f-lookupd lookup 192.0.2.1 --r") == ["--raw"]


def test_settings(complete):
    settings = [f"{name}=" for name in re.findall(r"^  ([a-z0-9]+\.[a-z0-9_]+) ", _help(), re.MULTILINE)]
    assert len(settings) > 20
    assert sorted(complete("p0f-lookupd -o ")) == sorted(settings)
    assert complete("p0f-lookupd --option http.trusted") == ["http.trusted_proxies="]


def test_files(complete, scratch):
    with open(f"{scratch}/my settings.conf", "w", encoding="utf-8"):
        pass
    assert complete("p0f-lookupd -c my") == ["my settings.conf"]


def test_nothing_is_offered_for_a_value(complete):
    assert complete("p0f-lookupd -o cache.ttl=") == ["cache.ttl="]
