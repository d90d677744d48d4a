"""run_random.py: random programs under lockhound, and what it reports held against the oracle.

    run_random.py --tool LOCKHOUND [--kind both|steps|loops] [--seed N] [--programs N] [--seconds S] [--builds N] [--keep FOLDER]
                  [--also FLAGS] [--keep-going]

Each third program is one of loops over arrays, the others of single steps.  Three of four programs race here and there; the fourth is
correct, and some builds of it have no debug information.  A pair of steps that is reported and does not race, a race that is owed and
not told, an address that is not what the steps touched there, and any finding of another kind is a difference; without debug
information, any error.  A program with a difference is made smaller while it differs, and printed.  Its seed is printed with it:
`--seed N --programs 1` makes it again.
"""

import argparse
import copy
import os
import random
import subprocess
import sys
import tempfile
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))
from launch import checked  # noqa: E402

import oracle  # noqa: E402
from generate import generate, generate_loops  # noqa: E402
from reported import pair_of, places_of, untrue_of  # noqa: E402
from source import source  # noqa: E402

BUILDS = [(cc, f"{level} -g") for level in ("-O0", "-O2", "-O3") for cc in ("gcc", "clang")]
STRIPPED = [(cc, f"{level} -s") for level in ("-O0", "-O2", "-O3") for cc in ("gcc", "clang")]
# Loops that copy or fill stay loops.
LOOPED = {"gcc": "-fno-tree-loop-distribute-patterns", "clang": "-fno-builtin"}
SCALAR = {"gcc": "-fno-tree-vectorize", "clang": "-fno-vectorize -fno-slp-vectorize"}
LOOP_BUILDS = [(cc, f"{level} -g {LOOPED[cc]}") for level in ("-O0", "-O1", "-O2", "-O3") for cc in ("gcc", "clang")]
LOOP_BUILDS += [(cc, f"{level} -g {LOOPED[cc]} {SCALAR[cc]}") for level in ("-O2", "-O3") for cc in ("gcc", "clang")]
LOOP_STRIPPED = [(cc, f"{level} -s {LOOPED[cc]}") for level in ("-O1", "-O2", "-O3") for cc in ("gcc", "clang")]
MINIMISE_S = 30
INCLUDES = [f"-I{FOLDER}", f"-I{os.path.join(FOLDER, '..', 'races')}"]


def build(program, cc, flags, folder):
    suffix, compiler = ("cc", {"gcc": "g++", "clang": "clang++"}[cc]) if program.cxx else ("c", cc)
    path = os.path.join(folder, f"program.{suffix}")
    with open(path, "w", encoding="utf-8") as file:
        file.write(source(program))
    standard = "-std=c++17" if program.cxx else "-std=gnu11"
    binary = os.path.join(folder, "program")
    subprocess.run([compiler, "-w", "-pthread", "-D_GNU_SOURCE", standard, *flags.split(), *INCLUDES, path, "-o", binary],
                   check=True)
    return binary


def differences(options, program, cc, flags, folder):
    """What is wrong with one run, a line each."""
    binary = build(program, cc, flags, folder)
    outcome = checked(options.tool, [binary], ["--memory=weave"], 30)
    if outcome.timed_out or "unreadable" in outcome.report or outcome.status not in (0, 66):
        return [f"ended with {outcome.status}, {'too late' if outcome.timed_out else ''} {outcome.report.get('unreadable', '')}"]
    is_stripped = "-s" in flags.split()
    found = [f for f in outcome.findings if not is_stripped or f["severity"] == "error"]
    wrong = [f"{f['kind']}: {f['message']}" for f in found if f["kind"] != "data-race"]
    reported = {pair_of(f): f for f in found if f["kind"] == "data-race"}
    if is_stripped:
        return wrong + [f"without debug information: {f['message']}" for f in reported.values()]
    verdict = oracle.judge(program)
    wrong += [f"false {sorted(pair, key=str)}: {f['severity']}: {f['message']}"
              for pair, f in reported.items() if pair not in verdict.races]
    places = places_of(outcome.stdout)
    wrong += [line for f in found if pair_of(f) in verdict.races for line in untrue_of(f, program, verdict, places)]
    missed = [pairs for pairs in verdict.owed if not pairs & set(reported)]
    return wrong + [f"missed, one of {sorted(sorted(pair) for pair in pairs)}" for pairs in missed]


