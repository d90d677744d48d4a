"""What the code calls locks and memory without names of their own: each name right, or none, never a wrong one.

    check_members.py --tool LOCKHOUND --cc CC [--flags=FLAGS] [--exact] members.c

With --exact every name has to be found; otherwise the compiler may have left nothing that tells it.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from launch import checked  # noqa: E402

# By kind of finding: what the objects in it may be called, and by which function.
NAMES = {"lock-order-inversion": {"db->lock": {"db_new"}, "db->cache->lock": {"db_new"}},
         "destroy-locked": {"main::local": {"main"}},
         "data-race": {"db->rows": {"count", "either", "db_new"}, "db->cache->hits": {"hit", "db_new"},
                       "tickets[2].seats": {"writer"},
                       # what a thread released last, as far as the other had heard of it
                       "db->lock": {"db_new"}, "db->cache->lock": {"db_new"}}}

NAMELESS = re.compile(r"mutex#\d+|memory at 0x[0-9a-f]+|heap block.*")


def objects_of(finding):
    return [o for o in finding["objects"] if o["where"] in ("heap", "stack", "unknown") and o["kind"] != "thread"]


def faults_of(outcome, is_exact):
    found = set()
    for finding in outcome.findings:
        known = NAMES.get(finding["kind"], {})
        names = [thing["name"] for thing in objects_of(finding)]
        if len(set(names)) < len(names):
            yield f"one name for two objects: {names}"
        for thing in objects_of(finding):
            name = re.sub(r"(?<!mutex)#\d+$", "", thing["name"])  # which tells two objects of one name apart
            if name in known and thing.get("named_by") in known[name]:
                found.add(name)
            elif is_exact or not NAMELESS.fullmatch(name):
                yield f"{finding['kind']}: {name}, called so in {thing.get('named_by')}"
            if name.startswith("tickets") != ("elements" in thing):
                yield f"{name}: elements {thing.get('elements')}"
    wanted = {name for names in NAMES.values() for name in names}
    if is_exact and found != wanted:
        yield f"not named: {sorted(wanted - found)}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--flags", default="")
    parser.add_argument("--exact", action="store_true")
    parser.add_argument("source")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lockhound-test-") as folder:
        program = os.path.join(folder, "members")
        subprocess.run([options.cc, "-g", "-pthread", "-w", *shlex.split(options.flags), options.source, "-o", program],
                       check=True)
        os.environ["LOCKHOUND_CACHE"] = os.path.join(folder, "cache")
        outcome = checked(options.tool, [program], ["--memory=weave"])
        choice = checked(options.tool, [program, "either"], ["--memory=weave"])
    faults = list(faults_of(outcome, options.exact)) + list(faults_of(choice, False))
    if outcome.timed_out or choice.timed_out or not choice.findings:
        faults.append("a run did not end, or found nothing")
    if not any(thing["name"] == "db->lock" for finding in outcome.findings for thing in finding["objects"]):
        faults.append("not even the lock is named whose address is taken by its name")
    print("\n".join(faults) or f"{len(outcome.findings)} findings, all names as the source has them")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
