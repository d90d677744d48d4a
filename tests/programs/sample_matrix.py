#!/usr/bin/env python3
"""sample_matrix.py: builds all samples as another compiler or other flags would, and runs each as run_samples.py does.

    sample_matrix.py --tool LOCKHOUND --cc gcc --cxx g++ [--flags "-O0"] SOURCE...

What is reported must not depend on how a program was compiled.  Exit: 0 as expected, 1 not, 77 no such compiler.
"""

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

import launch
from run_samples import run_sample

COMMON_FLAGS = ["-g", "-pthread", "-fno-optimize-sibling-calls"]


def build(source, folder, arguments):
    name, extension = os.path.splitext(os.path.basename(source))
    compiler = [arguments.cxx, "-std=c++20"] if extension == ".cc" else [arguments.cc, "-std=gnu11"]
    program = os.path.join(folder, name)
    subprocess.run([*compiler, *COMMON_FLAGS, *shlex.split(arguments.flags), source, "-o", program], check=True)
    return program


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--cc", required=True)
    parser.add_argument("--cxx", required=True)
    parser.add_argument("--flags", default="")
    parser.add_argument("sources", nargs="+")
    arguments = parser.parse_args()
    if not (shutil.which(arguments.cc) and shutil.which(arguments.cxx)):
        print(f"skipped: {arguments.cc} or {arguments.cxx} is not installed")
        sys.exit(launch.SKIPPED)

    failed = 0
    with tempfile.TemporaryDirectory(prefix="lockhound-matrix-") as folder, ThreadPoolExecutor(max_workers=1) as builder:
        builds = [builder.submit(build, source, folder, arguments) for source in arguments.sources]  # while others run
        for source, program in zip(arguments.sources, builds):
            complaints = run_sample(arguments.tool, source, [program.result()])
            failed += bool(complaints)
            for complaint in complaints:
                print(f"{os.path.basename(source)}: {complaint}")
    print(f"{len(arguments.sources) - failed} of {len(arguments.sources)} samples as expected")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
