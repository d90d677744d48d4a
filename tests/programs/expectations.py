"""expectations.py: what the first lines of a sample say must be found, and whether it was.

    /* expect: KIND[|KIND] [form=FORM] [at=FUNCTION@MARK]... */     --> Expectation, one finding
    /* expect: needs-weaving */                                     --> data races, one or more, and nothing else
    /* expect: none */                                              --> no Expectation
    /* may: KIND */                                                 --> such a finding is allowed
    /* options: ... */                                              --> arguments for lockhound
    /* miss: REASON */                                              --> why all that is expected is not found (known_misses/)

A mark names the line on which it stands in a comment.  Findings are compared on kind, form, function, file and line.
"""

import os
import re
import shlex
from dataclasses import dataclass, field

from launch import describe, frames_of

DIRECTIVE = re.compile(r"^/\* (expect|may|options): (.*?) \*/$", re.MULTILINE)
MISS = re.compile(r"^/\* miss: \S", re.MULTILINE)
MARK = re.compile(r"/\* @(\w+) \*/")


@dataclass
class Expectation:
    kinds: list
    form: str = ""
    places: list = field(default_factory=list)  # (function, line)
    text: str = ""


@dataclass
class Sample:
    file: str
    expected: list = field(default_factory=list)
    allowed: set = field(default_factory=set)
    options: list = field(default_factory=list)
    is_known_miss: bool = False


class BadSample(Exception):
    """The directives of a sample make no sense."""


def read_sample(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    marks = {match.group(1): text.count("\n", 0, match.start()) + 1 for match in MARK.finditer(text)}
    sample = Sample(os.path.basename(path), is_known_miss=bool(MISS.search(text)))
    directives = DIRECTIVE.findall(text)
    if not any(name == "expect" for name, _ in directives):
        raise BadSample(f"{path}: no 'expect:' line")
    for name, value in directives:
        if name == "options":
            sample.options += shlex.split(value)
        elif name == "may":
            sample.allowed.add(value)
        elif value == "needs-weaving":
            sample.expected.append(Expectation(["data-race"], text="data-race"))
            sample.allowed.add("data-race")
            sample.options.append("--memory=weave")
        elif value != "none":
            sample.expected.append(parse_expectation(path, value, marks))
    used = {line for expectation in sample.expected for _, line in expectation.places}
    for mark, line in marks.items():
        if line not in used:
            raise BadSample(f"{path}:{line}: mark @{mark} is used by no 'expect:' line")
    return sample


def parse_expectation(path, value, marks):
    kinds, *fields = value.split()
    expectation = Expectation(kinds.split("|"), text=value)
    for item in fields:
        key, _, detail = item.partition("=")
        function, _, mark = detail.partition("@")
        if key == "form":
            expectation.form = detail
        elif key == "at" and mark in marks:
            expectation.places.append((function, marks[mark]))
        else:
            raise BadSample(f"{path}: cannot read '{item}'")
    return expectation


def shows_place(finding, file, function, line):
    return any(short_name(frame.get("function", "")) == function and frame.get("line") == line
               and os.path.basename(frame.get("file") or "") == file for frame in frames_of(finding))


def short_name(function):
    """`find` for both find and `(anonymous namespace)::find(int)`, `catalogue` for a constructor."""
    plain = re.sub(r"\(anonymous namespace\)::", "", function)
    return plain.partition("(")[0].split("::")[-1].strip()


def fits(finding, expectation, file):
    if finding.get("kind") not in expectation.kinds:
        return False
    if expectation.form and finding.get("form") != expectation.form:
        return False
    return all(shows_place(finding, file, function, line) for function, line in expectation.places)


def compare(sample, findings):
    """Pairs expectations with findings one to one.  Returns: complaints, empty when all is as expected."""
    complaints, left = [], list(findings)
    for expectation in sample.expected:
        found = next((finding for finding in left if fits(finding, expectation, sample.file)), None)
        if found is None:
            places = ", ".join(f"{function} line {line}" for function, line in expectation.places)
            complaints.append(f"missing: {expectation.text}" + (f"\n  that is: {places}" if places else ""))
        else:
            left.remove(found)
    for finding in left:
        if finding.get("kind") not in sample.allowed:
            complaints.append("not expected: " + describe(finding))
    return complaints
