# SPDX-License-Identifier: MIT
"""Waiting for an event instead of hoping that some time is enough."""

import os
import subprocess
import threading
import time

# How much slower the daemon may be when it is run with something, such as valgrind. All bounds are
# those of the plain one, times this.
SLOWDOWN = 10 if os.environ.get("WRAP") else 1

# Between two looks at the world. Short, so that a test ends as soon as the event is there; never a
# delay that a test relies on.
LOOK_AGAIN = 0.005


def wait_until(predicate, what, bound=20):
    """Look until `predicate()` is true and return its value; after `bound` seconds fail and say
    `what` was waited for."""
    bound *= SLOWDOWN
    deadline = time.monotonic() + bound
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {bound} s in vain for {what} (last seen: {value!r})")
        time.sleep(LOOK_AGAIN)


class Bounded(subprocess.Popen):
    """Killed at the end of its with-block, and when it has run for too long: so a test that waits for it, or
    reads what it prints, fails instead of hanging."""

    def __init__(self, *arguments, bound=30, **options):
        super().__init__(*arguments, **options)
        self._timer = threading.Timer(bound * SLOWDOWN, self.kill)
        self._timer.start()

    def __exit__(self, *details):
        self._timer.cancel()
        self.kill()
        super().__exit__(*details)
