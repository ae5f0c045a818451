# SPDX-License-Identifier: MIT
"""Certificates made for a test, and clients that speak TLS."""

import http.client
import os
import socket
import ssl
import subprocess
import time

from http_client import BOUND

KEYS = {"ec": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        "rsa": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        "weak": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
        "ed25519": ["-algorithm", "ED25519"]}

_CA = """[ca]
default_ca = it
[it]
database = {directory}/index
serial = {directory}/serial
new_certs_dir = {directory}
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[server]
subjectAltName = DNS:localhost, IP:127.0.0.1
basicConstraints = CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[issuer]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], stdin=subprocess.DEVNULL, check=True,
                          capture_output=True, text=True, timeout=60).stdout


def _time(days):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + days * 86400))


class Authority:
    """Issues certificates into a directory: files NAME.pem and NAME.key, the latter with mode 0640."""

    def __init__(self, directory):
        self.directory = os.path.join(str(directory), "ca")
        os.mkdir(self.directory)
        for name, text in (("index", ""), ("serial", "1000\n"), ("cnf", _CA.format(directory=self.directory))):
            with open(f"{self.directory}/{name}", "w", encoding="ascii") as file:
                file.write(text)
        self.root = self._make("root", "rsa", None, "issuer", (-1, 3650), "Test Root")

    def _make(self, name, key, issuer, kind, days, subject, digest="sha256"):
        path = f"{self.directory}/{name}"
        openssl("genpkey", *KEYS[key], "-out", f"{path}.key")
        os.chmod(f"{path}.key", 0o640)
        openssl("req", "-new", "-key", f"{path}.key", "-subj", f"/CN={subject}", "-out", f"{path}.csr")
        by = ["-selfsign", "-keyfile", f"{path}.key"] if issuer is None else \
            ["-cert", f"{self.directory}/{issuer}.pem", "-keyfile", f"{self.directory}/{issuer}.key"]
        openssl("ca", "-batch", "-notext", "-config", f"{self.directory}/cnf", "-extensions", kind, *by,
                "-startdate", _time(days[0]), "-enddate", _time(days[1]), "-md", digest,
                "-in", f"{path}.csr", "-out", f"{path}.pem")
        return f"{path}.pem"

    def issue(self, name, key="ec", days=(-1, 90), issuer="root", digest="sha256"):
        """The paths of a server's certificate and of its key."""
        path = self._make(name, key, issuer, "server", days, "localhost", digest)
        return path, path[:-4] + ".key"

    def intermediate(self, name):
        """The path of the certificate of one that issues others."""
        return self._make(name, "ec", "root", "issuer", (-1, 3650), f"Test {name}")

    def context(self):
        """For clients that trust it, and are as strict as Python is by itself from 3.13 on."""
        context = ssl.create_default_context(cafile=self.root)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context


def settings(port, pair, **more):
    return {"http.tls_listen": f"127.0.0.1:{port}", "http.tls_certificate": pair[0], "http.tls_key": pair[1],
            **{f"http.{name}": value for name, value in more.items()}}


def open_tls(port, context, timeout=BOUND, source=None, session=None):
    """A socket with a handshake done."""
    sock = socket.create_connection(("127.0.0.1", port), timeout, source and (source, 0))
    try:
        return context.wrap_socket(sock, server_hostname="localhost", session=session)
    except BaseException:
        sock.close()
        raise


def connect_tls(port, context, timeout=BOUND):
    """For http_client.ask()."""
    return http.client.HTTPSConnection("localhost", port, context=context, timeout=timeout)


def serial(sock):
    """Of the certificate that the server has shown on it."""
    return int(sock.getpeercert()["serialNumber"], 16)


def first_flight(context):
    """What a client of this context says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


class Flights:
    """A handshake in pieces: the client's bytes are sent only when asked for."""

    def __init__(self, port, context):
        self.sock = socket.create_connection(("127.0.0.1", port), BOUND)
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="localhost")

    def pending(self):
        """The client's next bytes; b"" once the handshake is complete on its side and all is sent."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.unsent()

    def unsent(self):
        """What is left to be sent without going on, such as the alert of a client that gave up."""
        return self._out.read()

    def read(self):
        self._in.write(self.sock.recv(65536))
