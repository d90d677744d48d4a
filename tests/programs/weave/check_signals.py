#!/usr/bin/env python3
"""check_signals.py: signals at any moment of woven code are harmless, and handlers see the program as it is alone.

    check_signals.py --tool LOCKHOUND --program INTERRUPTED [case ...]
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

LIMIT_S = 120


class Signals(unittest.TestCase):
    tool = program = None

    @classmethod
    def setUpClass(cls):
        cls.cache = tempfile.mkdtemp(prefix="lockhound-test-")
        cls.addClassCleanup(shutil.rmtree, cls.cache, True)

    def run_part(self, part):
        clean = {k: v for k, v in os.environ.items() if k not in ("LOCKHOUND_OPTIONS", "LD_PRELOAD")}
        return subprocess.run([self.tool, "--memory=weave", "--verbose", "--", self.program, part],
                              env={**clean, "LOCKHOUND_CACHE": self.cache}, capture_output=True, timeout=LIMIT_S,
                              stdin=subprocess.DEVNULL, text=True, check=False)

    def check(self, part):
        plain = subprocess.run([self.program, part], capture_output=True, timeout=LIMIT_S, text=True, check=True)
        woven = self.run_part(part)
        self.assertEqual((woven.returncode, woven.stdout), (0, plain.stdout), woven.stderr)
        self.assertRegex(woven.stderr, r"interrupted woven\n")

    def test_handlers_that_work(self):
        self.check("work")

    def test_handlers_that_leave(self):
        self.check("leave")

    def test_handlers_that_fork(self):
        self.check("fork")

    def test_registers_that_a_handler_sees(self):
        self.check("registers")

    def test_engine_is_awake_after_handlers_that_left(self):
        woven = self.run_part("race")
        self.assertIn("1 data-race", woven.stderr)
        self.assertIn("raced", woven.stderr)

    def test_handlers_that_come_in_calls_hide_nothing(self):
        woven = self.run_part("calls")
        self.assertEqual((woven.returncode, woven.stdout), (0, "handlers in calls: 60000 calls each\n"), woven.stderr)
        self.assertNotIn("ordered unseen", woven.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--program", required=True)
    arguments, rest = parser.parse_known_args()
    Signals.tool, Signals.program = os.path.abspath(arguments.tool), os.path.abspath(arguments.program)
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
