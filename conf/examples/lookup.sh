#!/bin/bash
# SPDX-License-Identifier: MIT
# Looks up hosts in p0f-lookupd with POST /hosts, one address per line; in the response, each has its own
# status. For a single host there is also GET /host/IP: its response is the "host" below or, if p0f does not
# know the host, a problem document with status 404 and type urn:p0f-lookupd:no-match.
#
#     bash lookup.sh 192.0.2.7 2001:db8::1
#
# The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
# status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs curl 7.76 and jq.
url=${P0F_LOOKUPD_URL:-http://127.0.0.1:5030}

# lookup IP... - prints [{"query", "status", "host" or "code" and "detail"}, ...], or a problem document.
lookup() {
    printf '%s\n' "$@" |
        curl -sS -m 2 --fail-with-body -H 'Content-Type: text/plain' --data-binary @- "$url/hosts"
}

items=$(lookup "$@") || { # curl has said why; a problem document says more
    jq -r '"lookup: \(.detail // empty)"' <<<"$items" >&2 2>/dev/null
    exit 2
}
jq -r '.[] | [.detail, .host.os_name, .host.os_flavor | values] as $words |
    "\(.query): \($words | join(" ") | select(. != "") // "unknown OS")"' <<<"$items"
exit "$(jq 'map({"200": 0, "404": 1}[.status | tostring] // 2) | max' <<<"$items")"
