# SPDX-License-Identifier: MIT
"""The version that is shown: the release's, and between releases how far the commit is behind its tag."""

import os
import re
import shutil
import subprocess

import pytest

from daemon import ROOT, run


def _shown_by_make(tree):
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("FULL_VERSION", "MAKEFLAGS", "MAKELEVEL")}
    shown = subprocess.run(["make", "-s", "-C", tree, "--eval", "show: ; @echo '$(FULL_VERSION)'", "show"],
                           env=environment, capture_output=True, text=True, timeout=60, check=True)
    return shown.stdout.strip()


def _git(tree, *arguments):
    subprocess.run(["git", "-C", tree, "-c", "user.name=x", "-c", "user.email=x@example.org", *arguments],
                   capture_output=True, timeout=60, check=True)


@pytest.fixture(name="tree")
def _tree(scratch):
    """A directory with the Makefile alone, and its version."""
    shutil.copy(os.path.join(ROOT, "Makefile"), scratch)
    with open(os.path.join(ROOT, "Makefile"), encoding="utf-8") as makefile:
        return scratch, re.search(r"^VERSION +:= (\S+)$", makefile.read(), re.M).group(1)


def test_without_git_it_is_the_releases(tree):
    directory, version = tree
    assert _shown_by_make(directory) == version


@pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")
def test_between_releases_it_names_the_commit(tree):
    directory, version = tree
    _git(directory, "init", "-q")
    _git(directory, "add", "Makefile")
    _git(directory, "commit", "-qm", "one")
    assert _shown_by_make(directory) == version, "there is no tag"
    _git(directory, "tag", f"v{version}")
    assert _shown_by_make(directory) == version
    _git(directory, "commit", "-qm", "two", "--allow-empty")
    assert re.fullmatch(rf"{re.escape(version)}-1-g[0-9a-f]+", _shown_by_make(directory))
    with open(os.path.join(directory, "Makefile"), "a", encoding="utf-8") as makefile:
        makefile.write("# changed\n")
    assert re.fullmatch(rf"{re.escape(version)}-1-g[0-9a-f]+-dirty", _shown_by_make(directory))


def test_it_is_the_same_everywhere(fake, serve):
    with serve(fake) as daemon:
        version = daemon.get("/status").json()["version"]
        assert f'p0f_lookupd_build_info{{version="{version}"}} 1\n' in daemon.get("/metrics").body.decode()
        assert daemon.get("/openapi.json").json()["info"]["version"] == version
    assert run("-V").stdout == f"p0f-lookupd {version}\n"
