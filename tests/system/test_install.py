# SPDX-License-Identifier: MIT
"""What the packages bring, how they are replaced, and what they leave behind."""

import os

import pytest

from booted_system import APT_OPTIONS

P0F, DAEMON = "p0f.service", "p0f-lookupd.service"
SETTINGS = "/etc/p0f-lookupd.conf"
# Of apt, dpkg, systemd and the loader themselves.
THEIR_OWN = ("/var/cache/", "/var/lib/apt/", "/var/lib/dpkg/", "/var/log/", "/etc/ld.so.cache", "/var/lib/systemd/",
             "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/root/debs", "/var/tmp/", "/tmp/")


def _version(system):
    return system.run("dpkg-query", "-W", "-f", "${Version}", "p0f-lookupd").stdout


def _files(system):
    found = system.run("find", "/", "-xdev", "-print").stdout.splitlines()
    return {path for path in found if not path.startswith(THEIR_OWN)}


def _units(system):
    listed = system.systemctl("list-units", "--all", "--plain", "--no-legend", "p0f*").stdout
    return listed + system.systemctl("list-unit-files", "--no-legend", "p0f*", check=False).stdout


def test_nothing_starts_before_it_is_told_to(system):
    for unit in system.systemctl("list-unit-files", "--no-legend", "p0f*").stdout.splitlines():
        name, state, *_ = unit.split()
        assert state == ("static" if name == "p0f@.service" else "disabled") or name == "p0f@.service", unit
    assert system.systemctl("list-units", "--plain", "--no-legend", "p0f*").stdout == ""
    assert system.systemctl("--failed", "--quiet").stdout == ""
    assert "failed" not in system.journal("-u", "p0f*")


def test_units_are_valid_and_tight(system):
    units = system.shell("dpkg -L p0f-lookupd | grep -E 'systemd/system/[^/]*[.](service|socket)$'").stdout.split()
    assert len(units) >= 3
    names = [os.path.basename(unit).replace("p0f@", "p0f@lo") for unit in units]
    verified = system.run("systemd-analyze", "verify", "--man=no", *names)      # no man is installed
    assert verified.stdout + verified.stderr == ""
    for unit, most in ((DAEMON, 12), (P0F, 20), ("p0f@lo.service", 20)):
        judged = system.run("systemd-analyze", "security", f"--threshold={most}", unit, check=False)
        assert judged.returncode == 0, judged.stdout


def test_the_library_is_found(system):
    assert "libp0fclient.so.1" in system.run("ldconfig", "-p").stdout
    assert system.exists("/usr/include/p0fclient.h")


def test_edited_settings_are_kept(system, newer):
    system.write(SETTINGS, "# mine\n", append=True)
    mine = system.read(SETTINGS)
    older = _version(system)
    system.install(newer)
    assert _version(system) > older
    assert system.read(SETTINGS) == mine
    assert "a newer sample" in system.read(f"{SETTINGS}.dpkg-dist")
    system.run("apt-get", *APT_OPTIONS, "remove", "p0f-lookupd")
    assert system.read(SETTINGS) == mine


def test_unedited_settings_are_replaced(system, newer):
    system.install(newer)
    assert "a newer sample" in system.read(SETTINGS)


def test_an_upgrade_starts_nothing(system, newer):
    system.install(newer)
    assert system.show(DAEMON, "ActiveState") == system.show(P0F, "ActiveState") == "inactive"


def test_a_downgrade(running, packages, newer):
    older = _version(running)
    running.install(newer)
    running.install(packages, "--allow-downgrades")
    assert _version(running) == older
    assert running.fetch("/livez").status == 200


@pytest.mark.parametrize("stopped", ["running", "p0f-hangs"])
def test_purge_leaves_nothing(bare, packages, stopped):
    bare.run("apt-get", *APT_OPTIONS, "install", "p0f")     # stays in use, as its user does
    before, users = _files(bare), bare.read("/etc/passwd") + bare.read("/etc/group")
    bare.install(packages)
    bare.systemctl("enable", "--now", P0F, DAEMON, "p0f-lookupd.socket")
    bare.write(SETTINGS, "# mine\n", append=True)
    bare.fetch("/host/192.0.2.1")
    if stopped == "p0f-hangs":
        bare.systemctl("kill", "--signal=STOP", P0F)
        bare.fetch("/host/192.0.2.2")
    bare.run("apt-get", *APT_OPTIONS, "purge", "--auto-remove", "p0f-lookupd", "libp0fclient-dev", "libp0fclient1")
    assert _files(bare) - before == set()
    assert _units(bare) == ""
    assert bare.read("/etc/passwd") + bare.read("/etc/group") == users
    assert bare.shell("cat /proc/[0-9]*/comm | grep p0f", check=False).stdout == ""
