"""The examples of docs/examples, run as far as they run without the services that they are for: Make, the shell commands of
GitHub Actions and of GitLab CI in their order, and Meson where it is installed."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

BIN, SOURCE = (os.path.abspath(sys.argv.pop(1)) for _ in range(2))
EXAMPLES = os.path.join(SOURCE, "docs", "examples")
CLEAN, BROKEN = (os.path.join(SOURCE, "samples", name) for name in ("painters_ok.c", "painters_bug.c"))
FINDINGS = 66


def block(lines, at, indent):
    """The lines below line `at` that are indented deeper than `indent`."""
    taken = []
    for line in lines[at + 1:]:
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        taken.append(line.strip())
    return taken


def github_commands(text):
    lines = text.splitlines()
    for at, line in enumerate(lines):
        word = line.strip()
        if word == "run: |":
            yield "\n".join(block(lines, at, len(line) - len(line.lstrip())))
        elif word.startswith("run: "):
            yield word[len("run: "):]


def gitlab_commands(text):
    lines = text.splitlines()
    (at,) = (i for i, line in enumerate(lines) if line.strip() == "script:")
    return [line[len("- "):] for line in block(lines, at, 2)]


class ExamplesTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lockhound-examples-")
        self.addCleanup(shutil.rmtree, self.folder)

    def project(self, program):
        shutil.copy(program, os.path.join(self.folder, "queue_test.c"))
        shutil.copy(os.path.join(SOURCE, "samples", "stage.h"), self.folder)
        for name in ("Makefile", "meson.build", "locks-baseline.json"):
            shutil.copy(os.path.join(EXAMPLES, name), self.folder)

    def sh(self, command):
        clean = {k: v for k, v in os.environ.items() if k not in ("LOCKHOUND_OPTIONS", "LD_PRELOAD", "MAKEFLAGS")}
        clean["PATH"] = BIN + os.pathsep + clean["PATH"]
        return subprocess.run(["sh", "-ec", command], cwd=self.folder, env=clean, capture_output=True, text=True,
                              timeout=120, check=False)

    def pipeline(self, name, parse):
        """Returns the status of each command up to the first that fails, as the services do."""
        with open(os.path.join(EXAMPLES, name), encoding="utf-8") as file:
            commands = [c for c in parse(file.read()) if "apt-get" not in c]
        self.assertGreaterEqual(len(commands), 4)
        statuses, output = [], ""
        for command in commands:
            result = self.sh(command)
            statuses.append(result.returncode)
            output += result.stdout + result.stderr
            if result.returncode:
                break
        return statuses, len(commands), output

    def test_pipelines_pass_a_clean_program(self):
        for name, parse in (("github-actions.yml", github_commands), ("gitlab-ci.yml", gitlab_commands)):
            self.project(CLEAN)
            statuses, count, output = self.pipeline(name, parse)
            self.assertEqual(statuses, [0] * count, output)

    def test_pipelines_fail_at_their_last_step_and_leave_their_reports(self):
        for name, parse, left in (("github-actions.yml", github_commands, ("locks.sarif", "locks.html")),
                                  ("gitlab-ci.yml", gitlab_commands, ("locks.xml", "locks.html"))):
            self.project(BROKEN)
            statuses, count, output = self.pipeline(name, parse)
            self.assertEqual(statuses, [0] * (count - 1) + [FINDINGS], output)
            for file in left:
                self.assertGreater(os.path.getsize(os.path.join(self.folder, file)), 0)
                os.remove(os.path.join(self.folder, file))
            if name.startswith("github"):
                self.assertIn("::error ", output)

    def test_make(self):
        self.project(CLEAN)
        result = self.sh("make check check-locks")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)
        self.project(BROKEN)
        result = self.sh("touch queue_test.c; make -B check-locks")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("lock-order-inversion", result.stdout)
        result = self.sh("make accept-locks && make check-locks")
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    @unittest.skipUnless(shutil.which("meson") and shutil.which("ninja"), "meson is not installed")
    def test_meson(self):
        self.project(CLEAN)
        self.assertEqual(self.sh("meson setup out && meson test -C out").returncode, 0)
        self.project(BROKEN)
        self.assertNotEqual(self.sh("meson test -C out --suite locks").returncode, 0)


if __name__ == "__main__":
    unittest.main()
