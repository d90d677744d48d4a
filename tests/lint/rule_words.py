"""rule_words.py: nothing unfinished, and no name of one machine or package registry, stands in the tree."""

import re

from tree import line_of

# Put together from halves, so that this file does not break its own rule.
UNFINISHED = re.compile(r"\b(?:" + "TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|\bnot " + r"implemented\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:wor" + r"k|roo" + r"t|home/\w+|tmp/build-\w+)(?:/|\b(?!\w))")
REGISTRY = re.compile(r"\b(?:deb\.debian|registry\.npmjs|security\.debian|pypi|archive\.ubuntu)\.(?:org|com)\b")

RULES = (
    (UNFINISHED, "an unfinished word; finish it, or write the limit down in docs/limits.md"),
    (MACHINE_PATH, "a path of one machine"),
    (REGISTRY, "the host of a package registry"),
)
TEXT_SUFFIXES = (".c", ".h", ".def", ".cc", ".cpp", ".py", ".sh", ".md", ".txt", ".cmake", ".in", ".yml", ".1", ".3", ".5", ".7")


def check(tree):
    for path in tree.matching(*TEXT_SUFFIXES, "dev", ".ci/run"):
        text = tree.text(path)
        for pattern, complaint in RULES:
            for match in pattern.finditer(text):
                yield f"{path}:{line_of(text, match.start())}: '{match.group(0)}': {complaint}"
