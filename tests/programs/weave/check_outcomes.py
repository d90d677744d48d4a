#!/usr/bin/env python3
"""check_outcomes.py: each part of a program does woven what it does alone: output, errors, status; and nothing is found.

    check_outcomes.py --tool LOCKHOUND --program PROGRAM PART...

Exit: 0 the same, 1 not.
"""

import argparse
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import launch  # noqa: E402

LIMIT_S = 120


def is_woven(tool, program, part, environment):
    said = launch.native([tool, "--verbose", "--", program, part], LIMIT_S, env=environment).stderr
    return f"{os.path.basename(program)} woven\n".encode() in said


def complaints_about(tool, program, part, environment):
    plain = launch.native([program, part], LIMIT_S)
    if plain.timed_out or b"not so" in plain.stderr:
        yield f"the program itself is at fault: {launch.shorten(plain.stderr)}"
        return
    under = launch.checked(tool, [program, part], [], LIMIT_S, env=environment)
    yield from launch.differences(plain, under)
    yield from map(launch.describe, under.findings)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("parts", nargs="+")
    arguments = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory(prefix="lockhound-test-") as cache:
        environment = {**os.environ, "LOCKHOUND_CACHE": cache}
        if not is_woven(arguments.tool, arguments.program, arguments.parts[0], environment):
            print("it is not woven")
            failed = True
        for part in arguments.parts:
            for complaint in complaints_about(arguments.tool, arguments.program, part, environment):
                print(f"{part}: {complaint}")
                failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()
