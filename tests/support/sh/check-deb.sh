#!/bin/bash
# SPDX-License-Identifier: MIT
# check-deb.sh - run in the tree, on a bare Debian, by check-debian.sh: builds the packages twice, compares
# them, has lintian judge them, and installs, upgrades, removes and purges them on another bare Debian.
set -euo pipefail

tree=$PWD
bare=/bare
export DEBIAN_FRONTEND=noninteractive

fail() {
    printf '%s\n' "check-deb: $1" "${@:2}" >&2
    exit 1
}

echo '==== A second system, as bare as this one'
mkdir $bare
tar -C / --one-file-system --exclude=./bare --exclude=".$tree" -c . | tar -x -C $bare
for dir in proc sys dev; do mount --rbind "/$dir" "$bare/$dir"; done

echo '==== make deb'
apt-get -q update
apt-get -q install -y --no-install-recommends make
make deb

echo '==== The same again: in another directory, with other times, modes, time zone and language'
other=/var/tmp/another/place
mkdir -p $other
cp -R "$tree"/. $other # without the times
rm -rf $other/build
chmod -R go-rwx $other
(cd $other && umask 077 && TZ=Asia/Kathmandu LANG=C LC_ALL=C MAKEFLAGS=-j3 make deb)
for deb in build/deb/*.deb; do
    cmp "$deb" "$other/$deb" || fail 'not reproducible; the differing members:' \
        "$(diff <(ar p "$deb" data.tar.xz | tar -tvJ) <(ar p "$other/$deb" data.tar.xz | tar -tvJ) || true)"
done

echo '==== A newer version'
mkdir $bare/debs $bare/newer
cp build/deb/*.deb $bare/debs/
make -C $other deb FULL_VERSION=9.9.9-1-g0123abc
cp $other/build/deb/*.deb $bare/newer/

echo '==== lintian'
apt-get -q install -y --no-install-recommends lintian
lintian --allow-root --pedantic -EvI --tag-display-limit 0 --fail-on error,warning build/deb/*.changes \
    $other/build/deb/*.changes

# ---- On the bare system

in_bare() {
    chroot $bare env -i HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}

# install_in_bare WORD... - with names of files that only the bare system can expand.
install_in_bare() {
    in_bare sh -c "apt-get -q install -y --no-install-recommends $*"
}

# All files but those that other packages and apt itself make.
files() {
    find $bare -xdev -regextype posix-extended \
        -regex "$bare/(debs|newer|tmp|var/cache|var/lib/(apt|dpkg|systemd/deb-systemd-helper-masked))" -prune -o \
        -regex "$bare/(var/log/.*|etc/(passwd|group|shadow|gshadow)-|etc/ld.so.cache)" -o -printf '%P\n'
}

echo '==== Installed, with nothing of the toolchain'
in_bare apt-get -q update
# p0f and what both need stay at a purge, so they are there before.
install_in_bare p0f systemd
in_bare cat /etc/passwd /etc/group /etc/shadow /etc/gshadow >before.users
files | sort >before.files
install_in_bare '/debs/p0f-lookupd_*.deb'
! in_bare sh -c 'command -v gcc make ld' >/dev/null || fail 'the toolchain came with it'
in_bare id p0f-lookupd | grep '(p0f)' >/dev/null || fail 'the user p0f-lookupd is no member of p0f'
in_bare p0f-lookupd -t
in_bare p0f-lookupd -V
[ "$(stat -c %U:%a $bare/etc/p0f-lookupd.conf)" = root:644 ] || fail 'p0f-lookupd.conf is not root:644'
# shellcheck disable=SC2016 # dpkg's
in_bare dpkg-query -W -f '${Conffiles}' p0f-lookupd | grep '^ /etc/p0f-lookupd.conf' >/dev/null || fail 'no conffile'
! find $bare/etc/systemd -name 'p0f*' | grep . || fail 'a unit was enabled'
# shellcheck disable=SC2016 # the inner shell's
in_bare sh -c 'for unit in $(dpkg -L p0f-lookupd | grep "/systemd/system/.*\.[a-z]*$"); do
    ! grep -F /usr/local "$unit" || exit 1; done' >/dev/null || fail 'a unit has paths of make install'

echo '==== Programs can be built with the library'
install_in_bare gcc libc6-dev pkgconf '/debs/libp0fclient1_*.deb' '/debs/libp0fclient-dev_*.deb'
cp "$tree/conf/examples/lookup-p0fclient.c" $bare/root/
# shellcheck disable=SC2016 # the inner shell's
in_bare sh -c 'cd /root && gcc -o lookup lookup-p0fclient.c $(pkg-config --cflags --libs p0fclient) && ldd lookup' |
    grep 'libp0fclient.so.1 => /' >/dev/null || fail 'it does not use the shared library'
in_bare apt-get -q purge -y --autoremove gcc libc6-dev pkgconf libp0fclient1 libp0fclient-dev

echo '==== An upgrade and a downgrade, with edited settings'
echo '# mine' >>$bare/etc/p0f-lookupd.conf
in_bare systemctl enable p0f p0f-lookupd # makes links, without a systemd that runs
mkdir -p $bare/usr/local/lib/systemd/system
touch $bare/usr/local/lib/systemd/system/p0f-lookupd.service
install_in_bare '/newer/p0f-lookupd_*.deb' 2>&1 | tee upgrade.log
grep 'p0f-lookupd.service has precedence' upgrade.log >/dev/null || fail 'no word about the unit of make install'
rm -r $bare/usr/local/lib/systemd
in_bare p0f-lookupd -V | grep 9.9.9 >/dev/null || fail 'not upgraded'
install_in_bare --allow-downgrades '/debs/p0f-lookupd_*.deb'
grep '^# mine' $bare/etc/p0f-lookupd.conf || fail 'the settings were overwritten'

echo '==== Removed, and purged'
in_bare apt-get -q remove -y p0f-lookupd
grep '^# mine' $bare/etc/p0f-lookupd.conf || fail 'a removal took the settings'
in_bare apt-get -q purge -y p0f-lookupd
rm -rf $bare/root/*
in_bare apt-get -q autoremove -y --purge
in_bare cat /etc/passwd /etc/group /etc/shadow /etc/gshadow | diff before.users - || fail 'users are left (>)'
cat $bare/var/lib/dpkg/info/*.list | sed 's|^/||' | sort >owned.files # such as what autoremove has kept
files | sort | comm -13 before.files - | comm -23 - owned.files | tee after.files
! grep . after.files >/dev/null || fail 'these files are left'
echo 'check-deb: good'
