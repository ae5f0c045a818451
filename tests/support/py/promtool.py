# SPDX-License-Identifier: MIT
"""promtool, Prometheus' own checker of what it reads."""

import os
import subprocess

from daemon import ROOT
from debian_root import LAYER

PROGRAM = f"{LAYER}/usr/bin/promtool"     # it needs no libraries


def run(*arguments, text=""):
    """What promtool says about it; "" when nothing is wrong."""
    assert os.access(PROGRAM, os.X_OK), f"there is no {PROGRAM}: make check-deps"
    done = subprocess.run([PROGRAM, *arguments], input=text, capture_output=True, text=True,
                          cwd=ROOT, timeout=60, check=False)
    if done.returncode == 0 and not done.stderr:
        return ""
    return f"exit status {done.returncode}\n{done.stdout}{done.stderr}"


def check_metrics(text):
    """Asserts that a text as /metrics gives it is well-formed and keeps to the conventions."""
    complaint = run("check", "metrics", text=text)
    assert complaint == "", complaint
