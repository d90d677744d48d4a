"""SARIF, JUnit and DOT: well formed, complete, and harmless whatever the program called things."""
import html.parser
import json
import os
import re
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


ALL = ("--json", "--html", "--sarif", "--junit", "--github", "--dot")


class RobustTest(FormatCase):
    """What holds for every format."""

    def crowd(self, count):
        """A circle of so many threads, each of which waits for the next one's lock."""
        here = [[1, self.program.return_address("transfer", "pthread_mutex_lock")]]
        run = fixture.RunFile().process(self.program.path, ["bank"]).module(self.program)
        for kind in ("lock-order-inversion", "deadlock"):
            run.finding(kind, form="cycle",
                        parties=[{"role": "waits", "thread": i + 1, "object": i, "stack": here,
                                  "held": [{"object": (i + 1) % count, "mode": "exclusive", "stack": here}]}
                                 for i in range(count)],
                        objects=[{"id": i, "kind": "mutex", "address": hex(64 + i), "init_stack": here, "where": {"in": "heap"}}
                                 for i in range(count)],
                        threads=[{"id": i + 1, "tid": i, "name": "t%d" % i, "creator": 1, "stack": here} for i in range(count)])
        return run.summary().write(self.path("crowd"))

    def races(self, count):
        run = fixture.RunFile().process(self.program.path, ["bank"]).module(self.program)
        for i in range(count):
            side = [{"function": "f%d" % i, "file": "x.c", "line": 1}]
            run.finding("data-race", parties=[fixture.access("writes", 1, side), fixture.access("reads", 2, side)], objects=[],
                        memory={"address": "0x1014", "size": 4, "where": {"in": "heap"}, "block": "0x1000", "block_size": 64,
                                "alloc_thread": 1, "alloc_stack": side},
                        threads=[{"id": 1, "tid": 1, "name": "a"}, {"id": 2, "tid": 2, "name": "b"}])
        return run.summary().write(self.path("races"))

    def test_a_full_disk_is_said(self):
        run = self.inversion_run()
        for option in ALL:
            result = self.lockhound("report", option + "=/dev/full", run)
            self.assertEqual(result.returncode, 125, option)
            self.assertIn(b"cannot write /dev/full: No space left", result.stderr)
            self.assertIn(b"opposite orders", result.stdout + result.stderr)

    def test_a_closed_pipe_is_said(self):
        run = self.races(600)
        for option in ALL:
            result = case.shell_status(["sh", "-c", '{ "$0" report "$1=-" "$2"; echo "status $?" >&2; } | true', case.COMMAND,
                                        option, run])
            self.assertIn(b"Broken pipe", result.stderr, option)
            self.assertIn(b"status 125", result.stderr, option)

    def test_a_thousand_threads_render(self):
        run = self.crowd(1000)
        for option in ALL:
            self.assertIn(b"deadlock", self.render(option, run))

    @unittest.skipUnless(shutil.which("dot"), "graphviz is not installed")
    def test_what_nobody_could_read_is_not_drawn(self):
        self.assertEqual(self.render("--html", self.crowd(20)).count(b"class=\"overview\""), 2)
        self.assertNotIn(b"class=\"overview\"", self.render("--html", self.crowd(120)))

    def test_thousands_of_races_render(self):
        run = self.races(5000)
        for option in ALL:
            text = self.render(option, run)
            self.assertTrue(b"f0" in text and b"f4999" in text, option)


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
        self.assertEqual(steps, [["takes accounts[0].lock", "wants accounts[2].lock"],
                                 ["takes accounts[2].lock", "wants accounts[0].lock"]])

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


class GithubTest(FormatCase):
    def test_annotation_names_file_line_and_kind(self):
        line = self.render("--github", self.inversion_run()).decode()
        self.assertRegex(line, r"^::error title=lockhound lock-order-inversion,file=[^,:]*bank\.c,line=15,col=5::potential "
                               r"deadlock: .* \(fingerprint [0-9a-f]{16}\)\n$")

    def test_nothing_ends_an_annotation_early(self):
        run = fixture.RunFile().process().finding(
            "thread-leak", severity="warning", objects=[], threads=[{"id": 1, "name": "x\n::error::y%0A"}],
            parties=[{"role": "acts", "thread": 1, "stack": [{"function": "f", "file": "/a,b:c.c", "line": 3}], "held": []}])
        text = self.render("--github", run.write(self.path("r"))).decode()
        self.assertEqual(text.count("\n"), 1)
        self.assertIn(",file=/a%2Cb%3Ac.c,line=3::", text)
        self.assertIn("%250A", text)


