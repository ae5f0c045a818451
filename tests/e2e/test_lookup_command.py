# SPDX-License-Identifier: MIT
"""`p0f-lookupd lookup IP…`: ask p0f once, print a line each, and tell by the exit code."""

import errno
import fcntl
import json
import os
import pty
import signal
import struct
import subprocess
import termios
import time

import pytest

import host_json
import p0f_wire
from daemon import PROGRAM, WRAP, environment, launch, run, write_config
from waiting import SLOWDOWN, Bounded, wait_until

HOST = "198.51.100.1"
SIX = "2001:db8::1"
STRANGER = "198.51.100.9"
FIELDS = {"os_name": "Linux", "http_name": b"caf\xe9", "total_conn": 7, "uptime_min": 61}


@pytest.fixture(name="lookup")
def _lookup(fake, scratch):
    """A function that runs the subcommand against the fake."""
    fake.hosts.update({HOST: FIELDS, SIX: {**FIELDS, "os_name": "FreeBSD"}})
    config = write_config(f"{scratch}/lookupd.conf", {"p0f.socket": fake.path})
    return lambda *words: run("-c", config, "lookup", *words)


def _members(text):
    """The objects printed: one line each, or spread over several."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        while at < len(text) and text[at].isspace():
            at += 1
    return found


def _expected(ip, fields):
    return host_json.parsed(ip, p0f_wire.unpack_answer(p0f_wire.pack_answer(**fields)))


def test_found(fake, lookup):
    done = lookup(HOST)
    assert done.returncode == 0, done
    assert done.stdout.endswith("\n")
    found, = _members(done.stdout)
    assert list(found.items()) == list(_expected(HOST, FIELDS).items())
    assert fake.counts[HOST] == 1


def test_options_may_stand_behind_it(fake):
    fake.hosts[HOST] = FIELDS
    done = run("lookup", "-o", f"p0f.socket={fake.path}", HOST)
    assert done.returncode == 0, done
    assert run("lookup", "-h").stdout.startswith("p0f-lookupd ")


def test_several(fake, lookup):
    done = lookup(HOST, f"::ffff:{HOST}", "2001:DB8:0::1")
    assert done.returncode == 0, done
    assert [host["ip"] for host in _members(done.stdout)] == [HOST, HOST, SIX]
    assert _members(done.stdout)[2]["os_name"] == "FreeBSD"


def test_no_match(fake, lookup):
    done = lookup(STRANGER)
    assert done.returncode == 1, done
    assert fake.counts[STRANGER] == 1, "p0f is asked once"
    assert _members(done.stdout) == [{"query": STRANGER, "status": 404, "code": "no-match",
                                      "detail": f"p0f does not know {STRANGER}"}]
    assert done.stderr == ""


def test_the_worst_of_several_decides(lookup):
    done = lookup(HOST, STRANGER)
    assert done.returncode == 1, done
    assert _members(done.stdout)[0] == _expected(HOST, FIELDS)
    assert lookup(STRANGER, HOST).returncode == 1
    assert lookup(HOST, "nonsense").returncode == 2


@pytest.mark.parametrize("words", [[], [""], ["nonsense"], ["1.2.3"], ["10.0.0.0/8"],
                                   ["fe80::1%lo"], ["-x"]])
def test_what_cannot_be_asked(fake, lookup, words):
    done = lookup(*words)
    assert done.returncode == 2, done
    assert done.stderr
    assert fake.asked() == 0


def test_nonsense_from_p0f(fake, lookup):
    fake.hosts[HOST] = {"magic": 1}
    done = lookup(HOST)
    assert done.returncode == 2, done
    assert done.stderr


def test_without_p0f(fake, lookup):
    """With the daemon's words for the reason."""
    fake.stop()
    for reason in ("nobody listens on this socket", f"it does not exist: p0f is not running, or not with -s "
                                                    f"{fake.path}"):
        done = lookup(HOST)
        assert done.returncode == 2, done
        assert f"{fake.path}: cannot connect to p0f: {reason}" in done.stderr
        assert _members(done.stdout)[0]["detail"] in done.stderr
        if os.path.exists(fake.path):
            os.unlink(fake.path)


@pytest.mark.parametrize("dialect", p0f_wire.DIALECTS)
def test_dialects(fake, lookup, dialect):
    fake.dialect = dialect
    done = lookup(HOST, STRANGER)
    assert done.returncode == 1, done
    assert _members(done.stdout)[0]["os_name"] == "Linux"


