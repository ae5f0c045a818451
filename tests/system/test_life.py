# SPDX-License-Identifier: MIT
"""Both units as an administrator uses them: they start, answer, fail and recover."""

import signal
import socket

from waiting import wait_until

P0F, DAEMON = "p0f.service", "p0f-lookupd.service"
VISITOR = "127.1.2.3"


def _is_ready(system):
    return system.fetch("/readyz").status == 200


def test_a_visitor_is_known(running):
    running.visit(VISITOR)
    assert running.wait_to_know(VISITOR)["os_name"] == "Linux"
    printed = running.run("p0f-lookupd", "lookup", VISITOR).stdout
    assert f'"ip":"{VISITOR}"' in printed and '"os_name":"Linux"' in printed


def test_p0f_has_its_settings(system):
    """On one interface p0f counts a connection once, not twice as on all."""
    system.write("/etc/default/p0f", 'INTERFACE=lo\nOPTIONS="-p -m 500,1000 \'tcp port 5030\'"\n')
    system.systemctl("start", P0F, DAEMON)
    system.visit(VISITOR)       # which p0f is told not to see
    with system.network():
        assert system.fetch("/livez", source=VISITOR).status == 200
    assert system.wait_to_know(VISITOR)["total_conn"] == 1


def test_both_come_up_at_boot(system):
    system.systemctl("enable", P0F, DAEMON)
    system.reboot()
    assert system.show(DAEMON, "ActiveState") == "active"
    system.visit(VISITOR)
    assert system.wait_to_know(VISITOR)["os_name"] == "Linux"
    system.systemctl("disable", P0F, DAEMON)
    system.reboot()
    assert system.show(DAEMON, "ActiveState") == system.show(P0F, "ActiveState") == "inactive"


def test_p0f_is_killed(running):
    running.visit(VISITOR)
    running.wait_to_know(VISITOR)
    wait_until(lambda: _is_ready(running), "p0f to be asked")
    running.kill(P0F, signal.SIGKILL)
    wait_until(lambda: not _is_ready(running), "p0f to be missed")
    assert running.fetch(f"/host/{VISITOR}").status == 200      # remembered
    running.wait_for(P0F, "NRestarts", "1")
    wait_until(lambda: _is_ready(running), "the new p0f to be asked")
    other = "127.1.2.4"
    running.visit(other)
    running.wait_to_know(other)
    assert running.show(DAEMON, "NRestarts") == "0"


def test_p0f_hangs(running):
    wait_until(lambda: _is_ready(running), "p0f to be asked")
    running.kill(P0F, signal.SIGSTOP)
    readyz = wait_until(lambda: not _is_ready(running) and running.fetch("/readyz"), "p0f to be found hanging")
    assert readyz.status == 503
    wait_until(lambda: running.show(DAEMON, "StatusText"), "STATUS= to tell of it")
    running.kill(P0F, signal.SIGCONT)
    wait_until(lambda: _is_ready(running), "p0f to be asked again")
    assert running.show(P0F, "NRestarts") == running.show(DAEMON, "NRestarts") == "0"


def test_the_daemon_is_killed(running):
    pid = running.pid(DAEMON)
    running.kill(DAEMON, signal.SIGKILL)
    running.wait_for(DAEMON, "NRestarts", "1")
    running.wait_for(DAEMON, "ActiveState", "active")
    assert running.pid(DAEMON) != pid
    wait_until(lambda: _is_ready(running), "p0f to be asked")
    assert running.show(P0F, "NRestarts") == "0"


def test_a_good_file_is_reloaded(running):
    pid = running.pid(DAEMON)
    running.write("/etc/p0f-lookupd.conf", "[cache]\nnegative_ttl = 17s\n")
    running.systemctl("reload", DAEMON)
    answer = running.fetch("/host/192.0.2.1")
    assert answer.status == 404 and answer.cache_control()["max-age"] == 17
    assert running.pid(DAEMON) == pid


def test_broken_settings_do_not_start(system):
    system.write("/etc/p0f-lookupd.conf", "[cache]\nttl = soon\n")
    assert system.systemctl("start", DAEMON, check=False).returncode != 0
    assert system.show(DAEMON, "ActiveState") == "failed" and system.show(DAEMON, "NRestarts") == "0"
    assert "/etc/p0f-lookupd.conf:2" in system.journal("-u", DAEMON)


def test_an_address_comes_late(system):
    system.write("/etc/p0f-lookupd.conf", "[http]\nlisten = 192.0.2.77:5030\nallow_unauthenticated = yes\n")
    system.systemctl("start", "--no-block", P0F, DAEMON)
    wait_until(lambda: system.show(DAEMON, "NRestarts") not in ("", "0"), "the first attempt to fail")
    system.run("ip", "addr", "add", "192.0.2.77/32", "dev", "lo")
    system.wait_for(DAEMON, "ActiveState", "active", bound=60)
    assert system.fetch("/livez", endpoint=("192.0.2.77", 5030)).status == 200


def test_a_name_comes_late(system):
    system.write("/etc/p0f-lookupd.conf", "[http]\nlisten = late.example:5030\n")
    system.systemctl("start", "--no-block", P0F, DAEMON)
    wait_until(lambda: system.show(DAEMON, "NRestarts") not in ("", "0"), "the first attempt to fail")
    system.write("/etc/hosts", "127.0.0.1 localhost late.example\n")
    system.wait_for(DAEMON, "ActiveState", "active", bound=60)
    assert system.fetch("/livez").status == 200


def test_a_port_is_taken_for_a_while(system):
    with system.network():
        with socket.create_server(("127.0.0.1", 5030)):
            system.systemctl("start", "--no-block", P0F, DAEMON)
            wait_until(lambda: system.show(DAEMON, "NRestarts") not in ("", "0"), "the first attempt to fail")
    system.wait_for(DAEMON, "ActiveState", "active", bound=60)
    assert system.fetch("/livez").status == 200


def test_a_broken_file_is_refused(running):
    running.write("/etc/p0f-lookupd.conf", "[cache]\nnegative_ttl = 17s\n")
    running.systemctl("reload", DAEMON)
    running.write("/etc/p0f-lookupd.conf", "[cache]\nnegative_ttl = soon\n")
    assert running.systemctl("reload", DAEMON, check=False).returncode != 0
    assert "/etc/p0f-lookupd.conf:2" in running.journal("-u", DAEMON)
    assert running.show(DAEMON, "ActiveState") == "active"
    answer = running.fetch("/host/192.0.2.1")
    assert answer.status == 404 and answer.cache_control()["max-age"] == 17
    running.write("/etc/p0f-lookupd.conf", "[cache]\nnegative_ttl = 18s\n")
    running.systemctl("reload", DAEMON)
    assert running.fetch("/host/192.0.2.2").cache_control()["max-age"] == 18
    assert running.show(DAEMON, "NRestarts") == "0"
