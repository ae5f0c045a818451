#!/bin/bash
# SPDX-License-Identifier: MIT
# check-debian.sh SUITE DIR BUILD CHECK - runs tests/support/sh/check-CHECK.sh in a copy of this tree on a bare
# Debian of that suite, as root. What it says is in DIR/SUITE.CHECK.log. The bare system stays in DIR/SUITE,
# which saves a minute the next time; the one that is worked in is deleted at the end, on Ctrl-C too.
set -euo pipefail

suite=$1
dir=$2
build=$3
check=$4
base=$dir/$suite
log=$dir/$suite.$check.log
root=$dir/$suite.$check.run

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || fail 'Only root can make another root directory: sudo make check-debian13'

running=
# All that runs in there are children of one process, and its mounts are seen by them alone.
# shellcheck disable=SC2317 # called by the trap
finish() {
    trap '' INT TERM HUP
    { [ -z "$running" ] || kill -KILL "$running" && wait; } 2>/dev/null || true
    rm -rf --one-file-system "$root"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

tests/support/sh/debian-base.sh "$suite" "$dir"

echo "Copying it, and this tree"
rm -rf --one-file-system "$root"
cp -a --reflink=auto "$base" "$root"
mkdir "$root/tree"
tar -c --exclude=./.git --exclude="./$build" . | tar -x -C "$root/tree"
passed=()
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then # with those of a proxy that looks into everything
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/host-certificates.crt"
    passed+=(NODE_EXTRA_CA_CERTS=/etc/host-certificates.crt)
fi

# ---- The commands

# When the first of its processes ends, so do the others. The terminal's Ctrl-C is for us alone; but what is
# interrupted in there must not begin with SIGINT ignored, as what a script starts in the background does.
env --default-signal=INT setsid tests/support/sh/in-root.sh "$root" "${passed[@]}" \
    sh -c "cd /tree && exec tests/support/sh/check-$check.sh" </dev/null >"$log" 2>&1 &
running=$!
tail -f --pid="$running" -n +1 "$log" | grep --line-buffered -E '^(====|\[====\]|Installing:|[0-9]+ (newly|upgraded)|.* passed)' &
status=0
wait "$running" || status=$?
running=
[ "$status" = 0 ] || fail "$(tail -n 30 "$log")" "check-debian: $suite: $check: failed; all that was said is in $log"
echo "check-debian: $suite: $check: good; all that was said is in $log"
