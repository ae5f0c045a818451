# SPDX-License-Identifier: MIT
"""make install puts everything where others can read it, and make uninstall takes it away again."""

import os
import shutil
import subprocess

import pytest

import lacking
from daemon import PROGRAM, ROOT

SAMPLE = f"{ROOT}/conf/p0f-lookupd.conf"


def _make(target, *variables, build=os.path.dirname(PROGRAM), wrap=()):
    """With a umask that lets nobody else read what is not said to be for them, and nothing of a make that
    runs the tests."""
    environment = {name: value for name, value in os.environ.items() if name != "MAKEFLAGS"}
    done = subprocess.run([*wrap, "make", "-C", ROOT, f"BUILD={os.path.relpath(build, ROOT)}", *variables,
                           target],
                          capture_output=True, text=True, timeout=300, check=False, umask=0o077,
                          env=environment)
    assert done.returncode == 0, done
    return done


def _files(root):
    return {os.path.relpath(os.path.join(directory, name), root)
            for directory, _, names in os.walk(root) for name in names}


def _read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


@pytest.fixture(name="installed")
def _installed(scratch):
    root = f"{scratch}/root"
    _make("install", f"DESTDIR={root}")
    return root


@pytest.fixture(name="own_build")
def _own_build(scratch):
    """A copy of the build, for a test in which `make` makes some of it again."""
    build = f"{scratch}/build"
    os.mkdir(build)
    for name in ("daemon", "lib", "version", "sysconfdir"):
        path = f"{os.path.dirname(PROGRAM)}/{name}"
        (shutil.copytree if os.path.isdir(path) else shutil.copy2)(path, f"{build}/{name}")
    return build


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
    _make("install", f"DESTDIR={installed}")
    gone = _make("uninstall", f"DESTDIR={installed}")
    assert _files(installed) == {"etc/p0f-lookupd.conf"}
    assert _read(settings).endswith("# mine\n")
    assert "Kept /etc/p0f-lookupd.conf\n" in gone.stdout


def test_an_upgrade_says_where_the_new_sample_is(installed):
    sample = "usr/local/share/doc/p0f-lookupd/examples/p0f-lookupd.conf"
    assert _read(f"{installed}/{sample}") == _read(SAMPLE)
    kept = f"Kept your /etc/p0f-lookupd.conf; the new sample is /{sample}\n"
    assert kept not in _make("install", f"DESTDIR={installed}").stdout
    with open(f"{installed}/etc/p0f-lookupd.conf", "a", encoding="utf-8") as out:
        out.write("# mine\n")
    assert kept in _make("install", f"DESTDIR={installed}").stdout
    assert _read(f"{installed}/{sample}") == _read(SAMPLE)


def test_the_lookups_are_among_the_examples(installed):
    examples = f"{installed}/usr/local/share/doc/p0f-lookupd/examples"
    assert sorted(os.listdir(f"{examples}/lookup")) == sorted(os.listdir(f"{ROOT}/conf/examples"))
    assert not os.path.exists(f"{examples}/examples")


def test_a_fleet_is_among_the_examples(installed):
    assert sorted(os.listdir(f"{installed}/usr/local/share/doc/p0f-lookupd/examples/fleet")) == \
        ["compose.yaml", "read-host.py", "users.acl"]


def test_a_prefix_holds_everything(scratch, own_build):
    """/etc and /usr cannot be written to meanwhile. (What is there afterwards runs, and looks for its
    settings there.)"""
    lacking.skip_without("namespaces")
    prefix = f"{scratch}/prefix"
    read_only = "".join(f"mount --bind {path} {path} && mount -o remount,bind,ro {path} && "
                        for path in ("/etc", "/usr"))
    done = _make("install", f"PREFIX={prefix}", build=own_build,
                 wrap=("unshare", "--mount", "sh", "-c", f'{read_only} exec "$@"', "sh"))
    assert done.stderr == ""
    assert _read(f"{prefix}/etc/p0f-lookupd.conf") == _read(SAMPLE)
    with open(f"{prefix}/etc/p0f-lookupd.conf", "a", encoding="utf-8") as out:
        out.write("[nonsense]\n")
    checked = subprocess.run([f"{prefix}/sbin/p0f-lookupd", "-t"], capture_output=True, text=True,
                             timeout=60, check=False)
    assert checked.returncode == 2 and f"{prefix}/etc/p0f-lookupd.conf:" in checked.stderr, checked
    for page in ("man5/p0f-lookupd.conf.5", "man7/p0f-lookupd.7", "man8/p0f-lookupd.8"):
        assert f".Pa {prefix}/etc/p0f-lookupd.conf\n" in _read(f"{prefix}/share/man/{page}")
    units = f"{prefix}/lib/systemd/system"
    assert f"ExecStart={prefix}/sbin/p0f-lookupd $OPTIONS\n" in _read(f"{units}/p0f-lookupd.service")
    assert f"  systemctl link {units}/p0f.service {units}/p0f-lookupd.service\n" in done.stdout
    _make("uninstall", f"PREFIX={prefix}", build=own_build)
    assert _files(prefix) == {"etc/p0f-lookupd.conf"}


def test_settings_can_be_elsewhere(scratch, own_build):
    _make("install", f"DESTDIR={scratch}/root", "PREFIX=/opt/lookup", "sysconfdir=/etc/opt",
          build=own_build)
    assert {name for name in _files(f"{scratch}/root") if not name.startswith("opt/lookup/")} == \
        {"etc/opt/p0f-lookupd.conf"}


@pytest.mark.parametrize("version, installed", [("252", False), ("253", False), ("254", True), ("257.9", True)])
def test_an_old_systemd_gets_nothing_that_it_does_not_know(scratch, own_build, version, installed):
    _make("install", f"DESTDIR={scratch}/root", f"SYSTEMD_VERSION={version}", "PREFIX=/usr", build=own_build)
    units = f"{scratch}/root/usr/lib/systemd/system"
    assert os.path.exists(f"{units}/p0f-lookupd.service.d/10-systemd-254.conf") == installed
    if installed:
        assert "ExecReload=/usr/sbin/p0f-lookupd -t" in _read(f"{units}/p0f-lookupd.service.d/10-systemd-254.conf")
    _make("uninstall", f"DESTDIR={scratch}/root", "PREFIX=/usr", build=own_build)
    assert os.listdir(units) == []


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local"])
def test_systemd_looks_into_the_prefixes_of_the_system(scratch, own_build, prefix):
    done = _make("install", f"DESTDIR={scratch}/root", f"PREFIX={prefix}", build=own_build)
    assert "systemctl link" not in done.stdout
    assert os.path.exists(f"{scratch}/root/etc/p0f-lookupd.conf")
