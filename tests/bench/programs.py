"""programs.py: start-up time, wall time and peak memory of whole programs."""

import os
import random

from measure import in_turn, median, number, run, table

INPUT_MIB = 16

PYTHON_THREADS = """
import queue, threading
work, done = queue.Queue(100), queue.Queue()
def serve():
    while (item := work.get()) is not None:
        done.put(item * item)
threads = [threading.Thread(target=serve) for _ in range(4)]
for thread in threads: thread.start()
for item in range(60000): work.put(item)
for _ in threads: work.put(None)
for thread in threads: thread.join()
print(done.qsize())
"""


def make_input(path):
    """Text-like bytes from a fixed seed: neither constant nor incompressible."""
    generator = random.Random(1)
    words = [bytes(generator.choices(b"etaoinshrdlucmfw", k=generator.randint(2, 10))) for _ in range(4096)]
    with open(path, "wb") as file:
        while file.tell() < INPUT_MIB << 20:
            file.write(b" ".join(generator.choices(words, k=20000)) + b"\n")


def commands(data):
    return {
        "pigz -p2": ["pigz", "-p2", "-kc", data],
        "pbzip2 -p2": ["pbzip2", "-p2", "-kc", data],
        "xz -T2 -1": ["xz", "-T2", "-1", "-kc", "--block-size=4MiB", data],
        "zstd -T2": ["zstd", "-T2", "-q", "-kc", data],
        "python3, queue and 4 threads": ["/usr/bin/python3", "-c", PYTHON_THREADS],
    }


def measure_start(context):
    programs = {"true": ["/bin/true"], "python3 -c pass": ["/usr/bin/python3", "-c", "pass"],
                "git --version": ["git", "--version"]}
    rows = []
    for title, words in programs.items():
        print(f"  {title}", flush=True)
        tools = [*context.tools, context.preload, context.helgrind]
        walls = {name: median([usage.wall_s * 1000 for usage in usages])
                 for name, usages in in_turn(3 * context.rounds, tools, lambda tool: run(tool, words)).items()}
        rows.append([title, number(walls["native"]), number(walls.get("lockhound")), number(walls.get("preload")),
                     number(walls.get("Helgrind"))])
    return table(["ms, start to end", "native", "`lockhound prog`", "`LD_PRELOAD` alone", "Helgrind"], rows)


def measure_whole(context):
    data = os.path.join(context.scratch, "input")
    make_input(data)
    wall_rows, memory_rows = [], []
    for title, words in commands(data).items():
        print(f"  {title}", flush=True)
        ours = in_turn(context.rounds, [*context.tools, context.preload], lambda tool: run(tool, words))
        slow = in_turn(1, [context.helgrind, context.drd], lambda tool: run(tool, words)) if context.with_valgrind else {}
        check_outputs(title, {**ours, **slow})
        wall = {name: median([usage.wall_s for usage in usages]) for name, usages in {**ours, **slow}.items()}
        peak = {name: median([usage.peak_kib for usage in usages]) / 1024 for name, usages in ours.items()}
        ratio = {name: seconds / wall["native"] for name, seconds in wall.items()}
        wall_rows.append([title, number(wall["native"]),
                          *(number(ratio.get(name)) for name in ("lockhound", "Helgrind", "DRD"))])
        memory_rows.append([title, number(peak["native"]), number(peak.get("preload")),
                            f"{peak['preload'] - peak['native']:+.1f}" if "preload" in peak else "–"])
    return (table(["wall time", "native, s", "lockhound, ratio", "Helgrind, ratio", "DRD, ratio"], wall_rows),
            table(["peak resident memory", "native, MiB", "lockhound, MiB", "added, MiB"], memory_rows))


def check_outputs(title, usages_by_tool):
    outputs = {usage.output for usages in usages_by_tool.values() for usage in usages}
    if len(outputs) != 1 and not title.startswith("pbzip2"):
        raise RuntimeError(f"{title}: the output differs between tools")


def measure(context):
    start = measure_start(context)
    wall, memory = measure_whole(context)
    return {"start": start, "wall": wall, "memory": memory}
