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
    """A way of running a program: words put before it, or variables around it."""
    name: str
    prefix: tuple = ()
    environment: tuple = ()

    def command(self, words):
        return [*self.prefix, *words]

    def variables(self):
        return {**os.environ, **dict(self.environment)}


@dataclass
class Usage:
    wall_s: float
    peak_kib: int
    output: bytes


def run(tool, words, cwd=None):
    """Runs to the end.  Raises when the program fails: a measurement of a failure means nothing."""
    begin = time.monotonic()
    child = subprocess.Popen(tool.command(words), env=tool.variables(), cwd=cwd, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    wall_s = time.monotonic() - begin
    child.stdout.close()
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise RuntimeError(f"{tool.name}: {' '.join(words)}: exit status {child.returncode}")
    return Usage(wall_s, usage.ru_maxrss, output)


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
