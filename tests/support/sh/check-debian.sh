#!/bin/bash
# SPDX-License-Identifier: MIT
# check-debian.sh SUITE DIR BUILD CHECK - runs tests/support/sh/check-CHECK.sh in a copy of this tree on a bare
# Debian of that suite, as root. What it says is in DIR/SUITE.CHECK.log. The bare system stays in DIR/SUITE,
# which saves a minute the next time; the one that is worked in is deleted at the end, on Ctrl-C too.
#
# $DEBIAN_MIRROR is where packages come from, by default where this machine's do.
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
    rm -rf --one-file-system "$root" "$base.part"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

# ---- The bare system

mkdir -p "$dir"
if [ ! -d "$base" ]; then
    # shellcheck disable=SC2016 # apt's, not the shell's
    from=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
        sed -n 1p)}
    echo "Making a bare Debian ($suite) in $base${from:+, from $from}"
    PATH=$PATH:/usr/sbin:/sbin debootstrap --variant=minbase "$suite" "$base.part" ${from:+"$from"} >"$log" 2>&1 ||
        fail "debootstrap failed; $log says why:" "$(tail -n 5 "$log")"
    rm -rf "$base.part"/var/cache/apt/archives/*.deb
    mv "$base.part" "$base"
fi

echo "Copying it, and this tree"
rm -rf --one-file-system "$root"
cp -a --reflink=auto "$base" "$root"
mkdir "$root/tree"
tar -c --exclude=./.git --exclude="./$build" . | tar -x -C "$root/tree"
# As this machine gets to the network.
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
passed=()
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [ -z "${!name:-}" ] || passed+=("$name=${!name}")
done
if [ -e /etc/ssl/certs/ca-certificates.crt ]; then # with those of a proxy that looks into everything
    cp /etc/ssl/certs/ca-certificates.crt "$root/etc/host-certificates.crt"
    passed+=(NODE_EXTRA_CA_CERTS=/etc/host-certificates.crt)
fi

# ---- The commands

# In mounts and processes of their own: when the first of these ends, so do the others. The terminal's
# Ctrl-C is for us alone; but what is interrupted in there must not begin with SIGINT ignored, as what
# a script starts in the background does.
# shellcheck disable=SC2016 # the inner shell's
env --default-signal=INT setsid unshare --mount --propagation private --pid --fork --kill-child sh -c '
    mount --bind "$1" "$1" && cd "$1" &&
        mount -t proc proc proc && mount --rbind /sys sys && mount --rbind /dev dev &&
        mount -t tmpfs tmpfs run || exit 1
    shift
    exec chroot . env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
' sh "$root" "${passed[@]}" sh -c "cd /tree && exec tests/support/sh/check-$check.sh" </dev/null >"$log" 2>&1 &
running=$!
tail -f --pid="$running" -n +1 "$log" | grep --line-buffered -E '^(====|\[====\]|Installing:|[0-9]+ (newly|upgraded)|.* passed)' &
status=0
wait "$running" || status=$?
running=
[ "$status" = 0 ] || fail "$(tail -n 30 "$log")" "check-debian: $suite: $check: failed; all that was said is in $log"
echo "check-debian: $suite: $check: good; all that was said is in $log"
