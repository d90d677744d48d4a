"""run_variables.py: variables that the same instructions race on are races of their own, and the elements of an array are one.

    run_variables.py --tool LOCKHOUND --library LIBLOCKHOUND --cc CC [--flags=FLAGS] variables.c
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from launch import checked, native  # noqa: E402

# The way, and what the memory of its races is called, without indices.
CASES = [
    ("static", {"apples", "pears"}),
    ("members", {"basket->apples", "basket->pears", "heap block of main[]"}),
    ("child", {"apples", "pears"}),
    ("elements", {"shelf[]"}),
    ("blocks", {"heap block of main[]"}),
    ("captured", {"race_captured::captured", "race_captured::other"}),
]


def names_of(findings):
    for finding in findings:
        names = {thing["id"]: thing["name"] for thing in finding["objects"]}
        yield re.sub(r"\[\d+\]", "[]", names[finding["memory"]])


def judge(options, program, way, expected):
    """What is wrong with one case, in words; "" when nothing is."""
    outcome = checked(options.tool, [program, way], ["--memory=weave"])
    names = list(names_of(outcome.findings))
    once = len(names) == len(expected) or way == "captured"  # of a team, who races with whom differs
    return "" if once and set(names) == expected else f"races on {names}"


def judge_printed(options, program):
    """With LD_PRELOAD alone each finding is printed by a command of its own, and repeats are not."""
    environment = {**os.environ, "LD_PRELOAD": options.library, "LOCKHOUND_COMMAND_PATH": options.tool}
    text = native([program, "elements"], env=environment).stderr.decode()
    count = len(re.findall("^lockhound: data race on ", text, re.MULTILINE))
    return "" if count == 1 else f"{count} races printed: {text}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--flags", default="")
    parser.add_argument("source")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lockhound-test-") as folder:
        program, stripped = (os.path.join(folder, name) for name in ("variables", "stripped"))
        flags = ["-pthread", "-fopenmp", *shlex.split(options.flags)]
        subprocess.run([options.cc, *flags, options.source, "-o", program], check=True)
        subprocess.run(["strip", "-o", stripped, program], check=True)
        os.environ["LOCKHOUND_CACHE"] = os.path.join(folder, "cache")
        wrong = {way: judge(options, program, way, expected) for way, expected in CASES}
        wrong["printed"] = judge_printed(options, program)
        findings = checked(options.tool, [stripped, "elements"], ["--memory=weave"]).findings
        places = {tuple(frame["offset"] for frame in party_frames(finding)) for finding in findings}
        wrong["stripped"] = "" if findings and len(places) == len(findings) else f"{len(findings)} races at {places}"
    for way, what in wrong.items():
        if what:
            print(f"{way}: {what}")
    return 1 if any(wrong.values()) else 0


def party_frames(finding):
    for party in finding["parties"]:
        yield finding["stacks"][party["stack"]][0]


if __name__ == "__main__":
    sys.exit(main())
