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


def compile_variant(folder, name, compiler="gcc", *flags):
    return compile_c("lock_bench.c", os.path.join(folder, name), compiler, *flags)


def measure(context):
    folder = context.scratch
    bare = compile_variant(folder, "lock_bench")
    binaries = {
        "native": bare, "lockhound": bare, "Helgrind": bare, "DRD": bare,
        "TSan gcc": compile_variant(folder, "lock_bench_tsan_gcc", "gcc", "-fsanitize=thread"),
        "TSan clang": compile_variant(folder, "lock_bench_tsan_clang", "clang", "-fsanitize=thread"),
    }
    tools = [*context.tools, context.helgrind, context.drd, Tool("TSan gcc"), Tool("TSan clang")]

    def ns_by_tool(case):
        def ns(tool):
            return float(run(tool, [binaries[tool.name], case]).output.split()[1])
        return {name: median(values) for name, values in in_turn(context.rounds, tools, ns).items()}

    rows = []
    for case, title in CASES.items():
        print(f"  {title}", flush=True)
        ns = ns_by_tool(case)
        added = ns["lockhound"] - ns["native"] if "lockhound" in ns else None
        rows.append([title, number(ns["native"]), number(ns.get("lockhound")),
                     "–" if added is None else f"{added:+.0f}",
                     *(number(ns.get(tool.name)) for tool in tools[2:])])
    return {"locks": table(["ns an operation", "native", "lockhound", "added", "Helgrind", "DRD", "TSan gcc",
                            "TSan clang"], rows)}
