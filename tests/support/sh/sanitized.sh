#!/bin/sh
# SPDX-License-Identifier: MIT
# sanitized.sh DIR COMMAND... - runs a command whose programs were built with sanitizers, or are run
# with valgrind, and fails also when one of them, daemon or test, left a finding that nobody looked at.
set -eu

reports=$1
shift
rm -rf "$reports"
mkdir -p "$reports"

options="halt_on_error=1:log_path=$reports/found"
export ASAN_OPTIONS="$options:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
export UBSAN_OPTIONS="$options:print_stacktrace=1"
export TSAN_OPTIONS="$options:second_deadlock_stack=1"
# What is still reachable when a program ends is not lost. A test may bring malloc and its kin of its
# own (the synonyms), which is not to be replaced by valgrind's.
export VALGRIND_OPTS="--quiet --log-file=$reports/found.%p --error-exitcode=99 --track-fds=yes \
    --leak-check=full --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect \
    --soname-synonyms=somalloc=nouserintercepts"

# Tests of programs in other languages are left out: they take long, and ask the daemon nothing that other
# tests do not.
export PYTEST_ADDOPTS="${PYTEST_ADDOPTS:-} --ignore=tests/e2e/test_examples_languages.py"

# The report, less what valgrind says of descriptors that were there from the beginning, and of the
# connection that `p0f-lookupd lookup` leaves to a child of its when an answer is still outstanding.
findings() {
    sed -E '/^==[0-9]+== FILE DESCRIPTORS: /d; s/^==[0-9]+== *$//' "$1" |
        awk -v RS= -v ORS='\n\n' '!/<inherited from parent>/ && !/== Open AF_UNIX .* ask_one \(oneshot/'
}

status=0
"$@" || status=$?
for report in "$reports"/*; do
    [ -e "$report" ] || continue
    [ -n "$(findings "$report")" ] || continue
    findings "$report" >&2
    status=1
done
exit "$status"
