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
        for command in ("run", "report", "check", "suppress", "analyze", "weave", "print"):
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

    def complete(self, *words):
        script = os.path.join(fixture.HERE, "..", "..", "..", "cli", "completion", "lockhound.bash")
        program = 'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _lockhound; printf "%s\\n" "${COMPREPLY[@]}"'
        environment = dict(os.environ, PATH=os.path.dirname(case.COMMAND) + ":" + os.environ["PATH"])
        result = case.shell_status(["bash", "-c", program, script, *words], env=environment)
        return result.stdout.decode().split()

    @unittest.skipUnless(shutil.which("bash"), "bash is not installed")
    def test_bash_completes_commands_and_their_options(self):
        self.assertEqual(self.complete("lockhound", "--js"), ["--json="])
        self.assertEqual(self.complete("lockhound", "report", "--juni"), ["--junit="])
        self.assertEqual(self.complete("lockhound", "report", "--on-dead"), [])
        self.assertIn("suppress", self.complete("lockhound", "supp"))
        self.assertEqual(self.complete("lockhound", "help", "kin"), ["kinds"])
        self.assertEqual(self.complete("lockhound", "weave", "--expl"), ["--explain"])

    def test_help_fits_a_page(self):
        for command in ("run", "report", "check", "suppress", "analyze", "weave", "ps", "print"):
            for line in self.lockhound("help", command).stdout.decode().splitlines():
                self.assertLessEqual(len(line), 100, line)


if __name__ == "__main__":
    unittest.main()
