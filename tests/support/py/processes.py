# SPDX-License-Identifier: MIT
"""What /proc says about a process."""

import os
import time

from waiting import wait_until


def descriptors(pid):
    """How many it has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def unix_sockets(pid):
    """How many of them are unix sockets."""
    with open("/proc/net/unix", encoding="ascii", errors="replace") as table:
        inodes = {line.split()[6] for line in table.readlines()[1:]}
    found = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            kind, _, number = os.readlink(f"/proc/{pid}/fd/{fd}").partition(":")
        except OSError:
            continue        # closed in the meantime
        found += kind == "socket" and number.strip("[]") in inodes
    return found


def unread_bytes(port):
    """What has been sent to that port, over IPv4 from this machine, and not been read there yet."""
    queued = 0
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            _, local, remote, state, queues = line.split()[:5]
            sending, receiving = (int(queue, 16) for queue in queues.split(":"))
            if state != "0A":       # of a listener these count connections
                queued += receiving if int(local.split(":")[1], 16) == port else 0
                queued += sending if int(remote.split(":")[1], 16) == port else 0
    return queued


def resident_bytes(pid):
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
        return next(int(line.split()[1]) * 1024 for line in rollup if line.startswith("Rss:"))


def peak_bytes(pid):
    """The most of it that was resident since forget_peak()."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))


def forget_peak(pid):
    """From now on peak_bytes() begins anew."""
    with open(f"/proc/{pid}/clear_refs", "w", encoding="ascii") as order:
        order.write("5")


def settled_bytes(pid, bound=1.5):
    """Its resident memory, once it has given none back for so many seconds: the daemon looks every
    second whether there is any to give back."""
    least = [resident_bytes(pid), time.monotonic()]

    def settled():
        now = resident_bytes(pid)
        if now < least[0]:
            least[:] = now, time.monotonic()
        return time.monotonic() > least[1] + bound
    wait_until(settled, "its memory to settle", bound=60)
    return least[0]


def cpu_seconds(pid):
    """Time on a CPU of all its threads."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as schedstat:
            total += int(schedstat.read().split()[0])
    return total / 1e9


def wait_until_idle(pid, what, most=0.1):
    """Until it has used no more than that part of a CPU, for half a second."""
    begin = [time.monotonic(), cpu_seconds(pid)]

    def idle():
        now = time.monotonic()
        if now < begin[0] + 0.5:
            return False
        used = cpu_seconds(pid)
        share = (used - begin[1]) / (now - begin[0])
        begin[:] = now, used
        return share <= most
    wait_until(idle, what)


def instrumented(pid):
    """Whether it has a sanitizer in it or is run by valgrind, whose memory is not the program's."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as maps:
        return any(name in line for line in maps for name in ("/libasan", "/libtsan", "/valgrind/"))
