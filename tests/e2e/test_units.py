# SPDX-License-Identifier: MIT
"""systemd understands all of the units, and finds them as confined as they are meant to be."""

import os
import re
import shutil
import subprocess

import pytest

from daemon import PROGRAM, ROOT

UNITS = ["p0f-lookupd.service", "p0f-lookupd.socket", "p0f-lookupd-tls.socket",
         "p0f-lookupd-relay.socket", "p0f.service", "p0f@.service"]
DROP_IN = "p0f-lookupd.service-254.conf"


def _analyze(*arguments):
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd is not installed")
    return subprocess.run(["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, timeout=60,
                          check=False, env={**os.environ, "SYSTEMD_LOG_LEVEL": "notice"})


def _version():
    return int(_analyze("--version").stdout.split()[1])


@pytest.fixture(name="units")
def _units(scratch):
    """A directory with them as they are installed for this systemd, except that the daemon is that of the
    build."""
    for name in UNITS:
        _place(name, f"{scratch}/{name}")
    if _version() >= 254:
        os.mkdir(f"{scratch}/p0f-lookupd.service.d")
        _place(DROP_IN, f"{scratch}/p0f-lookupd.service.d/10-systemd-254.conf")
    return scratch


def _place(name, path):
    with open(f"{ROOT}/systemd/{name}", encoding="utf-8") as unit, open(path, "w", encoding="utf-8") as out:
        out.write(unit.read().replace("/usr/local/sbin/p0f-lookupd", PROGRAM))


def test_nothing_in_them_is_unknown(units):
    done = _analyze("verify", "--man=no", *(f"{units}/{name}" for name in UNITS))
    ours = [line for line in done.stderr.splitlines() if "p0f" in line or units in line]
    assert not ours and done.returncode == 0, done


@pytest.mark.parametrize("unit, most", [("p0f-lookupd.service", 1.2), ("p0f.service", 1.6), ("p0f@.service", 1.6)])
def test_how_exposed_they_are(units, unit, most):
    done = _analyze("security", "--offline=true", f"--threshold={int(most * 10)}", f"{units}/{unit}")
    exposure = float(re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout).group(1))
    assert exposure <= most and done.returncode == 0, done.stdout


def test_both_p0f_units_are_confined_alike():
    """All but the socket and the interface."""
    def directives(name):
        with open(f"{ROOT}/systemd/{name}", encoding="utf-8") as unit:
            text = unit.read()
        return [line for line in text[text.index("\n[Service]"):].splitlines()
                if "=" in line and not line.startswith("#") and not
                line.startswith(("ExecStart=", "Environment", "RuntimeDirectory="))]
    assert directives("p0f.service") == directives("p0f@.service")


@pytest.mark.parametrize("name", ["p0f-lookupd.service", DROP_IN])
def test_a_reload_tests_what_the_daemon_reads(name):
    """The same command line, so the same settings."""
    with open(f"{ROOT}/systemd/{name}", encoding="utf-8") as unit:
        assert "\nExecReload=/usr/local/sbin/p0f-lookupd -t $OPTIONS\n" in unit.read()
    with open(f"{ROOT}/systemd/p0f-lookupd.service", encoding="utf-8") as unit:
        assert "\nExecStart=/usr/local/sbin/p0f-lookupd $OPTIONS\n" in unit.read()
