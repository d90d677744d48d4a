#!/usr/bin/env python3
"""check_tables.py HEADERS: every function of a header stands in its table of operations, with three answers; and every
header says what edges it promises, how long its objects live and what they cost."""

import pathlib
import re
import sys

# The two headers that make nothing which lives or orders.
WITHOUT_OBJECTS = {"status.h"}
# What inline functions call: not for users.
INNER = {"lhp_local_make", "lhp_once_call_slow", "lhp_once_done_announced"}
ANSWERS = r"(?:yes|no|if|as|body|tasks|switches)\b"
NAMES = r"(?:lhp_|everything|init|acquire|wait)[\w*,\[\] ]*?"
ROW = re.compile(rf"^ \*   (?P<names>{NAMES})(?: +(?={ANSWERS})|$)(?P<answers>.*)")


def rows_of(comment):
    """Yields the names of each row; one too long for its column has its answers on the next line."""
    lines = comment.splitlines()
    for number, line in enumerate(lines):
        match = ROW.match(line)
        if match is None:
            continue
        answers = match["answers"].strip() or lines[number + 1].removeprefix(" *").strip()
        if len(re.split(r"  +", answers)) == 3 or answers.startswith("as above"):
            yield match["names"]


def patterns_of(names):
    first = names.split(",")[0].strip()
    family = re.match(r"lhp_(?:process_pool|as_completed|\w[a-z]*)_", first)
    for name in names.split(","):
        pattern = re.sub(r"\[(\w+)\]", r"(?:\1)?", name.strip()).replace("*", r"\w*")
        if pattern.startswith("lhp_"):
            yield pattern
        elif family:
            yield family[0] + r"(?:\w+_)?" + pattern
        else:
            yield r"lhp_\w+_" + pattern


def complaints_about(header):
    text = header.read_text(encoding="utf-8")
    comment = text[: text.index("*/")]
    rows = list(rows_of(comment))
    patterns = [pattern for names in rows for pattern in patterns_of(names)]
    if "everything else" in rows:
        patterns.append(r"lhp_\w+")
    for function in sorted(set(re.findall(r"LHP_API [^;]*?\b(lhp_\w+)\(", text)) - INNER):
        if not any(re.fullmatch(pattern, function) for pattern in patterns):
            yield f"{header.name}: {function} is not in the table of operations"
    for word in () if header.name in WITHOUT_OBJECTS else ("Edges:", "Lifetime:", "Cost:"):
        if f" * {word}" not in comment:
            yield f"{header.name}: does not say '{word}'"


def main():
    found = [line for header in sorted(pathlib.Path(sys.argv[1]).glob("*.h")) for line in complaints_about(header)]
    print("\n".join(found))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
