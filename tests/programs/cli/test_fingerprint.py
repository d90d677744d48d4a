"""A finding keeps its fingerprint when the program is rebuilt, shifted, optimised or found in another order."""
import json
import os
import unittest

import case
import fixture


class FingerprintTest(case.CommandCase):
    def fingerprint(self, program, kind=None, **keywords):
        run = fixture.RunFile().process(program.path).module(program)
        fixture.inversion(run, program, **keywords)
        if kind:
            run.records[-1]["kind"] = kind
        result = self.lockhound("report", "--json=-", run.write(self.path("r")))
        return json.loads(result.stdout)["findings"][0]["fingerprint"]

    def build(self, *flags, compiler="cc", shift=0):
        with open(os.path.join(fixture.HERE, "bank.c"), encoding="utf-8") as file:
            source = self.write("bank.c", "\n" * shift + file.read())
        return fixture.Program(fixture.compile_program(source, self.path("bank"), *flags, compiler=compiler))

    def test_same_after_rebuilds(self):
        usual = self.fingerprint(self.program)
        self.assertEqual(self.fingerprint(self.build("-g", "-O1", shift=30)), usual, "lines shifted")
        self.assertEqual(self.fingerprint(self.build("-g", "-O2")), usual, "another optimisation level")
        self.assertEqual(self.fingerprint(self.build("-g", "-O1", compiler="clang")), usual, "clang")

    def test_same_whoever_came_first(self):
        usual = self.fingerprint(self.program)
        self.assertEqual(self.fingerprint(self.program, swapped=True), usual, "order of detection")
        self.assertEqual(self.fingerprint(self.program, names=("a", "b")), usual, "thread names")
        self.assertEqual(self.fingerprint(self.program, addresses=(0x7777000, 0x8888000)), usual, "addresses")

    def test_another_kind_or_place_is_another_finding(self):
        usual = self.fingerprint(self.program)
        self.assertNotEqual(self.fingerprint(self.program, kind="unlock-not-owned"), usual)
        with open(os.path.join(fixture.HERE, "bank.c"), encoding="utf-8") as file:
            source = self.write("other.c", file.read().replace("accounts", "deposits"))
        other = fixture.Program(fixture.compile_program(source, self.path("bank"), "-g", "-O1"))
        other.symbols["accounts"] = other.symbols["deposits"]
        self.assertNotEqual(self.fingerprint(other), usual)


if __name__ == "__main__":
    unittest.main()
