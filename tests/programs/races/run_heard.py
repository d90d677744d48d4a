"""run_heard.py: what the report of a race says of the last that the one thread had heard of the other.

    run_heard.py --tool LOCKHOUND --cc CC [--flags=FLAGS] heard.c
"""

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from launch import checked  # noqa: E402

# The way, how it is told, the object's name when it has one, a part of the sentence, and who did it.
CASES = [
    ("none", "never", None, "had heard nothing of", None),
    ("mutex", "object", "mutex", "released `mutex`, before its write", "tell"),
    ("rwlock", "object", "rwlock", "released `rwlock`", "tell"),
    ("spin", "object", "spin", "released `spin`", "tell"),
    ("semaphore", "object", "semaphore", "posted `semaphore`", "tell"),
    ("barrier", "object", "barrier", "arrived at `barrier`", "tell"),
    ("once", "object", "once", "finished `once`", None),
    ("atomic", "atomic", None, "made an atomic operation", "tell"),
    ("pipe", "object", None, "handed something over", "tell"),
    ("creation", "creation", None, "when that thread created it", "main"),
]


def formats(options, run_file):
    """What the other formats say of the run."""
    page, log = run_file + ".html", run_file + ".sarif"
    text = subprocess.run([options.tool, "report", f"--html={page}", f"--sarif={log}", run_file],
                          capture_output=True, check=False).stdout.decode()
    with open(page, encoding="utf-8") as html, open(log, encoding="utf-8") as sarif:
        return text, html.read(), json.load(sarif)


def judge(options, program, case, folder):
    """What is wrong with one case, in words; "" when nothing is."""
    way, how, name, sentence, function = case
    run_file = os.path.join(folder, way + ".lockhound")
    outcome = checked(options.tool, [program, way], ["--memory=weave", f"--output={run_file}"])
    races = [finding for finding in outcome.findings if finding["kind"] == "data-race"]
    if len(races) != 1:
        return f"{len(races)} races; printed {outcome.stdout!r}, status {outcome.status}"
    heard = races[0].get("last_heard", {})
    if heard.get("how") != how or sentence not in heard.get("message", ""):
        return f"says {heard}"
    names = {thing["id"]: thing["name"] for thing in races[0]["objects"]}
    if name is not None and names.get(heard.get("object")) != name:
        return f"object {heard.get('object')} of {names}"
    stack = heard["stack"]
    functions = [] if stack is None else [frame.get("function") for frame in races[0]["stacks"][stack]]
    if function is not None and function not in functions:
        return f"stack {functions}"
    values = [party["access"].get("value") for party in races[0]["parties"]]
    if values != ["0x1", None]:  # the first thread's write, which the second is about to overwrite
        return f"values {values}"
    text, html, sarif = formats(options, run_file)
    if "`place`, where 0x1 stood, at" not in text or "where 0x1 stood, at" not in html:
        return "the text or the page lacks the value"
    if heard["message"] not in text:
        return "the text lacks it"
    if 'class="heard"' not in html:
        return "the page lacks it"
    if not any(heard["message"] in result["message"]["text"] for result in sarif["runs"][0]["results"]):
        return "SARIF lacks it"
    return ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tool", required=True)
    parser.add_argument("--cc", default="gcc")
    parser.add_argument("--flags", default="")
    parser.add_argument("source")
    options = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory(prefix="lockhound-test-") as folder:
        program = os.path.join(folder, "heard")
        flags = ["-pthread", *shlex.split(options.flags)]
        subprocess.run([options.cc, *flags, options.source, "-o", program], check=True)
        os.environ["LOCKHOUND_CACHE"] = os.path.join(folder, "cache")
        for case in CASES:
            wrong = judge(options, program, case, folder)
            if wrong:
                failures += 1
                print(f"{case[0]}: {wrong}")
    print(f"{len(CASES) - failures} of {len(CASES)} as they should be")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
