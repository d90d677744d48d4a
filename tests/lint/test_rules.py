"""test_rules.py: each rule passes what is right and refuses what is wrong."""

import unittest

import rule_contexts
import rule_docs
import rule_exports
import rule_includes
import rule_length
import rule_names
import rule_words
from tree import Tree


def complaints(rule, **texts):
    """Paths are spelt with __ for / and _DOT_ for the dot, as keywords allow."""
    named = {name.replace("__", "/").replace("_DOT_", "."): text for name, text in texts.items()}
    return list(rule(Tree(texts=named)))


class Includes(unittest.TestCase):
    def test_preload_may_use_detector(self):
        self.assertEqual(complaints(rule_includes.check, preload__x_DOT_c='#include "detector/ids.h"\n'), [])

    def test_detector_may_not_use_preload(self):
        found = complaints(rule_includes.check, detector__x_DOT_c='\n#include "preload/self.h"\n')
        self.assertEqual(len(found), 1)
        self.assertTrue(found[0].startswith("detector/x.c:2:"))

    def test_report_sees_the_run_file_format_only(self):
        self.assertEqual(complaints(rule_includes.check, report__x_DOT_c='#include "preload/run_file.h"\n'), [])
        self.assertEqual(len(complaints(rule_includes.check, report__x_DOT_c='#include "preload/sink.h"\n')), 1)

    def test_header_beside_the_file(self):
        found = complaints(rule_includes.check, samples__x_DOT_c='#include "stage.h"\n', samples__stage_DOT_h="")
        self.assertEqual(found, [])

    def test_public_header_by_its_short_name(self):
        header = {"primitives__include__p__lock_DOT_h": ""}
        self.assertEqual(complaints(rule_includes.check, samples__x_DOT_c='#include "p/lock.h"\n', **header), [])
        self.assertEqual(len(complaints(rule_includes.check, report__x_DOT_c='#include "p/lock.h"\n', **header)), 1)


class Names(unittest.TestCase):
    def test_plain_tags_pass(self):
        text = "struct vclock { int v; };\ntypedef int (*visit_fn)(void *);\nuint32_t x;\n/* typedef struct */\n"
        self.assertEqual(complaints(rule_names.check, detector__x_DOT_h=text), [])

    def test_typedef_of_struct(self):
        self.assertEqual(len(complaints(rule_names.check, detector__x_DOT_h="typedef struct a { int b; } c;\n")), 1)

    def test_own_names_in_t(self):
        for text in ("typedef unsigned lock_t;\n", "struct lock_t { int a; };\n", "typedef void (*visit_t)(void);\n"):
            self.assertEqual(len(complaints(rule_names.check, detector__x_DOT_h=text)), 1, text)


class Length(unittest.TestCase):
    def test_limit(self):
        self.assertEqual(complaints(rule_length.check, cli__x_DOT_c="\n" * 599), [])
        self.assertEqual(len(complaints(rule_length.check, cli__x_DOT_c="\n" * 600)), 1)


class Words(unittest.TestCase):
    def test_plain_text_passes(self):
        text = '/* waits for nobody */ char name[] = "/tmp/x-XXXXXX"; network/work/area\n'
        self.assertEqual(complaints(rule_words.check, cli__x_DOT_c=text), [])

    def test_unfinished_words_and_machine_paths(self):
        for text in ("TO" "DO: later", "FIX" "ME", "not " "implemented", 'open("/wor' 'k/main/x")',
                     "/roo" "t/.cache", "deb.debian" ".org"):
            self.assertEqual(len(complaints(rule_words.check, cli__x_DOT_c=text)), 1, text)


