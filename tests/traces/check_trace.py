#!/usr/bin/env python3
"""Runs a stored trace and compares its findings with the expected ones, field by field.

usage: check_trace.py ANALYZE_TRACE FILE.std

FILE.expected has one line for each finding, in any order, with those key=value fields that matter; a line that
begins with # is a comment, and an empty file expects silence.  "# options: --all" hands options to the analyser.
Every finding must match one line and every line one finding.
"""
import pathlib
import subprocess
import sys


def parse_fields(line):
    fields = {}
    rest = line.strip()
    while rest:
        key, _, rest = rest.partition("=")
        if key == "detail":
            fields[key] = rest
            return fields
        fields[key], _, rest = rest.partition(" ")
    return fields


def match(expected, finding):
    return all(finding.get(key) == value for key, value in expected.items())


def main():
    analyser, trace = sys.argv[1], pathlib.Path(sys.argv[2])
    options, expected = [], []
    for line in trace.with_suffix(".expected").read_text().splitlines():
        if line.startswith("# options:"):
            options = line.removeprefix("# options:").split()
        elif line.strip() and not line.startswith("#"):
            expected.append(line)
    run = subprocess.run([analyser, *options, str(trace)], capture_output=True, text=True, timeout=30)
    failures = [] if run.returncode == 0 else [f"exit status {run.returncode}: {run.stderr}"]
    found = run.stdout.splitlines()
    for line in expected:
        hit = next((f for f in found if match(parse_fields(line), parse_fields(f))), None)
        if hit is None:
            failures.append(f"missing: {line}")
        else:
            found.remove(hit)
    failures += [f"not expected: {line}" for line in found]
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
