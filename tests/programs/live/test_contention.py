"""contention=yes, from the locks of a real program to the table."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

COMMAND, LIBRARY, SUBJECT = (os.path.abspath(sys.argv.pop(1)) for _ in range(3))
THREADS, ROUNDS, QUIET_ROUNDS = 3, 20, 1000


def run(*arguments, **environment):
    clean = {k: v for k, v in os.environ.items() if k not in ("LOCKHOUND_OPTIONS", "LD_PRELOAD")}
    return subprocess.run(arguments, capture_output=True, text=True, timeout=60, check=False, env={**clean, **environment})


class ContentionTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            report, cls.page = os.path.join(folder, "json"), os.path.join(folder, "html")
            cls.result = run(COMMAND, "--contention", "--json=" + report, "--html=" + cls.page, "--", SUBJECT)
            with open(report, encoding="utf-8") as file:
                cls.locks = {lock["name"]: lock for lock in json.load(file)["contention"]}
            with open(cls.page, encoding="utf-8") as file:
                cls.page = file.read()

    def test_nothing_is_found(self):
        self.assertEqual(self.result.returncode, 0, self.result.stderr)

    def test_a_lock_that_is_fought_for(self):
        hot = self.locks["hot"]
        self.assertEqual(hot["acquisitions"], THREADS * ROUNDS)
        self.assertGreater(hot["contended"], 0)
        self.assertGreaterEqual(hot["hold"]["total_ns"], THREADS * ROUNDS * 1000000)
        self.assertGreater(hot["wait"]["total_ns"], 0)
        self.assertGreaterEqual(hot["hold"]["p50_ns"], 1000000)
        self.assertLessEqual(hot["hold"]["p50_ns"], hot["hold"]["p99_ns"])
        self.assertLessEqual(hot["hold"]["p99_ns"], hot["hold"]["max_ns"])
        (site,) = hot["sites"]
        self.assertEqual(hot["stacks"][site["stack"]][0]["function"], "work")

    def test_the_longest_wait_comes_first(self):
        self.assertEqual(next(iter(self.locks)), "hot")

    def test_a_lock_of_one_thread_never_waits(self):
        quiet = self.locks["quiet"]
        self.assertEqual((quiet["acquisitions"], quiet["contended"]), (QUIET_ROUNDS, 0))
        self.assertEqual(quiet["wait"]["max_ns"], 0)
        self.assertGreater(quiet["hold"]["max_ns"], 0)

    def test_levels_of_a_recursion_are_one_hold(self):
        self.assertEqual(self.locks["nested"]["acquisitions"], 1)

    def test_a_wait_on_a_condition_ends_a_hold(self):
        self.assertEqual(self.locks["waits"]["acquisitions"], 2)
        self.assertEqual(len(self.locks["waits"]["sites"]), 2)

    def test_readers_are_told_apart(self):
        (site,) = self.locks["read_mostly"]["sites"]
        self.assertEqual((site["mode"], site["acquisitions"]), ("shared", THREADS * ROUNDS))

    def test_text_and_page_have_the_table(self):
        self.assertIn("contention, by lock and place", self.result.stderr)
        self.assertIn("<section id=\"contention\">", self.page)

    def test_without_the_option_there_is_no_table(self):
        self.assertNotIn("contention", run(COMMAND, "--", SUBJECT).stderr)

    def test_the_library_alone_prints_it_too(self):
        result = run(SUBJECT, LD_PRELOAD=LIBRARY, LOCKHOUND_OPTIONS="contention=yes")
        self.assertIn("contention, by lock and place", result.stderr)


if __name__ == "__main__":
    unittest.main()
