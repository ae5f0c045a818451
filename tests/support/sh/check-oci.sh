#!/bin/sh
# SPDX-License-Identifier: MIT
# check-oci.sh - run in the tree, on a bare Debian, by check-debian.sh: builds and runs the container images from
# another one, as bare. See check_oci.py.
set -eu

echo '==== A second system, as bare as this one'
mkdir /bare
tar -C / --one-file-system --exclude=./bare --exclude=./tree -c . | tar -x -C /bare
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
apt-get -q install -y --no-install-recommends python3

echo '==== The images'
# shellcheck source=/dev/null
. /etc/os-release
python3 -B tests/support/py/check_oci.py /bare "$VERSION_CODENAME" /oci
