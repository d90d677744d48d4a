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
    "fork_lock_bug": "the child's trace does not say what other threads held at the fork",
    "signal_lock_bug": "which signals a thread blocks is no event",
    "signal_end_bug": "which signals a thread blocks is no event",
    "uninitialized_bug": "the content of memory is no event",
    "use_after_destroy_bug": "whether memory was initialised anew is read from its content",
    "wrong_kind_bug": "a call on an object of another kind is refused before it becomes an event",
}

# Told at a signal when the condition's mutex is known by then: of a signal and a first wait at the same moment the trace may have
# the one first that came second. Which of several signals tell it is left open.
TOLD_BY_ORDER = "cond-signal-unlocked"


def comparable(kinds):
    return sorted([kind for kind in kinds if kind != TOLD_BY_ORDER] + [TOLD_BY_ORDER] * (TOLD_BY_ORDER in kinds))


def kinds_in_run_file(path):
    if not os.path.exists(path):
        return []  # made with the first finding
    with open(path, encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    return sorted(record["kind"] for record in records if record["r"] == "finding")


def kinds_in_trace(analyze, trace):
    replay = subprocess.run([analyze, "--all", trace], capture_output=True, text=True, timeout=LIMIT_S, check=True)
    return FINDING.findall(replay.stdout)


def compare(sample, library, analyze):
    """Returns (kinds found live, kinds found in the trace, and in those of children where they were not found live)."""
    with tempfile.TemporaryDirectory(prefix="lockhound-replay-") as folder:
        trace, output = os.path.join(folder, "trace"), os.path.join(folder, "run")
        # Events carry no time: on a slow machine any lock is held too long, and no trace says so.
        options = f"checks=all lock-held-ms=3600000 memory=none trace={trace} output={output}"
        subprocess.run([sample], env=dict(os.environ, LD_PRELOAD=library, LOCKHOUND_OPTIONS=options),
                       capture_output=True, timeout=LIMIT_S, check=False)
        live = kinds_in_run_file(output)
        children = [kind for name in os.listdir(folder) if name.startswith("trace.")
                    for kind in kinds_in_trace(analyze, os.path.join(folder, name)) if kind not in live]
        return live, sorted(kinds_in_trace(analyze, trace) + children)


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
        if (comparable(live) == comparable(again)) == (name in NOT_IN_A_TRACE):
            faults += 1
            print(f"{name}: live {live}, in its trace {again}")
    print(f"{len(options.samples)} samples, {faults} with another outcome than expected")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
