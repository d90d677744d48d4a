#!/usr/bin/env python3
"""run_real.py: runs a program of the system natively and under lockhound, compares, and lists the findings.

    run_real.py --tool LOCKHOUND CASE

A case yields pairs (what, command, options of subprocess), or drives a server; see filters.py, servers.py, others.py.
Exit: 0 the same and nothing undefended found, 1 not, 77 the program is not installed.
"""

import argparse
import json
import os
import sys
import tempfile
import time

FOLDER = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(FOLDER, ".."))
import launch  # noqa: E402
from cases import NotInstalled, Run  # noqa: E402
import filters  # noqa: E402
import others  # noqa: E402
import servers  # noqa: E402

LIMIT_S = 60
CASES = {**filters.CASES, **servers.CASES, **others.CASES}


def undefended(case, findings):
    """Races are left out: which of a program's own show depends on the run.  docs/field-notes.md has those understood."""
    with open(os.path.join(FOLDER, "defended_findings.json"), encoding="utf-8") as file:
        defended = [entry for entry in json.load(file)["defended"] if entry["case"] == case]
    for finding in findings:
        if finding["kind"] != "data-race" and not any(entry["kind"] == finding["kind"] and shows(finding, entry) for entry in defended):
            yield finding


def shows(finding, entry):
    return any(os.path.basename(frame.get("module", "")) == entry["module"]
               and entry.get("function") in (None, frame.get("function")) for frame in launch.frames_of(finding))


def compare_run(tool, case, run):
    """Returns: complaints about one command."""
    begin = time.monotonic()
    plain = launch.native(run.command, LIMIT_S, **run.surroundings())
    middle = time.monotonic()
    under = launch.checked(tool, run.command, ("--error-exitcode=0",), LIMIT_S, **run.surroundings())
    end = time.monotonic()
    print(f"{run.name}: {middle - begin:.2f} s natively, {end - middle:.2f} s under lockhound, "
          f"{len(under.findings)} findings")
    if not run.compares_output:
        plain.stdout = plain.stderr = under.stdout = under.stderr = b""
    complaints = list(launch.differences(plain, under))
    if plain.status != 0:
        complaints.append(f"natively: status {plain.status}, {launch.shorten(plain.stderr)}")
    if "unreadable" in under.report:
        complaints.append(f"no report: {under.report['unreadable']}")
    complaints += [launch.describe(finding) for finding in undefended(case, under.findings)]
    return [f"{run.name}: {complaint}" for complaint in complaints]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("case", choices=sorted(CASES))
    arguments = parser.parse_args()
    complaints = []
    with tempfile.TemporaryDirectory(prefix="lockhound-real-") as folder:
        try:
            for step in CASES[arguments.case](folder):
                if isinstance(step, Run):
                    complaints += compare_run(arguments.tool, arguments.case, step)
                else:
                    complaints += step.compare(arguments.tool, lambda found: undefended(arguments.case, found))
        except NotInstalled as program:
            print(f"skipped: {program} is not installed")
            sys.exit(launch.SKIPPED)
    for complaint in complaints:
        print(complaint)
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
