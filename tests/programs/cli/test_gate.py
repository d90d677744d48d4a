"""check, suppress and analyze: what a pipeline decides by."""
import unittest

import case
import fixture


class CheckTest(case.CommandCase):
    def other_run(self, name="other"):
        run = fixture.RunFile().process(self.program.path).module(self.program)
        fixture.inversion(run, self.program)
        run.records[-1]["kind"] = "unlock-not-owned"
        return run.write(self.path(name))

    def check(self, *arguments):
        return self.lockhound("check", "--baseline", self.path("baseline"), *arguments)

    def test_new_known_and_gone(self):
        first, second = self.inversion_run(), self.other_run()
        self.assertEqual(self.check("--update-baseline", first).returncode, 0)
        self.assertEqual(self.check(first).stdout.splitlines()[-1], b"lockhound: 0 new, 1 known, 0 gone")
        result = self.check(first, second)
        self.assertEqual(result.returncode, 66)
        self.assertIn(b"new   ", result.stdout)
        self.assertIn(b"unlock-not-owned", result.stdout)
        result = self.check("--update-baseline", second)
        self.assertEqual(result.stdout.splitlines()[-1], b"lockhound: 1 new, 0 known, 1 gone")
        self.assertEqual((result.returncode, self.check(second).returncode), (0, 0))

    def test_quiet_says_nothing_when_nothing_is_new(self):
        first, second = self.inversion_run(), self.other_run()
        self.check("--update-baseline", first)
        self.assertEqual(self.check("--quiet", first).stdout, b"")
        result = self.check("--quiet", first, second)
        self.assertEqual((result.returncode, result.stdout.splitlines()[-1]), (66, b"lockhound: 1 new, 1 known, 0 gone"))

    def test_json_reports_are_reports_and_baselines(self):
        run = self.inversion_run()
        self.lockhound("report", "--json=%s" % self.path("baseline"), run)
        self.assertEqual(self.check(run).returncode, 0)
        self.assertEqual(self.check(self.path("baseline")).returncode, 0)

    def test_suppressed_findings_are_not_new(self):
        self.write("baseline", '{"findings": []}')
        rules = self.write("rules", "deadlock:transfer\n")
        self.assertEqual(self.check("--suppressions", rules, self.inversion_run()).returncode, 0)
        self.assertEqual(self.check(self.inversion_run()).returncode, 66)

    def test_unusable_baselines_and_reports(self):
        run = self.inversion_run()
        missing = self.check(run)
        self.assertEqual(missing.returncode, 125)
        self.assertIn(b"--update-baseline makes one", missing.stderr)
        for content in ("", "{", "[]", '{"findings": 3}', '{"findings": [{}]}', '{"findings": [7]}', "\0\xff"):
            self.write("baseline", content)
            result = self.check(run)
            self.assertEqual(result.returncode, 125, content)
            self.assertIn(b"neither a run file, a JSON report nor a baseline", result.stderr)
        self.assertEqual(self.lockhound("check", run).returncode, 2)
        self.assertEqual(self.check("--update-baseline", self.path("none")).returncode, 125)

    def test_full_disk_does_not_pass(self):
        result = self.lockhound("check", "--baseline=/dev/full", "--update-baseline", self.inversion_run())
        self.assertEqual(result.returncode, 125)


class SuppressTest(case.CommandCase):
    def test_rules_written_match_their_findings(self):
        for names in (("a", "b"), (b"x]\n[", b"}\xff")):
            run = self.inversion_run(names=names)
            rules = self.lockhound("suppress", run)
            self.assertEqual(rules.returncode, 0)
            self.assertIn(b"frame: transfer", rules.stdout)
            result = self.lockhound("report", "--suppressions", self.write("rules", rules.stdout), run)
            self.assertIn(b"nothing found; 1 suppressed", result.stdout)

    def test_what_is_no_report_gives_no_rules(self):
        source = self.write("clean.c", "int main(void) { return 0; }\n")
        result = self.lockhound("suppress", source)
        self.assertEqual((result.returncode, result.stdout), (125, b""))
        self.assertIn(b"clean.c is neither a run file", result.stderr)
        both = self.lockhound("suppress", source, self.inversion_run())
        self.assertEqual((both.returncode, both.stdout.count(b"# Rules for"), both.stdout.count(b"kind: ")), (125, 1, 1))

    def test_without_symbols_the_fingerprint_stands(self):
        run = fixture.RunFile().process().module(self.program, build_id="00" * 20)
        fixture.inversion(run, self.program)
        path = run.write(self.path("r"))
        rules = self.lockhound("suppress", path).stdout
        self.assertNotIn(b"frame:", rules)
        result = self.lockhound("report", "--suppressions", self.write("rules", rules), path)
        self.assertIn(b"1 suppressed", result.stdout)

    def test_json_reports_serve_as_well(self):
        run = self.inversion_run()
        document = self.lockhound("report", "--json=-", run).stdout
        self.assertEqual(self.lockhound("suppress", self.write("report.json", document)).stdout,
                         self.lockhound("suppress", run).stdout)


class AnalyzeTest(case.CommandCase):
    TRACE = "T1|acq(A)|1\nT1|req(B)|2\nT1|acq(B)|2\nT1|rel(B)|3\nT1|rel(A)|4\n" \
            "T2|acq(B)|5\nT2|req(A)|6\nT2|acq(A)|6\nT2|rel(A)|7\nT2|rel(B)|8\n"

    def test_finds_what_the_trace_shows(self):
        result = self.lockhound("analyze", self.write("t.std", self.TRACE))
        self.assertEqual(result.returncode, 66, result.stderr)
        self.assertIn(b"kind=lock-order-inversion", result.stdout)

    def test_checks_choose(self):
        trace = self.write("t.std", self.TRACE)
        self.assertEqual(self.lockhound("analyze", "--checks=default,-lock-order-inversion", trace).returncode, 0)
        self.assertEqual(self.lockhound("analyze", "--checks=none", trace).returncode, 0)
        self.assertEqual(self.lockhound("analyze", "--checks=none,lock-order-inversion", trace).returncode, 66)

    def test_mistakes_have_line_and_column(self):
        result = self.lockhound("analyze", self.write("t.std", "T1|acq(A)|1\nT1|frobnicate(A)|2\n"))
        self.assertEqual(result.returncode, 125)
        self.assertRegex(result.stderr.decode(), r"t\.std:2:\d+: ")
        self.assertEqual(self.lockhound("analyze", self.path("none")).returncode, 125)
        self.assertEqual(self.lockhound("analyze").returncode, 2)


if __name__ == "__main__":
    unittest.main()
