#!/bin/sh
# SPDX-License-Identifier: MIT
# make-deb.sh VERSION DIR - builds the Debian packages of this tree and leaves them in DIR. VERSION may be
# one of `git describe`. Needs no git, and takes all dates from CHANGELOG.md, so that the same tree makes the
# same packages.
set -eu

# 0.2.0-56-g0529167 becomes 0.2.0+56.g0529167, which is later than 0.2.0 and has no revision. Packages of
# Debian's own, 0.2.0-1, would be later, and so are those for the next release of Debian.
version=$(echo "$1" | sed 's/-/+/; s/-/./g')
dir=$2
tree=$dir/p0f-lookupd-$version
# shellcheck source=/dev/null
revision=0+$(. /etc/os-release && echo "$ID${VERSION_ID:-}")
export LC_ALL=C.UTF-8 TZ=UTC

# entry VERSION DATE - an entry of debian/changelog, for a date as date -d takes it.
entry() {
    printf 'p0f-lookupd (%s) unstable; urgency=medium\n\n  * Version %s: see changelog.gz.\n\n -- %s  %s\n\n' \
        "$1-$revision" "$1" "$maintainer" "$(date -R -d "$2")"
}

rm -rf "$dir"
mkdir -p "$tree"
cp -R -p Makefile LICENSE README.md CHANGELOG.md daemon lib conf systemd "$tree"
cp -R -p conf/debian "$tree/debian"

maintainer=$(sed -n 's/^Maintainer: //p' conf/debian/control)
releases=$(sed -nE 's/^## \[([0-9.]+)\] - ([0-9-]+)$/\1 \2/p' CHANGELOG.md)
{
    if [ "${releases%% *}" != "$version" ]; then
        last=${releases%%
*}
        entry "$version" "${last#* } 00:00:01" # later than the entry below, as it must be
    fi
    echo "$releases" | while read -r release day; do
        entry "$release" "$day"
    done
} >"$tree/debian/changelog"

log=$dir/build.log
# Without build-essential: of that, only the g++ is not among the Makefile's own packages, nor needed.
(cd "$tree" && dpkg-buildpackage --ignore-builtin-builddeps -us -uc -b) >"$log" 2>&1 || {
    tail -n 30 "$log" >&2
    echo "make deb: dpkg-buildpackage failed; all that it said is in $log" >&2
    exit 1
}
rm -rf "$tree"
ls "$dir"/*.deb
