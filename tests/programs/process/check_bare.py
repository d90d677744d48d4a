#!/usr/bin/env python3
"""check_bare.py: with LD_PRELOAD alone a finding is printed by the installed command, and the program notices nothing.

    check_bare.py --library LIBLOCKHOUND -- PROGRAM
"""

import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import launch  # noqa: E402

LIMIT_S = 60


def complaints(library, command):
    plain = launch.native(command, LIMIT_S)
    preloaded = launch.native(command, LIMIT_S, env={**os.environ, "LD_PRELOAD": library})
    if preloaded.stdout != plain.stdout:
        yield f"stdout: natively {plain.stdout!r}, preloaded {preloaded.stdout!r}"
    if preloaded.status != plain.status:
        yield f"status: {plain.status} natively, {preloaded.status} preloaded"
    if b"printing.c" not in preloaded.stderr or b"unlock_twice" not in preloaded.stderr:
        yield f"stderr names no function and file: {preloaded.stderr!r}"
    # Nowhere is a command: the finding is said all the same.
    alone = launch.native(command, LIMIT_S, env={**os.environ, "LD_PRELOAD": library,
                                                 "LOCKHOUND_COMMAND_PATH": "/nowhere/lockhound"})
    if alone.stdout != plain.stdout or b"unlock-not-" not in alone.stderr:
        yield f"without a command: {alone.stdout!r} {alone.stderr!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True)
    parser.add_argument("command", nargs=1)
    arguments = parser.parse_args()
    found = list(complaints(arguments.library, arguments.command))
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
