#!/usr/bin/env bash
# soak.sh [--minutes N]: what is too long for every day.  The fuzzers share N minutes (10), then the random tests run
# with seeds that were never tried.  Started by `./dev soak`.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=10
while [ $# -gt 0 ]; do
    case $1 in
    --minutes) minutes=${2:?--minutes needs a number}; shift 2 ;;
    --minutes=*) minutes=${1#*=}; shift ;;
    *) printf 'soak.sh: what is %s?\n' "$1" >&2; exit 2 ;;
    esac
done
readonly build=build-fuzz

printf '== building the fuzzers\n'
cmake -S . -B $build -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DLOCKHOUND_FUZZ=ON \
    -DLOCKHOUND_SANITIZE=fuzzer-no-link,address,undefined >$build.log 2>&1 || { cat $build.log; exit 1; }
make -C $build/tests/fuzz -j 2 --no-print-directory

fuzzers=()
for source in tests/fuzz/fuzz_*.c; do
    fuzzers+=("$(basename "$source" .c)")
done
seconds=$((minutes * 60 / ${#fuzzers[@]}))
for fuzzer in "${fuzzers[@]}"; do
    printf '== %s, %d s\n' "$fuzzer" "$seconds"
    mkdir -p "$build/found/$fuzzer"
    seeds=(tests/fuzz/seeds/"$fuzzer")
    [ -d "${seeds[0]}" ] || seeds=()
    "$build/tests/fuzz/$fuzzer" -max_total_time="$seconds" -max_len=8192 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$build/found/" "$build/found/$fuzzer" "${seeds[@]}"
done
printf '\nsoak: no fuzzer found anything in %s minutes\n' "$minutes"
