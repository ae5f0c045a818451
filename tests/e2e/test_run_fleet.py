# SPDX-License-Identifier: MIT
"""`make run-fleet`: three p0fs, each with a daemon, and their shared tier, in network namespaces."""

import json
import os
import re
import signal
import subprocess

import pytest

from daemon import PROGRAM, ROOT
from debian_root import layered
from waiting import Bounded, wait_until

SCRIPT = f"{ROOT}/tests/support/sh/run-fleet.sh"


def _namespaces(pid):
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout.split()
    return [name for name in listed if name.startswith(f"fleet-{pid}-")]


def _processes(word):
    """The names of those that have it on their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as words, \
                    open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
                if word in words.read():
                    found.append(comm.read().strip())
        except OSError:
            continue        # it has ended
    return found


@pytest.fixture(name="fleet")
def _fleet(needs_p0f, scratch):
    """(process, directory, lines), once it has shown everything."""
    with Bounded(layered("bash", SCRIPT, PROGRAM), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                 env={**os.environ, "TMPDIR": scratch}, bound=60) as process:
        lines = []
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if "Ctrl-C" in line:
                break
        shown = "\n".join(lines)
        assert "Ctrl-C" in shown, shown
        try:
            yield process, re.search(rf"{scratch}/fleet\.\w+", shown)[0], lines
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                process.wait(30)


def test_it_shows_who_saw_a_host(fleet):
    _, _, lines = fleet
    asked = {}
    for command, answer in zip(lines, lines[1:]):
        question = re.fullmatch(r"\$ curl --unix-socket \S+ http://(web\d)/host/(\S+)", command)
        if question:
            asked[question.groups()] = json.loads(answer)
    assert {key: host.get("sensor") for key, host in asked.items()} == {
        ("web1", "198.51.100.1"): "web1", ("web2", "198.51.100.1"): "web1", ("web3", "198.51.100.1"): "web1",
        ("web1", "198.51.100.4"): "web3"}
    assert all(host["os_name"] == "Linux" and host["ip"] == ip for (_, ip), host in asked.items())


def test_its_commands(fleet):
    """Those that it leaves to whoever is looking, where its namespaces are."""
    process, _, lines = fleet
    there = ["nsenter", f"--target={process.pid}", "--mount", "--root"]
    commands = [line[2:] for line in lines if line.startswith("$ ") and "/host/" not in line]
    said = [subprocess.run([*there, "sh", "-c", command], capture_output=True, text=True, timeout=20, check=True).stdout
            for command in commands]
    assert len(said) == 2
    assert sorted(json.loads(line)["sensor"] for line in said[0].splitlines() if line) == ["web2", "web3"]
    assert json.loads(said[1]) == {"status": "ok"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_nothing_is_left(fleet, number):
    process, directory, _ = fleet
    assert sorted(name for name in _processes(directory) if name in ("p0f", "p0f-lookupd")) == \
        ["p0f"] * 3 + ["p0f-lookupd"] * 3
    assert len(_namespaces(process.pid)) == 5
    process.send_signal(number)
    assert process.wait(30) == 0
    assert _processes(directory) == [] and _namespaces(process.pid) == []
    assert not os.path.exists(directory)


@pytest.mark.parametrize("name", ["p0f", "p0f-lookupd"])
def test_nothing_is_left_of_half_a_fleet(needs_p0f, scratch, name):
    with Bounded(layered("bash", SCRIPT, PROGRAM), stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                 env={**os.environ, "TMPDIR": scratch}, bound=60) as process:
        wait_until(lambda: name in _processes(scratch), f"{name} to be started")
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
    assert _processes(scratch) == [] and _namespaces(process.pid) == [] and os.listdir(scratch) == []


def test_one_that_ends_takes_the_others_with_it(fleet):
    process, directory, _ = fleet
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", encoding="utf-8", errors="replace") as words:
                if words.read().startswith(f"p0f\0-i\0visitors\0-s\0{directory}/p0f2.sock"):
                    os.kill(int(pid), signal.SIGKILL)
        except OSError:
            continue
    assert process.wait(30) == 1
    assert "ended by itself" in process.stdout.read()
    wait_until(lambda: not _namespaces(process.pid), "the namespaces to go")
    assert not os.path.exists(directory)
