#!/bin/bash
# SPDX-License-Identifier: MIT
# run-fleet.sh DAEMON - runs a small fleet on this machine until Ctrl-C: three web hosts, each a network namespace with
# a p0f that sees only its own visitors, and a daemon; and a Valkey or Redis as their shared tier ("store"). It does
# not touch the network of this machine: the daemons are queried over unix sockets.
#
#   visitors ── 10.83.1.0/24 ── web1 ── 10.83.11.0/24 ──┐
#            ── 10.83.2.0/24 ── web2 ── 10.83.12.0/24 ──┼── store
#            ── 10.83.3.0/24 ── web3 ── 10.83.13.0/24 ──┘
set -euo pipefail

daemon=$1
conf=$(cd "$(dirname "$0")/../../../conf/fleet" && pwd)
hosts='1 2 3'

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || fail 'Network namespaces and packet capture need root: sudo make run-fleet'

# Debian's tools contain the server's program, too, under another name.
server=
for server in "${STORE:-}" valkey-server redis-server valkey-check-rdb redis-check-rdb ''; do
    ! server=$(command -v "$server") || break
done
[ -n "$server" ] || fail 'Neither Valkey nor Redis is installed; run: make fleet-deps'

dir=$(mktemp -d "${TMPDIR:-/tmp}/fleet.XXXXXX")
chmod 755 "$dir"
prefix=fleet-$$
daemons=()
others=()

# Daemons first, since they read outstanding answers. A program that has just been started can miss a signal, so it is
# repeated. The interfaces are removed with the namespaces.
# shellcheck disable=SC2317 # called by the trap
finish() {
    trap '' INT TERM HUP
    for pid in "${daemons[@]}" "${others[@]}"; do
        while kill "$pid" 2>/dev/null; do
            timeout 2 tail -f -s 0.05 --pid="$pid" /dev/null || true
        done
    done
    for name in visitors store web1 web2 web3; do ip netns del "$prefix-$name" 2>/dev/null || true; done
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 0' INT TERM HUP

# Reads lines from descriptor $1 until one contains $2. If the program ends before, shows them and fails.
wait_for() {
    local line seen=
    while IFS= read -r -u "$1" line; do
        seen+=$line$'\n'
        case $line in *"$2"*) return 0 ;; esac
    done
    printf '%s' "$seen" >&2
    return 1
}

# inside NAME COMMAND... - in that namespace.
inside() {
    local name=$1
    shift
    ip netns exec "$prefix-$name" "$@"
}

# start GROUP NAME LINE COMMAND... - in that namespace and in the background, until it prints LINE; its pid is in GROUP.
# In a session of its own, so that a Ctrl-C reaches this script alone and it can keep the order.
start() {
    local -n group=$1
    local name=$2 line=$3 out
    shift 3
    rm -f "$dir/out"
    mkfifo "$dir/out"
    PATH=$PATH:/usr/sbin:/sbin setsid ip netns exec "$prefix-$name" "$@" >"$dir/out" 2>&1 &
    group+=("$!")
    exec {out}<"$dir/out"
    wait_for "$out" "$line" || fail '' "$1 did not start in '$name'; see above."
    cat <&"$out" >>"$dir/$name.log" &
    exec {out}<&-
}

# join NAME ADDRESS NAME ADDRESS - a network between two namespaces, with the interface of each named after the other.
join() {
    ip -n "$prefix-$1" link add "$3" type veth peer name "$1" netns "$prefix-$3"
    ip -n "$prefix-$1" addr add "$2/24" dev "$3"
    ip -n "$prefix-$3" addr add "$4/24" dev "$1"
    ip -n "$prefix-$1" link set "$3" up
    ip -n "$prefix-$3" link set "$1" up
}

for name in visitors store web1 web2 web3; do
    ip netns add "$prefix-$name" || fail 'Cannot create network namespaces; in a container, this needs CAP_SYS_ADMIN.'
    ip -n "$prefix-$name" link set lo up
done
for n in $hosts; do
    join visitors "10.83.$n.1" "web$n" "10.83.$n.2"
    join store "10.83.1$n.1" "web$n" "10.83.1$n.2"
    ip -n "$prefix-web$n" route add default via "10.83.$n.1"
    ip -n "$prefix-visitors" addr add "198.51.100.$n/32" dev lo
done
ip -n "$prefix-visitors" addr add 198.51.100.4/32 dev lo

# The settings of conf/fleet.
password=$(head -c 32 /dev/urandom | sha256sum | cut -c 1-16)
digest=$(printf %s "$password" | sha256sum | cut -d ' ' -f 1)
sed "s/#[0-9a-f]*/#$digest/" "$conf/users.acl" >"$dir/users.acl"
case $server in *valkey*) kind=valkey ;; *) kind=redis ;; esac
ln -s "$server" "$dir/$kind-server"
start others store 'eady to accept connections' \
    "$dir/$kind-server" --aclfile "$dir/users.acl" --save '' --unixsocket "$dir/store.sock"

for n in $hosts; do
    start others "web$n" 'Entered main event loop' p0f -i visitors -s "$dir/p0f$n.sock"
    printf '%s\n' '[http]' "listen = 10.83.$n.2:5030, unix:$dir/web$n.sock" 'allow_unauthenticated = yes' \
        '[p0f]' "socket = $dir/p0f$n.sock" '[share]' "sensor = web$n" \
        "server = redis://p0f-lookupd:$password@10.83.1$n.1:6379" >"$dir/web$n.conf"
    start daemons "web$n" "shared tier: 10.83.1$n.1:6379 answers" "$daemon" -c "$dir/web$n.conf"
done

# visit N M - visitor N visits web host M.
visit() {
    echo "# 198.51.100.$1 visits web$2"
    inside visitors curl --noproxy '*' -sS -o "$dir/seen" --interface "198.51.100.$1" "http://10.83.$2.2:5030/livez"
    # Until the web host's own p0f and the shared tier know it.
    curl --noproxy '*' -sS -o "$dir/seen" -H 'Cache-Control: no-cache' --unix-socket "$dir/web$2.sock" \
        "http://web$2/host/198.51.100.$1?wait=2000"
}
ask() {
    echo "\$ curl --unix-socket $dir/web$1.sock http://web$1/host/198.51.100.$2"
    curl --noproxy '*' -sS --unix-socket "$dir/web$1.sock" "http://web$1/host/198.51.100.$2"
}

echo
visit 4 2
second=$EPOCHSECONDS
for n in $hosts; do visit "$n" "$n"; done
# p0f's times are in seconds, and the second visit must be newer.
while [ "$EPOCHSECONDS" = "$second" ]; do :; done
visit 4 3
echo
echo '# One visitor, looked up at each of the three: "sensor" names the p0f that saw it.'
for n in $hosts; do ask "$n" 1; done
echo '# If two have seen a visitor, the newer answer is returned.'
ask 1 4
echo
echo '# In the shared tier:'
echo "\$ $kind-cli -s $dir/store.sock --user reader --pass $password HVALS p0f:198.51.100.4"
echo '# Another visit:'
echo "\$ ip netns exec $prefix-visitors curl --interface 198.51.100.1 http://10.83.2.2:5030/livez"
echo "# Logs and settings are in $dir. Ctrl-C ends everything."

# If one of them ends by itself, the others are stopped.
status=0
wait -n "${daemons[@]}" "${others[@]}" || status=$?
fail "One of them ended by itself ($status)."
