#!/bin/sh
# SPDX-License-Identifier: MIT
# unpack.sh FILE PATH PACKAGE... - puts the program that FILE is named after there: the installed one,
# or else the one at PATH in the first of these packages that Debian has. That is only unpacked, since
# installed it would start a server.
set -eu

file=$1
path=$2
shift 2
name=${file##*/}
mkdir -p "$(dirname "$file")"
if installed=$(PATH=$PATH:/usr/sbin:/sbin command -v "$name"); then
    ln -sf "$installed" "$file"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "$name (in Debian in the package $1) is missing, and there is no apt-get here to get it" \
        "with: please install it the way of this system." >&2
    exit 1
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
chmod 755 "$dir" # for apt's own user

# The first of the packages that the lists have, into the current directory.
download() {
    for package; do
        if apt-cache show "$package" >/dev/null 2>&1; then
            echo "Unpacking $name from the package $package"
            apt-get -q download "$package"
            return
        fi
    done
    return 1
}
(
    cd "$dir"
    # The lists may be older than the archive, or not be there.
    download "$@" || { apt-get -q update && download "$@"; }
    dpkg-deb --fsys-tarfile ./*.deb | tar -x -O "./$path" >program
    chmod 755 program
)
mv "$dir/program" "$file"
