#!/usr/bin/env python3
"""check_shapes.py: one source, compiled in many ways, does woven what it does alone, and is woven.

    check_shapes.py --tool LOCKHOUND --source SHAPES [WAY ...]

Ways that the compiler here does not know, or the CPU cannot run, are passed over.
Exit: 0 the same, 1 not.
"""

import argparse
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import launch  # noqa: E402

LIMIT_S = 120
COMPILERS = ("gcc", "clang")
COMMON = ("-std=gnu11", "-D_GNU_SOURCE", "-g", "-pthread")
WAYS = (
    "-O0", "-O1", "-O2", "-Os", "-O2 -no-pie -fno-pie", "-O3 -march=native", "-O3 -mavx2 -ffast-math",
    "-O3 -march=native -mprefer-vector-width=512", "-O2 -fcf-protection", "-O2 -fsplit-stack",
    "-O2 -fno-asynchronous-unwind-tables", "-O2 -freorder-blocks-and-partition -ffunction-sections", "-O2 -fno-plt",
    "-O2 -fno-omit-frame-pointer -fstack-protector-all", "-O2 -mindirect-branch=thunk", "-O2 -g0 -s", "-O2 -flto",
    "-O2 -fno-jump-tables", "-O2 -falign-functions=64", "-O2 -Wl,-z,noseparate-code", "-O2 -Wl,-z,max-page-size=2097152",
    "-O2 -Wl,--build-id=none", "-O2 -Wl,-z,now,-z,relro",
)
TEXT_RELOCATIONS = "-O2 -mcmodel=large -fno-pic -pie -Wl,-z,notext"  # left alone, and said
REFUSED = b"left: has relocations in its text"


def build(compiler, way, source, program):
    command = [compiler, *COMMON, *way.split(), "-o", program, source]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def complaints_about(tool, program, fate, environment):
    plain = launch.native([program], LIMIT_S)
    if plain.status < 0:
        return  # an instruction that is not here
    under = launch.native([tool, "--verbose", "--", program], LIMIT_S, env=environment)
    if (under.status, under.stdout) != (plain.status, plain.stdout):
        yield f"{plain.status} {plain.stdout!r} alone, {under.status} {under.stdout!r} woven"
    if os.path.basename(program).encode() + b" " + fate not in under.stderr or b"nothing found" not in under.stderr:
        yield launch.shorten(under.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("ways", nargs="*", default=[*WAYS, TEXT_RELOCATIONS])
    arguments = parser.parse_args()
    failed, tried = False, 0
    with tempfile.TemporaryDirectory(prefix="lockhound-test-") as folder:
        program, environment = os.path.join(folder, "shapes"), {**os.environ, "LOCKHOUND_CACHE": folder}
        for compiler in COMPILERS:
            for way in arguments.ways:
                if (compiler, "-Wl" in way) == ("clang", True):
                    continue  # the linker is the same
                if not build(compiler, way, arguments.source, program):
                    continue
                tried += 1
                for complaint in complaints_about(arguments.tool, program,
                                                  REFUSED if way == TEXT_RELOCATIONS else b"woven", environment):
                    print(f"{compiler} {way}: {complaint}")
                    failed = True
    print(f"{tried} ways tried")
    sys.exit(failed or tried < len(COMPILERS))


if __name__ == "__main__":
    main()
