# SPDX-License-Identifier: MIT
"""What cannot be had here, as tests/support/sh/probe.sh has found, and said before the tests."""

import os

import pytest

_WHY = {
    "capture": "p0f cannot capture packets here",
    "namespaces": "network namespaces cannot be made here",
    "npm": "the npm packages are not there",
}
_LACKING = os.environ.get("LACKING", "").split()


def skip_without(what):
    """Skips the test that asks, unless this can be had."""
    if what in _LACKING:
        pytest.skip(_WHY[what])
