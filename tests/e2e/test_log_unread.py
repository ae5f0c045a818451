# SPDX-License-Identifier: MIT
"""Nobody reads the log, or it cannot be written: the service goes on, and says what is missing."""

import fcntl
import os
import re
import resource
import signal
import subprocess

import pytest

from daemon import PROGRAM, WRAP, environment, write_config
from http_client import ask
from log_readers import Journal, Pipe, Terminal
from waiting import SLOWDOWN, wait_until

HOST = "198.51.100.1"
ACCESS_LOG = {"http.access_log": "yes"}
PATH = "/" + "x" * 140

# More than is queued (1 MiB), and than a pipe, a socket or a terminal takes.
MANY = 1_600_000 // len(f'p0f-lookupd: 127.0.0.1 "GET {PATH}/00000" 404\n')


@pytest.fixture(name="log", params=[Pipe, Terminal, Journal])
def _log(request):
    log = request.param()
    yield log
    log.close()


@pytest.fixture(name="unread")
def _unread(fake, serve):
    """unread(stderr): a daemon that logs to that descriptor."""
    daemons = []

    def start(stderr, settings=None, **options):
        daemon = serve(fake, {**ACCESS_LOG, **(settings or {})}, **options)
        daemon.stderr = stderr
        daemons.append(daemon)
        return daemon.start()
    yield start
    for daemon in daemons:
        if not daemon.ended():
            daemon.kill()


def _lost(daemon):
    text = daemon.get("/metrics").body.decode()
    return int(re.search(r"^p0f_lookupd_log_lines_lost_total (\d+)$", text, re.M).group(1))


def _log_much(daemon, count=MANY, first=0):
    """So many lines of the access log, each with its number."""
    connection = daemon.connect()
    for number in range(first, first + count):
        assert ask(connection, f"{PATH}/{number:05}").status == 404
    connection.close()


def _check_lines(text, count, prefix="(p0f-lookupd: |<[346]>)"):
    """All lines are whole, and the numbered ones in order, with the right number where some are missing.
    Returns how many are, whatever they were."""
    missing = numbered = last = 0
    for line in text.splitlines():
        assert re.match(prefix, line), line
        line = re.sub(prefix, "", line, count=1)
        gap = re.fullmatch(r"(\d+) log lines? lost: (.*)", line)
        number = re.fullmatch(rf'127\.0\.0\.1 "GET {PATH}/(\d{{5}})" 404', line)
        if gap:
            missing += int(gap.group(1))
        elif number:
            assert last <= int(number.group(1)), line
            last = int(number.group(1)) + 1
            numbered += 1
        else:
            assert PATH[:10] not in line, line
    assert numbered <= count <= numbered + missing
    return missing


def test_nobody_reads_for_a_while(fake, unread, log):
    fake.hosts[HOST] = {"os_name": "Linux"}
    daemon = unread(log.fd, extra_environment=log.environment)
    daemon.wait_for_p0f()
    _log_much(daemon)
    assert daemon.host(HOST).status == 200
    assert daemon.get("/readyz").status == 200
    log.check_flags()
    assert _lost(daemon) > 0
    log.read()
    log.wait_for("lost: standard error was not read in time")
    before = _lost(daemon)
    _log_much(daemon, 100)      # it flows again
    assert _lost(daemon) == before
    daemon.signal(signal.SIGTERM)
    assert daemon.wait_end(5) == 0
    text = log.all()
    again = text.rindex(f"{PATH}/00000")
    assert _check_lines(text[:text.rindex("\n", 0, again) + 1], MANY) == before
    assert len(re.findall(f"{PATH}/\\d+", text[again - 100:])) == 100
    assert text.endswith("SIGTERM: shutting down\n")
    assert ("<6>" in text) == bool(log.environment)


def test_the_end_when_nobody_reads(unread, log):
    daemon = unread(log.fd)
    _log_much(daemon)
    daemon.stop(within=4)


def test_the_end_when_somebody_reads_at_last(unread, log):
    """What is queued still gets out."""
    daemon = unread(log.fd)
    _log_much(daemon)
    lost = _lost(daemon)
    daemon.signal(signal.SIGTERM)
    log.read()
    assert daemon.wait_end(10) == 0
    assert _check_lines(log.all(), MANY) >= lost


