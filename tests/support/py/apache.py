# SPDX-License-Identifier: MIT
"""The real Apache, as Debian installs and configures it, run for a test."""

import os
import shutil

from daemon import free_port
from debian_root import LAYER, DebianRoot
from server_program import ServerProgram, read_log
from waiting import SLOWDOWN

# What the package enables when it is installed.
MODULES = ("access_compat alias auth_basic authn_core authn_file authz_core authz_host authz_user autoindex "
           "deflate dir env filter mime mpm_event negotiation reqtimeout setenvif status").split()
CONFIGURATIONS = "charset localized-error-pages other-vhosts-access-log security serve-cgi-bin".split()


class DebianApache(ServerProgram):
    """With-block in which Apache runs. Before it, `modules` are enabled, and `files` are written below
    /etc/apache2: the configurations among them (conf-available/x.conf) and the sites are enabled, too. In
    them, @port@ is that of `endpoint`, where the default site is as well."""

    name = "Apache"

    def __init__(self, directory, modules, files):
        self.endpoint = ("127.0.0.1", free_port())
        self.root = DebianRoot(os.path.join(directory, "apache-root"), ["apache2"])
        super().__init__(f"{self.root.path}/output")
        self._etc = f"{self.root.path}/etc/apache2"
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

    def _run(self, *command):
        with open(self._printed, "ab") as output:
            process = self.root.launch(*command, output=output)
        assert process.wait(20 * SLOWDOWN) == 0, self.log()

    def launch(self, output):
        return self.root.launch("sh", "-c", ". /etc/apache2/envvars; exec apache2 -D FOREGROUND", output=output)

    def serves(self):
        return os.path.exists(f"{self.root.path}/run/apache2/apache2.pid")

    def log(self):
        """And its error log."""
        return super().log() + read_log(f"{self.root.path}/var/log/apache2/error.log")
