#!/usr/bin/env python3
"""run_samples.py: runs one sample under lockhound and compares what it reports with what the sample's source expects.

    run_samples.py --tool LOCKHOUND --source FILE.c [--known-miss] PROGRAM ARGUMENT...

Builds nothing.  A correct sample must also behave as it does alone.  With --known-miss the source says what should be
found and why it is not: all of it must still be missing, and nothing else be reported.  Exit: 0 as expected, 1 not, 2 usage.
"""

import argparse
import sys

import launch
from expectations import BadSample, compare, read_sample

LIMIT_S = 30


def check_status(sample, under):
    """A finding of error severity is the exit status, unless the sample says that it may or may not be found."""
    if launch.errors_of(under.findings) and under.status != launch.EXIT_FINDINGS:
        yield f"status: {launch.EXIT_FINDINGS} expected, as an error was found, but it is {under.status}"
    if not under.findings and sample.expected and under.status == launch.EXIT_FINDINGS:
        yield f"status: {launch.EXIT_FINDINGS} although nothing was found"


def run_sample(tool, source, command, is_known_miss=False):
    """Returns: complaints, empty when all is as expected."""
    sample = read_sample(source)
    if is_known_miss:
        if not (sample.expected and sample.is_known_miss):
            raise BadSample(f"{source}: a known miss says what should be found ('expect:') and why it is not ('miss:')")
        sample.expected = []
    under = launch.checked(tool, command, sample.options, LIMIT_S)
    complaints = []
    if "unreadable" in under.report:
        complaints.append(f"no report: {under.report['unreadable']}; stderr {launch.shorten(under.stderr)}")
    if under.timed_out:
        complaints.append(f"still running after {LIMIT_S} s")
    complaints += compare(sample, under.findings)
    complaints += check_status(sample, under)
    if not sample.expected:
        complaints += launch.differences(launch.native(command, LIMIT_S), under)
    return complaints


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True, help="the lockhound command")
    parser.add_argument("--source", required=True, help="the sample's source, with its expectations")
    parser.add_argument("--known-miss", action="store_true", help="what the source expects is known not to be found")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the sample, built, and its arguments")
    arguments = parser.parse_args()
    try:
        complaints = run_sample(arguments.tool, arguments.source, arguments.command, arguments.known_miss)
    except BadSample as problem:
        print(f"run_samples.py: {problem}", file=sys.stderr)
        sys.exit(2)
    for complaint in complaints:
        print(complaint)
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
