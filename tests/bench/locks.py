"""locks.py: nanoseconds of one operation, bare and under each tool (lock_bench.c)."""

import os

from measure import Tool, compile_c, in_turn, median, number, run, table

CASES = {
    "mutex_1": "mutex, lock + unlock",
    "mutex_8": "the same, the eighth lock held",
    "mutex_deep": "the same, under 24 frames",
    "mutex_4_sites": "the same, from 4 call sites in turn",
    "mutex_two_threads_two_locks": "2 threads, a mutex each",
    "mutex_contended": "2 threads, one mutex",
    "trylock": "trylock + unlock",
    "rwlock_read": "rwlock, read + unlock",
    "rwlock_write": "rwlock, write + unlock",
    "rwlock_two_readers": "2 threads, read the same rwlock",
    "spin": "spin lock + unlock",
    "semaphore": "sem_wait + sem_post",
    "semaphore_ping_pong": "2 threads, semaphores back and forth",
    "cond_ping_pong": "2 threads, condition back and forth",
    "thread_create_join": "thread create + join",
}

# With races looked for.
WOVEN_CASES = {
    "atomic_load": "atomic load, acquire",
    "atomic_store": "atomic store, release",
    "atomic_add": "atomic add",
    "atomic_add_own": "2 threads, an atomic each",
    "atomic_add_shared": "2 threads, one atomic",
    "count_locked": "lock, count, unlock",
    "count_locked_shared": "2 threads, the same counter",
}


def compile_variant(folder, name, compiler="gcc", *flags):
    return compile_c("lock_bench.c", os.path.join(folder, name), compiler, *flags)


def measure(context):
    folder = context.scratch
    bare = compile_variant(folder, "lock_bench")
    binaries = {
        "native": bare, "lockhound": bare, "woven": bare, "Helgrind": bare, "DRD": bare,
        "TSan gcc": compile_variant(folder, "lock_bench_tsan_gcc", "gcc", "-fsanitize=thread"),
        "TSan clang": compile_variant(folder, "lock_bench_tsan_clang", "clang", "-fsanitize=thread"),
    }
    others = [context.helgrind, context.drd, Tool("TSan gcc"), Tool("TSan clang")]

    def measure_cases(cases, tools):
        def ns(tool, case):
            return float(run(tool, [binaries[tool.name], case]).output.split()[1])

        rows = []
        for case, title in cases.items():
            print(f"  {title}", flush=True)
            times = in_turn(context.rounds, tools, lambda tool, case=case: ns(tool, case))
            native, ours, *rest = (median(times[tool.name]) if tool.name in times else None for tool in tools)
            added = "–" if ours is None else f"{ours - native:+.0f}"
            rows.append([title, number(native), number(ours), added, *map(number, rest)])
        return table(["ns an operation", "native", "lockhound", "added", "Helgrind", "DRD", "TSan gcc", "TSan clang"], rows)

    return {"locks": measure_cases(CASES, [*context.tools, *others]),
            "atomics": measure_cases(WOVEN_CASES, [context.tools[0], context.woven, *others])}
