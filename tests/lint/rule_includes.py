"""rule_includes.py: includes go one way only.

    preload  -> detector                     detector -> nothing of ours
    report   -> what it shares with preload  cli      -> report, weaver, detector
    primitives -> nothing of ours            samples  -> primitives' public headers

What two parts share is named file by file, so that a new arrow is a decision made here.
"""

import os
import re

from tree import line_of

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.MULTILINE)

PARTS = ("detector", "preload", "report", "cli", "weaver", "primitives", "samples", "tests", "lockhound")

# "lockhound/" is generated: version.h.  Tables (*.def) and formats are data that the parts agree on.
MAY_INCLUDE = {
    "detector": (),
    "preload": ("detector/", "lockhound/version.h", "weaver/bytes.h", "weaver/cfi_opcodes.h",
                "weaver/image.h", "weaver/image_check.h", "weaver/image_hash.h", "weaver/image_search.h",
                "weaver/plane.h"),
    "report": ("detector/findings.def", "preload/run_file.h", "lockhound/version.h", "weaver/sorted.h"),
    "weaver": ("lockhound/version.h",),
    "cli": ("report/", "weaver/", "detector/", "preload/options.def", "preload/run_file.h", "lockhound/version.h"),
    "primitives": (),
    "samples": ("primitives/include/",),
}


def included_path(tree, path, name):
    """The path in the tree that `name` means in `path`; None for a header of the system."""
    beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
    if tree.has(beside):
        return beside
    if name.split("/")[0] in PARTS and "/" in name:
        return name
    found = [known for known in tree.files if known.endswith("/include/" + name)]
    return found[0] if found else None


def check(tree):
    for path in tree.matching(".c", ".h", ".def", ".cc", ".cpp"):
        part = path.split("/")[0]
        if part not in MAY_INCLUDE:
            continue
        for match in INCLUDE.finditer(tree.text(path)):
            target = included_path(tree, path, match.group(1))
            if target is None or target.startswith(part + "/"):
                continue
            if not target.startswith(MAY_INCLUDE[part]):
                line = line_of(tree.text(path), match.start())
                yield f"{path}:{line}: {part}/ may not include {target}; see docs/architecture.md"