class Docs(unittest.TestCase):
    FINDINGS = 'FINDING(DEADLOCK, "deadlock", ERROR, true, "a deadlock",\n        "Break it.")\n'
    PAGE = "| [deadlock](#deadlock) | error, on | x |\n\n### deadlock\n"
    OPTIONS = 'OPTION_BOOL(quiet, "quiet", false, "yes|no", "")\n'

    def run_on(self, page=PAGE, man=r"\-\-quiet"):
        return complaints(rule_docs.check, detector__findings_DOT_def=self.FINDINGS, docs__findings_DOT_md=page,
                          preload__options_DOT_def=self.OPTIONS, docs__man__lockhound_DOT_1=man)

    def test_all_described(self):
        self.assertEqual(self.run_on(), [])

    def test_missing_section_and_wrong_severity(self):
        self.assertEqual(len(self.run_on(page=self.PAGE.replace("###", "##"))), 1)
        self.assertEqual(len(self.run_on(page=self.PAGE.replace("error, on", "error, off"))), 1)

    def test_section_of_no_kind(self):
        self.assertEqual(len(self.run_on(page=self.PAGE + "\n### livelock\n")), 1)

    def test_option_missing_from_the_man_page(self):
        self.assertEqual(len(self.run_on(man=r"\-\-quiet\-mode")), 1)

    def test_links_lead_somewhere(self):
        for link, wrong in (("findings.md#deadlock", 0), ("#deadlock", 0), ("findings.md", 0), ("https://a.example/#b", 0),
                            ("findings.md#livelock", 1), ("found.md", 1)):
            self.assertEqual(len(self.run_on(page=f"{self.PAGE}\n[there]({link})\n")), wrong, link)


class Contexts(unittest.TestCase):
    def check(self, text):
        return complaints(rule_contexts.check, preload__x_DOT_h=text)

    def test_tagged(self):
        self.assertEqual(self.check("/* x.h */\n\n/* Does.  Context: signal, takes(RANK_CLOCKS). */\nvoid f(void);\n"), [])

    def test_neighbours_share_a_comment(self):
        self.assertEqual(self.check("/* x */\n\n/* Context: early. */\nvoid f(void);\nint *g(int a,\n       int b);\n"), [])

    def test_a_whole_header(self):
        self.assertEqual(self.check("/* x.h: Context: fork-child. */\n\nvoid f(void);\n"), [])

    def test_a_comment_for_several(self):
        text = "/* x */\n\n/* Two.  Context of both: signal, takes(RANK_CLOCKS). */\nvoid f(void);\nvoid g(void);\n"
        self.assertEqual(self.check(text), [])

    def test_all_that_follow(self):
        text = "/* x */\n\n/* Context of all: early. */\n\n/* F. */\nvoid f(void);\n\nvoid g(void);\n"
        self.assertEqual(self.check(text), [])

    def test_untagged(self):
        found = self.check("/* x.h */\n\n/* Context: early. */\nvoid f(void);\n\nint g(void);\n")
        self.assertEqual(len(found), 1)
        self.assertIn("g()", found[0])

    def test_unknown_tag(self):
        self.assertEqual(len(self.check("/* x.h: Context: anywhere. */\n\nvoid f(void);\n")), 1)

    def test_static_inline_needs_none(self):
        self.assertEqual(self.check("/* x */\n\nstatic inline int f(void)\n{\n    return g();\n}\n"), [])


class Exports(unittest.TestCase):
    TABLE = "HOOK(int, a, \"V\", (void), ())\nHOOK_VERSIONED(sem_t *, b, old, \"V\", (int x), (x))\n"

    def test_equal(self):
        listing = "0 T a\n0 T b@V1\n0 T b@@V2\n0 A V1\n"
        self.assertEqual(list(rule_exports.compare(rule_exports.names_in_table(self.TABLE),
                                                   rule_exports.names_in_library(listing))), [])

    def test_one_too_many_and_one_too_few(self):
        found = list(rule_exports.compare(rule_exports.names_in_table(self.TABLE),
                                          rule_exports.names_in_library("0 T a\n0 D c\n")))
        self.assertEqual(len(found), 2)


if __name__ == "__main__":
    unittest.main()
