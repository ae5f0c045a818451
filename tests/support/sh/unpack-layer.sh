#!/bin/sh
# SPDX-License-Identifier: MIT
# unpack-layer.sh DIR PACKAGE... - unpacks these Debian packages, and those they depend on that are not
# installed, into DIR: a layer which, put over the machine's own files, has these programs. They are not
# installed, since installed they would start servers. Of PACKAGE,PACKAGE it takes the first that Debian has.
set -eu

layer=$1
shift
if ! command -v apt-get >/dev/null; then
    echo "There is no apt-get here to get these packages of Debian with: $*" >&2
    exit 1
fi

mkdir -p "$(dirname "$layer")"
part=$(mktemp -d "$layer.XXXXXX")
trap 'rm -rf "$part"' EXIT
chmod 755 "$part" # for apt's own user
mkdir "$part/debs" "$part/files"

# Those of these packages that there are.
existing() {
    for names; do
        for name in $(echo "$names" | tr , ' '); do
            ! apt-cache show "$name" >/dev/null 2>&1 || break
        done
        echo "$name"
    done
}

# Those of them that are installed, too, for their settings as Debian has them.
download() {
    # shellcheck disable=SC2046 # names have no blanks
    set -- $(existing "$@")
    missing=$(apt-get -s --no-install-recommends install "$@" | sed -n 's/^Inst \([^ ]*\) .*/\1/p') &&
        (cd "$part/debs" && printf '%s\n' "$@" "$missing" | sort -u | xargs apt-get -q download)
}
echo "Unpacking the programs that the tests run: $*"
# The lists may be older than the archive, or not be there.
download "$@" >"$part/log" 2>&1 || { apt-get -q update && download "$@"; } >"$part/log" 2>&1 || {
    cat "$part/log" >&2
    exit 1
}
for deb in "$part"/debs/*.deb; do
    dpkg-deb -x "$deb" "$part/files"
done
# As base-files has them, whichever of the packages has unpacked into which.
for name in bin sbin lib lib64; do
    if [ -d "$part/files/$name" ] && [ ! -L "$part/files/$name" ]; then
        mkdir -p "$part/files/usr/$name"
        cp -a "$part/files/$name/." "$part/files/usr/$name"
        rm -r "$part/files/$name"
    fi
done
rm -rf "$layer"
mv "$part/files" "$layer"
touch "$layer" # after a package of long ago
