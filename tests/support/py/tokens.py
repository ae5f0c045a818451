# SPDX-License-Identifier: MIT
"""Tokens for http.token_file, made by the daemon's own command."""

import os

import daemon


def make(name, *role):
    """(token, line for the file)"""
    made = daemon.run("token", name, *role)
    assert made.returncode == 0, made
    return made.stderr.rstrip("\n"), made.stdout


def write(path, *roles):
    """A file with a token for each role; returns {role: token}."""
    made = {role: make(role, role) for role in roles}
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(line for _, line in made.values())
    os.chmod(path, 0o640)
    return {role: token for role, (token, _) in made.items()}


def bearer(token):
    return {"Authorization": f"Bearer {token}"}
