#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh PACKAGE... - installs those of the Debian packages that are missing.
set -eu

# What is installed, and what that provides: a nodejs from elsewhere brings npm with it.
there=$(dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' 2>/dev/null |
    sed -n 's/^installed //p' | tr ',' '\n' | sed 's/^ *//; s/ .*//') || true
missing=
for package; do
    printf '%s\n' "$there" | grep -Fqx "$package" || missing="$missing $package"
done

if [ -z "$missing" ]; then
    echo "Packages: all there."
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "Missing, by their names in Debian:$missing" >&2
    echo "There is no apt-get here to install them with: please do it the way of this system." >&2
    exit 1
fi
if [ "$(id -u)" != 0 ]; then
    echo "Missing:$missing" >&2
    echo "Only root can install them: apt-get install$missing" >&2
    exit 1
fi

echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
# shellcheck disable=SC2086 # a list of words
apt-get -q -o DPkg::Lock::Timeout=120 install -y --no-install-recommends $missing
