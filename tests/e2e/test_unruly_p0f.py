# SPDX-License-Identifier: MIT
"""A p0f that writes without end, or comes and goes: it holds up no client, and does not fill the log."""

import time

import pytest

import unruly_p0f
from unruly_p0f import UnrulyP0f
from waiting import SLOWDOWN, wait_until

CONNECTIONS = 4         # p0f.connections as it is


@pytest.fixture(name="unruly")
def _unruly(scratch):
    with UnrulyP0f(f"{scratch}/p0f.sock", unruly_p0f.answers_all) as p0f:
        yield p0f
        p0f.reform()    # so that nothing is outstanding for the daemon, which ends before us


def _loop_seconds(daemon):
    """Time on a CPU of the thread that talks to p0f, which is the main one."""
    pid = daemon.process.pid
    with open(f"/proc/{pid}/task/{pid}/schedstat", encoding="ascii") as schedstat:
        return int(schedstat.read().split()[0]) / 1e9


def _log_lines(daemon):
    return [line for line in daemon.log().splitlines() if "listening on" not in line]


def _works_again(daemon, p0f):
    """Once p0f does, and the last word in the log is that it does."""
    p0f.reform()
    daemon.wait_for_p0f()
    wait_until(lambda: "p0f answers" in _log_lines(daemon)[-1], "the log to say so", bound=40)


FLOODS = {"garbage": unruly_p0f.GARBAGE, "answers": unruly_p0f.ANSWERS}


@pytest.mark.parametrize("what", FLOODS)
def test_a_flood_holds_up_nobody(unruly, serve, what):
    unruly.play = unruly_p0f.floods_with(FLOODS[what])
    with serve(unruly) as daemon:
        wait_until(lambda: unruly.connections >= CONNECTIONS, "the flood")
        begin, used, asked = time.monotonic(), _loop_seconds(daemon), 0
        # Each has its time in which it is read, and is closed; so it goes on with the next.
        while unruly.connections < 4 * CONNECTIONS or time.monotonic() < begin + 1:
            assert daemon.get("/livez").status == 200       # on a new connection
            asked += 1
        share = (_loop_seconds(daemon) - used) / (time.monotonic() - begin)
        # To accept all of those takes some, too. With a flood that is read as it comes it is 0.6 to 0.9.
        assert share < 0.4 or SLOWDOWN > 1, f"the loop takes {share:.2f} of a CPU"
        assert asked > 50
        _works_again(daemon, unruly)


FLAPPING = {
    "hangs up": unruly_p0f.hangs_up_after(2),
    "talks nonsense": unruly_p0f.talks_nonsense_after(2),
    "hangs up after an answer": unruly_p0f.hangs_up_after(3),
}


@pytest.mark.parametrize("what", FLAPPING)
def test_coming_and_going_is_answered_with_patience(unruly, serve, what):
    unruly.play = FLAPPING[what]
    begin = time.monotonic()
    with serve(unruly, {"p0f.timeout": "50ms"}) as daemon:
        while unruly.connections < 7 * CONNECTIONS:
            daemon.host("198.51.100.1", "?wait=0", {"Cache-Control": "no-cache"})
        # Even if all pauses were the shortest ones. If none grew, it would be 0.3 s.
        assert time.monotonic() - begin > 1
        lines = _log_lines(daemon)
        assert len(lines) < 8 + 4 * (time.monotonic() - begin) / 10, lines
        _works_again(daemon, unruly)
