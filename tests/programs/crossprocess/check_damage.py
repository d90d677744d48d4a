#!/usr/bin/env python3
"""check_damage.py: what processes share is spoilt before they start, or the directory takes no file: the program must
run as it does alone, and the run file must say once a process that it was checked alone.

    check_damage.py --library LIBLOCKHOUND -- PROGRAM [ARGUMENT]...
"""

import argparse
import json
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import launch  # noqa: E402

LIMIT_S = 60
NOTE = "commons-refused"


def spoil(path, how):
    if how == "link":
        os.symlink("/dev/null", path)
        return
    with open(path, "wb") as file:
        file.write(b"\xa5" * 4096 if how == "short" else b"x" * 12_000_000)


def notes_of(run_file):
    with open(run_file, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return [(record["pid"], record["code"]) for record in records if record["r"] == "note"]


def complaints(library, command):
    plain = launch.native(command, LIMIT_S)
    for how in ("short", "long", "link"):
        with tempfile.TemporaryDirectory(prefix="lockhound-test-") as folder:
            run_file = os.path.join(folder, "run.lockhound")
            spoil(run_file + ".shared", how)
            options = f"output={run_file} error-exitcode=0"
            environment = {**os.environ, "LD_PRELOAD": library, "LOCKHOUND_OPTIONS": options, "LOCKHOUND_FOLLOWED": "1"}
            under = launch.native(command, LIMIT_S, env=environment)
            yield from (f"{how}: {text}" for text in launch.differences(plain, under))
            notes = notes_of(run_file)
            if NOTE not in [code for _, code in notes] or len(set(notes)) != len(notes):
                yield f"{how}: notes {notes}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", required=True)
    parser.add_argument("command", nargs="+")
    arguments = parser.parse_args()
    found = list(complaints(arguments.library, arguments.command))
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