class Outline(html.parser.HTMLParser):
    """Tags with their attributes, and the text outside of style and script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text, self.inside = [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside not in ("style", "script"):
            self.text += data


class HtmlTest(FormatCase):
    def page(self, *files):
        return self.render("--html", *files).decode()

    def test_page_has_both_sides_source_and_drawings(self):
        outline = Outline(self.page(self.inversion_run()))
        self.assertIn("are taken in opposite orders", outline.text)
        self.assertIn("pthread_mutex_lock(lock);", outline.text)
        self.assertGreaterEqual(len([t for t, a in outline.tags if t == "section" and a.get("class") == "side"]), 2)
        drawings = 3 if shutil.which("dot") else 2
        self.assertEqual(len([t for t, _ in outline.tags if t == "svg"]), drawings)
        self.assertEqual(len([t for t, a in outline.tags if t == "path" and a.get("class") == "arrow"]), 2)

    def test_without_graphviz_only_its_graph_is_missing(self):
        result = self.lockhound("report", "--html=-", self.inversion_run(), environment={"PATH": self.directory})
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertNotIn(b"class=\"overview\"", result.stdout)
        self.assertIn(b"<svg", result.stdout)

    def test_a_graphviz_that_fails_does_no_harm(self):
        dot = self.write("dot", "#!/bin/sh\nexit 1\n")
        os.chmod(dot, 0o755)
        result = self.lockhound("report", "--html=-", self.inversion_run(), environment={"PATH": self.directory})
        self.assertNotIn(b"class=\"overview\"", result.stdout)

    def test_nothing_is_loaded_and_names_are_only_text(self):
        text = self.page(self.inversion_run(names=NASTY))
        outline = Outline(text)
        self.assertEqual(len([t for t, _ in outline.tags if t == "script"]), 1)
        self.assertIn("<script>alert(1)</script>", outline.text)
        for tag, attributes in outline.tags:
            self.assertNotIn("src", attributes)
            self.assertTrue(attributes.get("href", "#").startswith("#"), (tag, attributes))
            self.assertFalse([name for name in attributes if name.startswith("on")])
        self.assertNotIn("\033", text)

    def test_names_of_a_sentence_are_code_and_paths_break_at_slashes(self):
        text = self.page(self.inversion_run())
        self.assertIn("<h2>potential deadlock: <code>accounts[0].lock</code> and <code>accounts[2].lock</code> are", text)
        self.assertIn("/<wbr>bank.c:15", text)
        self.assertIn("<h2>potential deadlock: <code>accounts", self.page(self.inversion_run(names=("a`b", "c"))))

    def test_a_page_without_findings_has_nothing_to_filter(self):
        text = self.page(fixture.RunFile().process("/bin/ok", ["ok"]).summary().write(self.path("ok")))
        self.assertIn("Nothing was found.", text)
        self.assertNotIn("id=\"filter\"", text)

    def test_many_processes_are_counted_in_the_title(self):
        other = fixture.RunFile(pid=7).process("/bin/ok", ["ok"]).summary().write(self.path("other"))
        self.assertIn("<title>lockhound: 1 finding in bank and 1 more process</title>", self.page(self.inversion_run(), other))

    @unittest.skipUnless(shutil.which("dot"), "graphviz is not installed")
    def test_one_graph_joins_what_several_findings_speak_of(self):
        both = self.path("both")
        run = fixture.RunFile().process(self.program.path, ["bank"]).module(self.program)
        fixture.inversion(run, self.program)
        fixture.inversion(run, self.program)
        run.records[-1]["kind"] = "deadlock"
        run.records[-1]["form"] = "cycle"
        text = self.page(run.write(both))
        orders, waits = text.split("<details class=\"overview\">")[1:]
        self.assertEqual((orders.count('class="node"'), orders.count('class="edge"')), (2, 2))
        self.assertEqual((waits.count('class="node"'), waits.count('class="edge"')), (4, 4))
        self.assertIn("waits for", waits)
        self.assertIn("held by", waits)


BROWSER = shutil.which("chromium")

# What a page says of itself to the page that frames it.
PROBE = """<script>window.addEventListener('load', function () {
  var words = document.getElementById('words'), shown = document.getElementById('shown'), root = document.documentElement;
  var small = Array.prototype.filter.call(document.querySelectorAll('figure text'), function (text) {
    return text.getBoundingClientRect().height < 10; });
  var log = [root.scrollWidth <= root.clientWidth, small.length, shown.textContent];
  words.value = 'nosuchword'; words.dispatchEvent(new Event('input', {bubbles: true}));
  log.push(shown.textContent);
  words.value = ''; words.dispatchEvent(new Event('input', {bubbles: true}));
  log.push(getComputedStyle(document.body).backgroundColor);
  parent.postMessage(log.join('|'), '*'); });</script></body>"""

FRAMES = """<body style="margin:0"><script>var heard = [];
  window.addEventListener('message', function (event) { heard.push(event.data); document.title = heard.sort().join(';'); });
  </script><iframe src="page.html" style="width:1280px;height:900px"></iframe>
  <iframe src="page.html" style="width:390px;height:900px"></iframe></body>"""


@unittest.skipUnless(BROWSER, "chromium is not installed")
class BrowserTest(FormatCase):
    """A browser lays the page out in a wide frame and in one as wide as a phone."""

    def browse(self, run, *flags):
        self.write("page.html", self.render("--html", run).decode().replace("</body>", PROBE))
        frames, picture = self.write("frames.html", FRAMES), self.path("page.png")
        common = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1800,1000",
                  "--user-data-dir=" + self.path("profile"), *flags]
        shown = subprocess.run([*common, "--dump-dom", "file://" + frames], capture_output=True, timeout=100)
        subprocess.run([*common, "--screenshot=" + picture, "file://" + frames], capture_output=True, timeout=100)
        with open(picture, "rb") as file:
            self.assertEqual(file.read(8), b"\x89PNG\r\n\x1a\n")
        title = re.search(r"<title>(.*)</title>", shown.stdout.decode()).group(1)
        return [frame.split("|") for frame in title.split(";")]

    def check(self, run, *flags):
        frames = self.browse(run, *flags)
        self.assertEqual([frame[:4] for frame in frames], [["true", "0", "1 of 1 shown", "0 of 1 shown"]] * 2)
        return frames[0][4]

    def test_it_fits_and_can_be_read_on_a_screen_and_on_a_phone_by_day_and_by_night(self):
        run = self.inversion_run(names=NASTY)
        self.assertEqual(self.check(run), "rgb(255, 255, 255)")
        self.assertEqual(self.check(run, "--force-dark-mode", "--blink-settings=preferredColorScheme=0"),
                         "rgb(20, 23, 28)")


class DotTest(FormatCase):
    def test_graph_has_the_cycle(self):
        text = self.render("--dot", self.inversion_run(names=NASTY)).decode()
        self.assertIn("f0_4 -> f0_5", text)
        self.assertIn("f0_5 -> f0_4", text)

    def test_label_of_a_thread_without_a_name_is_its_number(self):
        text = self.render("--dot", self.inversion_run(names=("", 'a" \\'))).decode()
        self.assertIn('[label="T1\\n', text)
        self.assertIn('[label="T2 a\\" \\\\\\n', text)

    @unittest.skipUnless(shutil.which("dot"), "graphviz is not installed")
    def test_graphviz_reads_it(self):
        text = self.render("--dot", self.inversion_run(names=NASTY))
        result = subprocess.run(["dot", "-Tsvg"], input=text, capture_output=True, timeout=60)
        self.assertEqual((result.returncode, result.stderr), (0, b""))


if __name__ == "__main__":
    unittest.main()
