"""Every hook of preload/hooks.def is really taken: one call of each under the library, and what only it can have left.

    preload/hooks.def --> engage --hooks --+
                                           +--> equal, or a hook has no case (or a case no hook)
    cases in *.c ------> engage --list ----+--> each run under LD_PRELOAD --> trace, run file --> evidence found?

The kinds of evidence are described in engage.h.
"""

import argparse
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

LIMIT_S = 30


def lines_of(command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


class Run:
    """One case under the library."""

    def __init__(self, engage, library, hook):
        with tempfile.TemporaryDirectory(prefix="lockhound-engage-") as folder:
            trace, output = os.path.join(folder, "trace"), os.path.join(folder, "run")
            environment = dict(os.environ, LD_PRELOAD=library,
                               LOCKHOUND_OPTIONS=f"checks=all on-deadlock=continue trace={trace} output={output}")
            self.process = subprocess.run([engage, hook], env=environment, capture_output=True, text=True,
                                          timeout=LIMIT_S, check=False)
            self.said = dict(line.split("\t", 1) for line in self.process.stdout.splitlines() if "\t" in line)
            self.trace = self.between_marks(read(trace))
            self.child_trace = "".join(read(path) for path in glob.glob(trace + ".*"))
            self.output = read(output)

    def between_marks(self, trace):
        mark = f"|send({self.said.get('mark', 'none')})|"
        parts = [[]]
        for line in trace.splitlines():
            if mark in line:
                parts.append([])
            else:
                parts[-1].append(line)
        return "\n".join(parts[1] if len(parts) > 1 else parts[0])

    def findings(self):
        for line in self.output.splitlines():
            record = json.loads(line)
            if record["r"] == "finding":
                yield record["kind"], record["detail"]


def has_event(trace, word, rest):
    pattern = rf"\|{word}\("
    if rest[1:] == ["times"]:
        return len(re.findall(pattern, trace)) >= int(rest[0])
    return re.search(pattern + r"[^|]*" + re.escape(rest[0]) if rest else pattern, trace) is not None


def has_evidence(run, evidence):
    kind, *rest = evidence.split(" ")
    if kind == "event":
        return has_event(run.trace, rest[0], rest[1:])
    if kind == "child":
        return has_event(run.child_trace, rest[0], rest[1:])
    if kind == "finding":
        return tuple(rest) in run.findings()
    if kind == "record":
        return rest[0] in run.output
    return kind == "bound"


def fault_of(engage, library, hook, evidence):
    """Returns what is wrong with the hook, or None."""
    run = Run(engage, library, hook)
    if run.process.returncode != 0:
        return f"exit status {run.process.returncode}: {run.process.stderr.strip()}"
    if os.path.realpath(run.said["bound"]) != os.path.realpath(library):
        return f"the name is bound to {run.said['bound']}"
    if not has_evidence(run, evidence):
        return f"no {evidence} in\n{run.trace or run.output}"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--engage", required=True)
    parser.add_argument("--library", required=True)
    parser.add_argument("hooks", nargs="*", help="only these")
    options = parser.parse_args()

    cases = dict(line.split("\t", 1) for line in lines_of([options.engage, "--list"]))
    hooks = lines_of([options.engage, "--hooks"])
    faults = {hook: "has no case" for hook in hooks if hook not in cases}
    faults |= {case: "is not in hooks.def" for case in cases if case not in hooks}
    for hook, evidence in sorted(cases.items()):
        fault = fault_of(options.engage, options.library, hook, evidence) if not options.hooks or hook in options.hooks else None
        if fault is not None:
            faults.setdefault(hook, fault)
    for hook, fault in sorted(faults.items()):
        print(f"{hook}: {fault}")
    print(f"{len(hooks)} hooks, {len(faults)} not engaged")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
