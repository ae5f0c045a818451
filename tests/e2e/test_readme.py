# SPDX-License-Identifier: MIT
"""Runs every curl command in README.md, and compares the response with what README.md shows. What README.md
and tests/FAULTS.md refer to must exist."""

import json
import os
import pathlib
import re
import subprocess

import pytest

import loopback
import openapi
from daemon import ROOT, Daemon
from real_p0f import RealP0f
from waiting import wait_until

# Stands for README.md's 127.0.0.2.
VISITOR = f"{loopback.NETWORK}.13.2"

# Members whose value must match, too.
EXACT = {"type", "title", "status", "code", "query"}


def _page(name):
    with open(f"{ROOT}/{name}", encoding="utf-8") as page:
        return page.read()


def _readme():
    return _page("README.md")


def _examples():
    """(command, response shown) of every example."""
    found = []
    for block in re.findall(r"(?:^    .*\n)+", _readme(), re.M):
        lines = [line[4:] for line in block.splitlines()]
        for at, line in enumerate(lines):
            if line.startswith("$ "):
                found.append((line[2:], []))
            elif found and lines[0].startswith("$ "):
                found[-1][1].append(line)
    return [(command, "\n".join(shown)) for command, shown in found if command.startswith("curl ")]


EXAMPLES = _examples()


@pytest.fixture(name="daemon", scope="module")
def _daemon(needs_p0f, module_scratch):
    with RealP0f(module_scratch, packets=f"net {loopback.NETWORK}.0.0/16") as p0f, \
            Daemon(module_scratch, p0f.socket) as daemon:
        daemon.wait_for_p0f()
        daemon.get("/livez", source=VISITOR)
        wait_until(lambda: p0f.known(VISITOR), "p0f to see the visitor")
        yield daemon


def _members(text):
    """JSON as shown, with each … that stands for omitted members turned into a member named …"""
    text = re.sub(r"(?<=,)…(?=})", '"…":0', text.replace("\n", ""))
    return json.loads(text.replace("{…}", '{"…":0}').replace("[…]", '["…"]'))


def _assert_alike(shown, real, where):
    """The same members in the same order, with values of the same kind."""
    if isinstance(shown, dict):
        assert isinstance(real, dict), where
        names = [name for name in shown if name != "…"]
        assert names == (list(real)[:len(names)] if "…" in shown else list(real)), where
        for name in names:
            if name in EXACT:
                assert shown[name] == real[name], f"{where}.{name}"
            _assert_alike(shown[name], real[name], f"{where}.{name}")
    elif isinstance(shown, list):
        assert isinstance(real, list), where
        if shown != ["…"]:
            assert len(shown) == len(real), where
            for index, pair in enumerate(zip(shown, real)):
                _assert_alike(*pair, f"{where}[{index}]")
    elif shown is not None and real is not None:        # p0f may know more or less of the host
        assert isinstance(real, type(shown)), where


def _assert_same_head(shown, real):
    """The same status, and the fields in the same order. p0f may know more of the host by now."""
    assert shown[0] == real[0]
    shown, real = ([line.split(":")[0] for line in lines[1:]] for lines in (shown, real))
    assert shown == [name for name in real if name in shown or not name.startswith("X-P0F-")]


def test_there_are_examples():
    assert len(EXAMPLES) == 7
    assert not any(shown == "" for _, shown in EXAMPLES)


@pytest.mark.parametrize("command, shown", EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_example(daemon, command, shown):
    for old, new in (("127.0.0.1:5030", f"127.0.0.1:{daemon.port}"), ("127.0.0.2", VISITOR)):
        command, shown = command.replace(old, new), shown.replace(old, new)
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, timeout=60,
                          check=False, env={**os.environ, "no_proxy": "*"})
    assert done.returncode == 0, done.stderr
    real = done.stdout.replace("\r", "")
    if shown.startswith("HTTP/"):
        _assert_same_head(shown.splitlines(), real.split("\n\n")[0].splitlines())
    elif shown[0] in "[{":
        assert real.endswith("\n") and real.count("\n") == 1
        _assert_alike(_members(shown), json.loads(real), "")
    else:
        assert real == shown + "\n"


def test_each_test_of_a_fault_exists():
    """The last column of its table: expressions for pytest's -k."""
    rows = re.findall(r"^\|.*\| `([^`]+)` \|$", _page("tests/FAULTS.md"), re.M)
    files = list(pathlib.Path(ROOT, "tests/e2e").glob("test_*.py"))
    tests = [path.stem for path in files]
    for path in files:
        tests += re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
    assert len(rows) > 10
    for word in " or ".join(rows).split(" or "):
        assert word == "make soak" or any(word in test for test in tests), word


def test_each_path_is_mentioned():
    for path in openapi.own().members["paths"]:
        assert re.search(f"`([A-Z]+ )?{re.escape(path)}`", _readme()), path


def test_it_is_short():
    assert len(_readme().splitlines()) < 250


def test_each_file_that_it_links_to_exists():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", _readme())
    assert len(links) > 5
    for link in links:
        assert os.path.exists(f"{ROOT}/{link}"), link
