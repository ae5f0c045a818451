#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""check_oci.py BASE SUITE DIRECTORY - builds the images of conf/oci/Containerfile from a bare Debian and runs them as
compose.yaml would, with a directory in common.

There is no container engine: the images are directories, and the containers processes in them, with the users and the
capabilities that they would have."""

import ctypes
import hashlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys

from containerfile import Containerfile
from waiting import wait_until

TREE = os.path.realpath(f"{os.path.dirname(__file__)}/../../..")
CAP_NET_RAW, CAP_LAST = 13, 40
PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
PATIENCE_S = 60


def expect(true, what):
    if not true:
        sys.exit(f"check_oci: {what}")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Container:
    """Runs programs in an image, read-only, and with a volume as /run/p0f."""

    def __init__(self, stage, volume, capabilities=(), environment=()):
        self._stage, self._capabilities = stage, capabilities
        self._environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", **dict(environment)}
        for point in ("proc", "dev", "run/p0f"):
            os.makedirs(f"{stage.root}/{point}", exist_ok=True)
        for mount in (["--bind", stage.root, stage.root], ["-o", "remount,bind,ro", stage.root],
                      ["-t", "proc", "proc", f"{stage.root}/proc"], ["--rbind", "/dev", f"{stage.root}/dev"],
                      ["--bind", volume, f"{stage.root}/run/p0f"]):
            subprocess.run(["mount", *mount], check=True)

    def _enter(self):
        libc = ctypes.CDLL(None, use_errno=True)
        user, group = map(int, self._stage.user.split(":"))
        os.chroot(self._stage.root)
        os.chdir("/")
        for capability in range(CAP_LAST + 1):
            if capability not in self._capabilities:
                libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        os.setgroups([])
        os.setgid(group)
        os.setuid(user)

    def start(self, command, environment=()):
        return subprocess.Popen(command, env={**self._environment, **dict(environment)}, preexec_fn=self._enter, stdin=subprocess.DEVNULL)

    def status_of(self, command, environment=()):
        return self.start(command, environment).wait(PATIENCE_S)


def check_image(stage):
    """It has one program and libraries."""
    files = [os.path.join(directory, name)[len(stage.root):]
             for directory, _, names in os.walk(stage.root) for name in names]
    others = [name for name in files if ".so" not in os.path.basename(name)]
    expect(others == ["/usr/sbin/p0f-lookupd"], f"the image also has {others}")
    expect(stage.user == "65532:65532", f"its user is {stage.user}")
    expect(stage.entrypoint == others, f"its entry point is {stage.entrypoint}")
    expect(stage.labels["org.opencontainers.image.title"] == "p0f-lookupd", "it has no title")
    print("image:", sum(os.path.getsize(stage.root + name) for name in files) // 1024, "KiB,", len(files), "files")


def get(port, target, source):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(source, 0))
    connection.request("GET", target)
    response = connection.getresponse()
    return response.status, json.loads(response.read())


def check_secret(daemon, stage, volume):
    """As Kubernetes mounts one, with the defaultMode 0440: links to a file that root owns and the group can read."""
    secret = f"{volume}/secret"
    os.makedirs(f"{secret}/..1")
    os.symlink("..1", f"{secret}/..data")
    os.symlink("..data/tokens", f"{secret}/tokens")
    with open(f"{secret}/tokens", "w", encoding="utf-8") as file:
        file.write(f"web sha256:{hashlib.sha256(b'secret').hexdigest()}\n")
    os.chown(f"{secret}/tokens", 0, int(stage.user.split(":")[1]))
    environment = {"P0F_LOOKUPD_HTTP_TOKEN_FILE": "/run/p0f/secret/tokens"}
    for mode, good in ((0o440, True), (0o400, False)):
        os.chmod(f"{secret}/tokens", mode)
        status = daemon.status_of([*stage.entrypoint, "-t"], environment)
        expect((status == 0) == good, f"tokens with the mode {mode:o} give the status {status}")


def check_running(stage, p0f_stage, volume):
    port = free_port()
    daemon = Container(stage, volume, environment={"P0F_LOOKUPD_HTTP_LISTEN": f"127.0.0.1:{port}"})
    p0f = Container(p0f_stage, volume, capabilities=[CAP_NET_RAW])
    is_ready = [*stage.healthcheck, "--ready"]
    check_secret(daemon, stage, volume)
    expect(daemon.status_of(stage.healthcheck) == 1, "the health check is content before the daemon runs")
    running = daemon.start([*stage.entrypoint, *stage.command])
    wait_until(lambda: daemon.status_of(stage.healthcheck) == 0, "the health check")
    expect(daemon.status_of(is_ready) == 1, "it is ready without p0f")
    for _ in range(2): # the second is one with another socket
        capturing = p0f.start([*p0f_stage.entrypoint, "-i", "lo"])
        wait_until(lambda: daemon.status_of(is_ready) == 0, "readiness with p0f")
        wait_until(lambda: get(port, "/host/127.0.0.2?wait=1000", "127.0.0.2")[0] == 200, "a host is found")
        status, host = get(port, "/host/127.0.0.2", "127.0.0.2")
        expect(status == 200 and host["os_name"] == "Linux", f"the host is {host}")
        capturing.send_signal(getattr(signal, p0f_stage.stop_signal))
        capturing.wait(PATIENCE_S)
        wait_until(lambda: daemon.status_of(is_ready) == 1, "not ready without p0f")
    running.send_signal(getattr(signal, stage.stop_signal))
    expect(running.wait(PATIENCE_S) == 0, f"it ended with {running.returncode}")


def main():
    base, suite, directory = sys.argv[1:]
    volume = f"{directory}/volume"
    os.makedirs(directory)
    passed = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    built = Containerfile(f"{TREE}/conf/oci/Containerfile", TREE,
                          {f"docker.io/library/debian:{suite}-slim": base}, directory,
                          arguments={"DEBIAN": suite, "VERSION": "1.2.3"}, proxies=passed)
    check_image(built.last)
    p0f_stage = built.stages["p0f"]
    subprocess.run(["cp", "-a", f"{p0f_stage.root}/run/p0f", volume], check=True)
    check_running(built.last, p0f_stage, volume)
    print("check_oci: good")


if __name__ == "__main__":
    main()
