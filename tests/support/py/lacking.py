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


def lacks(what):
    return what in _LACKING


def skip_without(what):
    """Skips the test that asks, unless this can be had."""
    if lacks(what):
        pytest.skip(_WHY.get(what, f"{what} is not installed"))