def test_another_dialect_than_the_one_set(fake):
    fake.hosts[HOST] = FIELDS
    done = run("-o", f"p0f.socket={fake.path}", "-o", "p0f.dialect=mtu", "lookup", HOST)
    assert done.returncode == 2
    assert "p0f.dialect is mtu, but p0f answers in p0f3" in done.stderr
    assert _members(done.stdout)[0]["code"] == "p0f-unavailable"
    many = run("-o", f"p0f.socket={fake.path}", "-o", "p0f.dialect=mtu", "lookup",
               *[f"203.0.113.{number}" for number in range(100)])
    assert [line["status"] for line in _members(many.stdout)] == [503] * 100
    assert many.stderr.count("\n") == 1, "said once"
    assert fake.connections == 2, "p0f is left alone once that is known"
    assert run("-o", f"p0f.socket={fake.path}", "-o", "p0f.dialect=p0f3", "lookup",
               HOST).returncode == 0


def test_hard_cases_of_the_wire(fake, lookup):
    fake.write_size = 1
    fake.hosts[HOST] = {"os_name": "o" * 32, "os_flavor": "f" * 32}
    done = lookup(HOST)
    assert done.returncode == 0, done
    assert _members(done.stdout)[0]["os_name"] == "o" * 32


@pytest.mark.parametrize("stall", ["hold", "freeze"])
def test_a_p0f_that_does_not_answer(fake, scratch, stall):
    """It gives up in time, and yet p0f can answer into a connection that is still there: its
    process may end, but a child of it has to stay. Whoever reads its output must not wait for that
    child."""
    config = write_config(f"{scratch}/lookupd.conf", {"p0f.socket": fake.path,
                                                      "p0f.timeout": "500ms"})
    getattr(fake, stall)()
    begin = time.monotonic()
    done = run("-c", config, "lookup", HOST)
    took = time.monotonic() - begin
    assert done.returncode == 2, done
    assert done.stderr
    assert 0.45 <= took < 5 * SLOWDOWN
    fake.release()
    fake.thaw()
    # Whether the question itself was sent depends on the probes; what was sent gets its answer.
    wait_until(lambda: fake.connections and not fake.open_connections(),
               "the connection to be closed at last")
    fake.check()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT,
                                    signal.SIGUSR1, signal.SIGALRM])
def test_an_impatient_user(fake, number):
    """Ctrl-C while an answer is outstanding: it exits, and leaves a process that reads it."""
    fake.hosts[HOST] = FIELDS
    fake.hold(HOST)
    process = launch("lookup", "-o", f"p0f.socket={fake.path}", "-o", "p0f.timeout=20s", HOST, SIX)
    wait_until(lambda: fake.counts[HOST], "the question")
    process.send_signal(number)
    said, _ = process.communicate(timeout=20 * SLOWDOWN)
    assert (process.returncode, said) == (-number, "")
    assert fake.open_connections() == 1
    fake.release()
    wait_until(lambda: not fake.open_connections(), "the connection to be closed")
    fake.check()


def test_nobody_reads_what_it_prints(fake):
    """Its complaint that there is no answer yet is written where nobody reads any more."""
    fake.hold()
    reader, writer = os.pipe()
    os.close(reader)
    process = launch("-o", f"p0f.socket={fake.path}", "-o", "p0f.timeout=500ms", "lookup", HOST,
                     output=writer)
    os.close(writer)
    assert process.wait(20 * SLOWDOWN) == 2
    assert fake.open_connections() == 1
    fake.release()
    wait_until(lambda: not fake.open_connections(), "the connection to be closed at last")


def test_nohup(fake):
    fake.hosts.update({HOST: FIELDS, SIX: FIELDS})
    fake.hold(HOST)
    process = launch("lookup", "-o", f"p0f.socket={fake.path}", "-o", "p0f.timeout=20s", HOST, SIX,
                     signals="--ignore-signal=HUP")
    wait_until(lambda: fake.counts[HOST], "the question")
    process.send_signal(signal.SIGHUP)
    fake.release()
    said, _ = process.communicate(timeout=20 * SLOWDOWN)
    assert process.returncode == 0
    assert [host["ip"] for host in _members(said)] == [HOST, SIX]


# ---- What is printed


