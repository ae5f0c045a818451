# SPDX-License-Identifier: MIT
"""A Debian, booted with systemd-nspawn in a network of its own. What is written in it goes to a layer
over the base, which is never changed. The test's own process can speak to what listens in there."""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess

import http_client
import loopback
from waiting import wait_until

API = ("127.0.0.1", 5030)
_CLONE_NEWNET = 0x40000000

# Where the machine's systemd is not there to ask for a unit, systemd-nspawn gets control groups of its own
# here, and a /run of its own.
_HIERARCHIES = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")
_HAS_SYSTEMD = os.path.isdir("/run/systemd/system")

# systemd-nspawn(1), --keep-unit
_FORCE_RESTART = 133

_BOOT = """set -e
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
# Devices in there get the modes that they have out here, which may be wrong ones.
[ -e "$2/null" ] || mknod -m 666 "$2/null" c 1 3
mount --bind "$2/null" /dev/null
root=$2/root
name=$3
shift 3
for group; do echo $$ >"$group/cgroup.procs"; done
[ $# = 0 ] || mount -t tmpfs tmpfs /run
exec systemd-nspawn --quiet --boot --register=no ${1:+--keep-unit} --machine="$name" --directory="$root" \\
    --private-network --console=pipe --link-journal=no --resolv-conf=off --timezone=off
"""

APT_OPTIONS = ("-q", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confdef",
               "-o", "Dpkg::Options::=--force-confold")

_ENVIRONMENT = ("LANG=C.UTF-8", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "SYSTEMD_COLORS=0",
                "DEBIAN_FRONTEND=noninteractive")


def _children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    except OSError:
        return []


def _descendants(pid):
    children = _children(pid)
    return children + [each for child in children for each in _descendants(child)]


def _is_init(pid):
    """Of a PID namespace below ours."""
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            pids = next(line for line in file if line.startswith("NSpid:")).split()
    except (OSError, StopIteration):
        return False
    return len(pids) == 3 and pids[-1] == "1"


def _removed(group):
    """Whether a control group is gone, which it cannot be before its last process is."""
    try:
        for path, _, _ in os.walk(group, topdown=False):
            os.rmdir(path)
    except OSError:
        return False
    return True


