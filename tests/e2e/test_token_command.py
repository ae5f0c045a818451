# SPDX-License-Identifier: MIT
"""p0f-lookupd token NAME [ROLE]."""

import hashlib
import os
import pty
import re
import subprocess

import pytest

import daemon as daemon_module
import tokens

TOKEN = r"p0fl_[A-Za-z0-9_-]{43}"


def test_the_line_and_the_token():
    made = daemon_module.run("token", "web-1")
    token = made.stderr.rstrip("\n")
    assert made.returncode == 0
    assert re.fullmatch(TOKEN, token)
    assert made.stdout == f"web-1 sha256:{hashlib.sha256(token.encode()).hexdigest()} lookup\n"


@pytest.mark.parametrize("role", ["lookup", "self", "metrics", "all"])
def test_roles(role):
    assert tokens.make("x", role)[1].endswith(f" {role}\n")


def test_each_is_another():
    assert len({tokens.make("x")[0] for _ in range(20)}) == 20


def test_the_file_never_holds_the_token(scratch, fake, serve):
    file = f"{scratch}/tokens"
    made = []
    for name in ("a", "b"):
        with open(file, "a", encoding="utf-8") as out:
            made.append(subprocess.run([daemon_module.PROGRAM, "token", name, "all"], stdout=out,
                                       stderr=subprocess.PIPE, text=True, check=True).stderr.strip())
    os.chmod(file, 0o600)
    with open(file, encoding="utf-8") as text:
        assert "p0fl_" not in text.read()
    with serve(fake, {"http.token_file": file}) as daemon:
        assert [daemon.get("/", tokens.bearer(token)).status for token in (*made, "x")] == [200, 200, 401]


def test_in_a_terminal_it_says_which_is_which():
    controller, terminal = pty.openpty()
    subprocess.run([daemon_module.PROGRAM, "token", "web", "self"], stdout=terminal, stderr=terminal, check=True)
    os.close(terminal)
    shown = os.read(controller, 4096).decode().replace("\r\n", "\n")
    os.close(controller)
    assert re.fullmatch(f"The line for http.token_file:\nweb sha256:[0-9a-f]{{64}} self\n"
                        f"The token, .*Authorization: Bearer TOKEN\n{TOKEN}\n", shown), shown


@pytest.mark.parametrize("arguments, message", [
    ([], "token: expected NAME [ROLE]"),
    (["a", "self", "x"], "token: expected NAME [ROLE]"),
    (["a", "admin"], "token: unknown role admin: expected lookup, self, metrics or all"),
    (["a b"], "token: expected a name of 1 to 64 letters"),
    (["#"], "token: expected a name of 1 to 64 letters"),
    ([""], "token: expected a name of 1 to 64 letters"),
    (["x" * 65], "token: expected a name of 1 to 64 letters")])
def test_wrong_arguments(arguments, message):
    ended = daemon_module.run("token", *arguments)
    assert ended.returncode == 2
    assert ended.stdout == ""
    assert message in ended.stderr
    assert "p0fl_" not in ended.stderr


def test_a_line_that_cannot_be_written():
    with open("/dev/full", "w", encoding="utf-8") as full:
        ended = subprocess.run([daemon_module.PROGRAM, "token", "x"], stdout=full, stderr=subprocess.PIPE,
                               text=True, check=False)
    assert ended.returncode == 1
    assert "cannot print the line" in ended.stderr
    assert "p0fl_" not in ended.stderr


def test_no_settings_are_needed(scratch):
    broken = f"{scratch}/broken.conf"
    with open(broken, "w", encoding="utf-8") as file:
        file.write("nonsense\n")
    assert daemon_module.run("-c", broken, "token", "x").returncode == 0
