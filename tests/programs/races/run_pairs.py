"""run_pairs.py: each case of pairs.c, compiled in one way: clean must be clean, racy must be one race with both its sides.

    run_pairs.py --tool LOCKHOUND --cc CC [--flags=FLAGS] [--compiled-for LIBRARY] pairs.c

With --compiled-for the program is compiled with -fsanitize=thread and linked against the library instead of being woven.
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from launch import checked, native  # noqa: E402


def races_of(outcome):
    return [finding for finding in outcome.findings if finding["kind"] == "data-race"]


# Where the accesses are; a stripped program has frames without functions.
EXPECTED = {"first", "second", "bytes_first", "bytes_second", "copy_first", "copy_second", "free_first", "free_second", ""}


def functions_of(finding, party):
    """The functions on one side's stack; {} when it has none."""
    stack = party.get("stack")
    return set() if stack is None else {frame.get("function") or "" for frame in finding["stacks"][stack]}


# Without debug information the flag of these may be an atomic one: a warning, and what it hands over is no race.
GUESSED = {"builtin"}


def judge(tool, program, name, racy, stripped):
    """What is wrong with one run, in words; "" when nothing is."""
    outcome = checked(tool, [program, name] + (["racy"] if racy else []), ["--memory=weave"])
    if outcome.timed_out:
        return "did not end"
    if "unreadable" in outcome.report:
        return f"no report: {outcome.report['unreadable']}"
    if outcome.stdout != b"done\n":
        return f"printed {outcome.stdout!r}, status {outcome.status}"
    others = [finding["kind"] for finding in outcome.findings if finding["kind"] != "data-race"]
    if others:
        return f"reported {others}"
    races = races_of(outcome)
    if stripped and name in GUESSED:
        if not races or races[0]["severity"] != "warning":
            return "no warning of the flag"
        races = races[1:]
    if not racy:
        return f"{len(races)} race(s) in the clean form" if races else ""
    if len(races) != 1:
        return f"{len(races)} races, not one"
    sides = [party for party in races[0]["parties"] if party["role"] in ("reads", "writes", "frees")]
    if len(sides) != 2 or any(not functions_of(races[0], side) & EXPECTED for side in sides):
        return f"sides {[(side['role'], sorted(functions_of(races[0], side))) for side in sides]}"
    return ""


def build(options, program):
    """Compiles the cases; the link names no sanitizer, so that its own library stays out."""
    flags = ["-pthread", "-w", *shlex.split(options.flags)]
    if not options.compiled_for:
        subprocess.run([options.cc, *flags, options.source, "-o", program], check=True)
        return
    subprocess.run([options.cc, *flags, "-fsanitize=thread", "-c", options.source, "-o", program + ".o"], check=True)
    subprocess.run([options.cc, "-pthread", program + ".o", options.compiled_for, "-o", program,
                    "-Wl,-rpath," + os.path.dirname(options.compiled_for)], check=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--flags", default="")
    parser.add_argument("--compiled-for", default="")
    parser.add_argument("source")
    options = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory(prefix="lockhound-test-") as folder:
        program = os.path.join(folder, "pairs")
        build(options, program)
        os.environ["LOCKHOUND_CACHE"] = os.path.join(folder, "cache")
        names = native([program]).stdout.decode().split()
        for name in names:
            for racy in (False, True):
                wrong = judge(options.tool, program, name, racy, "-s" in shlex.split(options.flags))
                if wrong:
                    failures += 1
                    print(f"{name}{' racy' if racy else ''}: {wrong}")
    print(f"{2 * len(names) - failures} of {2 * len(names)} as they should be")
    return 1 if failures or not names else 0


if __name__ == "__main__":
    sys.exit(main())
