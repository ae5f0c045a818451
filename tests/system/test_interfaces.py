# SPDX-License-Identifier: MIT
"""A p0f for one interface: p0f@.service."""

P0F, DAEMON, ONE = "p0f.service", "p0f-lookupd.service", "p0f@lo.service"
VISITOR = "127.1.2.3"


def _use_one(system):
    system.systemctl("mask", P0F)
    system.write("/etc/p0f-lookupd.conf", "[p0f]\nsocket = /run/p0f-lo/p0f.sock\n")


def test_one_interface(system):
    _use_one(system)
    system.write("/etc/default/p0f-lo", "OPTIONS=-p\n")
    system.systemctl("enable", "--now", ONE, DAEMON)
    system.visit(VISITOR)
    host = system.wait_to_know(VISITOR)
    assert host["os_name"] == "Linux" and host["total_conn"] == 1
    system.reboot()
    system.visit(VISITOR)
    system.wait_to_know(VISITOR)
    assert system.show(P0F, "ActiveState") == "inactive"


def test_an_interface_that_comes_late(system):
    system.systemctl("start", "--no-block", "p0f@late0.service")
    system.wait_for("p0f@late0.service", "SubState", "auto-restart")
    system.run("ip", "link", "add", "late0", "type", "veth", "peer", "name", "late1")
    system.run("ip", "link", "set", "late0", "up")
    system.wait_for("p0f@late0.service", "ActiveState", "active", bound=60)
    assert system.exists("/run/p0f-late0/p0f.sock")
