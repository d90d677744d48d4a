#!/usr/bin/env python3
"""check_pair.py: runs a program of several processes under lockhound and compares what is found over them.

    check_pair.py --tool LOCKHOUND [--expect KIND]... [--hangs] [--file] -- PROGRAM [ARGUMENT]...

Each finding must name two processes at least, with a stack for every party.  Without --hangs the program must behave as
it does alone; --hangs: it hangs alone and is ended here.  --file: its first argument is a fresh path.
No file that the processes shared may be left behind.
"""

import argparse
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import launch  # noqa: E402

LIMIT_S = 60


def complaints_of_finding(finding):
    names = {thread["pid"]: thread.get("process") for thread in finding["threads"]}
    ends = {int(each["address"], 16) for each in finding["objects"] if each["kind"] == "process"}  # are waited for
    if len({party["pid"] for party in finding["parties"]}) < 2:
        yield "a finding names one process only"
    for party in finding["parties"]:
        if not names.get(party["pid"]):
            yield f"process {party['pid']} has no name"
        lacks_hold = finding.get("form") != "all-asleep" and not party["held"] and party["pid"] not in ends
        if party["stack"] is None or lacks_hold or any(held["stack"] is None for held in party["held"]):
            yield f"a party of process {party['pid']} lacks a stack"


def complaints(arguments, folder):
    run_file = os.path.join(folder, "run.lockhound")
    command = list(arguments.command)
    if arguments.file:
        command.insert(1, os.path.join(folder, "locks"))
    options = ["--output", run_file, *([] if arguments.hangs else ["--error-exitcode", "0"])]
    under = launch.checked(arguments.tool, command, options, LIMIT_S)
    if arguments.hangs:
        if under.timed_out or under.status != launch.EXIT_FINDINGS:
            yield f"status {under.status}, timed out: {under.timed_out}"
    else:
        yield from launch.differences(launch.native(command, LIMIT_S), under)
    if "unreadable" in under.report:
        yield f"no report: {under.report['unreadable']}"
        return
    kinds = sorted(finding["kind"] for finding in under.findings)
    if kinds != sorted(arguments.expect):
        yield f"found {kinds}, expected {arguments.expect}"
        yield from map(launch.describe, under.findings)
    for finding in under.findings:
        yield from complaints_of_finding(finding)
    if os.path.exists(run_file + ".shared"):
        yield "the shared file was left behind"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--expect", action="append", default=[], metavar="KIND")
    parser.add_argument("--hangs", action="store_true")
    parser.add_argument("--file", action="store_true")
    parser.add_argument("command", nargs="+")
    with tempfile.TemporaryDirectory(prefix="lockhound-test-") as folder:
        found = list(complaints(parser.parse_args(), folder))
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
