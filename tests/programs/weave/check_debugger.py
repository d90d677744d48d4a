#!/usr/bin/env python3
"""check_debugger.py: gdb and woven programs: breakpoints are met, stacks are the program's, and it goes on as alone.

    check_debugger.py --library LIBRARY --program CONTEXTS --script lockhound-gdb.py

Exit: 77 without a gdb that may trace.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

LIMIT_S, SKIPPED = 120, 77
PART = "jumps"  # one of the program's: go_down() is called by be_jumped_to() in each of its threads


class Debugger(unittest.TestCase):
    library = program = script = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lockhound-test-")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def gdb(self, *commands):
        first = ["set pagination off", "set startup-with-shell off", "set breakpoint pending on",
                 f"set environment LD_PRELOAD {self.library}", f"set environment LOCKHOUND_CACHE {self.folder}",
                 "set environment LOCKHOUND_OPTIONS memory=weave verbose=yes", f"source {self.script}"]
        arguments = [word for command in (*first, *commands) for word in ("-ex", command)]
        done = subprocess.run(["gdb", "-q", "-nx", "-batch", *arguments, "--args", self.program, PART],
                              capture_output=True, text=True, timeout=LIMIT_S, check=False, stdin=subprocess.DEVNULL)
        if "ptrace" in done.stderr and "not permitted" in done.stderr:
            self.skipTest("no process may be traced here")
        return done.stdout + done.stderr

    def assert_in_order(self, said, *words):
        at = 0
        for word in words:
            at = said.find(word, at)
            self.assertGreaterEqual(at, 0, f"{word!r} is missing, or out of order, in\n{said}")
            at += len(word)

    def results(self):
        return subprocess.run([self.program, PART], capture_output=True, text=True, timeout=LIMIT_S, check=True).stdout

    def test_breakpoint_set_before_the_start(self):
        said = self.gdb("break go_down", "run", "backtrace", "step", "finish", "delete", "continue")
        self.assertIn("contexts left: a debugger has set breakpoints in it", said)
        self.assert_in_order(said, "hit Breakpoint 1, go_down", "#0  go_down", "in be_jumped_to", *self.results().splitlines(),
                             "exited normally")

    def test_breakpoint_in_woven_code(self):
        said = self.gdb("break pthread_create", "run", "continue", "delete", "lockhound break go_down", "continue",
                        "backtrace", "up", "info args", "delete", "continue")
        self.assertIn("contexts woven", said)
        self.assert_in_order(said, "hit Breakpoint 2", "#0 ", "in ?? ()", "#1 ",
                             "in go_down", "in be_jumped_to", "jumper = 0x", *self.results().splitlines(), "exited normally")

    def test_breakpoint_elsewhere(self):
        """What gdb keeps of its own in libraries leaves the program woven."""
        said = self.gdb("run")
        self.assertIn("contexts woven", said)
        self.assert_in_order(said, *self.results().splitlines(), "exited normally")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("library", "program", "script"):
        parser.add_argument("--" + name, required=True)
    arguments, rest = parser.parse_known_args()
    if shutil.which("gdb") is None:
        sys.exit(SKIPPED)
    Debugger.library, Debugger.program, Debugger.script = map(
        os.path.abspath, (arguments.library, arguments.program, arguments.script))
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
