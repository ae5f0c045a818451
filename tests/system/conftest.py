# SPDX-License-Identifier: MIT
"""Fixtures of the tests on booted systems. `make check-system` makes what they need: see
tests/support/sh/check-system.sh."""

import os
import shutil
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support", "py"))

import pytest  # noqa: E402

from booted_system import BootedSystem  # noqa: E402

_NEXT_VERSION = r"""set -e
cd /root && mkdir newer
dpkg-deb -R debs/p0f-lookupd_*.deb new
sed -i 's/^Version: .*/&+next1/' new/DEBIAN/control
echo '# a newer sample' >>new/etc/p0f-lookupd.conf
sum=$(md5sum <new/etc/p0f-lookupd.conf | cut -d ' ' -f 1)
[ ! -e new/DEBIAN/md5sums ] || sed -i "s|^.*  etc/p0f-lookupd.conf$|$sum  etc/p0f-lookupd.conf|" new/DEBIAN/md5sums
dpkg-deb -b new newer
"""

SYSTEMS = os.environ.get("SYSTEMS", "")
RELEASES = os.environ.get("RELEASES", "").split()


def pytest_configure():
    if not SYSTEMS or not RELEASES:
        pytest.exit("there are no systems to boot: run make check-system", returncode=2)


def _boot(release, layers, name):
    # Beside the base, since a layer of overlayfs cannot lie on another overlay, as /tmp may.
    return BootedSystem(tempfile.mkdtemp(prefix=f"{release}.run-", dir=SYSTEMS), layers, f"{release}-{name}-{os.getpid()}")


@pytest.fixture(name="release", params=RELEASES, scope="session")
def _release(request):
    return request.param


@pytest.fixture(name="packages", scope="session")
def _packages(release):
    """The directory with the packages of this tree."""
    return f"{SYSTEMS}/{release}.debs"


@pytest.fixture(name="newer", scope="session")
def _newer(release, packages):
    """A directory with the next version of the package, whose sample of the settings has changed."""
    system = _boot(release, [f"{SYSTEMS}/{release}.system"], "packing")
    try:
        with system:
            shutil.copytree(packages, system.path("/root/debs"))
            system.shell(_NEXT_VERSION)
            shutil.copytree(system.path("/root/newer"), f"{system.directory}/newer")
        yield f"{system.directory}/newer"
    finally:
        system.discard()


@pytest.fixture(name="bare")
def _bare(release):
    """A booted system without our packages."""
    system = _boot(release, [f"{SYSTEMS}/{release}.system"], "bare")
    try:
        with system:
            yield system
    finally:
        system.discard()


@pytest.fixture(name="installed", scope="session")
def _installed(release, packages):
    """The layers of a system on which the packages have been installed, and nothing else been done."""
    base = f"{SYSTEMS}/{release}.system"
    system = _boot(release, [base], "installing")
    try:
        with system:
            system.install(packages)
            system.power_off()
        yield [system.upper, base]
    finally:
        system.discard()


@pytest.fixture(name="system")
def _system(release, installed):
    """A booted system of this test's own on which the packages are installed; nothing runs yet."""
    system = _boot(release, installed, "system")
    try:
        with system:
            yield system
    finally:
        system.discard()


@pytest.fixture(name="running")
def _running(system):
    """The same once p0f and the daemon run."""
    system.systemctl("start", "p0f.service", "p0f-lookupd.service")
    return system


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that failed shows the end of the journal."""
    report = (yield).get_result()
    if call.when == "call" and report.failed:
        for name in ("system", "bare"):
            system = item.funcargs.get(name)
            if system:
                report.sections.append((f"The journal of {system.name}", system.journal("--lines=60")))
