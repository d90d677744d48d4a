"""rule_headers.py: each header compiles alone, so that it can be included first anywhere."""

import os
import subprocess
from concurrent.futures import ThreadPoolExecutor

JOBS = 2
FOLDERS = ("detector/", "preload/", "report/", "cli/", "weaver/", "primitives/")


def compile_alone(root, build, path):
    includes = [root, os.path.join(root, "primitives", "include"), os.path.join(build, "generated")]
    command = [os.environ.get("CC", "cc"), "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-fexceptions",
               "-fsyntax-only"]
    command += [f"-I{folder}" for folder in includes]
    # Through a file of our own: a header given to the compiler directly warns about #pragma once and unused statics.
    command += ["-include", os.path.join(root, path), "-x", "c", os.devnull]
    done = subprocess.run(command, capture_output=True, text=True)
    errors = [line for line in done.stderr.splitlines() if "error" in line]
    return "" if done.returncode == 0 else (errors or [done.stderr.strip()])[0]


def check(tree, build):
    headers = [path for path in tree.matching(".h") if path.startswith(FOLDERS)]
    with ThreadPoolExecutor(JOBS) as pool:
        for path, complaint in zip(headers, pool.map(lambda p: compile_alone(tree.root, build, p), headers)):
            if complaint:
                yield f"{path}:1: does not compile alone: {complaint}"
