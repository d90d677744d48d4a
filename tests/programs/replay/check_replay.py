"""What is found in a program while it runs is found again in the trace of that run.

    sample --LD_PRELOAD, trace=FILE--+--> run file --> kinds of findings --+
                                     +--> FILE --> analyze_trace ----------+--> equal

Every sample is run; those whose finding rests on something that a trace does not say must differ, or they are no longer
exceptions.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

LIMIT_S = 60
FINDING = re.compile(r"\bkind=([a-z-]+)")

# Why a trace does not tell it.
NOT_IN_A_TRACE = {
    "double_join_bug": "a join of a thread that is gone names nobody",
    "fork_lock_bug": "the child writes a trace of its own, which begins with the fork",
    "signal_lock_bug": "which signals a thread blocks is no event",
    "uninitialized_bug": "the content of memory is no event",
    "use_after_destroy_bug": "whether memory was initialised anew is read from its content",
    "wrong_kind_bug": "a call on an object of another kind is refused before it becomes an event",
}


def kinds_in_run_file(path):
    if not os.path.exists(path):
        return []  # made with the first finding
    with open(path, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return sorted(record["kind"] for record in records if record["r"] == "finding")


def compare(sample, library, analyze):
    """Returns (kinds found live, kinds found in the trace)."""
    with tempfile.TemporaryDirectory(prefix="lockhound-replay-") as folder:
        trace, output = os.path.join(folder, "trace"), os.path.join(folder, "run")
        # Events carry no time: on a slow machine any lock is held too long, and no trace says so.
        options = f"checks=all lock-held-ms=3600000 memory=none trace={trace} output={output}"
        subprocess.run([sample], env=dict(os.environ, LD_PRELOAD=library, LOCKHOUND_OPTIONS=options),
                       capture_output=True, timeout=LIMIT_S, check=False)
        replay = subprocess.run([analyze, "--all", trace], capture_output=True, text=True, timeout=LIMIT_S, check=True)
        return kinds_in_run_file(output), sorted(FINDING.findall(replay.stdout))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--library", required=True)
    parser.add_argument("--analyze", required=True)
    parser.add_argument("samples", nargs="+")
    options = parser.parse_args()

    faults = 0
    for sample in options.samples:
        name = os.path.basename(sample)
        live, again = compare(sample, options.library, options.analyze)
        if (live == again) == (name in NOT_IN_A_TRACE):
            faults += 1
            print(f"{name}: live {live}, in its trace {again}")
    print(f"{len(options.samples)} samples, {faults} with another outcome than expected")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
