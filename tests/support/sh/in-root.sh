#!/bin/sh
# SPDX-License-Identifier: MIT
# in-root.sh ROOT [NAME=VALUE...] COMMAND... - runs a command in a Debian's root directory, with this machine's
# network. Its mounts are seen by it alone, and its processes end with the first of them.
set -eu

root=$1
shift
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
[ -e "$root/etc/hosts" ] || echo '127.0.0.1 localhost' >"$root/etc/hosts" # as every installed system has
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    eval "value=\${$name:-}"
    # shellcheck disable=SC2154 # set by eval
    [ -z "$value" ] || set -- "$name=$value" "$@"
done

# shellcheck disable=SC2016 # the inner shell's
exec unshare --mount --propagation private --pid --fork --kill-child sh -c '
    mount --bind "$0" "$0" && cd "$0" &&
        mount -t proc proc proc && mount --rbind /sys sys && mount --rbind /dev dev &&
        mount -t tmpfs tmpfs run || exit 1
    exec chroot . env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
' "$root" "$@"
