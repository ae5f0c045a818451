#!/bin/sh
# sanitized.sh DIR COMMAND... - runs a command whose programs were built with sanitizers, and fails
# also when one of them, daemon or test, left a finding that nobody looked at.
set -eu

reports=$1
shift
rm -rf "$reports"
mkdir -p "$reports"

options="halt_on_error=1:log_path=$reports/found"
export ASAN_OPTIONS="$options:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
export UBSAN_OPTIONS="$options:print_stacktrace=1"
export TSAN_OPTIONS="$options:second_deadlock_stack=1"

status=0
"$@" || status=$?
for report in "$reports"/*; do
    [ -s "$report" ] || continue
    cat "$report" >&2
    status=1
done
exit "$status"
