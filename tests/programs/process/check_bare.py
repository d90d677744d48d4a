#!/usr/bin/env python3
"""check_bare.py: with LD_PRELOAD alone a finding is printed by the installed command, and the program notices nothing.

    check_bare.py --library LIBLOCKHOUND --forks FORKING_PROGRAM -- PROGRAM

FORKING_PROGRAM fork: makes three children that do nothing wrong; they are counted and print nothing.
"""

import argparse
import os
import sys
import tempfile

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


def complaints_of_children(library, program):
    with tempfile.TemporaryDirectory(prefix="lockhound-test-") as folder:
        for name, lines in (("run", [b"nothing found", b"covered: 4 processes"]), ("nowhere/run", [b"cannot be written"])):
            options = "output=" + os.path.join(folder, name)
            environment = {**os.environ, "LD_PRELOAD": library, "LOCKHOUND_OPTIONS": options}
            text = launch.native([program, "fork"], LIMIT_S, env=environment).stderr
            if len(text.splitlines()) != len(lines) or any(line not in text for line in lines):
                yield f"children with {options}: {text!r}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True)
    parser.add_argument("--forks", required=True)
    parser.add_argument("command", nargs=1)
    arguments = parser.parse_args()
    found = [*complaints(arguments.library, arguments.command), *complaints_of_children(arguments.library, arguments.forks)]
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
