#!/bin/sh
# SPDX-License-Identifier: MIT
# probe.sh rights - looks for the rights that the end-to-end tests need, before anything is installed.
# probe.sh NPM_DIR - looks, before these tests, for all that a container or a machine without a network
# may not allow, and prints the words for it, which the tests take from $LACKING: capture, namespaces,
# npm, and the languages that are not installed.
# Both say in a line each what cannot be had, and fail unless $PARTIAL is set: then the tests that need
# it are skipped.
set -eu

npm=$1
lacking=
if [ -n "${PARTIAL:-}" ]; then
    advice='The tests that need it are skipped.'
else
    advice='PARTIAL=1 skips the tests that need it.'
fi

if [ "$(id -u)" != 0 ]; then
    echo 'The end-to-end tests need root, since p0f captures packets: sudo make check' >&2
    exit 1
fi

dir=$(mktemp -d)
name=p0f-lookupd-probe-$$
p0f=
# shellcheck disable=SC2317 # called by the trap
finish() {
    [ -z "$p0f" ] || kill "$p0f" 2>/dev/null || true
    ip netns del "$name" 2>/dev/null || true
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# cannot WORD SENTENCE
cannot() {
    lacking="$lacking${lacking:+ }$1"
    echo "$2 $advice" >&2
}

# Why a program failed, by what it printed.
reason() {
    { grep -h 'ABORT' "$1" || grep . "$1" || echo 'it does not say why'; } | tail -n 1 | sed 's/.*ABORT : //'
}

# Whether p0f can capture: it ends by itself if not.
captures() {
    mkfifo "$dir/lines"
    PATH=$PATH:/usr/sbin:/sbin p0f -i lo -s "$dir/p0f.sock" >"$dir/lines" 2>&1 &
    p0f=$!
    while IFS= read -r line; do
        echo "$line" >>"$dir/p0f"
        case $line in *'Entered main event loop'*) return 0 ;; esac
    done <"$dir/lines"
    return 1
}

rights() {
    unshare --net --mount true
}

# What tests/support/py/namespace.py does.
namespaces() {
    rights &&
        unshare --net ip link set lo up &&
        ip netns add "$name" &&
        ip -n "$name" link add v0 type veth peer name v1 &&
        ip -n "$name" link set v0 addrgenmode none &&
        ip netns exec "$name" true
}

# cannot_isolate FILE
cannot_isolate() {
    cannot namespaces "Namespaces cannot be made here ($(reason "$1")), which the tests need to run \
side by side and to replay packets: in a container, CAP_SYS_ADMIN and CAP_NET_ADMIN."
}

if [ "$npm" = rights ]; then
    rights 2>"$dir/rights" || cannot_isolate "$dir/rights"
    [ -z "$lacking" ] || [ -n "${PARTIAL:-}" ]
    exit
fi

captures || cannot capture "p0f cannot capture packets here ($(reason "$dir/p0f")), which the \
tests in front of the real p0f need: root, and in a container CAP_NET_RAW and CAP_NET_ADMIN."
namespaces 2>"$dir/namespaces" || cannot_isolate "$dir/namespaces"
[ -e "$npm/.installed" ] || cannot npm "The npm packages that check the OpenAPI document are not \
there: npm could not get them."

# What the lookups in conf/examples are written for.
for program in jq node perl php go javac; do
    command -v "$program" >/dev/null || cannot "$program" "$program is not installed."
done
[ -e /usr/share/java/gson.jar ] || cannot gson 'libgoogle-gson-java is not installed.'
${PKG_CONFIG:-pkg-config} --exists libcurl || cannot libcurl 'libcurl4-openssl-dev is not installed.'

echo "$lacking"
[ -z "$lacking" ] || [ -n "${PARTIAL:-}" ]
