#!/bin/bash
# SPDX-License-Identifier: MIT
# run.sh DAEMON INTERFACE - p0f on an interface and the daemon in front of it, until Ctrl-C.
set -euo pipefail

daemon=$1
interface=$2
listen=${LISTEN:-127.0.0.1:5030}

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || fail 'p0f captures packets, which only root may: sudo make run'
[ "$interface" = any ] || [ -e "/sys/class/net/$interface" ] ||
    fail "There is no interface '$interface' here. There are: $(cd /sys/class/net && echo *)" \
        'Name one of them, or any for all: make run IFACE=any'

dir=$(mktemp -d)
p0f_pid=
daemon_pid=

# The daemon first: it reads the answers that are outstanding.
# shellcheck disable=SC2317 # called by the trap
finish() {
    trap '' INT TERM HUP
    for pid in $daemon_pid $p0f_pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 0' INT TERM HUP

# Reads lines from descriptor $1 until one holds $2, showing them when $3 is "show".
# Fails at the end of the stream: then the program has ended.
wait_for() {
    local line seen=
    while IFS= read -r -u "$1" line; do
        seen+=$line$'\n'
        [ "$3" != show ] || printf '%s\n' "$line" >&2
        case $line in *"$2"*) return 0 ;; esac
    done
    [ "$3" = show ] || printf '%s' "$seen" >&2
    return 1
}

# In sessions of their own, so that a Ctrl-C reaches this script alone and it can keep the order.
mkfifo "$dir/p0f.out" "$dir/daemon.out"

PATH=$PATH:/usr/sbin:/sbin setsid p0f -i "$interface" -s "$dir/p0f.sock" >"$dir/p0f.out" 2>&1 &
p0f_pid=$!
exec 3<"$dir/p0f.out"
wait_for 3 'Entered main event loop' hide || fail '' "p0f did not start on '$interface'; above is why."
cat <&3 >/dev/null &

setsid "$daemon" -o "p0f.socket=$dir/p0f.sock" -o "http.listen=$listen" 2>"$dir/daemon.out" &
daemon_pid=$!
exec 4<"$dir/daemon.out"
wait_for 4 'listening' show || fail 'p0f-lookupd did not start; above is why.'
cat <&4 >&2 &

echo
if [ "$interface" = lo ] || [ "$interface" = any ]; then
    # Any address in 127/8 is ours to speak from, and makes a host of its own for p0f.
    echo "# a visit from 127.0.0.2, for p0f to see; then what it saw:"
    echo "\$ curl --interface 127.0.0.2 http://$listen/livez"
    curl --noproxy '*' -sS --interface 127.0.0.2 "http://$listen/livez"
    echo "\$ curl http://$listen/host/127.0.0.2?wait=1000"
    curl --noproxy '*' -sS "http://$listen/host/127.0.0.2?wait=1000"
else
    echo "# ask about a host that has spoken to this machine over $interface:"
    echo "\$ curl http://$listen/host/<its address>"
fi
echo
echo "p0f on $interface, p0f-lookupd on http://$listen/ - Ctrl-C ends both."

# Whichever ends by itself takes the other with it.
status=0
wait -n "$p0f_pid" "$daemon_pid" || status=$?
if kill -0 "$p0f_pid" 2>/dev/null; then
    fail "p0f-lookupd ended by itself ($status)."
fi
fail "p0f ended by itself ($status)."