def test_as_the_daemon_says_it(fake, serve):
    """A host as GET /host shows it, anything else as an element of POST /hosts."""
    fake.hosts.update({HOST: FIELDS, SIX: FIELDS, "203.0.113.5": {**FIELDS, "bad_sw": 7}})
    asked = [HOST, STRANGER, "nonsense", "10.0.0.0/8", "fe80::1%lo", "64:ff9b::c000:201", "::ffff:198.51.100.1", SIX,
             "203.0.113.5", "caf\xe9 \"\\\x01", ""]
    with serve(fake, {"p0f.first_contact_wait": "0"}) as daemon:
        daemon.wait_for_p0f()
        for option, query in ((), ""), (("--raw",), "?format=raw"):
            batch = daemon.get(f"/hosts{query}", {"Content-Type": "application/json"}, method="POST",
                               body=json.dumps(asked).encode()).json()
            done = run("-o", f"p0f.socket={fake.path}", "lookup", *option, *asked)
            lines = [json.loads(line) for line in done.stdout.splitlines()]
            assert done.returncode == 2
            for line, item in zip(lines, batch, strict=True):
                expected = item.get("host", item)
                if item.get("code") == "bad-response":
                    line["detail"] = expected["detail"] = None
                assert list(line.items()) == list(expected.items())


def test_text_for_people(fake, lookup):
    fake.hosts[HOST] = {"os_name": "Linux", "os_flavor": "3.11 and newer", "os_match_q": 1,
                        "http_name": "Firefox", "http_flavor": "10.x or newer", "bad_sw": 2,
                        "link_type": "Ethernet or modem", "language": "English", "distance": 3,
                        "uptime_min": 18 * 24 * 60 + 61, "up_mod_days": 198, "last_nat": 1700000000,
                        "total_conn": 7, "first_seen": 1700000000, "last_seen": 1700000060}
    fake.hosts[SIX] = {"distance": 255}
    done = lookup("--text", HOST, SIX, STRANGER, "nonsense")
    *lines, invalid = done.stdout.splitlines()
    assert lines == [
        f"{HOST}: OS: Linux 3.11 and newer [fuzzy]; HTTP: Firefox 10.x or newer (ID is fake); "
        "link: Ethernet or modem; language: English; distance: 3; "
        "uptime: 18 days 1 hrs 1 min (modulo 198 days); NAT: 2023-11-14T22:13:20Z; connections: 7; "
        "first seen: 2023-11-14T22:13:20Z; last seen: 2023-11-14T22:14:20Z",
        f"{SIX}: OS: ???; connections: 0",
        f"{STRANGER}: p0f does not know {STRANGER}"]
    assert invalid.startswith("nonsense: ")
    assert (done.returncode, done.stderr) == (2, "")


def test_text_that_a_terminal_obeys(fake, lookup):
    fake.hosts[HOST] = {"os_name": b"\x1b[31mred\r\n\x7f", "language": b"caf\xe9", "link_type": "na\u0085me"}
    done = lookup("--text", HOST, "\x1b[2J")
    known, invalid = done.stdout.splitlines()
    assert known == f"{HOST}: OS: ?[31mred???; link: na?me; language: café; connections: 0"
    assert invalid.startswith("?[2J: ")


# ---- Many, and from standard input


def _many(count):
    return [f"203.0.{number // 250}.{number % 250 + 1}" for number in range(count)]


def _start(fake, *words, timeout="20s", **options):
    """With its standard input open."""
    return Bounded([*WRAP, PROGRAM, "-o", f"p0f.socket={fake.path}", "-o", f"p0f.timeout={timeout}", "lookup",
                    *words], env=environment(), text=True,
                   **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                      **options})


def _feed(fake, text, *words):
    with _start(fake, *words) as process:
        said, complaints = process.communicate(text)
    return process.returncode, [line.get("ip") or line["query"] for line in _members(said)], complaints


def test_many_in_their_order_on_one_connection(fake):
    hosts = _many(3000)
    fake.hosts.update({host: {"total_conn": number} for number, host in enumerate(hosts) if number % 3})
    with _start(fake, "-o", "p0f.pipeline=64") as process:
        said, _ = process.communicate("\n".join(hosts))
    lines = _members(said)
    assert [line.get("ip") or line["query"] for line in lines] == hosts
    assert all(line.get("total_conn") == (number if number % 3 else None)
               for number, line in enumerate(lines))
    assert process.returncode == 1
    assert fake.connections == 1
    assert all(fake.counts[host] == 1 for host in hosts)


def test_lines_of_standard_input(fake, lookup):
    text = f"\n{HOST}\r\n  \t\n\t{STRANGER} \n{'x' * 5000} {HOST}\n{SIX}"
    code, asked, _ = _feed(fake, text)
    assert (code, asked) == (2, [HOST, STRANGER, "x" * 1023, SIX])
    code, asked, _ = _feed(fake, f"{HOST}\n", SIX, "-", STRANGER, "-")
    assert (code, asked) == (1, [SIX, HOST, STRANGER])
    assert _feed(fake, "\n\n", "-")[0] == 2
    assert _feed(fake, "")[2] == "p0f-lookupd: lookup: expected an address\n"


