# SPDX-License-Identifier: MIT
"""The built daemon, run for a test with a configuration file of its own."""

import itertools
import os
import re
import signal
import socket
import subprocess
import time

import http_client
from waiting import SLOWDOWN, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
PROGRAM = os.environ.get("P0F_LOOKUPD", os.path.join(ROOT, "build", "p0f-lookupd"))

# What our programs are run with: valgrind, say.
WRAP = os.environ.get("WRAP", "").split()

# Documentation address that no test uses otherwise: asking about it shows whether p0f is reached.
SENTINEL = "192.0.2.255"

# What a sanitizer or the C library says of a bug that did not end the process.
BUG_MARKS = ("AddressSanitizer", "UndefinedBehavior", "runtime error:", "ThreadSanitizer",
             "LeakSanitizer", "Fatal error in GNU libmicrohttpd", "Assertion ")


def environment(extra=None):
    """Ours, without settings for the daemon that the caller's shell may hold."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("P0F_LOOKUPD")}
    return {**clean, **(extra or {})}


# Below the ports that clients get by themselves, so that none of those takes one in the meantime;
# begun elsewhere by each process, and never given out twice.
_ports = itertools.chain(range(20000 + os.getpid() * 7 % 12000, 32000), range(20000, 32000))


_marks = itertools.count(1)


def free_port():
    """A port that nobody uses on any address, in IPv4 or IPv6."""
    for port in _ports:
        try:
            with socket.create_server(("", port)), \
                    socket.create_server(("::", port), family=socket.AF_INET6):
                return port
        except OSError:
            continue
    raise AssertionError("there is no free port")


def write_config(path, settings):
    """An INI file of {"section.key": value}."""
    sections = {}
    for name, value in settings.items():
        section, key = name.split(".", 1)
        sections.setdefault(section, []).append(f"{key} = {value}\n")
    with open(path, "w", encoding="utf-8") as out:
        for section, lines in sections.items():
            out.write(f"[{section}]\n" + "".join(lines))
    return path


def run(*arguments, extra_environment=None, bound=20):
    """Run the program to its end; returns the CompletedProcess with text output."""
    return subprocess.run([*WRAP, PROGRAM, *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=bound * SLOWDOWN, check=False,
                          env=environment(extra_environment))


def launch(*arguments, extra_environment=None, output=subprocess.PIPE, signals="--default-signal"):
    """Only start it; returns the Popen, with text on stdout and stderr. `signals` is what env(1) does
    with them first, as ours may have been ignored when we were started."""
    return subprocess.Popen(["env", signals, *WRAP, PROGRAM, *map(str, arguments)],
                            stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True,
                            env=environment(extra_environment))


class Daemon:
    """With-block in which the daemon serves; at its end it must stop quickly, with exit code 0."""

    def __init__(self, directory, p0f_socket, settings=None, arguments=(), extra_environment=None,
                 also_listen=(), prefix=(), pass_fds=()):
        self.directory = str(directory)
        self.port = free_port()
        self.endpoint = ("127.0.0.1", self.port)
        self.settings = {"http.listen": ", ".join([f"127.0.0.1:{self.port}", *also_listen]),
                         "p0f.socket": p0f_socket, **(settings or {})}
        self.config = os.path.join(self.directory, f"lookupd-{self.port}.conf")
        self.errors = os.path.join(self.directory, f"lookupd-{self.port}.err")
        self.arguments = list(arguments)
        self.extra_environment = extra_environment
        self.prefix = list(prefix)      # a command that runs it
        self.pass_fds = list(pass_fds)  # that it inherits
        self.stderr = None      # where it logs to, if not into the file that log() reads
        self.process = None

    # -- life ---------------------------------------------------------------------------------

    def launch(self):
        """Only that; it may not come far."""
        write_config(self.config, self.settings)
        with open(self.errors, "ab") as errors:
            self.process = subprocess.Popen(
                [*self.prefix, *WRAP, PROGRAM, "-c", self.config, *self.arguments], stdin=subprocess.DEVNULL,
                stdout=errors, stderr=errors if self.stderr is None else self.stderr, pass_fds=self.pass_fds,
                env=environment(self.extra_environment))

    def start(self):
        self.launch()
        wait_until(self._lives, "the daemon to serve /livez")
        return self

    def _lives(self):
        assert self.process.poll() is None, \
            f"the daemon ended with {self.process.returncode}:\n{self.log()}"
        try:
            return self.get("/livez").status == 200
        except OSError:
            return False

    def settings_line(self, name):
        """The line of the configuration file that has this setting."""
        section, key = name.split(".")
        with open(self.config, encoding="utf-8") as file:
            lines = file.read().split("\n")
        begin = lines.index(f"[{section}]")
        return next(number for number, line in enumerate(lines, 1)
                    if number > begin and line.startswith(f"{key} = "))

    def signal(self, number):
        self.process.send_signal(number)

    def ended(self):
        return self.process.poll() is not None

    def wait_end(self, bound):
        """Wait for the process to end and return its exit code."""
        return self.process.wait(bound * SLOWDOWN)

    def stop(self, within=5):
        """SIGTERM; it must exit with 0, soon."""
        begin = time.monotonic()
        if not self.ended():
            self.signal(signal.SIGTERM)
        try:
            code = self.wait_end(20)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the daemon did not stop on SIGTERM:\n{self.log()}") from None
        took = time.monotonic() - begin
        assert code == 0, f"the daemon ended with {code}:\n{self.log()}"
        assert took < within * SLOWDOWN, f"the daemon took {took:.1f} s to stop"
        self.check_log()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            if self.process is not None and not self.ended():
                self.kill()
            raise

    def __exit__(self, kind, value, trace):
        if kind is None:
            self.stop()
            return
        if not self.ended():
            self.kill()
        print(f"--- what the daemon said ---\n{self.log()}")

    def log(self):
        with open(self.errors, encoding="utf-8", errors="backslashreplace") as errors:
            return errors.read()

    def wait_for_line(self, text):
        """Until the log has it: lines are written behind what they are about."""
        wait_until(lambda: text in self.log(), f"the log to say {text!r}")

    def wait_for_log(self):
        """With http.access_log: until all requests answered so far are in the log."""
        path = f"/mark-{next(_marks)}"
        assert self.get(path).status == 404
        self.wait_for_line(path)

    def check_log(self):
        log = self.log()
        for mark in BUG_MARKS:
            assert mark not in log, log

    # -- questions ----------------------------------------------------------------------------

    def get(self, path, headers=None, **options):
        return http_client.fetch(self.endpoint, path, headers, **options)

    def host(self, address, query="", headers=None, **options):
        return self.get(f"/host/{address}{query}", headers, **options)

    def connect(self):
        return http_client.connect(self.endpoint)

    def wait_for_p0f(self, all_connections=True):
        """Until a question about a host that p0f does not know gets through to it, and no connection to p0f
        has still to be probed, unless `all_connections` is false."""
        anew = {"Cache-Control": "no-cache"}
        wait_until(lambda: self.host(SENTINEL, "?wait=0", anew).status == 404,
                   "the daemon to reach p0f")
        if all_connections:
            wait_until(self._is_connected, "all connections to p0f")
        return self

    def _is_connected(self):
        metrics = self.get("/metrics").body.decode()
        counts = re.findall(r'^p0f_lookupd_p0f_connections\{.*state="(?:down|probing)".*\} (\d+)$', metrics, re.M)
        return set(counts) == {"0"}
