#!/bin/bash
# SPDX-License-Identifier: MIT
# Looks up hosts in p0f-lookupd: one with GET /host/IP, several at once with POST /hosts.
#
#     bash lookup.sh 192.0.2.7 2001:db8::1
#
# The daemon is at P0F_LOOKUPD_URL, by default http://127.0.0.1:5030. Prints a line for each host. Exit
# status: 0 if p0f knows every host, 1 if it does not know some, 2 on failure. Needs curl and jq.
url=${P0F_LOOKUPD_URL:-http://127.0.0.1:5030}

# ask PATH [CURL OPTION]... - prints the response. Returns 1 if p0f does not know the host, 2 on failure.
ask() {
    local body status reason
    body=$(curl -sS -m 2 --path-as-is -w '\n%{http_code}' "${@:2}" "$url$1") || return 2 # curl has said why
    status=${body##*$'\n'} body=${body%$'\n'*}
    case $status:$(jq -r .type <<<"$body" 2>/dev/null) in
    200:*) jq -cn input <<<"$body" || return 2 ;;
    404:urn:p0f-lookupd:no-match) return 1 ;;
    *)
        reason=$(jq -er '.detail // empty' <<<"$body" 2>/dev/null) || reason="$url: HTTP status $status"
        echo "lookup: $reason" >&2
        return 2
        ;;
    esac
}

# lookup IP - prints what p0f knows about a host, as JSON.
lookup() { ask "/host/$(jq -nr --arg ip "$1" '$ip | @uri')"; }

# lookup_all IP... - the same about several: [{"query", "status", "host" or "code" and "detail"}, ...].
lookup_all() { printf '%s\n' "$@" | ask /hosts -H 'Content-Type: text/plain' --data-binary @-; }

os='[.os_name, .os_flavor | values] | join(" ") | if . == "" then "unknown OS" else . end'
if [ $# = 1 ]; then
    host=$(lookup "$1")
    status=$?
    case $status in
    0) echo "$1: $(jq -r "$os" <<<"$host")" ;;
    1) echo "$1: p0f does not know $1" ;;
    esac
else
    items=$(lookup_all "$@") || exit 2
    jq -r ".[] | .query + \": \" + if .host then .host | $os else .detail end" <<<"$items"
    status=$(jq 'map({"200": 0, "404": 1}[.status | tostring] // 2) | max' <<<"$items")
fi
exit "$status"
