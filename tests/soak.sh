#!/usr/bin/env bash
# soak.sh [--minutes N] [--seed N]: what is too long for every day, in N minutes (10): half goes to the fuzzers, three tenths to the
# weaver and the programs of this machine, one to random programs that are held against an oracle, the rest to threads that live
# shortly and to the random tests, all with seeds that were never tried; before that, once, the primitives under ThreadSanitizer,
# Helgrind and DRD.  --seed: of the first random program.  Started by `./dev soak`, which has built build/.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=10
programs_seed=$((RANDOM << 15 | RANDOM)) # of the random programs
while [ $# -gt 0 ]; do
    case $1 in
    --minutes) minutes=${2:?--minutes needs a number}; shift 2 ;;
    --minutes=*) minutes=${1#*=}; shift ;;
    --seed) programs_seed=${2:?--seed needs a number}; shift 2 ;;
    --seed=*) programs_seed=${1#*=}; shift ;;
    *) printf 'soak.sh: what is %s?\n' "$1" >&2; exit 2 ;;
    esac
done
readonly build=build-fuzz

# The primitives in the eyes of the other tools; docs/primitives.md says what each is known to misread.
check_primitives() { # folder, how to run a program under the tool, cmake option
    local folder=$1 runner=$2 option=$3
    local test
    printf '== primitives in %s\n' "$folder"
    cmake -S primitives -B "$folder" -DCMAKE_BUILD_TYPE=RelWithDebInfo "$option" >"$folder.log" 2>&1 ||
        { cat "$folder.log"; exit 1; }
    make -C "$folder" -j 2 --no-print-directory >>"$folder.log" 2>&1 || { tail -n 30 "$folder.log"; exit 1; }
    for test in validate_waits validate_locks validate_queues validate_executors validate_processes validate_pools \
        test_sync test_condition test_barrier test_rwlock test_thread test_future test_coroutine; do
        # shellcheck disable=SC2086 # the runner is a command with its options
        LHP_UNDER_TOOL=1 LHP_SCALE=3 timeout -s KILL 300 $runner "$folder/tests/lhp_$test" >"$folder/$test.log" 2>&1 ||
            { cat "$folder/$test.log"; printf 'soak.sh: %s: %s\n' "$folder" "$test" >&2; exit 1; }
    done
}
# An executor that is left ends with the process, as Python's does: its threads are no leak.
check_primitives build-primitives-tsan 'env TSAN_OPTIONS=report_thread_leaks=0 setarch -R' '-DCMAKE_C_FLAGS=-fsanitize=thread'
if command -v valgrind >/dev/null; then
    check_primitives build-primitives-helgrind \
        'valgrind -q --fair-sched=try --tool=helgrind --error-exitcode=9 --suppressions=primitives/tests/helgrind.supp' \
        -DLHP_ANNOTATE_VALGRIND=ON
    check_primitives build-primitives-drd \
        'valgrind -q --fair-sched=try --tool=drd --error-exitcode=9 --suppressions=primitives/tests/drd.supp' \
        -DLHP_ANNOTATE_VALGRIND=OFF
else
    printf 'soak.sh: no valgrind: the primitives are not run under Helgrind and DRD\n'
fi

printf '== building the fuzzers\n'
mkdir -p $build
cmake -S . -B $build -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ -DLOCKHOUND_FUZZ=ON \
    -DLOCKHOUND_SANITIZE=fuzzer-no-link,address,undefined >$build/configure.log 2>&1 || { cat $build/configure.log; exit 1; }
make -C $build/tests/fuzz -j 2 --no-print-directory

fuzzers=()
for source in tests/fuzz/fuzz_*.c; do
    fuzzers+=("$(basename "$source" .c)")
done
seconds=$((minutes * 30 / ${#fuzzers[@]}))
for fuzzer in "${fuzzers[@]}"; do
    printf '== %s, %d s\n' "$fuzzer" "$seconds"
    mkdir -p "$build/found/$fuzzer"
    seeds=(tests/fuzz/seeds/"$fuzzer")
    [ -d "${seeds[0]}" ] || seeds=()
    "$build/tests/fuzz/$fuzzer" -max_total_time="$seconds" -max_len=8192 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$build/found/" "$build/found/$fuzzer" "${seeds[@]}"
done

# Every program and library of the machine, in an order that is new each time: woven, and some of their functions run.
printf '== the weaver on the modules of this machine, %d s\n' "$((minutes * 18))"
weaver_seed=$((RANDOM << 15 | RANDOM))
mapfile -t modules < <(find /usr/bin /usr/sbin /usr/lib -xdev -type f \( -perm -u+x -o -name '*.so*' \) -size +4k 2>/dev/null |
    shuf -n 5000)
printf '%s\0' "${modules[@]}" >$build/modules
build/tests/weaver/test_weaver_modules --seconds $((minutes * 6)) --files $build/modules
build/tests/weaver/test_weaver_real --seed "$weaver_seed" --most 100 --seconds $((minutes * 12)) --files $build/modules

# A difference is printed with its seed: run_random.py --seed N --programs 1 makes that program again, and its source is kept.
printf '== random programs against an oracle, %d s, seed %d\n' "$((minutes * 6))" "$programs_seed"
python3 -B tests/programs/random/run_random.py --tool build/bin/lockhound --seed "$programs_seed" --seconds $((minutes * 6)) \
    --keep $build/found

printf '== threads that live shortly, %d s\n' "$((minutes * 3))"
end=$((SECONDS + minutes * 3))
while [ $SECONDS -lt $end ]; do
    seed=$((RANDOM << 15 | RANDOM))
    if ! python3 -B tests/programs/transparency/run_transparency.py --tool build/bin/lockhound \
        -- build/tests/programs/transparency/lives $seed 300 >$build/lives.log 2>&1; then
        cat $build/lives.log
        printf 'soak.sh: lives failed with seed %d\n' "$seed" >&2
        exit 1
    fi
done

# Each of these reads its seed from one of the variables below.
readonly random_tests='^unit/test_(lock_order_random|topo_order|clocks|trace)$|^primitives[./](validate|test)_'
printf '== random tests, %d s\n' "$((minutes * 3))"
rounds=0
end=$((SECONDS + minutes * 3))
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
printf '\nsoak: nothing found by the fuzzers and random programs, nor by %d rounds of random tests\n' "$rounds"
