"""run_pairs.py: each case of pairs.c, compiled in one way: clean must be clean, racy must be one race with both its sides.

    run_pairs.py --tool LOCKHOUND --cc CC [--flags=FLAGS] [--races=hybrid [--hidden]] [--compiled-for LIBRARY]
                 [--warns=WORDS | --certain] [--in-block [--made-by=FUNCTION]] [--preload LIBRARY] [--tries=N] [--clean-alone]
                 [--many] pairs.c

With --hidden the races of the racy forms are warnings, and are not reported at all without --races=hybrid.
With --warns=WORDS they are warnings whose message says so; with --certain they are errors.
With --many the racy forms may be several races, to each of which all this applies.
With --in-block a race must lie in a block whose allocation is known; with --made-by=FUNCTION that was on the stack of it.
With --clean-alone the cases have no racy form; without debug information there may be warnings.
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
EXPECTED = {"first", "second", "bytes_first", "bytes_second", "select_second", "copy_first", "copy_second", "free_first",
            "free_second", ""}


def functions_of(finding, party):
    """The functions on one side's stack; {} when it has none."""
    stack = party.get("stack")
    return set() if stack is None else {frame.get("function") or "" for frame in finding["stacks"][stack]}


# Without debug information the flag of these may be an atomic one: a warning, and what it hands over is no race.
GUESSED = {"builtin", "hand_over"}

# With debug information the flag of these is a plain variable: it races, and what it hands over is no race.  Without, it may
# be an atomic one, and all that its writer did before the wait ended counts as handed over: the racy form is a known miss.
WAITED = {"wait"}

# Made of an instruction that a compiler knows nothing of.
ASSEMBLY = {"select"}


def is_in_block(finding, made_by):
    """Whether the memory is part of a heap block of which it is known who allocated it."""
    memory = [thing for thing in finding["objects"] if thing["kind"] == "memory"]
    if len(memory) != 1 or "block" not in memory[0] or "init_stack" not in memory[0]:
        return False
    return not made_by or made_by in {frame.get("function") for frame in finding["stacks"][memory[0]["init_stack"]]}


def judge_race(options, race):
    """What is wrong with one race that was to be reported, in words; "" when nothing is."""
    if options.in_block and not is_in_block(race, options.made_by):
        return f"not in a block that is known: {race['objects']}"
    if options.hidden and race["severity"] not in ("warning", "note"):
        return f"severity {race['severity']}"
    if options.hidden and "order in which this run took its locks" not in race["message"]:
        return f"message {race['message']}"
    if options.warns and (race["severity"] != "warning" or options.warns not in race["message"]):
        return f"{race['severity']}: {race['message']}"
    if options.certain and race["severity"] != "error":
        return f"{race['severity']}: {race['message']}"
    sides = [party for party in race["parties"] if party["role"] in ("reads", "writes", "frees")]
    if len(sides) != 2 or any(not functions_of(race, side) & EXPECTED for side in sides):
        return f"sides {[(side['role'], sorted(functions_of(race, side))) for side in sides]}"
    return ""


def judge(options, program, name, racy, mode):
    """What is wrong with one run, in words; "" when nothing is."""
    outcome = checked(options.tool, [program, name] + (["racy"] if racy else []), ["--memory=weave", f"--races={mode}"])
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
    if "-g" not in shlex.split(options.flags) and name in GUESSED:
        if not races or races[0]["severity"] != "warning":
            return "no warning of the flag"
        races = races[1:]
    if name in WAITED:
        if "-g" not in shlex.split(options.flags):
            return f"{len(races)} race(s) with what may be atomic" if races else ""
        if not races or races[0]["severity"] != "error":
            return "no race on the flag"
        races = races[1:]
    if options.clean_alone and "-g" not in shlex.split(options.flags):
        races = [race for race in races if race["severity"] == "error"]
    if not racy or (options.hidden and mode == "hb"):
        return f"{len(races)} race(s) where there is none to be seen" if races else ""
    if len(races) != 1 and not (races and options.many):
        return f"{len(races)} races, not one"
    return "; ".join(filter(None, (judge_race(options, race) for race in races)))


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
    parser.add_argument("--in-block", action="store_true")
    parser.add_argument("--made-by", default="", help="the function that is to be on the stack of the allocation")
    parser.add_argument("--clean-alone", action="store_true")
    parser.add_argument("--preload", default="", help="another library that the program runs with")
    parser.add_argument("--tries", type=int, default=1,
                        help="how often a racy form may be run: a library's own waiting may order the two by chance")
    parser.add_argument("--compiled-for", default="")
    parser.add_argument("--races", default="hb", choices=("hb", "hybrid"))
    parser.add_argument("--hidden", action="store_true")
    parser.add_argument("--warns", default="", help="what races are warned of with, in words of the message")
    parser.add_argument("--certain", action="store_true")
    parser.add_argument("--many", action="store_true")
    parser.add_argument("source")
    options = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory(prefix="lockhound-test-") as folder:
        program = os.path.join(folder, "pairs")
        build(options, program)
        if options.preload:
            os.environ["LD_PRELOAD"] = options.preload
        os.environ["LOCKHOUND_CACHE"] = os.path.join(folder, "cache")
        names = native([program]).stdout.decode().split()
        if options.compiled_for:
            names = [name for name in names if name not in WAITED | ASSEMBLY]  # the flag orders nothing to a compiler
        modes = ("hb", "hybrid") if options.hidden else (options.races,)
        forms = (False,) if options.clean_alone else (False, True)
        runs = [(name, racy, mode) for name in names for racy in forms for mode in modes]
        for name, racy, mode in runs:
            wrong = judge(options, program, name, racy, mode)
            for _ in range(1, options.tries if racy else 1):
                wrong = wrong and judge(options, program, name, racy, mode)
            if wrong:
                failures += 1
                print(f"{name}{' racy' if racy else ''}, {mode}: {wrong}")
    print(f"{len(runs) - failures} of {len(runs)} as they should be")
    return 1 if failures or not names else 0


if __name__ == "__main__":
    sys.exit(main())