def _fill(fd):
    """As others may have done that write to it."""
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    fcntl.fcntl(fd, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    try:
        while os.write(fd, b"\n" * 4096):
            pass
    except BlockingIOError:
        pass
    fcntl.fcntl(fd, fcntl.F_SETFL, flags)


def test_nobody_reads_from_the_start(unread):
    log = Pipe()
    _fill(log.fd)
    daemon = unread(log.fd)
    assert daemon.get("/livez").status == 200
    log.read()
    log.wait_for("starting version")
    daemon.stop()
    log.close()


def test_nobody_reads_why_it_does_not_start():
    log = Pipe()
    _fill(log.fd)
    done = subprocess.run([*WRAP, PROGRAM, "-o", "cache.ttl=soon"], stdin=subprocess.DEVNULL,
                          stderr=log.fd, timeout=20 * SLOWDOWN, check=False, env=environment())
    assert done.returncode == 2
    log.close()


def test_the_reader_has_gone(unread):
    log = Pipe()
    daemon = unread(log.fd)
    log.leave()
    _log_much(daemon, 100)
    wait_until(lambda: _lost(daemon) >= 100, "the lines to be counted as lost")
    daemon.stop()
    log.close()


def test_a_full_device(unread):
    with open("/dev/full", "wb") as full:
        daemon = unread(full.fileno())
        _log_much(daemon, 100)
        wait_until(lambda: _lost(daemon) >= 100, "the lines to be counted as lost")
        daemon.stop()


def test_no_stderr_at_all(fake, serve):
    daemon = serve(fake, ACCESS_LOG)
    with open(os.devnull, "rb") as closed:      # cannot be written, as what the daemon puts there
        daemon.stderr = closed
        with daemon:
            _log_much(daemon, 100)
            wait_until(lambda: _lost(daemon) >= 100, "the lines to be counted as lost")


def _check_file(daemon, path, make_room, reason):
    """A log that stops at some size, until there is room again."""
    _log_much(daemon, 500)
    wait_until(lambda: _lost(daemon) > 0, "the file to be full")
    before = _lost(daemon)
    _log_much(daemon, 10, first=500)
    wait_until(lambda: _lost(daemon) >= before + 10, "the lines to be counted as lost")
    make_room()
    assert daemon.get("/livez").status == 200
    daemon.stop()
    with open(path, encoding="ascii") as log:
        text = log.read()
    assert f"lost: {reason}\n" in text
    assert _check_lines(text, 510) > 0
    assert text.endswith("SIGTERM: shutting down\n")


def test_a_file_that_may_not_grow(unread, scratch):
    """SIGXFSZ would end it."""
    path = f"{scratch}/limited.log"
    with open(path, "ab") as log:
        daemon = unread(log.fileno())
        pid = daemon.process.pid
        unlimited = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (50_000, unlimited[1]))
        _check_file(daemon, path, lambda: resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited),
                    "File too large")


def test_a_full_disk(unread, scratch):
    disk = f"{scratch}/disk"
    os.mkdir(disk)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "lookupd", disk],
                          capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"nothing can be mounted here: {done.stderr.strip()}")
    try:
        with open(f"{disk}/ballast", "wb") as ballast:
            ballast.write(b"x" * 80_000)
        with open(f"{disk}/log", "ab") as log:
            _check_file(unread(log.fileno()), log.name,
                        lambda: os.unlink(f"{disk}/ballast"), "No space left on device")
    finally:
        subprocess.run(["umount", disk], check=True)


IN_BACKGROUND = """stty tostop; set -m; "$@" 2>/dev/tty & echo $!; wait $!"""


def test_a_terminal_that_wants_no_output_from_the_background(fake, serve):
    """SIGTTOU would stop the process."""
    log = Terminal()
    log.read()
    daemon = serve(fake, ACCESS_LOG)
    write_config(daemon.config, daemon.settings)
    with subprocess.Popen(["setsid", "--ctty", "sh", "-c", IN_BACKGROUND, "sh", *WRAP, PROGRAM, "-c",
                           daemon.config], stdin=log.fd, stdout=subprocess.PIPE, text=True,
                          env=environment()) as shell:
        pid = int(shell.stdout.readline())
        log.wait_for("starting version")
        _log_much(daemon, 10)
        log.wait_for(f"{PATH}/00009")
        os.kill(pid, signal.SIGTERM)
        assert shell.wait(5 * SLOWDOWN) == 0
    assert log.all().endswith("SIGTERM: shutting down\n")
    log.close()
