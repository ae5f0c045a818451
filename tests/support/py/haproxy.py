# SPDX-License-Identifier: MIT
"""The real HAProxy, run for a test: as lenient as it can be, in front of one server, or with the settings
of Debian's package and what a user would add to them."""

import os
import select
import signal
import socket
import subprocess

from daemon import free_port
from debian_root import DebianRoot, layered
from examples import example_text
from server_program import ServerProgram
from waiting import SLOWDOWN, wait_until

CONFIG = """global
    log stdout format raw local0
defaults
    mode http
    log global
    retries 0
    http-reuse always
    option accept-invalid-http-request
    timeout connect 30s
    timeout client 30s
    timeout server 30s
frontend clients
    bind {host}:{port}
    log-format "%s %ST %{{+Q}}r"
    default_backend servers
backend servers
    server forwarded {server}:{server_port} pool-max-conn 4
"""


def in_the_comments(name, changes=()):
    """What is shown in the comments of such a file."""
    lines = example_text(f"haproxy/{name}", changes).splitlines(keepends=True)
    return "".join(line[6:] for line in lines if line.startswith("#     "))


class _Server(ServerProgram):
    """With-block in which HAProxy runs, and listens at `endpoint`."""

    name = "HAProxy"
    ends_with = (0, 128 + signal.SIGTERM, -signal.SIGTERM)

    def __init__(self, directory):
        super().__init__(os.path.join(directory, "haproxy.log"))
        self.endpoint = ("127.0.0.1", free_port())

    def serves(self):
        with open("/proc/net/tcp", encoding="ascii") as sockets:
            return f":{self.endpoint[1]:04X} 00000000:0000 0A" in sockets.read()


class HaProxy(_Server):
    """The lenient one, in front of `server`, or one with other settings."""

    def __init__(self, directory, server, settings=CONFIG):
        super().__init__(directory)
        self._config = os.path.join(directory, "haproxy.cfg")
        with open(self._config, "w", encoding="utf-8") as config:
            config.write(settings.format(host=self.endpoint[0], port=self.endpoint[1], server=server[0],
                                       server_port=server[1]))

    def launch(self, output):
        return subprocess.Popen(layered("haproxy", "-db", "-f", self._config), stdin=subprocess.DEVNULL,
                                stdout=output, stderr=output)

    def forwarded(self):
        """The request lines that it has passed on."""
        return [line.partition('"')[2] for line in self.log().split("\n")
                if line.startswith("forwarded ")]


class DebianHaProxy(_Server):
    """Debian's, as its unit runs it, with `more` appended to its haproxy.cfg, in which @port@ is that of
    the endpoint, and `files` beside that."""

    def __init__(self, directory, more, files=None):
        super().__init__(directory)
        self._root = DebianRoot(os.path.join(directory, "haproxy-root"), ["haproxy"])
        etc = f"{self._root.path}/etc"
        # As the package's scripts and its tmpfiles.d do.
        with open(f"{etc}/passwd", "a", encoding="utf-8") as users, \
                open(f"{etc}/group", "a", encoding="utf-8") as groups:
            users.write("haproxy:x:64000:64000::/var/lib/haproxy:/usr/sbin/nologin\n")
            groups.write("haproxy:x:64000:\n")
        os.makedirs(f"{self._root.path}/run/haproxy")
        os.makedirs(f"{self._root.path}/var/lib/haproxy/dev", exist_ok=True)
        with open(f"{etc}/haproxy/haproxy.cfg", "a", encoding="utf-8") as config:
            config.write(more.replace("@port@", str(self.endpoint[1])))
        for name, text in (files or {}).items():
            with open(f"{etc}/haproxy/{name}", "w", encoding="utf-8") as file:
                file.write(text)
        self._notices = None

    def __enter__(self):
        self._notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notices.settimeout(20 * SLOWDOWN)
        self._notices.bind("")      # an abstract name of the kernel's choice
        super().__enter__()
        self.wait_ready()
        return self

    def __exit__(self, *error):
        super().__exit__(*error)
        self._notices.close()

    def launch(self, output):
        name = self._notices.getsockname()[1:].decode()
        return self._root.launch("env", f"NOTIFY_SOCKET=@{name}", "haproxy", "-Ws", "-f",
                                 "/etc/haproxy/haproxy.cfg", "-p", "/run/haproxy.pid", output=output)

    def wait_ready(self):
        """Until it tells systemd that it is ready, or is so again."""
        while b"READY=1" not in self._notices.recv(4096).split(b"\n"):
            pass

    def reload(self):
        def begins():
            """It may not take signals yet when it says that it is ready."""
            self.process.send_signal(signal.SIGUSR2)
            return select.select([self._notices], [], [], 0.5)[0]
        wait_until(begins, "HAProxy to reload")
        self.wait_ready()

    def complaint(self):
        """What `haproxy -c` says of these settings; "" if nothing is wrong."""
        with open(self._printed, "wb") as log:
            process = self._root.launch("haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg", output=log)
        code = process.wait(20 * SLOWDOWN)
        # HAProxy 3.0 does not even say this.
        said = self.log().replace("Configuration file is valid\n", "")
        return said if code == 0 else f"exit status {code}\n{said}"
