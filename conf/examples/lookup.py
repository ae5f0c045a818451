# SPDX-License-Identifier: MIT
# Looks up hosts in p0f-lookupd: one with GET /host/IP, several at once with POST /hosts.
#
#     python3 lookup.py 192.0.2.7 2001:db8::1
#
# The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
# status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs only Python.
import json
import os
import sys
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

URL = os.environ.get("P0F_LOOKUPD_URL", "http://127.0.0.1:5030")


def ask(path, body=None):
    """The response, or None if p0f does not know the host. Raises OSError on failure."""
    request = Request(URL + path, body, {"Content-Type": "application/json"})
    try:
        with urlopen(request, timeout=2) as response:
            return json.load(response)
    except HTTPError as error:
        if error.headers.get_content_type() != "application/problem+json":
            raise
        problem = json.load(error)
        if problem["type"] == "urn:p0f-lookupd:no-match":
            return None
        raise OSError(problem["detail"]) from error


def lookup(ip):
    """What p0f knows about a host."""
    return ask("/host/" + quote(ip, safe=""))


def lookup_all(ips):
    """The same about several: a list of {"query", "status", "host" or "code" and "detail"}."""
    return ask("/hosts", json.dumps(ips).encode())


def show(ip, host, reason=None):
    names = [host["os_name"], host["os_flavor"]] if host else [reason]
    print(f"{ip}:", " ".join(filter(None, names)) or "unknown OS")


def main(ips):
    if len(ips) == 1:
        host = lookup(ips[0])
        show(ips[0], host, f"p0f does not know {ips[0]}")
        return 0 if host else 1
    items = lookup_all(ips)
    for item in items:
        show(item["query"], item.get("host"), item.get("detail"))
    return max({200: 0, 404: 1}.get(item["status"], 2) for item in items)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Exception as error:
        print(f"lookup: {error}", file=sys.stderr)
        sys.exit(2)
