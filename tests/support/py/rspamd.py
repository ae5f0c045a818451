# SPDX-License-Identifier: MIT
"""rspamd as Debian packages it, with its settings, and its p0f module turned on as its manual says."""

import http.client
import json
import os
import shutil

from daemon import free_port
from server_program import ServerProgram
from waiting import SLOWDOWN

_USER = 64_901      # of no user of the machine's

# rspamd compiles all top-level domains into a state machine when it starts, which takes it 7 s.
_OPTIONS = 'url_tld = "/etc/rspamd/few_domains.dat";\n'

_MESSAGE = ("From: A <a@example.org>\r\nTo: B <b@example.com>\r\nSubject: greetings\r\n"
            "Date: Sat, 28 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\nHello.\r\n")


class Rspamd(ServerProgram):
    """With-block in which it scans messages, in this DebianRoot, where its p0f module has these settings."""

    name = "rspamd"
    bound = 60

    def __init__(self, root, p0f_settings):
        super().__init__(f"{root.path}/rspamd.out")
        self.root = root
        self.port = free_port()
        etc = f"{root.path}/etc/rspamd"
        for name, text in {
            "local.d/p0f.conf": p0f_settings,
            "local.d/options.inc": _OPTIONS,
            "local.d/logging.inc": 'type = "console";\n',
            "override.d/worker-normal.inc": f'bind_socket = "127.0.0.1:{self.port}";\n',
            "local.d/worker-controller.inc": "enabled = false;\n",
            "local.d/worker-proxy.inc": "enabled = false;\n",
            "few_domains.dat": "com\norg\n",
        }.items():
            with open(f"{etc}/{name}", "w", encoding="ascii") as file:
                file.write(text)
        self._make_user()

    def _make_user(self):
        """What its package does when it is installed."""
        with open(f"{self.root.path}/etc/passwd", "a", encoding="utf-8") as users:
            users.write(f"_rspamd:x:{_USER}:{_USER}::/var/lib/rspamd:/usr/sbin/nologin\n")
        for name in ("var/lib/rspamd", "run/rspamd"):
            os.makedirs(f"{self.root.path}/{name}", exist_ok=True)
            shutil.chown(f"{self.root.path}/{name}", _USER, _USER)
        os.chmod(f"{self.root.path}/tmp", 0o1777)

    def launch(self, output):
        return self.root.launch(
            "setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups",
            "rspamd", "-f", "-c", "/etc/rspamd/rspamd.conf", output=output)

    def serves(self):
        try:
            return self._request("GET", "/ping", {})[0] == 200
        except OSError:
            return False

    def _request(self, method, path, headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30 * SLOWDOWN)
        try:
            connection.request(method, path, _MESSAGE if method == "POST" else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def scan(self, address):
        """What it finds in a message that comes from there: the options of each symbol."""
        status, body = self._request("POST", "/checkv2", {"IP": address, "Helo": "mail.example.org"})
        assert status == 200, body
        found = json.loads(body)
        assert found["action"] == "no action" and not found["is_skipped"], found
        return {name: symbol.get("options", []) for name, symbol in found["symbols"].items()}
