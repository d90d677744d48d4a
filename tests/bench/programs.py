"""programs.py: start-up time, wall time and peak memory of whole programs."""

import os
import random

from measure import in_turn, median, number, peak_kib, run, table

INPUT_MIB = 16
SLOW_INPUT_MIB = 2  # for tools that take tens of times as long; beside them the bare program on as much

PYTHON_THREADS = """
import queue, threading
work, done = queue.Queue(100), queue.Queue()
def serve():
    while (item := work.get()) is not None:
        done.put(item * item)
threads = [threading.Thread(target=serve) for _ in range(4)]
for thread in threads: thread.start()
for item in range({items}): work.put(item)
for _ in threads: work.put(None)
for thread in threads: thread.join()
print(done.qsize())
"""


def make_input(path, mib):
    """Text-like bytes from a fixed seed: neither constant nor incompressible."""
    generator = random.Random(1)
    words = [bytes(generator.choices(b"etaoinshrdlucmfw", k=generator.randint(2, 10))) for _ in range(4096)]
    with open(path, "wb") as file:
        while file.tell() < mib << 20:
            file.write(b" ".join(generator.choices(words, k=20000)) + b"\n")


def commands(data, items):
    return {
        "pigz -p2": ["pigz", "-p2", "-kc", data],
        "pbzip2 -p2": ["pbzip2", "-p2", "-kc", data],
        "xz -T2 -1": ["xz", "-T2", "-1", "-kc", "--block-size=4MiB", data],
        "zstd -T2": ["zstd", "-T2", "-q", "-kc", data],
        "python3, queue and 4 threads": ["/usr/bin/python3", "-c", PYTHON_THREADS.format(items=items)],
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


def measure_slowly(context, title, words):
    """Returns the wall time of one run under each slow tool, over that of a bare run of the same."""
    if not context.with_valgrind:
        return {}
    usages = in_turn(1, [context.tools[0], context.helgrind, context.drd], lambda tool: run(tool, words))
    check_outputs(title, usages)
    return {name: runs[0].wall_s / usages["native"][0].wall_s for name, runs in usages.items()}


def measure_whole(context):
    data, little = (os.path.join(context.scratch, name) for name in ("input", "little"))
    make_input(data, INPUT_MIB)
    make_input(little, SLOW_INPUT_MIB)
    slow_commands = commands(little, items=6000)
    wall_rows, memory_rows = [], []
    for title, words in commands(data, items=60000).items():
        print(f"  {title}", flush=True)
        usages = in_turn(context.rounds, [*context.tools, context.woven], lambda tool: run(tool, words))
        peaks = in_turn(context.rounds, [context.tools[0], context.preload, context.woven],
                        lambda tool: peak_kib(tool, words, context.scratch))
        check_outputs(title, usages)
        slow = measure_slowly(context, title, slow_commands[title])
        wall = {name: median([usage.wall_s for usage in runs]) for name, runs in usages.items()}
        peak = {name: median(kibs) / 1024 for name, kibs in peaks.items()}
        ratios = {name: wall[name] / wall["native"] for name in ("lockhound", "woven") if name in wall}
        wall_rows.append([title, number(wall["native"]), number(ratios.get("lockhound")), number(ratios.get("woven")),
                          number(slow.get("Helgrind")), number(slow.get("DRD"))])
        memory_rows.append([title, number(peak["native"]), number(peak.get("preload")),
                            f"{peak['preload'] - peak['native']:+.1f}" if "preload" in peak else "–",
                            number(peak.get("woven"))])
    return (table(["wall time", "native, s", "locks alone, ratio", "with races, ratio", "Helgrind, ratio",
                   "DRD, ratio"], wall_rows),
            table(["peak resident memory", "native, MiB", "locks alone, MiB", "added, MiB", "with races, MiB"], memory_rows))


def check_outputs(title, usages_by_tool):
    outputs = {usage.output for usages in usages_by_tool.values() for usage in usages}
    if len(outputs) != 1 and not title.startswith("pbzip2"):
        raise RuntimeError(f"{title}: the output differs between tools")


def measure(context):
    start = measure_start(context)
    wall, memory = measure_whole(context)
    return {"start": start, "wall": wall, "memory": memory}
