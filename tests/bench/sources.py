"""sources.py: data races looked for by every tool: programs of other hands as they are, and three of ours compiled for each."""

import math
import os

from measure import Tool, compile_c, in_turn, median, number, run, table

import programs

WORKS = {"sort": ("sort, 2 threads", 40, 2), "count": ("word count, 4 threads", 20, 1), "grid": ("grid, 2 threads", 40, 2)}


def compile_all(folder):
    bare = compile_c("work_bench.c", os.path.join(folder, "work_bench"))
    return {"native": bare, "lockhound": bare, "Helgrind": bare, "DRD": bare,
            "TSan gcc": compile_c("work_bench.c", os.path.join(folder, "work_bench_gcc"), "gcc", "-fsanitize=thread"),
            "TSan clang": compile_c("work_bench.c", os.path.join(folder, "work_bench_clang"), "clang", "-fsanitize=thread")}


def seconds_by_tool(rounds, tools, command_of):
    """Returns {tool name: median wall time}; the output must be the same."""
    outputs = set()

    def seconds(tool):
        usage = run(tool, command_of(tool))
        outputs.add(usage.output)
        return usage.wall_s

    walls = {name: median(values) for name, values in in_turn(rounds, tools, seconds).items()}
    if len(outputs) != 1 and "pbzip2" not in " ".join(command_of(tools[0])):
        raise RuntimeError(f"{command_of(tools[0])}: the output differs between tools")
    return walls


def ratios_of(walls):
    return {name: wall / walls["native"] for name, wall in walls.items()}


def measure_program(context, title, words, little):
    """Wall times over a bare run's: of lockhound on the whole input, of Valgrind's tools on a little."""
    native = context.tools[0]
    walls = seconds_by_tool(context.rounds, [native, Tool("lockhound", context.woven.prefix)], lambda tool: words)
    slow = {}
    if context.with_valgrind:
        slow = ratios_of(seconds_by_tool(1, [native, context.helgrind, context.drd], lambda tool: little))
    return walls["native"], {**slow, **ratios_of(walls)}


def measure_work(context, binaries, work, scale, little):
    native = context.tools[0]
    tools = [native, Tool("lockhound", context.woven.prefix), Tool("TSan gcc"), Tool("TSan clang")]
    walls = seconds_by_tool(context.rounds, tools, lambda tool: [binaries[tool.name], work, str(scale)])
    slow = {}
    if context.with_valgrind:
        slow = ratios_of(seconds_by_tool(1, [native, context.helgrind, context.drd],
                                         lambda tool: [binaries[tool.name], work, str(little)]))
    return walls["native"], {**slow, **ratios_of(walls)}


def geometric_mean(values):
    known = [value for value in values if value is not None]
    return math.exp(sum(map(math.log, known)) / len(known)) if known else None


def measure(context):
    columns = ["lockhound", "Helgrind", "DRD", "TSan gcc", "TSan clang"]
    data, little = (os.path.join(context.scratch, name) for name in ("race-input", "race-little"))
    programs.make_input(data, programs.INPUT_MIB)
    programs.make_input(little, programs.SLOW_INPUT_MIB)
    binaries = compile_all(context.scratch)
    little_commands = programs.commands(little, 0)
    measured = {}
    for title, words in programs.commands(data, 0).items():
        if not title.startswith("python3"):
            print(f"  {title}", flush=True)
            measured[title] = measure_program(context, title, words, little_commands[title])
    for work, (title, scale, few) in WORKS.items():
        print(f"  {title}", flush=True)
        measured[title] = measure_work(context, binaries, work, scale, few)
    rows = [[title, number(native), *(number(ratios.get(name)) for name in columns)]
            for title, (native, ratios) in measured.items()]
    rows.append(["geometric mean", "", *(number(geometric_mean([ratios.get(name) for _, ratios in measured.values()]))
                                         for name in columns)])
    of_sources = [ratios for title, (_, ratios) in measured.items() if "threads" in title]
    rows.append(["of the last three", "", *(number(geometric_mean([ratios.get(name) for ratios in of_sources]))
                                           for name in columns)])
    return {"races": table(["wall time, over native", "native, s", "lockhound", "Helgrind", "DRD", "TSan gcc",
                            "TSan clang"], rows)}
