#!/bin/bash
# SPDX-License-Identifier: MIT
# check-readme.sh - runs both commands that README.md begins with, in the tree it is called in: `make run`
# until it has shown what p0f saw, then Ctrl-C, and `make check`. For a system where nothing is
# installed yet: see check-debian.sh.
set -euo pipefail
set -m # a job is a process group, and gets signals as from a terminal

fail() {
    echo "check-readme: $*" >&2
    exit 1
}

mapfile -t commands < <(sed -n 's/^    \(apt-get update .* make [a-z]*\)$/\1/p' README.md)
[ "${#commands[@]}" = 2 ] || fail 'README.md does not have the two commands that this is about'

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export DEBIAN_FRONTEND=noninteractive

echo "==== ${commands[0]}"
mkfifo "$dir/lines"
bash -c "${commands[0]}" >"$dir/lines" 2>&1 </dev/null &
job=$!
exec 3<"$dir/lines"
shown=
while IFS= read -r line <&3; do
    printf '%s\n' "$line"
    case $line in
    '{"ip":"127.0.0.2",'*'"os_name":"Linux"'*) shown=yes ;;
    *Ctrl-C*) break ;;
    esac
done
[ -n "$shown" ] || fail 'make run has shown nothing of 127.0.0.2'
cat <&3 &
kill -INT -- "-$job"
status=0
wait "$job" || status=$?
# make has been interrupted; what it ran has ended by itself.
case $status in 0 | 2 | 130) ;; *) fail "make run ended with status $status" ;; esac
left=$(cat /proc/[0-9]*/comm 2>/dev/null | grep -xE 'p0f|p0f-lookupd|tee|run.sh' || true)
[ -z "$left" ] || fail "make run has left running: $left"
echo "==== ended, status $status"

echo "==== ${commands[1]}"
bash -c "${commands[1]}" </dev/null
echo '==== good'
