"""What `lockhound weave` says while it works: on a terminal how far it is, elsewhere nothing."""
import fcntl
import os
import pty
import subprocess
import sys
import termios
import time
import unittest

import case


class ProgressTest(case.CommandCase):
    def command(self, *options):
        """Takes longer than a second."""
        return [case.COMMAND, "weave", "--force", *options, *[os.path.realpath(sys.executable), case.COMMAND] * 20]

    def environment(self):
        return {**os.environ, "LOCKHOUND_CACHE": self.path("cache")}

    def on_terminal(self, *options):
        """Returns: what the terminal got, and how long it took."""
        ours, theirs = pty.openpty()
        start, said = time.monotonic(), b""
        with subprocess.Popen(self.command(*options), stdin=theirs, stdout=subprocess.DEVNULL, stderr=theirs,
                              env=self.environment(), preexec_fn=lambda: self.take(theirs)) as process:
            os.close(theirs)
            try:
                while data := os.read(ours, 4096):
                    said += data
            except OSError: # the other end is closed
                pass
        os.close(ours)
        self.assertEqual(process.returncode, 0)
        return said, time.monotonic() - start

    @staticmethod
    def take(terminal):
        """Makes it the terminal of a session of its own, and this process group the one in front."""
        os.setsid()
        fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)

    def test_terminal_shows_how_far_it_is(self):
        said, seconds = self.on_terminal("--silent")
        if seconds < 1.5:
            self.skipTest("this machine weaves too fast for that")
        self.assertRegex(said, rb"\rlockhound: weaving [\w.]+ \(\d+ of 40\): \d+ %\x1b\[K")
        self.assertTrue(said.endswith(b"\r\x1b[K"), said[-80:])

    def test_nothing_is_said_where_there_is_no_terminal(self):
        done = subprocess.run(self.command("--silent"), env=self.environment(), capture_output=True, check=True)
        self.assertEqual((done.stdout, done.stderr), (b"", b""))

    def test_silence_is_kept_about_what_cannot_be_woven(self):
        done = subprocess.run([case.COMMAND, "weave", "--silent", "/etc/passwd"], capture_output=True, check=False)
        self.assertEqual((done.returncode != 0, done.stdout, done.stderr), (True, b"", b""))


if __name__ == "__main__":
    unittest.main()
