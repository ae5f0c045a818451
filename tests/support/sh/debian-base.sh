#!/bin/sh
# SPDX-License-Identifier: MIT
# debian-base.sh SUITE DIR - makes a bare Debian of that suite in DIR/SUITE, unless it is there. Nothing
# works in it directly: copy it, or mount a layer over it. What debootstrap says is in DIR/SUITE.log.
#
# $DEBIAN_MIRROR is where packages come from, by default where this machine's do.
set -eu

suite=$1
base=$2/$suite
log=$base.log

[ ! -d "$base" ] || exit 0
mkdir -p "$2"
trap 'rm -rf --one-file-system "$base.part"' EXIT
trap 'exit 130' INT TERM HUP
# shellcheck disable=SC2016 # apt's, not the shell's
from=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' |
    sed -n 1p)}
echo "Making a bare Debian ($suite) in $base${from:+, from $from}"
PATH=$PATH:/usr/sbin:/sbin debootstrap --variant=minbase "$suite" "$base.part" ${from:+"$from"} >"$log" 2>&1 || {
    tail -n 5 "$log" >&2
    echo "debootstrap failed; $log says why" >&2
    exit 1
}
rm -rf "$base.part"/var/cache/apt/archives/*.deb
mv "$base.part" "$base"
