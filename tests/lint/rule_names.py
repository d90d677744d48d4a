"""rule_names.py: struct, enum and union tags stand without typedef, and no type of ours ends in _t."""

import re

from tree import blank_comments, line_of

TYPEDEF_OF_TAG = re.compile(r"\btypedef\s+(?:struct|enum|union)\b")
TYPEDEF_T = re.compile(r"\btypedef\b[^;{]*?\b(\w+_t)\s*;|\btypedef\b[^;{]*\(\s*\*\s*(\w+_t)\s*\)")
TAG_T = re.compile(r"\b(?:struct|enum|union)\s+(\w+_t)\s*\{")


def check(tree):
    for path in tree.c_files():
        text = blank_comments(tree.text(path))
        for match in TYPEDEF_OF_TAG.finditer(text):
            yield f"{path}:{line_of(text, match.start())}: typedef of a struct, enum or union: use the tag itself"
        for pattern in (TYPEDEF_T, TAG_T):
            for match in pattern.finditer(text):
                name = next(group for group in match.groups() if group)
                yield f"{path}:{line_of(text, match.start())}: {name}: names ending in _t belong to the system"
