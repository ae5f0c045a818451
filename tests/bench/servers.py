# SPDX-License-Identifier: MIT
"""Starts and stops what the benchmarks measure, and knows when each is ready to be measured."""

import contextlib
import http.client
import os
import shutil
import socket
import ssl
import struct
import subprocess
import time

START_DEADLINE = 20.0  # seconds
SEARCH_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
CLEAN_ENVIRONMENT = {key: value for key, value in os.environ.items()
                     if not key.startswith("P0F_LOOKUPD_")}
WRITTEN_BY_THE_SERVER = {"date", "content-length", "connection"}


class BenchError(Exception):
    """A measurement that would mean nothing, and why."""


def find_program(name):
    return shutil.which(name, path=SEARCH_PATH)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(port, path):
    """One GET: (status, header list, body)."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.getheaders(), response.read()


def unverified():
    """A context for clients that take any certificate."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def get_tls(port, path):
    """One GET with a full handshake, on a connection of its own: (status, body)."""
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=unverified())
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"Connection": "close"})
        response = connection.getresponse()
        return response.status, response.read()


def post(port, path, text, **headers):
    """One POST of JSON: (status, body). Headers are given as Header_Name=value."""
    sent = {"Content-Type": "application/json"}
    sent.update((name.replace("_", "-"), value) for name, value in headers.items())
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("POST", path, text, sent)
        response = connection.getresponse()
        return response.status, response.read()