def test_each_line_is_answered_at_once(fake, lookup):
    with _start(fake) as process:
        for host in (HOST, STRANGER, SIX):
            process.stdin.write(host + "\n")
            process.stdin.flush()
            assert host in process.stdout.readline()
        process.stdin.close()
        assert process.wait(20 * SLOWDOWN) == 1


def test_a_terminal_is_not_waited_for(fake):
    ours, its = pty.openpty()
    with _start(fake, stdin=its) as process:
        assert process.wait() == 2
        assert process.stderr.read() == "p0f-lookupd: lookup: expected an address\n"
    os.close(ours)
    os.close(its)


# ---- Trouble on the way


def test_a_malformed_answer_spoils_no_other(fake):
    hosts = _many(40)
    fake.hosts.update({host: FIELDS for host in hosts})
    fake.hosts[hosts[7]] = {"magic": 1}
    with _start(fake, *hosts) as process:
        said, complaints = process.communicate()
    lines = _members(said)
    assert [line.get("ip") or line["query"] for line in lines] == hosts
    assert [line.get("status") for line in lines] == [502 if number == 7 else None for number in range(40)]
    assert process.returncode == 2
    assert complaints.count("\n") == 1
    wait_until(lambda: not fake.open_connections(), "the connections to be closed")


def test_p0f_comes_back_in_between(fake):
    fake.hosts[HOST] = FIELDS
    fake.hold()
    with _start(fake, HOST) as process:
        wait_until(lambda: fake.connections, "the connection")
        fake.hang_up()
        wait_until(lambda: fake.connections == 2, "another one")
        fake.release()
        said, _ = process.communicate()
        assert (process.returncode, [line.get("ip") for line in _members(said)]) == (0, [HOST])


def test_a_stalled_p0f_and_many(fake):
    """Each has its time, from when there is room for it; then p0f is well, and the next are answered."""
    fake.hosts[HOST] = FIELDS
    fake.hold()
    hosts = _many(8)
    with _start(fake, "-o", "p0f.pipeline=8", timeout="300ms") as process:
        process.stdin.write("\n".join(hosts) + "\n")
        process.stdin.flush()
        for host in hosts:
            assert host in process.stdout.readline()
        fake.release()
        process.stdin.write(HOST + "\n")
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["os_name"] == "Linux"
        process.stdin.close()
        assert process.wait() == 2
        assert process.stderr.read().count("did not answer in time") == 1
    assert fake.connections == 1


def test_without_p0f_each_gets_its_line(fake):
    fake.stop()
    hosts = _many(3)
    code, asked, complaints = _feed(fake, "\n".join(hosts))
    assert (code, asked) == (2, hosts)
    assert complaints.count("\n") == 1


def test_ctrl_c_while_nobody_reads(fake):
    """With a full pipe, as to a pager, it can be interrupted all the same."""
    with _start(fake, *_many(3000)) as process:
        size = fcntl.fcntl(process.stdout, fcntl.F_GETPIPE_SZ)

        def in_pipe():
            return struct.unpack("i", fcntl.ioctl(process.stdout, termios.FIONREAD, b"0000"))[0]
        wait_until(lambda: in_pipe() > size - 8192, "the pipe to be full")
        process.send_signal(signal.SIGINT)
        assert process.wait() == -signal.SIGINT


def test_a_reader_that_goes(fake):
    with _start(fake, *_many(5000)) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(20 * SLOWDOWN) == 2
        assert f"cannot print: {os.strerror(errno.EPIPE)}" in process.stderr.read()
    assert fake.asked() < 5000


# ---- Options and help


@pytest.mark.parametrize("words", [["help"], ["help", "lookup"], ["lookup", "--help"], ["health", "-h"]])
def test_help_helps(words):
    done = run(*words)
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("lookup", "health", "--raw", "--text", "--ready", "standard input"):
        assert word in done.stdout


@pytest.mark.parametrize("words, complaint", [
    (["--raw"], "--raw and --text are options of lookup"),
    (["--ready"], "--ready is an option of health"), (["lookup", "--ready", HOST], "option of health"),
    (["lock"], "unknown command lock")])
def test_what_does_not_go_together(words, complaint):
    done = run(*words)
    assert done.returncode == 2
    assert complaint in done.stderr
