# SPDX-License-Identifier: MIT
"""p0f's own signature file, read so that packets can be built that match it."""

import re
from collections import namedtuple

FILE = "/etc/p0f/p0f.fp"

# One [tcp:…] signature; see section 5 of p0f's README for the parts.
TcpSignature = namedtuple("TcpSignature", "label version ttl mss window scale layout quirks")
# One [http:…] signature: headers as (name, value that must be contained, optional).
HttpSignature = namedtuple("HttpSignature", "label version headers software")


def _sections():
    """(section, label, signature text) of every 'sig' line."""
    section = label = None
    with open(FILE, encoding="utf-8") as lines:
        for line in lines:
            line = line.strip()
            if not line or line.startswith(";"):
                continue
            if line.startswith("["):
                section = line.strip("[]")
            elif line.startswith("label"):
                label = line.split("=", 1)[1].strip()
            elif line.startswith("sig"):
                yield section, label, line.split("=", 1)[1].strip()


def tcp(direction):
    """All signatures of operating systems in [tcp:request] or [tcp:response] that can be built."""
    found = []
    for section, label, text in _sections():
        if section != f"tcp:{direction}":
            continue
        version, ttl, options_length, mss, window, layout, quirks, payload = text.split(":")
        window, scale = window.split(",")
        quirks = [quirk for quirk in quirks.split(",") if quirk]
        # Scanners and p0f's own probe are not operating systems of hosts.
        if label.startswith("s:!:") or ":p0f:" in label:
            continue
        assert options_length == "0" and payload == "0", text
        assert set(quirks) <= {"df", "id+", "ts1-"}, text
        found.append(TcpSignature(label, version, int(ttl), mss, window, scale,
                                  layout.split(","), quirks))
    return found


_HEADER = re.compile(r"(\??)([A-Za-z0-9_-]+)(?:=\[([^\]]*)\])?,?")


def http(direction):
    """All signatures in [http:request] or [http:response]."""
    found = []
    for section, label, text in _sections():
        if section != f"http:{direction}":
            continue
        # A value may hold ':' in its brackets, so headers are matched rather than split off.
        version, rest = text.split(":", 1)
        headers, at = [], 0
        while rest[at] != ":":
            match = _HEADER.match(rest, at)
            headers.append((match[2], match[3] or "", bool(match[1])))
            at = match.end()
        absent_and_software = rest[at + 1:].split(":", 1)
        found.append(HttpSignature(label, version, headers, absent_and_software[1]))
    return found
