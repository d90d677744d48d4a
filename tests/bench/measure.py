"""measure.py: running things beside each other, and tables of the outcome.

Every ratio comes from runs that took turns (native, tool, native, tool, ...), so that whatever else the machine does
meets all of them; the median of each side counts.
"""

import os
import signal
import statistics
import subprocess
import time
from dataclasses import dataclass


@dataclass
class Tool:
    """A way of running a program: words put before it."""
    name: str
    prefix: tuple = ()

    def command(self, words):
        return [*self.prefix, *words]


@dataclass
class Usage:
    wall_s: float
    output: bytes


def run(tool, words, cwd=None):
    """Runs to the end.  Raises when the program fails: a measurement of a failure means nothing."""
    begin = time.monotonic()
    done = subprocess.run(tool.command(words), cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False)
    wall_s = time.monotonic() - begin
    if done.returncode != 0:
        raise RuntimeError(f"{tool.name}: {' '.join(words)}: exit status {done.returncode}")
    return Usage(wall_s, done.stdout)


def peak_kib(tool, words, scratch):
    """Returns the peak resident size of the program, measured by peak.c."""
    helper, result = os.path.join(scratch, "peak"), os.path.join(scratch, "peak.kib")
    if not os.path.exists(helper):
        compile_c("peak.c", helper)
    run(Tool(tool.name), [helper, result, *tool.command(words)])
    with open(result, encoding="ascii") as file:
        return int(file.read())


def compile_c(source, path, compiler="gcc", *flags):
    """Compiles a program of this folder."""
    here = os.path.dirname(os.path.abspath(__file__))
    subprocess.run([compiler, "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-O2", "-g", "-pthread",
                    *flags, os.path.join(here, source), "-o", path], check=True)
    return path


def in_turn(rounds, tools, measure):
    """Returns {tool name: [what measure(tool) returned, each round]}; a tool that fails is left out, and said."""
    results = {tool.name: [] for tool in tools}
    for _ in range(rounds):
        for tool in tools:
            if results[tool.name] is None:
                continue
            try:
                results[tool.name].append(measure(tool))
            except (RuntimeError, OSError) as failure:
                print(f"  left out: {failure}", flush=True)
                results[tool.name] = None
    return {name: values for name, values in results.items() if values}


def median(values):
    return statistics.median(values) if values else None


def stop(child):
    """Ends a server that we started and waits for it."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def peak_kib_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
    return 0


def number(value, digits=3):
    """Three significant digits, and a dash for what was not measured."""
    if value is None:
        return "–"
    if value >= 1000:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:#.{digits}g}".rstrip(".")


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)
