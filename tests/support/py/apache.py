# SPDX-License-Identifier: MIT
"""The real Apache, as Debian installs and configures it, run for a test."""

import os
import shutil
import subprocess

from daemon import ROOT, free_port
from debian_root import LAYER, DebianRoot
from waiting import SLOWDOWN, wait_until

# What the package enables when it is installed.
MODULES = ("access_compat alias auth_basic authn_core authn_file authz_core authz_host authz_user autoindex "
           "deflate dir env filter mime mpm_event negotiation reqtimeout setenvif status").split()
CONFIGURATIONS = "charset localized-error-pages other-vhosts-access-log security serve-cgi-bin".split()


def example(name, changes=()):
    """The text of conf/apache/`name`, in which the texts of `changes` (old, new) have been replaced."""
    with open(f"{ROOT}/conf/apache/{name}", encoding="utf-8") as file:
        text = file.read()
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


class DebianApache:
    """With-block in which Apache runs. Before it, `modules` are enabled, and `files` are written below
    /etc/apache2: the configurations among them (conf-available/x.conf) and the sites are enabled, too. In
    them, @port@ is that of `endpoint`, where the default site is as well."""

    def __init__(self, directory, modules, files):
        self.endpoint = ("127.0.0.1", free_port())
        self.root = DebianRoot(os.path.join(directory, "apache-root"), ["apache2"])
        self._etc = f"{self.root.path}/etc/apache2"
        self._output = f"{self.root.path}/output"
        self.process = None
        # Of a package that is installed, or in the layer.
        types = next(path for path in ("/etc/mime.types", f"{LAYER}/etc/mime.types") if os.path.exists(path))
        shutil.copy2(types, f"{self.root.path}/etc")
        # As apache2ctl does.
        os.makedirs(f"{self.root.path}/run/lock/apache2")
        os.makedirs(f"{self.root.path}/run/apache2/socks")
        shutil.chown(f"{self.root.path}/run/apache2/socks", "www-data")
        os.symlink("/run/lock", f"{self.root.path}/var/lock")
        os.makedirs(f"{self.root.path}/var/www/html")
        with open(f"{self._etc}/ports.conf", "w", encoding="utf-8") as ports:
            ports.write(f"Listen 127.0.0.1:{self.endpoint[1]}\n")
        names = {"conf": list(CONFIGURATIONS), "site": ["000-default"]}
        for path, text in files.items():
            with open(f"{self._etc}/{path}", "w", encoding="utf-8") as file:
                file.write(text.replace("@port@", str(self.endpoint[1])))
            kind, _, name = path.partition("s-available/" if path.startswith("site") else "-available/")
            if name:
                names[kind].append(name.removesuffix(".conf"))
        self._run("a2enmod", "-q", *MODULES, *modules)
        self._run("a2enconf", "-q", *names["conf"])
        self._run("a2ensite", "-q", *names["site"])

    def _launch(self, *command):
        with open(self._output, "ab") as output:
            return self.root.launch(*command, output=output)

    def _run(self, *command):
        assert self._launch(*command).wait(20 * SLOWDOWN) == 0, self.log()

    def __enter__(self):
        self.process = self._launch("sh", "-c", ". /etc/apache2/envvars; exec apache2 -D FOREGROUND")
        try:
            wait_until(self._listens, "Apache to listen")
        except BaseException:
            self._end()
            raise
        return self

    def _listens(self):
        assert self.process.poll() is None, f"Apache ended:\n{self.log()}"
        return os.path.exists(f"{self.root.path}/run/apache2/apache2.pid")

    def _end(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(20 * SLOWDOWN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def __exit__(self, kind, value, trace):
        code = self._end()
        if kind is not None:
            print(f"--- what Apache said ---\n{self.log()}")
        else:
            assert code == 0, self.log()

    def log(self):
        """What it printed, and its error log."""
        text = ""
        for path in (self._output, f"{self.root.path}/var/log/apache2/error.log"):
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="backslashreplace") as file:
                    text += file.read()
        return text
