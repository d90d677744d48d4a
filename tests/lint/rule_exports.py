"""rule_exports.py: liblockhound.so exports the names of hooks.def and abi.def and nothing else.

    preload/hooks.def, preload/abi/abi.def --> names --+
                                                       +--> equal
    nm -D liblockhound.so -----------------------------+
"""

import os
import re
import subprocess

HOOK = re.compile(r"^HOOK(?:_VERSIONED|_OPTIONAL|_PLAIN|_OPENS|_OPENS_PATH|_USES|_STATE|_STATE_TOUCHES|_FILLS|_FILLS_USING|_TOUCHES|_CONVERTS|_CONVERTS_OPTIONAL|_VARIADIC)?\(\s*[^,]+,\s*(\w+)\s*,", re.MULTILINE)


def names_in_table(text):
    return set(HOOK.findall(text))


ABI = re.compile(r"^(ABI(?:_SIZED|_BYTES)?)\((\w+)\)", re.MULTILINE)


def names_in_abi(text):
    """The names of abi.def, those of a size each by itself."""
    names = set()
    for form, name in ABI.findall(text):
        if form == "ABI_SIZED":  # __tsan_atomic_load: __tsan_atomic8_load, ...
            prefix, operation = name[:len("__tsan_atomic")], name[len("__tsan_atomic"):]
            names |= {f"{prefix}{bits}{operation}" for bits in (8, 16, 32, 64, 128)}
        elif form == "ABI_BYTES":
            names |= {f"{name}{size}" for size in (1, 2, 4, 8, 16)}
        else:
            names.add(name)
    return names


def names_in_library(listing):
    """From `nm -D --defined-only`: an exported name without its version; version nodes (type A) are no functions."""
    names = set()
    for line in listing.splitlines():
        fields = line.split()
        if len(fields) == 3 and fields[1] != "A":
            names.add(fields[2].split("@")[0])
    return names


def compare(table, library):
    for name in sorted(table - library):
        yield f"preload/hooks.def:1: {name} is in the table but liblockhound.so does not export it"
    for name in sorted(library - table):
        yield f"preload/hooks.def:1: liblockhound.so exports {name}, which is not in the table"


def check(tree, build):
    library = os.path.join(build, "lib", "liblockhound.so")
    listing = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True)
    if listing.returncode != 0:
        yield f"preload/hooks.def:1: {listing.stderr.strip()}"
        return
    table = names_in_table(tree.text("preload/hooks.def") + tree.text("preload/hooks_libc.def") + tree.text("preload/hooks_touches.def")) | names_in_abi(tree.text("preload/abi/abi.def"))
    yield from compare(table, names_in_library(listing.stdout))
