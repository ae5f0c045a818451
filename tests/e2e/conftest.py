# SPDX-License-Identifier: MIT
"""Fixtures of the end-to-end tests: a real daemon over HTTP, against the real p0f or a fake one.

    /usr/bin/python3 -m pytest -q tests/e2e

P0F_LOOKUPD names the daemon to test, if it is not build/p0f-lookupd. What needs the real p0f needs
root too, for the capture.
"""

import os
import resource
import shutil
import signal
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support", "py"))

import pytest  # noqa: E402

pytest.register_assert_rewrite("http_cache_cases", "proxy_matrix", "recording_site")

import daemon as daemon_module  # noqa: E402
import lacking  # noqa: E402
import namespace  # noqa: E402
import real_p0f  # noqa: E402
import tls  # noqa: E402
from fake_p0f import FakeP0f  # noqa: E402


def pytest_configure(config):
    if not os.access(daemon_module.PROGRAM, os.X_OK):
        pytest.exit(f"there is no daemon to test: {daemon_module.PROGRAM}", returncode=2)
    # What a script has put in the background ignores both, and so would all that is run from here.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    # Each worker of `pytest -n` has a loopback interface of its own, so that what p0f sees there
    # comes from one test, and two tests may use one address.
    if hasattr(config, "workerinput"):
        namespace.move_into_own()


@pytest.fixture(name="scratch")
def _scratch():
    """A directory with a short name, whatever $TMPDIR says, as the path of a unix socket must be short."""
    directory = tempfile.mkdtemp(prefix="lookupd-", dir="/tmp")
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(name="module_scratch", scope="module")
def _module_scratch():
    directory = tempfile.mkdtemp(prefix="lookupd-", dir="/tmp")
    yield directory
    shutil.rmtree(directory)


@pytest.fixture(name="authority", scope="module")
def _authority(module_scratch):
    """Issues certificates for the daemon."""
    return tls.Authority(module_scratch)


@pytest.fixture(name="pair", scope="module")
def _pair(authority):
    """Files of a certificate and its key."""
    return authority.issue("server")


@pytest.fixture(name="context")
def _context(authority):
    """Of a client that trusts the authority."""
    return authority.context()


@pytest.fixture(name="fake")
def _fake(scratch):
    """A scripted p0f that knows nobody yet. It outlives the daemon, so that it sees its end."""
    with FakeP0f(os.path.join(scratch, "p0f.sock")) as fake:
        yield fake


@pytest.fixture(name="serve")
def _serve(scratch):
    """serve(p0f, {"section.key": value}): a daemon for a with-block, connected to that p0f."""
    def serve(p0f, settings=None, **options):
        path = p0f if isinstance(p0f, str) else getattr(p0f, "path", None) or p0f.socket
        return daemon_module.Daemon(scratch, path, settings, **options)
    return serve


@pytest.fixture(name="needs_p0f", scope="session")
def _needs_p0f():
    lacking.skip_without("capture")
    reason = real_p0f.missing()
    if reason:
        pytest.skip(reason)


@pytest.fixture(name="allow_descriptors")
def _allow_descriptors():
    """allow_descriptors(n): so many may be open in this test, and in each program that it runs."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    def allow(count):
        if limits[1] < count:
            pytest.skip(f"this needs {count} descriptors, and {limits[1]} may be open")
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(count, limits[0]), limits[1]))
    yield allow
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
