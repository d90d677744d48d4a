"""SARIF, JUnit and DOT: well formed, complete, and harmless whatever the program called things."""
import json
import os
import shutil
import subprocess
import unittest
import xml.etree.ElementTree

import jsonschema

import case
import fixture

NASTY = (b"\"quo'te\\<script>alert(1)</script>", b"\033[2J\xff]]>&amp;\n}{;--")


class FormatCase(case.CommandCase):
    def render(self, option, *files):
        result = self.lockhound("report", option + "=-", *files)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout


class SarifTest(FormatCase):
    def sarif(self, *files):
        log = json.loads(self.render("--sarif", *files))
        with open(os.path.join(fixture.HERE, "sarif-as-written.schema.json"), encoding="utf-8") as file:
            jsonschema.Draft202012Validator(json.load(file)).validate(log)
        standard = os.environ.get("LOCKHOUND_SARIF_SCHEMA")
        if standard:
            with open(standard, encoding="utf-8") as file:
                jsonschema.Draft4Validator(json.load(file)).validate(log)
        return log["runs"][0]

    def test_result_has_a_flow_for_each_side(self):
        run = self.sarif(self.inversion_run())
        result = run["results"][0]
        self.assertEqual(run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"], result["ruleId"])
        self.assertEqual(result["locations"][0]["physicalLocation"]["region"]["startLine"], 15)
        flows = result["codeFlows"][0]["threadFlows"]
        steps = [[s["location"]["message"]["text"] for s in flow["locations"]] for flow in flows]
        self.assertEqual(steps, [["takes accounts[0].lock", "requests accounts[2].lock"],
                                 ["takes accounts[2].lock", "requests accounts[0].lock"]])

    def test_fingerprint_is_the_reports(self):
        run = self.inversion_run()
        document = json.loads(self.render("--json", run))
        self.assertEqual(self.sarif(run)["results"][0]["partialFingerprints"]["lockhound/v1"],
                         document["findings"][0]["fingerprint"])

    def test_nasty_names_and_stripped_programs_stay_valid(self):
        self.sarif(self.inversion_run(names=NASTY))
        run = fixture.RunFile().process(b"/a b/\xff%".decode("latin-1")).module(self.program, build_id="00" * 20)
        run.records[-1]["path"] = b"/a b/\xff%".decode("latin-1")
        fixture.inversion(run, self.program)
        result = self.sarif(run.write(self.path("r")))["results"][0]
        self.assertEqual(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"], "file:///a%20b/%FF%25")

    def test_findings_without_any_stack_stay_valid(self):
        run = fixture.RunFile().process()
        run.finding("thread-leak", severity="warning", parties=[{"role": "acts", "thread": 1, "stack": [], "held": []}],
                    objects=[], threads=[{"id": 1, "name": ""}])
        self.assertEqual(len(self.sarif(run.write(self.path("r")))["results"]), 1)


class JunitTest(FormatCase):
    def test_each_run_is_a_case_that_fails_by_its_findings(self):
        clean = fixture.RunFile().process("/bin/ok", ["ok", "-x"]).summary().write(self.path("clean"))
        suites = xml.etree.ElementTree.fromstring(self.render("--junit", self.inversion_run(names=NASTY), clean))
        self.assertEqual((suites.get("tests"), suites.get("failures")), ("2", "1"))
        cases = suites.findall("testsuite/testcase")
        self.assertEqual([c.get("name") for c in cases], ["bank", "ok -x"])
        self.assertIn("opposite orders", cases[0].find("failure").get("message"))
        self.assertIn("<script>", cases[0].find("failure").text)
        self.assertIsNone(cases[1].find("failure"))


class DotTest(FormatCase):
    def test_graph_has_the_cycle(self):
        text = self.render("--dot", self.inversion_run(names=NASTY)).decode()
        self.assertIn("f0_4 -> f0_5", text)
        self.assertIn("f0_5 -> f0_4", text)

    @unittest.skipUnless(shutil.which("dot"), "graphviz is not installed")
    def test_graphviz_reads_it(self):
        text = self.render("--dot", self.inversion_run(names=NASTY))
        result = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, timeout=60)
        self.assertEqual((result.returncode, result.stderr), (0, b""))


if __name__ == "__main__":
    unittest.main()
