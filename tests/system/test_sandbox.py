# SPDX-License-Identifier: MIT
"""What a program could do if it ran in the place of the daemon, or of p0f."""

import pytest

from waiting import wait_until

P0F, DAEMON = "p0f.service", "p0f-lookupd.service"

# Another program in the same sandbox, which says what it could do.
_INSTEAD = """[Service]
Type=oneshot
WatchdogSec=0
Restart=no
ExecStart=
ExecStart=/bin/sh /usr/local/lib/probe
"""

# try NAME COMMAND...
_PROBE = """#!/bin/sh
try() { name=$1; shift; if "$@" >/dev/null 2>&1; then echo "can: $name"; else echo "cannot: $name"; fi; }
socket() { perl -e 'use Socket; socket(S, $ARGV[0], $ARGV[1], 0) or exit 1' "$@"; }
try write-run touch /run/p0f-lookupd/probe
try write-run-p0f touch /run/p0f/probe
try write-etc touch /etc/probe
try write-usr touch /usr/probe
try write-var touch /var/lib/probe
try write-open touch /srv/open/probe
try write-run-root touch /run/probe
try write-home touch /root/probe
try read-settings cat /etc/p0f-lookupd.conf
try read-home ls /root
try read-shadow cat /etc/shadow
try see-init ls /proc/1/root
try see-kernel cat /proc/kallsyms
try user-namespace unshare --user true
try mount mount -t tmpfs none /tmp
try chroot chroot / /bin/true
try hostname hostname probe
try device cat /dev/mem
try disk ls /dev/kmsg
try realtime chrt -f 1 true
try setuid sh -c 'cp /bin/true /tmp/probe && chmod u+s /tmp/probe && test -u /tmp/probe'
try unix-socket socket 1 1
try inet-socket socket 2 1
try packet-socket socket 17 3
try netlink-socket socket 16 3
try foreign-connect perl -MIO::Socket::INET -e 'IO::Socket::INET->new("127.0.0.1:7") or $!{ECONNREFUSED} or exit 1'
try tree-of-others sh -c 'test "$(ls -d /proc/[0-9]* | wc -l)" -gt 5'
exit 0
"""

ALWAYS = {"unix-socket"}
MAY = {DAEMON: ALWAYS | {"write-run", "read-settings", "inet-socket", "foreign-connect"},
       P0F: ALWAYS | {"write-run-p0f", "read-settings", "inet-socket", "foreign-connect", "packet-socket",
                      "netlink-socket"}}


def _what_can_be_done(system, unit, more=""):
    system.write("/usr/local/lib/probe", _PROBE)
    system.run("mkdir", "--mode=777", "/srv/open")      # where only the sandbox forbids it
    system.drop_in(unit, _INSTEAD + more)
    system.systemctl("start", unit)
    said = system.run("journalctl", "--no-pager", "--output=cat", "-u", unit).stdout.splitlines()
    assert len([line for line in said if line.startswith(("can: ", "cannot: "))]) >= 25, said
    return {line[5:] for line in said if line.startswith("can: ")}


@pytest.mark.parametrize("unit", [DAEMON, P0F])
def test_the_sandbox_holds(system, unit):
    assert _what_can_be_done(system, unit) == MAY[unit]


ONLY_UNIX = """[Service]
PrivateNetwork=yes
RestrictAddressFamilies=
RestrictAddressFamilies=AF_UNIX
"""


def test_no_network_where_only_unix_sockets_are_served(system):
    """The drop-in of p0f-lookupd(8)."""
    assert _what_can_be_done(system, DAEMON, ONLY_UNIX) == MAY[DAEMON] - {"inet-socket", "foreign-connect"}


def test_unix_sockets_are_served_without_network(system):
    path = "/run/p0f-lookupd/http.sock"
    system.drop_in(DAEMON, ONLY_UNIX)
    system.write("/etc/p0f-lookupd.conf", f"[http]\nlisten = unix:{path}\n")
    system.systemctl("start", P0F, DAEMON)
    system.visit("127.1.2.3")
    assert system.wait_to_know("127.1.2.3", endpoint=path)["os_name"] == "Linux"
    wait_until(lambda: system.fetch("/readyz", endpoint=path).status == 200, "p0f to be asked")


def test_a_port_below_1024(system):
    """The drop-in of p0f-lookupd(8)."""
    system.write("/etc/p0f-lookupd.conf", "[http]\nlisten = 127.0.0.1:80\n")
    system.shell("echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start", check=False)
    system.drop_in(DAEMON, "[Service]\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n"
                           "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\nPrivateUsers=no\n")
    system.systemctl("start", P0F, DAEMON)
    assert system.fetch("/livez", endpoint=("127.0.0.1", 80)).status == 200


def test_the_relay_for_a_group(system):
    """The drop-in of p0f-lookupd.conf(5)."""
    path = "/run/p0f-lookupd/p0f.sock"
    system.run("groupadd", "mailers")
    system.write("/etc/p0f-lookupd.conf", f"[relay]\nlisten = unix:{path}\nsocket_mode = 0660\nsocket_group = mailers\n")
    system.drop_in(DAEMON, "[Service]\nSupplementaryGroups=mailers\nPrivateUsers=no\n")
    system.systemctl("start", P0F, DAEMON)
    assert system.run("stat", "-c", "%A %U:%G", path).stdout == "srw-rw---- p0f-lookupd:mailers\n"
