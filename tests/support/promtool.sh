#!/bin/sh
# promtool.sh FILE - puts promtool, Prometheus' own checker, at FILE: the installed one, or else the
# one in Debian's package "prometheus". That is only unpacked: installed it would start a server.
set -eu

file=$1
mkdir -p "$(dirname "$file")"
if installed=$(command -v promtool); then
    ln -sf "$installed" "$file"
    exit 0
fi
if ! command -v apt-get >/dev/null; then
    echo "promtool (of Prometheus) is missing, and there is no apt-get here to get it with: please" \
        "install it the way of this system." >&2
    exit 1
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
echo "Unpacking promtool from the package prometheus"
(
    cd "$dir"
    # The lists may be older than the archive, or not be there.
    apt-get -q download prometheus || { apt-get -q update && apt-get -q download prometheus; }
    dpkg-deb --fsys-tarfile prometheus_*.deb | tar -x -O ./usr/bin/promtool >promtool
    chmod 755 promtool
)
mv "$dir/promtool" "$file"
