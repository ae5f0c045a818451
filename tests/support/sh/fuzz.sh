#!/bin/sh
# SPDX-License-Identifier: MIT
# fuzz.sh BUILD SECONDS TARGET... - runs each fuzzer for so long, from the seeds in the tree and what it
# found before, and says at the end how far it came. Stops at the first input that breaks something,
# which is then BUILD/corpus/TARGET-crash-*.
set -eu

build=$1
seconds=$2
shift 2
status=0
report=$(mktemp)
trap 'rm -f "$report"' EXIT

# What libFuzzer said last, as one line.
summary() {
    awk -v target="$1" '
        /^#[0-9]+.*cov:/ {
            for (i = 1; i < NF; i++) {
                if ($i == "cov:") edges = $(i + 1)
                if ($i == "ft:") features = $(i + 1)
                if ($i == "corp:") corpus = $(i + 1)
            }
        }
        /^stat::number_of_executed_units:/ { runs = $2 }
        /^stat::average_exec_per_sec:/ { rate = $2 }
        END {
            split(corpus, size, "/")
            printf "%-12s %10d executions, %6d a second, %5d edges, %6d features, %5d inputs (%s)\n",
                target, runs, rate, edges, features, size[1], size[2]
        }' "$2"
}

for target; do
    corpus=$build/corpus/$target
    mkdir -p "$corpus"
    echo "$target"
    set -- -max_total_time="$seconds" -print_final_stats=1 -timeout=60 -artifact_prefix="$corpus-"
    [ ! -e "tests/fuzz/$target.dict" ] || set -- "$@" -dict="tests/fuzz/$target.dict"
    # What the daemon keeps from one input to the next is no leak; at the end it is looked for all the same.
    [ "$target" != http ] || set -- "$@" -detect_leaks=0
    "$build/tests/fuzz/fuzz_$target" "$@" "$corpus" "tests/fuzz/seeds/$target" >"$corpus.log" 2>&1 || status=$?
    if [ "$status" != 0 ]; then
        cat "$corpus.log" >&2
        exit "$status"
    fi
    summary "$target" "$corpus.log" >>"$report"
done
cat "$report"
