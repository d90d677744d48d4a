"""The man pages name every option and every exit status, and groff finds nothing wrong with them."""
import os
import re
import shutil
import unittest

import case
import fixture

MANUAL = os.path.join(fixture.HERE, "..", "..", "..", "docs", "man")


class ManualTest(case.CommandCase):
    def text(self, *pages):
        text = ""
        for page in pages or sorted(os.listdir(MANUAL)):
            with open(os.path.join(MANUAL, page), encoding="utf-8") as file:
                text += file.read().replace("\\-", "-")
        return text

    def test_every_option_is_explained(self):
        manual = self.text()
        for command in ("run", "report", "check", "suppress", "analyze", "print"):
            help_text = self.lockhound("help", command).stdout.decode()
            for option in re.findall(r"^  --([a-z-]+)", help_text, re.MULTILINE):
                self.assertRegex(manual, r"(--|\.B[IR]? |\.TP\n)%s\b" % option, "%s of %s" % (option, command))

    def test_every_exit_status_is_explained(self):
        with open(os.path.join(fixture.HERE, "..", "..", "..", "cli", "exits.h"), encoding="utf-8") as file:
            numbers = re.findall(r"EXIT_\w+ = (\d+)", file.read())
        section = self.text("lockhound.1").split(".SH EXIT STATUS")[1].split(".SH")[0]
        for number in set(numbers) - {"0"}:
            self.assertIn(number, section)

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_pages_are_well_formed(self):
        for page in sorted(os.listdir(MANUAL)):
            result = case.shell_status(["groff", "-man", "-ww", "-Tutf8", os.path.join(MANUAL, page)])
            self.assertEqual(result.stderr, b"", page)


if __name__ == "__main__":
    unittest.main()
