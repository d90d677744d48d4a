#!/usr/bin/env python3
"""check_run.py: runs a program under lockhound and compares the kinds of findings, and how its processes are said to end.

    check_run.py --tool LOCKHOUND [--argument A] [--option O]... [--expect KIND]... [--reasons R...] [--count NAME=N]... -- PROGRAM

Without --expect nothing may be found.  --reasons: of the summaries in the run file, in their order.  --count: their sum.
"""

import argparse
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import launch  # noqa: E402

LIMIT_S = 60


def summaries(path):
    with open(path, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return [record for record in records if record["r"] == "summary"]


def complaints(arguments):
    with tempfile.TemporaryDirectory(prefix="lockhound-test-") as folder:
        run_file = os.path.join(folder, "run.lockhound")
        options = ["--output", run_file, "--error-exitcode", "0", *arguments.option]
        command = arguments.command + arguments.argument
        plain = launch.native(command, LIMIT_S)
        under = launch.checked(arguments.tool, command, options, LIMIT_S)
        yield from launch.differences(plain, under)
        if "unreadable" in under.report:
            yield f"no report: {under.report['unreadable']}"
            return
        kinds = sorted({finding["kind"] for finding in under.findings})
        if kinds != sorted(arguments.expect):
            yield f"found {kinds}, expected {arguments.expect}"
            yield from map(launch.describe, under.findings)
        ends = summaries(run_file)
        reasons = [end["reason"] for end in ends]
        if arguments.reasons is not None and reasons != arguments.reasons:
            yield f"summaries for {reasons}, expected {arguments.reasons}"
        for name, expected in (count.split("=") for count in arguments.count):
            total = sum(end["counts"].get(name, 0) for end in ends)
            if total != int(expected):
                yield f"{name}: {total} in all, expected {expected}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--argument", action="append", default=[])
    parser.add_argument("--option", action="append", default=[])
    parser.add_argument("--expect", action="append", default=[], metavar="KIND")
    parser.add_argument("--reasons", nargs="+")
    parser.add_argument("--count", action="append", default=[], metavar="NAME=N")
    parser.add_argument("command", nargs=1)
    found = list(complaints(parser.parse_args()))
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
