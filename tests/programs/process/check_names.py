#!/usr/bin/env python3
"""check_names.py: the report of a program has each of these words.

    check_names.py --tool LOCKHOUND --word WORD... -- PROGRAM
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import launch  # noqa: E402

LIMIT_S = 60


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--word", action="append", required=True)
    parser.add_argument("command", nargs=1)
    arguments = parser.parse_args()
    report = launch.native([arguments.tool, "--"] + arguments.command, LIMIT_S).stderr.decode(errors="replace")
    missing = [word for word in arguments.word if word not in report]
    if missing:
        sys.exit(f"not in the report: {', '.join(missing)}\n{report}")


if __name__ == "__main__":
    main()