class Process:
    """A started program; `pids` are all the processes whose CPU time counts as its own."""

    def __init__(self, name, argv, folder):
        self.name = name
        self.log = os.path.join(folder, f"{name}.log")
        with open(self.log, "wb") as log:
            self.popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                          env=CLEAN_ENVIRONMENT)

    @property
    def pid(self):
        return self.popen.pid

    @property
    def pids(self):
        return [self.pid] + children_of(self.pid)

    def wait_until(self, ready):
        """Polls `ready` until it holds; gives up when the program ends or the deadline passes."""
        deadline = time.monotonic() + START_DEADLINE
        while not _holds(ready):
            if self.popen.poll() is not None:
                raise BenchError(f"{self.name} ended, {self.popen.returncode}:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise BenchError(f"{self.name} is not ready in time:\n{self._log_tail()}")
            time.sleep(0.02)
        return self

    def stop(self):
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()

    def says(self, text):
        with open(self.log, errors="replace") as log:
            return text in log.read()

    def _log_tail(self):
        with open(self.log, errors="replace") as log:
            return "".join(log.readlines()[-15:])


def _holds(ready):
    try:
        return bool(ready())
    except (OSError, http.client.HTTPException):
        return False


def children_of(parent):
    """Child processes of `parent`, from /proc."""
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/stat") as stat:
                fields = stat.read().rpartition(")")[2].split()
        except OSError:  # gone meanwhile
            continue
        if int(fields[1]) == parent:
            found.append(int(entry))
    return found


def _connects(family, address):
    with socket.socket(family) as probe:
        probe.connect(address)
    return True


class Bench:
    """The folder of one run, and what is started in it: the last started is the first stopped."""

    def __init__(self, build, folder, pool_bytes):
        self.build, self.folder, self.pool_bytes = build, folder, pool_bytes
        self._running = contextlib.ExitStack()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.stop_all()

    def stop_all(self):
        self._running.close()

    def path(self, name):
        return os.path.join(self.folder, name)

    def start(self, name, argv, ready):
        process = Process(name, argv, self.folder)
        self._running.callback(process.stop)
        return process.wait_until(ready)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def quick_p0f(self, name="quick_p0f"):
        """A p0f that knows all of 10.0.0.0/8. `.socket` is where it listens."""
        path = self.path(f"{name}.sock")
        fake = self.start(name, [os.path.join(self.build, "bench", "quick_p0f"), path],
                          lambda: _connects(socket.AF_UNIX, path))
        fake.socket = path
        return fake

    def real_p0f(self, only_port):
        """The installed p0f, looking at loopback traffic of one port only."""
        path = self.path("p0f.sock")
        real = self.start("p0f", [find_program("p0f"), "-i", "lo", "-s", path,
                                  "-o", self.path("p0f.out"), f"tcp port {only_port}"],
                          lambda: p0f_knows(path, ["0.0.0.0"]) is not None)
        real.socket = path
        return real

    def daemon(self, name, p0f, **settings):
        """p0f-lookupd connected to `p0f`, at its defaults but for these settings, given as
        section__key=value."""
        port = free_port()
        options = {"p0f.socket": p0f.socket, "http.listen": f"127.0.0.1:{port}"}
        options.update((key.replace("__", "."), value) for key, value in settings.items())
        argv = [os.path.join(self.build, "p0f-lookupd"), "-c", self.write("empty.conf", b"")]
        for key, value in options.items():
            argv += ["-o", f"{key}={value}"]
        daemon = self.start(name, argv, lambda: get(port, "/livez")[0] == 200)
        # Once a lookup is answered it is connected to p0f, too.
        daemon.wait_until(lambda: get(port, "/host/192.0.2.1?wait=0")[0] == 404)
        daemon.port = port
        return daemon

    def static_mhd(self, name, headers, body, mode="accept"):
        """libmicrohttpd with `body` and `headers` built beforehand."""
        port = free_port()
        head = "".join(f"{key}: {value}\n" for key, value in headers
                       if key.lower() not in WRITTEN_BY_THE_SERVER)
        answer = self.write(f"{name}.answer", head.encode("latin-1") + b"\n" + body)
        static = self.start(name, [os.path.join(self.build, "bench", "static_mhd"), str(port),
                                   str(self.pool_bytes), answer, mode],
                            lambda: get(port, "/")[2] == body)
        static.port = port
        return static

    def certificate(self):
        """Files of a new certificate (ECDSA, P-256), and of its key."""
        files = self.path("cert.pem"), self.path("key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "30", "-subj", "/CN=localhost", "-out", files[0], "-keyout", files[1]],
                       check=True, capture_output=True)
        return files

    def nginx(self, body, pair=None):
        """nginx `return 200` with `body`, over TLS with a certificate and its key."""
        port = free_port()
        if b"$" in body:
            raise BenchError("nginx would take the $ in the body for a variable")
        quoted = body.replace(b"\\", b"\\\\").replace(b"'", b"\\'")
        config = self.write("nginx.conf", NGINX_CONFIG.encode() % {
            b"folder": self.folder.encode(), b"port": port, b"cpus": os.cpu_count(),
            b"body": quoted, b"tls": b" ssl; ssl_certificate %s; ssl_certificate_key %s; ssl_protocols TLSv1.2 TLSv1.3"
            % tuple(file.encode() for file in pair) if pair else b""})
        nginx = self.start("nginx", [find_program("nginx"), "-p", self.folder, "-c", config,
                                     "-e", self.path("nginx.errors")],
                           lambda: (get_tls(port, "/")[1] if pair else get(port, "/")[2]) == body)
        nginx.wait_until(lambda: len(children_of(nginx.pid)) == os.cpu_count())
        nginx.port = port
        return nginx


NGINX_CONFIG = """
daemon off;
worker_processes %(cpus)d;
pid %(folder)s/nginx.pid;
error_log %(folder)s/nginx.errors;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path %(folder)s/nginx_body;
    proxy_temp_path %(folder)s/nginx_proxy;
    fastcgi_temp_path %(folder)s/nginx_fastcgi;
    uwsgi_temp_path %(folder)s/nginx_uwsgi;
    scgi_temp_path %(folder)s/nginx_scgi;
    default_type application/json;
    server {
        listen 127.0.0.1:%(port)d%(tls)s;
        location / { return 200 '%(body)s'; }
    }
}
"""


def p0f_knows(path, addresses):
    """How many of `addresses` the p0f at `path` knows. Reads every answer it has asked for:
    closing a connection on which one is outstanding can kill p0f."""
    known = 0
    with socket.socket(socket.AF_UNIX) as api:
        api.settimeout(5)
        api.connect(path)
        for address in addresses:
            api.sendall(struct.pack("=IB16s", 0x50304601, 4, socket.inet_aton(address)))
            answer = api.recv(232, socket.MSG_WAITALL)
            known += len(answer) == 232 and struct.unpack_from("=I", answer, 4)[0] == 0x10
    return known


BROWSER_REQUEST = (
    b"GET / HTTP/1.1\r\nHost: bench\r\n"
    b"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:24.0) Gecko/20100101 Firefox/24.0\r\n"
    b"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"
    b"Accept-Language: en-us,en;q=0.5\r\nAccept-Encoding: gzip, deflate\r\n"
    b"Connection: keep-alive\r\n\r\n")
WEB_ANSWER = (b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: text/html\r\n"
              b"Content-Length: 0\r\n\r\n")


def visit(listener, addresses):
    """Lets each of the 127.x.y.z addresses make a browser's request to `listener`; p0f sees it."""
    target = listener.getsockname()
    for address in addresses:
        with socket.socket() as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1460)  # looks like Ethernet
            client.bind((address, 0))
            client.connect(target)
            server, _ = listener.accept()
            with server:
                client.sendall(BROWSER_REQUEST)
                server.recv(4096)
                server.sendall(WEB_ANSWER)
                client.recv(4096)
