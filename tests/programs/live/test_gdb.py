"""The gdb commands, in batch mode, on a program that hangs."""
import os
import re
import shutil
import subprocess
import sys
import time
import unittest

import subject

LIBRARY, STUCK, SCRIPT = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
SKIPPED = 77


def gdb(*arguments):
    return subprocess.run(["gdb", "-q", "-nx", "-batch", *arguments], capture_output=True, text=True, timeout=60,
                          check=False, stdin=subprocess.DEVNULL)


def ask(pid, command):
    return gdb("-p", str(pid), "-ex", "source " + SCRIPT, "-ex", command)


class GdbTest(unittest.TestCase):
    def shows(self, command, *patterns, memory="none"):
        with subject.Subject(STUCK, LD_PRELOAD=LIBRARY, 
                             LOCKHOUND_OPTIONS="on-deadlock=continue quiet=yes memory=" + memory) as running:
            for _ in range(20):
                result = ask(running.pid, command)
                if "ptrace: Operation not permitted" in result.stderr:
                    self.skipTest("no process may be traced here")
                if all(re.search(pattern, result.stdout) for pattern in patterns):
                    self.assertIsNone(running.process.poll())
                    return
                time.sleep(0.2)
            self.fail("%s not in\n%s%s" % (patterns, result.stdout, result.stderr))

    def test_threads(self):
        self.shows("lockhound threads", r"\nT1 \(gdb thread \d+, LWP \d+\) runs\n",
                   r"\nT2 .* waits for mutex right\n    holds mutex left\n", r"\nT3 .* waits for mutex left\n    holds mutex right\n",
                   r"\nT4 .* waits for cond work\n")

    def test_locks(self):
        self.shows("lockhound locks", r"\nmutex left\n    held by T2 .*\n    waited for by T3 ",
                   r"\nmutex right\n    held by T3 .*\n    waited for by T2 ")

    def test_woven_code(self):
        """The main program's frames are in copies of its code."""
        self.shows("lockhound threads", r"\nT2 .* waits for mutex right\n    holds mutex left\n",
                   r"\nT3 .* waits for mutex left\n    holds mutex right\n", memory="weave")
        self.shows("lockhound locks", r"\nmutex left\n    held by T2 .*\n    waited for by T3 ", memory="weave")

    def test_a_program_without_the_library(self):
        result = gdb("-ex", "source " + SCRIPT, "-ex", "lockhound threads", STUCK)
        self.assertIn("liblockhound.so is not in this program", result.stderr)


if __name__ == "__main__":
    if not shutil.which("gdb"):
        sys.exit(SKIPPED)
    unittest.main()
