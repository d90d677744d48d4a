#!/usr/bin/env python3
"""Checks that docs/trace-format.md names every operation and word of the trace format, and no other operation.

usage: check_documented.py SOURCE_DIRECTORY
"""
import pathlib
import re
import sys


def main():
    root = pathlib.Path(sys.argv[1])
    page = (root / "docs/trace-format.md").read_text()
    events = re.findall(r'^EVENT\(\w+, "(\w+)"', (root / "detector/events.def").read_text(), re.MULTILINE)
    words = re.findall(r'\{"([\w-]+)", EVENT_|= "([\w-]+)"', (root / "detector/trace_words.c").read_text())
    words = {first or second for first, second in words} - {"thread"}  # what a join waits for; no object of a trace
    documented = set(re.findall(r"`(\w+)\([^`]*\)`", page))
    failures = [f"operation {event} is not documented" for event in events if event not in documented]
    failures += [f"operation {event} does not exist" for event in documented if event not in events]
    failures += [f"word {word} is not documented" for word in sorted(words) if f"`{word}`" not in page]
    if len(events) < 40 or len(words) < 25:
        failures.append("the tables were not understood; has their form changed?")
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
