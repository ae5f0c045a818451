# SPDX-License-Identifier: MIT
# Looks up hosts in p0f-lookupd with POST /hosts, one address per line; in the response, each has its own
# status. For a single host there is also GET /host/IP: its response is the "host" below or, if p0f does not
# know the host, a problem document with status 404 and type urn:p0f-lookupd:no-match.
#
#     python3 lookup.py 192.0.2.7 2001:db8::1
#
# The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
# status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs only Python.
import json
import os
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

url = os.environ.get("P0F_LOOKUPD_URL", "http://127.0.0.1:5030")
request = Request(f"{url}/hosts", "\n".join(sys.argv[1:]).encode(), {"Content-Type": "text/plain"})
try:
    with urlopen(request, timeout=2) as response:
        items = json.load(response)  # [{"query", "status", "host" or "code" and "detail"}, ...]
except Exception as error:
    is_problem = isinstance(error, HTTPError) and error.headers.get_content_subtype() == "problem+json"
    print("lookup:", json.load(error)["detail"] if is_problem else error, file=sys.stderr)
    sys.exit(2)
for item in items:
    host = item.get("host", {})
    words = [item.get("detail"), host.get("os_name"), host.get("os_flavor")]
    print(f"{item['query']}:", " ".join(filter(None, words)) or "unknown OS")
sys.exit(max({200: 0, 404: 1}.get(item["status"], 2) for item in items))
