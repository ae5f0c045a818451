#!/bin/bash
# SPDX-License-Identifier: MIT
# check-system.sh DIR BUILD SUITE... - runs tests/system on each of these Debians, booted. What takes long is kept
# in DIR: SUITE.build, in which the packages are built, and SUITE.system, which is booted, both made
# from the bare SUITE; SUITE.debs has the packages, and SUITE.system.log what all this said.
# $FULL_VERSION is that of the packages, $WORKERS the number of systems at a time. $K selects tests, as pytest's -k does.
set -euo pipefail

dir=$1
build=$2
shift 2

# What a small server has, and what the tests use in there. Packages that ours depend on are only downloaded.
system_packages='systemd-sysv dbus curl iproute2 openssl'

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

[ "$(id -u)" = 0 ] || fail 'Only root can boot another system: sudo make check-system'

# install ROOT PACKAGE... - also when the lists of packages that are there have become old
install() {
    local root=$1
    shift
    tests/support/sh/in-root.sh "$root" DEBIAN_FRONTEND=noninteractive sh -c \
        'apt-get -q install -y --no-install-recommends "$@" ||
         { apt-get -q update && apt-get -q install -y --no-install-recommends "$@"; }' sh "$@"
}

# prepare SUITE
prepare() {
    local base=$dir/$1 part debs
    trap 'rm -rf --one-file-system ${part:+"$part"}' EXIT
    trap 'exit 130' INT TERM HUP

    if [ ! -d "$base.build" ]; then
        part=$base.build.part
        rm -rf --one-file-system "$part"
        cp -a --reflink=auto "$base" "$part"
        install "$part" make
        mv "$part" "$base.build"
    fi
    rm -rf "$base.build/tree" "$base.debs"
    mkdir "$base.build/tree"
    # What is in the tree now, committed or not.
    tar -c --exclude=./.git --exclude="./$build" . | tar -x -C "$base.build/tree"
    tests/support/sh/in-root.sh "$base.build" make -C /tree FULL_VERSION="$FULL_VERSION" deb
    mkdir "$base.debs"
    cp "$base.build"/tree/build/deb/*.deb "$base.debs"

    if [ "$(cat "$base.system.packages" 2>/dev/null)" != "$system_packages" ]; then
        part=$base.system.part
        rm -rf --one-file-system "$part" "$base.system"
        cp -a --reflink=auto "$base" "$part"
        # shellcheck disable=SC2086 # a list of words
        install "$part" $system_packages
        rm "$part/etc/resolv.conf"
        mv "$part" "$base.system"
        echo "$system_packages" >"$base.system.packages"
    fi
    # The booted system has no network.
    cp "$base.debs"/*.deb "$base.system/tmp"
    mapfile -t debs < <(cd "$base.debs" && printf '/tmp/%s\n' *.deb)
    install "$base.system" --download-only "${debs[@]}"
    rm "$base.system/etc/resolv.conf" "$base.system"/tmp/*.deb
}

for suite; do
    tests/support/sh/debian-base.sh "$suite" "$dir"
    SECONDS=0
    log=$dir/$suite.system.log
    # In the background, or else `set -e` would not hold in it.
    prepare "$suite" >"$log" 2>&1 &
    wait "$!" || fail "$(tail -n 20 "$log")" "check-system: $suite: failed; all that was said is in $log"
    echo "check-system: $suite: packages built, and a system to install them on, in $SECONDS s"
done

SYSTEMS=$dir RELEASES="$*" /usr/bin/python3 -B -m pytest -q -p no:cacheprovider -rs \
    -n "$WORKERS" --dist load ${K:+-k "$K"} tests/system
