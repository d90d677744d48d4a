#!/usr/bin/env python3
"""check_vectors.py: nothing that runs at a miss of a check names a vector register, as compiled, unless it gives it back.

    check_vectors.py LIBLOCKHOUND.SO

Follows the direct calls and jumps from where woven code arrives, and from what the engines call of their host, and tables of their keeper.  What
vectors_apart() calls is called through a pointer and not followed.
"""

import re
import subprocess
import sys

ROOTS = ["plane_slow", "routine_miss", "host_reserve", "host_release", "host_discard", "host_apart", "host_alloc", "host_free",
         "host_enter", "host_leave", "frame_walk_step_known", "is_that_node", "make_node"]
# Store the registers that they use first, and load them last (detector/bytes_wide.c).
KEEPERS = {"bytes_wide_same", "bytes_wide_lower", "bytes_wide_highest"}
KEPT, GIVEN_BACK = re.compile(r"^movups\s+(%xmm\d+),(\S+)$"), re.compile(r"^movups\s+(\S+),(%xmm\d+)$")
# Of libc: gives an address; does not return.
ALLOWED = {"__errno_location", "__assert_fail"}
VECTOR = re.compile(r"%([xyz]mm\d|k[0-7]\b|mm[0-7]\b|st\b)")
FUNCTION = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
INSTRUCTION = re.compile(r"^\s+[0-9a-f]+:\s+(.*)$")
BRANCH = re.compile(r"^(?:bnd |notrack )?(?:call|j\w+)\s+[0-9a-f]+ <([^>+]+)(\+0x[0-9a-f]+)?>")


def functions_of(library):
    """Returns: name -> list of instructions; functions of the same name in a row."""
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", library], capture_output=True, check=True).stdout
    functions, present = {}, None
    for line in listing.decode("latin-1").splitlines():
        if match := FUNCTION.match(line):
            present = functions.setdefault(match[1], [])
        elif present is not None and (match := INSTRUCTION.match(line)):
            present.append(match[1])
    return functions


def look_at_keeper(name, instructions, mistakes):
    """Of its vector instructions the first store all registers of the rest, each to a place of its own, and the last load them from there."""
    vectors = [instruction for instruction in instructions if VECTOR.search(instruction)]
    used = {register for instruction in vectors for register in re.findall(r"%[a-z]*mm\d+", instruction)}
    kept = dict(match.groups() for instruction in vectors[:len(used)] if (match := KEPT.match(instruction)))
    back = {match[2]: match[1] for instruction in vectors[-len(used):] if (match := GIVEN_BACK.match(instruction))}
    if not used or set(kept) != used or kept != back or len(set(kept.values())) != len(used):
        mistakes.append(f"{name}: does not keep {', '.join(sorted(used))}: stores {kept}, loads {back}")


def look_at(name, instructions, todo, mistakes):
    if name in KEEPERS:
        look_at_keeper(name, instructions, mistakes)
    for instruction in instructions:
        if VECTOR.search(instruction) and name not in KEEPERS:
            mistakes.append(f"{name}: {instruction}")
        if match := BRANCH.match(instruction):
            callee = match[1].removesuffix("@plt")
            if match[1] == callee or callee not in ALLOWED:
                todo.append(match[1])


def main():
    functions = functions_of(sys.argv[1])
    mistakes = [f"{root}: there is no such function" for root in ROOTS if root not in functions]
    todo, seen = [root for root in ROOTS if root in functions], set()
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if name.endswith("@plt") or name not in functions:
            mistakes.append(f"{name}: is called, and is not the library's own")
        else:
            look_at(name, functions[name], todo, mistakes)
    print(f"{len(seen)} functions run at a miss")
    print("\n".join(mistakes))
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