class BootedSystem:
    """With-block that has the system running. `layers` are the directories below its own, the topmost first;
    `upper` is its own, which can be a layer of another once this one is off."""

    def __init__(self, directory, layers, name):
        self.directory = directory
        self.name = name
        self.upper = f"{directory}/upper"
        self._console = f"{directory}/console"
        self._layers = layers
        self._groups = [] if _HAS_SYSTEMD else [f"{path}/{name}" for path in _HIERARCHIES
                                                if os.path.exists(f"{path}/cgroup.procs")]
        self._process = None
        self._init = None       # its first process, as seen out here

    def __enter__(self):
        for path in *(f"{self.directory}/{name}" for name in ("upper", "work", "root")), *self._groups:
            os.mkdir(path)
        try:
            self._boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        """All of its processes end with its first, but that does not end with systemd-nspawn."""
        self._process.send_signal(signal.SIGSTOP)   # so that it starts none while we look
        for pid in _descendants(self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        for group in self._groups:
            wait_until(lambda group=group: _removed(group), f"{self.name} to be gone")

    def _boot(self):
        with open(self._console, "ab") as console:
            # A session of its own: a Ctrl-C is for the test.
            self._process = subprocess.Popen(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", _BOOT, "sh", ":".join(self._layers),
                 self.directory, self.name, *self._groups], stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                start_new_session=True, env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"})
        self._wait_for_boot(None)

    def _wait_for_boot(self, former):
        def booting():
            assert self._process.poll() is None, f"{self.name} does not boot:\n{self.console()}"
            return [pid for pid in _children(self._process.pid) if pid != former and _is_init(pid)]

        self._init, = wait_until(booting, f"{self.name} to boot", bound=60)
        # Not before it has a socket does systemctl wait for it.
        wait_until(lambda: os.path.exists(self.path("/run/systemd/private")), f"{self.name} to start systemd", bound=60)
        self.run("systemctl", "is-system-running", "--wait", check=False, bound=120)

    def console(self):
        with open(self._console, encoding="utf-8", errors="replace") as console:
            return console.read()

    def path(self, path):
        """A path in there as one out here."""
        return f"/proc/{self._init}/root{path}"

    # ---- Commands in there

    def run(self, *command, check=True, bound=60, **options):
        """The completed process, whose output is text."""
        done = subprocess.run(
            ["nsenter", f"--target={self._init}", "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup",
             "--root", "--wd", "env", "-i", *_ENVIRONMENT, *command],
            **{"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "check": False, "timeout": bound,
               "errors": "replace", **options})
        assert not check or done.returncode == 0, \
            f"{' '.join(command)}: status {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def shell(self, script, **options):
        return self.run("sh", "-c", script, **options)

    def succeeds(self, *command):
        return self.run(*command, check=False).returncode == 0

    def write(self, path, text, append=False, mode=None):
        os.makedirs(os.path.dirname(self.path(path)), exist_ok=True)
        with open(self.path(path), "a" if append else "w", encoding="utf-8") as file:
            file.write(text)
        if mode is not None:
            os.chmod(self.path(path), mode)

    def read(self, path):
        with open(self.path(path), encoding="utf-8") as file:
            return file.read()

    def exists(self, path):
        return os.path.lexists(self.path(path))

    # ---- systemd

    def systemctl(self, *words, **options):
        return self.run("systemctl", *words, **options)

    def show(self, unit, what):
        """The value of a property of a unit."""
        return self.systemctl("show", "--property", what, "--value", unit).stdout.rstrip("\n")

    def pid(self, unit):
        """Of its main process, as seen out here; None if it has none."""
        inside = self.show(unit, "MainPID")
        if inside == "0":
            return None
        # Only ours have been in this namespace.
        return next((pid for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
                     if self._pid_inside(pid) == inside), None)

    def _pid_inside(self, pid):
        try:
            if os.stat(f"/proc/{pid}/ns/pid") != os.stat(f"/proc/{self._init}/ns/pid"):
                return None
            with open(f"/proc/{pid}/status", encoding="ascii") as file:
                return next(line for line in file if line.startswith("NSpid:")).split()[-1]
        except (OSError, StopIteration):
            return None

    def processes(self, unit):
        """All of the unit, as seen out here."""
        try:
            return [int(pid) for pid in self.read(f"/sys/fs/cgroup/system.slice/{unit}/cgroup.procs").split()]
        except FileNotFoundError:
            return []

    def kill(self, unit, number):
        os.kill(self.pid(unit), number)

    def wait_for(self, unit, what, *values, bound=30):
        """Until a property of a unit has one of these values."""
        return wait_until(lambda: self.show(unit, what) in values and self.show(unit, what),
                          f"{what} of {unit} to be {' or '.join(values)}", bound)

    def drop_in(self, unit, text):
        self.write(f"/etc/systemd/system/{unit}.d/test.conf", text)
        self.systemctl("daemon-reload")

    def journal(self, *words):
        """What the journal has, or has of a unit: journal("-u", "p0f")."""
        return self.run("journalctl", "--no-pager", "--output=short-monotonic", *words, check=False).stdout

    def reboot(self):
        former = self._init
        self.systemctl("reboot", check=False)
        if self._groups:        # with --keep-unit it leaves that to whoever has started it
            status = self._process.wait(60)
            assert status == _FORCE_RESTART, f"{self.name} does not reboot: {status}\n{self.console()}"
            self._boot()
        else:
            self._wait_for_boot(former)

    def power_off(self):
        self.systemctl("poweroff", check=False)
        self._process.wait(60)

    def install(self, packages, *options):
        """The packages in a directory out here, as an administrator installs them: by the path to each file."""
        shutil.copytree(packages, self.path("/root/debs"), dirs_exist_ok=True)
        names = [name for name in os.listdir(packages) if name.endswith(".deb") and "-dbgsym_" not in name]
        return self.run("apt-get", "install", *APT_OPTIONS, *options, *(f"/root/debs/{name}" for name in names),
                        bound=120)

    # ---- Its network

    @contextlib.contextmanager
    def network(self):
        """The calling thread is in the system's network; sockets that it makes stay there."""
        libc = ctypes.CDLL(None, use_errno=True)

        def enter(file):
            if libc.setns(file.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns(CLONE_NEWNET)")
        with open("/proc/thread-self/ns/net", "rb") as own, open(f"/proc/{self._init}/ns/net", "rb") as other:
            enter(other)
            try:
                yield
            finally:
                enter(own)

    def fetch(self, path, headers=None, endpoint=API, **options):
        """One request to the daemon; the endpoint may be the path of a unix socket in there."""
        with self.network():
            return http_client.fetch(endpoint if isinstance(endpoint, tuple) else self.path(endpoint), path,
                                     headers, **options)

    def visit(self, address, **options):
        """A host that p0f can see talks to a web server."""
        with self.network(), loopback.WebServer(("127.255.0.1", 0)) as server:
            loopback.visit(address, server.address, **options)

    def wait_to_know(self, address, **options):
        """What the daemon answers about a host once p0f has seen all of it."""
        def known():
            answer = self.fetch(f"/host/{address}", {"Cache-Control": "no-cache"}, **options)
            return answer.status == 200 and answer.json()
        return wait_until(known, f"{address} to be known")

    def discard(self):
        """Its layer and all that is in it."""
        shutil.rmtree(self.directory)
