#!/usr/bin/env python3
"""bench.py: measures and rewrites the tables of docs/performance.md.

    locks.py, primitives.py, programs.py, servers.py, sources.py --> {table name: text} --> <!-- table: NAME --> ... <!-- end --> in the page

usage: bench.py --build FOLDER [--rounds N] [--only PART] [--without-valgrind] [--page FILE]
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass

import locks
import primitives
import programs
import servers
import sources
from measure import Tool

PARTS = {"locks": locks.measure, "primitives": primitives.measure, "programs": programs.measure, "servers": servers.measure,
         "races": sources.measure}
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclass
class Context:
    """What every part measures with."""
    build: str
    machine: str
    tools: tuple      # native first, then lockhound by its command, for locks alone
    woven: Tool       # the same, for data races too
    preload: Tool     # lockhound by LD_PRELOAD alone
    preload_woven: Tool
    helgrind: Tool
    drd: Tool
    rounds: int
    with_valgrind: bool
    scratch: str


def context_of(arguments, scratch):
    build = os.path.abspath(arguments.build)
    library = os.path.join(build, "lib", "liblockhound.so")
    command = os.path.join(build, "bin", "lockhound")
    valgrind = ("valgrind", "-q", "--error-exitcode=0")
    return Context(
        build=build, machine=machine(),
        tools=(Tool("native"),
               Tool("lockhound", (command, "run", "--quiet", "--memory=none", "--error-exitcode=0", "--"))),
        woven=Tool("woven", (command, "run", "--quiet", "--memory=weave", "--error-exitcode=0", "--")),
        preload=Tool("preload", ("env", f"LD_PRELOAD={library}", "LOCKHOUND_OPTIONS=quiet=yes memory=none error-exitcode=0")),
        preload_woven=Tool("preload_woven",
                           ("env", f"LD_PRELOAD={library}", "LOCKHOUND_OPTIONS=quiet=yes memory=weave error-exitcode=0")),
        helgrind=Tool("Helgrind", (*valgrind, "--tool=helgrind")),
        drd=Tool("DRD", (*valgrind, "--tool=drd")),
        rounds=arguments.rounds, with_valgrind=not arguments.without_valgrind, scratch=scratch)


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    compiler = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True).stdout.strip()
    return (f"{model}, {os.cpu_count()} cores seen, Linux {platform.release().split('-')[0]}, "
            f"{' '.join(platform.libc_ver())}, gcc {compiler}.")


def rewrite(page, name, text):
    """Replaces one table of the page.  Raises when the page has no place for it."""
    pattern = re.compile(rf"(<!-- table: {name} -->\n).*?(\n<!-- end -->)", re.DOTALL)
    changed, count = pattern.subn(lambda match: match.group(1) + text + match.group(2), page)
    if count != 1:
        raise RuntimeError(f"the page has {count} places for the table '{name}'")
    return changed


def main():
    parser = argparse.ArgumentParser(description="Measures lockhound beside the bare program and other tools.")
    parser.add_argument("--build", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=sorted(PARTS), action="append")
    parser.add_argument("--without-valgrind", action="store_true", help="leave out whole programs under Valgrind")
    parser.add_argument("--page", default=os.path.join(ROOT, "docs", "performance.md"))
    arguments = parser.parse_args()

    tables = {} if arguments.only == ["primitives"] else {"machine": machine()}  # that part names its own
    with tempfile.TemporaryDirectory(prefix="lockhound-bench-") as scratch:
        context = context_of(arguments, scratch)
        for part in arguments.only or PARTS:
            print(f"== {part}", flush=True)
            tables.update(PARTS[part](context))

    with open(arguments.page, encoding="utf-8") as file:
        page = file.read()
    for name, text in tables.items():
        print(f"\n{text}")
        page = rewrite(page, name, text)
    with open(arguments.page, "w", encoding="utf-8") as file:
        file.write(page)
    return 0


if __name__ == "__main__":
    sys.exit(main())
