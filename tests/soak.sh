#!/usr/bin/env bash
# soak.sh [--minutes N]: what is too long for every day, in N minutes (10): four fifths go to the fuzzers, the rest to
# the random tests with seeds that were never tried.  Started by `./dev soak`, which has built build/.
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
mkdir -p $build
cmake -S . -B $build -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DLOCKHOUND_FUZZ=ON \
    -DLOCKHOUND_SANITIZE=fuzzer-no-link,address,undefined >$build/configure.log 2>&1 || { cat $build/configure.log; exit 1; }
make -C $build/tests/fuzz -j 2 --no-print-directory

fuzzers=()
for source in tests/fuzz/fuzz_*.c; do
    fuzzers+=("$(basename "$source" .c)")
done
seconds=$((minutes * 48 / ${#fuzzers[@]}))
for fuzzer in "${fuzzers[@]}"; do
    printf '== %s, %d s\n' "$fuzzer" "$seconds"
    mkdir -p "$build/found/$fuzzer"
    seeds=(tests/fuzz/seeds/"$fuzzer")
    [ -d "${seeds[0]}" ] || seeds=()
    "$build/tests/fuzz/$fuzzer" -max_total_time="$seconds" -max_len=8192 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$build/found/" "$build/found/$fuzzer" "${seeds[@]}"
done

# Each of these reads its seed from one of the variables below.
readonly random_tests='^unit/test_(lock_order_random|topo_order|clocks|trace)$|^primitives[./](validate|test)_'
printf '== random tests, %d s\n' "$((minutes * 12))"
rounds=0
end=$((SECONDS + minutes * 12))
while [ $SECONDS -lt $end ]; do
    seed=$((RANDOM << 15 | RANDOM))
    if ! ORDER_SEED=$seed ORDER_RUNS=20000 LOCKHOUND_TEST_SEED=$seed TRACE_SEED=$seed LHP_SEED=$seed \
        ctest --test-dir build -j 2 -R "$random_tests" --timeout 300 --output-on-failure --no-tests=error \
        >$build/random.log 2>&1; then
        cat $build/random.log
        printf 'soak.sh: a random test failed with seed %d\n' "$seed" >&2
        exit 1
    fi
    rounds=$((rounds + 1))
done
printf '\nsoak: nothing found by the fuzzers, nor by %d rounds of random tests\n' "$rounds"
