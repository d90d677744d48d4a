"""lockhound ps: who holds, who waits, who blocks whom, in programs that run and in programs that cannot be asked."""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

import subject

COMMAND, LIBRARY, STUCK, BUSY = (os.path.abspath(sys.argv.pop(1)) for _ in range(4))
ASKED_OF_BUSY = 20


def ps(pid):
    return subprocess.run([COMMAND, "ps", str(pid)], capture_output=True, text=True, timeout=60, check=False)


def preloaded(program, options, *arguments):
    return subject.Subject(program, *arguments, LD_PRELOAD=LIBRARY, LOCKHOUND_OPTIONS=options)


class PictureTest(unittest.TestCase):
    def picture(self, running, lines):
        """Asks until all threads are where they will stay."""
        for _ in range(100):
            result = ps(running.pid)
            self.assertEqual(result.returncode, 0, result.stderr)
            if all(re.search(line, result.stdout) for line in lines):
                return result.stdout
            time.sleep(0.1)
        self.fail("not in the picture: %s\n%s" % (lines, result.stdout))

    STUCK_LINES = (r"T1 'main' \(\d+\) sleeps", r"T2 \(\d+\) waits for `right`, blocked by T3\n      in take_left stuck\.c:",
                   r"holds `left`, taken in take_left stuck\.c:", r"T3 \(\d+\) waits for `left`, blocked by T2",
                   r"T4 'worker' \(\d+\) waits for `work`\n      in wait_for_work stuck\.c:",
                   r"deadlock: T2 waits for T3 waits for T2\n")

    def test_who_blocks_whom(self):
        with preloaded(STUCK, "dump-signal=QUIT on-deadlock=continue") as running:
            picture = self.picture(running, self.STUCK_LINES)
            self.assertIn("process %d (stuck): 4 threads, 3 waiting\n" % running.pid, picture)

    def test_a_woven_program_is_shown_by_its_own_lines_and_goes_on(self):
        with preloaded(STUCK, "dump-signal=QUIT on-deadlock=continue memory=weave") as running:
            self.picture(running, self.STUCK_LINES)
            with open("/proc/%d/maps" % running.pid, encoding="utf-8") as maps:
                self.assertIn(".woven", maps.read(), "it runs unwoven")
            output, _ = running.process.communicate("go\n", timeout=30)
            self.assertEqual((output, running.process.returncode), ("alive\n", 0))

    def test_the_program_goes_on(self):
        with preloaded(STUCK, "dump-signal=SIGUSR1 on-deadlock=continue") as running:
            self.picture(running, self.STUCK_LINES)
            output, _ = running.process.communicate("go\n", timeout=30)
            self.assertEqual((output, running.process.returncode), ("alive\n", 0))

    def test_the_answer_is_read_from_a_named_run_file(self):
        with tempfile.TemporaryDirectory() as folder:
            options = "dump-signal=10 on-deadlock=continue output='%s/a run'" % folder
            with preloaded(STUCK, options) as running:
                self.picture(running, self.STUCK_LINES)

    def test_a_program_in_the_midst_of_locking_answers_and_goes_on(self):
        with preloaded(BUSY, "dump-signal=QUIT", "for-ever") as running:
            for _ in range(ASKED_OF_BUSY):
                result = ps(running.pid)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn("(contended): 4 threads", result.stdout)
            self.assertIsNone(running.process.poll())
            with open("/proc/%d/task/%d/children" % (running.pid, running.pid), encoding="ascii") as children:
                self.assertEqual(children.read(), "")

    def test_a_report_of_the_run_passes_over_pictures(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "run")
            with preloaded(STUCK, "dump-signal=QUIT on-deadlock=continue output=" + path) as running:
                self.picture(running, self.STUCK_LINES)
            result = subprocess.run([COMMAND, "report", path], capture_output=True, text=True, timeout=60, check=False)
            self.assertIn("2 findings: 1 deadlock, 1 lock-order-inversion", result.stdout)


class RefusalTest(unittest.TestCase):
    def refused(self, pid, words):
        result = ps(pid)
        self.assertEqual((result.returncode, result.stdout), (125, ""))
        self.assertIn(words, result.stderr)

    def test_no_such_process(self):
        self.refused(999999999, "there is no such process")

    def test_a_program_that_runs_without_lockhound(self):
        with subject.Subject(STUCK, LOCKHOUND_OPTIONS="dump-signal=QUIT") as running:
            self.refused(running.pid, "does not run under lockhound")
            self.assertIsNone(running.process.poll())

    def test_a_program_that_was_started_without_the_option(self):
        with preloaded(STUCK, "quiet=yes on-deadlock=continue") as running:
            self.refused(running.pid, "was not started with --dump-signal")

    def test_a_signal_that_cannot_be_had(self):
        with preloaded(STUCK, "dump-signal=KILL on-deadlock=continue") as running:
            self.refused(running.pid, "does not catch its dump-signal")
            self.assertIsNone(running.process.poll())

    def test_words_that_are_no_process(self):
        for word in ("x", "", "0", "-1", "12x"):
            result = ps(word)
            self.assertEqual(result.returncode, 2, word)

    def test_a_name_that_is_no_signal_is_said_and_the_program_runs(self):
        with preloaded(STUCK, "dump-signal=NONE on-deadlock=continue") as running:
            running.process.send_signal(signal.SIGKILL)
            self.assertIn("NONE is no signal that dump-signal can have", running.process.communicate()[1])


if __name__ == "__main__":
    unittest.main()
