# SPDX-License-Identifier: MIT
"""The real nginx, run for a test with the examples in conf/, and a FastCGI site for it to stand in front of."""

import os
import socketserver
import struct
import subprocess

import web_site
from daemon import free_port
from debian_root import layered
from examples import example_text
from server_program import ServerProgram

CONFIG = """daemon off;
user root;
worker_processes 1;
pid {directory}/nginx.pid;
error_log {directory}/nginx.err info;
events {{ worker_connections 512; }}
http {{
    access_log off;
    keepalive_timeout 60;
    client_body_temp_path {directory}/nginx-body;
    proxy_temp_path {directory}/nginx-proxy;
    fastcgi_temp_path {directory}/nginx-fastcgi;
    uwsgi_temp_path {directory}/nginx-uwsgi;
    scgi_temp_path {directory}/nginx-scgi;
{http}
}}
"""


def copy_example(name, directory, changes=()):
    """A copy of conf/nginx/`name` in the directory, with these changes; returns its path."""
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as out:
        out.write(example_text(f"nginx/{name}", changes))
    return path


def cache_example(directory, daemon_port, port, changes=()):
    """What is to stand in http { } for the example of a cache, in front of the daemon at that port, to listen
    at `port`. Nginx must be given that, too."""
    path = copy_example("p0f-cache.conf", directory, [
        ("127.0.0.1:5030", f"127.0.0.1:{daemon_port}"), ("127.0.0.1:5031", f"127.0.0.1:{port}"),
        ("/var/cache/nginx-p0f-lookupd", f"{directory}/cache"), *changes])
    return f"include {path};"


class Nginx(ServerProgram):
    """With-block in which nginx serves `http`, what is to stand in its http { }, at `endpoint`."""

    name = "nginx"

    def __init__(self, directory, http_text, port=None):
        self.directory = str(directory)
        self.endpoint = ("127.0.0.1", port or free_port())
        self.config = os.path.join(self.directory, "nginx.conf")
        self.errors = os.path.join(self.directory, "nginx.err")
        super().__init__(self.errors)
        self.text = CONFIG.format(directory=self.directory,
                                  http=http_text.replace("@port@", str(self.endpoint[1])))

    def launch(self, output):
        with open(self.config, "w", encoding="utf-8") as config:
            config.write(self.text)
        return subprocess.Popen(
            layered("nginx", "-p", self.directory, "-c", self.config, "-e", self.errors),
            stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def serves(self):
        # It writes its pid when it listens on all its sockets.
        return os.path.exists(f"{self.directory}/nginx.pid")


# -- FastCGI, as much as a site needs that answers with its parameters ---------------------------

_RECORD = struct.Struct(">BBHHBx")      # version, type, request, length of content, of padding
_END, _PARAMS, _STDIN, _STDOUT = 3, 4, 5, 6


def _length(data, at):
    if data[at] < 128:
        return data[at], at + 1
    return struct.unpack_from(">I", data, at)[0] & 0x7FFFFFFF, at + 4


def _pairs(data):
    at = 0
    while at < len(data):
        name_length, at = _length(data, at)
        value_length, at = _length(data, at)
        end = at + name_length + value_length
        yield data[at:at + name_length], data[at + name_length:end]
        at = end


class _FastCgiHandler(socketserver.StreamRequestHandler):
    def handle(self):
        params, ends = b"", set()
        while ends != {_PARAMS, _STDIN}:
            _, kind, _, length, padding = _RECORD.unpack(self.rfile.read(_RECORD.size))
            content = self.rfile.read(length + padding)[:length]
            if kind == _PARAMS:
                params += content
            if not content:
                ends.add(kind)
        page = b"".join(b"%s: %s\n" % pair for pair in _pairs(params))
        output = b"Content-Type: text/plain\r\n\r\n" + page
        for kind, content in ((_STDOUT, output), (_STDOUT, b""), (_END, bytes(8))):
            self.wfile.write(_RECORD.pack(1, kind, 1, len(content), 0) + content)


class FastCgiSite(web_site.Site):
    """A FastCGI program behind a unix socket whose pages are its parameters, a line each."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "fastcgi.sock")
        super().__init__(socketserver.ThreadingUnixStreamServer(self.path, _FastCgiHandler))
        self._server.daemon_threads = True
