"""launch.py: runs a program as it is, or under lockhound, with a limit of time, and returns what could be seen of it.

    native(command)            --> Outcome(status, stdout, stderr)
    checked(tool, command)     --> Outcome(status, stdout, stderr, report)

The report is lockhound's JSON document.  stderr comes without the lines that lockhound itself wrote.
"""

import difflib
import json
import os
import re
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field

EXIT_FINDINGS = 66  # what lockhound exits with when it has found an error
SKIPPED = 77        # what a test script exits with when it could not run
OWN_TEXT = re.compile(rb"^lockhound:.*\n?(?:  .*\n)*\n?", re.MULTILINE)  # a line, what is indented under it, a blank line


@dataclass
class Outcome:
    status: int  # as subprocess has it: negative for a signal
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    report: dict = field(default_factory=dict)

    @property
    def findings(self):
        return self.report.get("findings", [])


def native(command, limit_s=60, **options):
    """Runs `command` and kills its whole process group after the limit."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
                               **{"stdin": subprocess.DEVNULL, **options})
    timed_out = False
    try:
        stdout, stderr = process.communicate(timeout=limit_s)
    except subprocess.TimeoutExpired:
        timed_out = True
        os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
    return Outcome(process.returncode, stdout, stderr, timed_out)


def checked(tool, command, arguments=(), limit_s=60, **options):
    """Runs `command` under the lockhound at `tool`, with further `arguments` for it."""
    with tempfile.TemporaryDirectory(prefix="lockhound-test-") as folder:
        document = os.path.join(folder, "report.json")
        outcome = native([tool, "--quiet", "--json", document, *arguments, "--", *command], limit_s, **options)
        outcome.stderr = OWN_TEXT.sub(b"", outcome.stderr)
        try:
            with open(document, encoding="utf-8") as file:
                outcome.report = json.load(file)
        except (OSError, ValueError) as error:
            outcome.report = {"unreadable": str(error)}
    return outcome


def errors_of(findings):
    return [finding for finding in findings if finding.get("severity") == "error"]


def frames_of(node):
    """Every frame in a finding, wherever it stands; those without symbols have a module and no function."""
    if isinstance(node, dict):
        if "function" in node or ("module" in node and "kind" not in node):
            yield node
        for value in node.values():
            yield from frames_of(value)
    elif isinstance(node, list):
        for value in node:
            yield from frames_of(value)


def describe(finding):
    """A finding in a few lines, for the message of a failed test."""
    lines = [" ".join(str(finding[key]) for key in ("severity", "kind", "form") if finding.get(key))]
    if finding.get("message"):
        lines.append(f"  {finding['message']}")
    for frame in frames_of(finding):
        place = f"{os.path.basename(frame.get('file') or frame.get('module') or '?')}:{frame.get('line', '?')}"
        text = f"  {frame.get('function', '?')} {place}"
        if text not in lines:
            lines.append(text)
    return "\n".join(lines)


def differences(plain, under):
    """What a user could see of the difference between the two outcomes, one line each."""
    if under.timed_out:
        yield "lockhound: did not end within the limit"
    if plain.status != under.status:
        yield f"status: {plain.status} natively, {under.status} under lockhound"
    for name in ("stdout", "stderr"):
        before, after = getattr(plain, name), getattr(under, name)
        if before != after:
            yield f"{name} differs (- natively, + under lockhound):\n" + text_difference(before, after)


def text_difference(before, after, limit=60):
    lines = [text.decode("utf-8", "replace").splitlines() for text in (before, after)]
    changes = list(difflib.unified_diff(*lines, lineterm="", n=1))[2:]
    if not changes:
        return f"  {shorten(before)}\n  {shorten(after)}"
    return "\n".join("  " + line for line in changes[:limit])


def shorten(text, limit=2000):
    shown = text if len(text) <= limit else text[:limit] + b"..."
    return repr(shown.decode("utf-8", "replace"))