def without(program, groups):
    smaller = copy.copy(program)
    threads = {group - 1000 for group in groups if group >= 1000}
    gone = set(groups)
    while True:
        more = {step.group for step in program.steps if step.thread in threads and step.group < 1000} - gone
        made = {step.group - 1000 for step in program.steps
                if step.thread in threads and step.group >= 1000 and step.group - 1000 != step.thread} - threads
        if not more and not made:
            break
        gone |= more
        threads |= made
    gone |= {1000 + thread for thread in threads}
    smaller.steps = [copy.copy(step) for step in program.steps if step.group not in gone]
    return smaller


def minimise(options, program, build_as, wrong, folder, until):
    """Drops groups of steps while a difference of the kind remains."""
    kind = wrong[0].split()[0]
    part = max(1, len({step.group for step in program.steps}) // 2)
    while part >= 1 and time.monotonic() < until:
        groups = sorted({step.group for step in program.steps}, reverse=True)
        shrunk = False
        for start in range(0, len(groups), part):
            smaller = without(program, groups[start:start + part])
            if not smaller.steps or len(smaller.steps) == len(program.steps) or time.monotonic() > until:
                continue
            if "-s" in build_as[1] and oracle.judge(smaller).races:
                continue  # it is to stay a correct one
            now = differences(options, smaller, *build_as, folder)
            if any(line.split()[0] == kind for line in now):
                program, wrong, shrunk = smaller, now, True
        part = part if shrunk and part == 1 else part // 2 if part > 1 else 0
    return program, wrong


def show(options, program, wrong, build_as):
    print(f"seed {program.seed}, {' '.join(build_as)}{', C++' if program.cxx else ''}:")
    print("\n".join("  " + line for line in wrong[:6]))
    for step in program.numbered():
        if len(program.steps) <= 60:
            print(f"    {step.number:3} T{step.thread} {step.code:70} {step.events}")
    if options.keep:
        name = f"random_{program.seed}.{'cc' if program.cxx else 'c'}"
        os.makedirs(options.keep, exist_ok=True)
        with open(os.path.join(options.keep, name), "w", encoding="utf-8") as file:
            file.write(source(program))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--programs", type=int, default=0, help="how many; 0: until the time is over")
    parser.add_argument("--kind", choices=("both", "steps", "loops"), default="both", help="of programs: by single steps, or loops")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--builds", type=int, default=2, help="of each program, of those that there are")
    parser.add_argument("--also", default="", help="flags for the compiler, as -march=native")
    parser.add_argument("--keep", default="", help="a folder for the sources of what differs")
    parser.add_argument("--keep-going", action="store_true", help="past a program that differs")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(1 << 31) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    end, done, runs, pairs, differing = time.monotonic() + options.seconds, 0, 0, 0, 0
    with tempfile.TemporaryDirectory(prefix="lockhound-test-") as folder:
        os.environ.setdefault("LOCKHOUND_CACHE", os.path.join(folder, "cache"))
        while time.monotonic() < end and (options.programs == 0 or done < options.programs):
            correct = (seed + done) % 4 == 0
            loops = options.kind == "loops" or (options.kind == "both" and (seed + done) % 3 == 2)
            program = generate_loops(seed + done, correct) if loops else generate(seed + done, correct)
            choices = random.Random(program.seed)
            with_names, without_names = (LOOP_BUILDS, LOOP_STRIPPED) if loops else (BUILDS, STRIPPED)
            builds = choices.sample(without_names + with_names if correct else with_names, options.builds)
            for cc, flags in builds:
                build_as = (cc, f"{flags} {options.also}".strip())
                runs += 1
                pairs += 0 if "-s" in build_as[1] else len(oracle.judge(program).owed)
                wrong = differences(options, program, *build_as, folder)
                if wrong:
                    differing += 1
                    print(f"seed {program.seed}, {' '.join(build_as)}: {wrong[0]}; making it smaller", flush=True)
                    show(options, *minimise(options, program, build_as, wrong, folder, time.monotonic() + MINIMISE_S), build_as)
                    break
            done += 1
            if differing and not options.keep_going:
                break
    print(f"{done} programs, {runs} runs, {pairs} races owed, {differing} differ")
    return 1 if differing or not runs or (done > 3 and not pairs) else 0


if __name__ == "__main__":
    sys.exit(main())
