#!/usr/bin/env python3
"""check_unreachable.py: what a program finds whose run file is out of reach is printed all the same, to the right place.

    check_unreachable.py --tool LOCKHOUND --library LIBLOCKHOUND -- PROGRAM

The run file's folder is gone when the program starts, as it is for one that was started in another root.  And a relative
name counts from the folder where the program started, wherever it went since.
"""

import argparse
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import launch  # noqa: E402

LIMIT_S = 60


def complaints(tool, library, program):
    plain = launch.native([program], LIMIT_S)
    with tempfile.TemporaryDirectory(prefix="lockhound-unreachable-") as folder:
        lost = os.path.join(folder, "lost")
        os.mkdir(lost)
        shell = ["sh", "-c", 'rm -r "$0"; exec "$1"', lost, program]
        under = launch.native([tool, "--error-exitcode=0", f"--output={lost}/run", "--"] + shell, LIMIT_S)
        if under.stdout != plain.stdout or under.status != plain.status:
            yield f"not the same: {plain.status} {plain.stdout!r}, {under.status} {under.stdout!r}"
        if b"unlock_twice" not in under.stderr:
            yield f"the finding is lost: {under.stderr!r}"
        if b"cannot be written" in under.stderr:
            yield f"said without need: {under.stderr!r}"

        environment = {**os.environ, "LD_PRELOAD": library, "LOCKHOUND_OPTIONS": "output=run"}
        preloaded = launch.native([program], LIMIT_S, env=environment, cwd=folder)
        if b"unlock_twice" not in preloaded.stderr:
            yield f"not printed from the folder where the program started: {preloaded.stderr!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("command", nargs=1)
    arguments = parser.parse_args()
    found = list(complaints(arguments.tool, arguments.library, arguments.command[0]))
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
