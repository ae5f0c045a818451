#!/bin/sh
# SPDX-License-Identifier: MIT
# unpack.sh FILE PACKAGE PATH - puts the program that FILE is named after there: the installed one, or
# else the one at PATH in Debian's PACKAGE. That is only unpacked, since installed it would start a
# server.
set -eu

file=$1
package=$2
path=$3
name=${file##*/}
mkdir -p "$(dirname "$file")"
if installed=$(PATH=$PATH:/usr/sbin:/sbin command -v "$name"); then
    ln -sf "$installed" "$file"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "$name (in Debian in the package $package) is missing, and there is no apt-get here to get it" \
        "with: please install it the way of this system." >&2
    exit 1
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
echo "Unpacking $name from the package $package"
(
    cd "$dir"
    # The lists may be older than the archive, or not be there.
    apt-get -q download "$package" || { apt-get -q update && apt-get -q download "$package"; }
    dpkg-deb --fsys-tarfile "$package"_*.deb | tar -x -O "./$path" >program
    chmod 755 program
)
mv "$dir/program" "$file"
