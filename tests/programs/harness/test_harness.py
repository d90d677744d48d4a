"""test_harness.py: the comparison of findings with expectations, tried on findings that must and must not fit."""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import launch  # noqa: E402
from expectations import BadSample, compare, read_sample, short_name  # noqa: E402

SOURCE = """/* options: --checks=all */
/* expect: deadlock form=cycle at=left@first at=right@second */
/* may: thread-leak */
void left(void)
{
    lock(&a); /* @first */
}
void right(void)
{
    lock(&b); /* @second */
}
"""


def frame(function, line, file="/src/sample.c"):
    return {"function": function, "file": file, "line": line}


def finding(kind="deadlock", form="cycle", frames=((("left"), 6), ("right", 10))):
    return {"kind": kind, "form": form, "severity": "error", "stacks": [{"frames": [frame(*f)]} for f in frames]}


class HarnessTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def sample(self, text=SOURCE):
        path = os.path.join(self.folder.name, "sample.c")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return read_sample(path)

    def test_what_is_expected_fits(self):
        self.assertEqual(compare(self.sample(), [finding()]), [])

    def test_missing_finding_is_a_complaint(self):
        self.assertIn("missing", compare(self.sample(), [])[0])

    def test_each_field_counts(self):
        for other in (finding(kind="join-self"), finding(form="self"), finding(frames=(("left", 6),)),
                      finding(frames=(("left", 6), ("right", 11))), finding(frames=(("left", 6), ("wrong", 10))),
                      finding(frames=(("left", 6), ("right", 10, "/src/other.c")))):
            self.assertEqual(len(compare(self.sample(), [other])), 2, other)

    def test_second_finding_is_a_complaint(self):
        self.assertIn("not expected", compare(self.sample(), [finding(), finding()])[0])

    def test_allowed_finding_is_none(self):
        self.assertEqual(compare(self.sample(), [finding(), finding(kind="thread-leak")]), [])

    def test_options_are_read(self):
        self.assertEqual(self.sample().options, ["--checks=all"])

    def test_bad_samples_are_refused(self):
        for text in ("int main;\n", "/* expect: deadlock at=f@nowhere */\n", "/* expect: none */\nf(); /* @unused */\n",
                     "/* expect: deadlock colour=red */\n"):
            with self.assertRaises(BadSample):
                self.sample(text)

    def test_function_names_of_cxx(self):
        self.assertEqual(short_name("(anonymous namespace)::find(int, char)"), "find")
        self.assertEqual(short_name("shop::catalogue::catalogue()"), "catalogue")
        self.assertEqual(short_name("paint"), "paint")

    def test_native_run_reports_limit_and_streams(self):
        outcome = launch.native([sys.executable, "-c", "print('out'); import sys; sys.exit(3)"])
        self.assertEqual((outcome.status, outcome.stdout), (3, b"out\n"))
        self.assertTrue(launch.native(["sleep", "20"], limit_s=0.2).timed_out)

    def test_differences_are_seen(self):
        same = launch.Outcome(0, b"a", b"")
        self.assertEqual(list(launch.differences(same, same)), [])
        told = list(launch.differences(same, launch.Outcome(1, b"b", b"c\n")))
        self.assertEqual(len(told), 3)
        self.assertIn("-a\n  +b", told[1])
        self.assertIn("+c", told[2])


if __name__ == "__main__":
    unittest.main()
