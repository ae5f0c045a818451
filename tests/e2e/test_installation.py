# SPDX-License-Identifier: MIT
"""make install puts everything where others can read it, and make uninstall takes it away again."""

import os
import subprocess

import pytest

from daemon import PROGRAM, ROOT


def _make(target, root):
    """With a umask that lets nobody else read what is not said to be for them."""
    build = os.path.relpath(os.path.dirname(PROGRAM), ROOT)
    done = subprocess.run(["make", "-C", ROOT, f"BUILD={build}", f"DESTDIR={root}", target],
                          capture_output=True, text=True, timeout=300, check=False, umask=0o077)
    assert done.returncode == 0, done


def _files(root):
    return {os.path.relpath(os.path.join(directory, name), root)
            for directory, _, names in os.walk(root) for name in names}


@pytest.fixture(name="installed")
def _installed(scratch):
    root = f"{scratch}/root"
    _make("install", root)
    return root


def test_everybody_can_read_what_is_installed(installed):
    for directory, _, names in os.walk(installed):
        assert os.stat(directory).st_mode & 0o055 == 0o055 or directory == installed, directory
        for name in names:
            path = os.path.join(directory, name)
            assert os.stat(path).st_mode & 0o044 == 0o044, path


def test_settings_outlive_their_program(installed):
    settings = f"{installed}/etc/p0f-lookupd.conf"
    with open(settings, "a", encoding="utf-8") as out:
        out.write("# mine\n")
    _make("install", installed)
    _make("uninstall", installed)
    assert _files(installed) == {"etc/p0f-lookupd.conf"}
    with open(settings, encoding="utf-8") as kept:
        assert kept.read().endswith("# mine\n")
