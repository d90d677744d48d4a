"""run_predicted.py: races that this run's order hid are predicted from its trace, and none of their correct twins.

    run_predicted.py --tool LOCKHOUND --cc CC [--flags=FLAGS] predicted.c
"""

import argparse
import os
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from launch import checked  # noqa: E402


def fields_of(line):
    """The key=value pairs of a finding, but for its detail, which has blanks."""
    return dict(pair.split("=", 1) for pair in line.split(" detail=")[0].split())


def symbols_of(program):
    """(begin, name) of each function, ascending."""
    listing = subprocess.run(["nm", program], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    return sorted((int(row[0], 16), row[2]) for row in rows if len(row) == 3 and row[1] in "tT")


def function_at(symbols, site):
    """The name of the function in which a site lies, as "program+0x12"."""
    offset = int(site.split("+")[1], 16)
    return [name for begin, name in symbols if begin <= offset][-1]


def record(options, program, case, form, trace, most):
    """Runs the case; returns what is wrong, or "", and the outcome."""
    outcome = checked(options.tool, [program, case, *form], ["--memory=weave", f"--trace={trace}", f"--trace-accesses={most}"])
    wrong = "" if outcome.stdout == b"done\n" and not outcome.findings else f"{outcome.stdout!r}, {outcome.findings}"
    return wrong, outcome


def judge(options, program, case, form, trace):
    """What is wrong with one case, in words; "" when nothing is."""
    wrong, _ = record(options, program, case, form, trace, 100000)
    if wrong:
        return wrong
    analysis = subprocess.run([options.tool, "analyze", trace], capture_output=True, text=True, check=False)
    races = [fields_of(line) for line in analysis.stdout.splitlines()]
    if not form:
        return "" if analysis.returncode == 0 and not races else f"{analysis.returncode}: {races}"
    if analysis.returncode != 66 or len(races) != 1 or races[0]["kind"] != "data-race":
        return f"{analysis.returncode}: {races}"
    symbols = symbols_of(program)
    functions = [function_at(symbols, site) for site in races[0]["sites"].split(",")]
    return "" if functions == ["second", "first"] and races[0]["held"] == "-;-" else f"{functions}, {races}"


def judge_bound(options, program, case, trace):
    """What is wrong with a trace that is cut off."""
    wrong, outcome = record(options, program, case, ["racy"], trace, 2)
    with open(trace, encoding="utf-8") as file:
        accesses = sum(line.split("|")[1].split("(")[0] in ("r", "w", "aload", "astore", "alloc") for line in file)
    left = outcome.report["summary"]["counts"].get("lost_trace", 0)
    return wrong or ("" if accesses == 2 and left > 0 else f"{accesses} accesses, {left} left")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--flags", default="")
    parser.add_argument("source")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lockhound-test-") as folder:
        program, trace = os.path.join(folder, "predicted"), os.path.join(folder, "trace")
        flags = ["-pthread", *shlex.split(options.flags)]
        subprocess.run([options.cc, *flags, options.source, "-o", program], check=True)
        os.environ["LOCKHOUND_CACHE"] = os.path.join(folder, "cache")
        cases = subprocess.run([program], check=True, capture_output=True, text=True).stdout.split()
        faults = [(case, form, judge(options, program, case, form, trace)) for case in cases for form in ([], ["racy"])]
        faults.append((cases[0], ["cut off"], judge_bound(options, program, cases[0], trace)))
    for case, form, wrong in faults:
        if wrong:
            print(case, *form, wrong)
    print(f"{sum(not wrong for _, _, wrong in faults)} of {len(faults)} as they should be")
    return any(wrong for _, _, wrong in faults)


if __name__ == "__main__":
    sys.exit(main())
