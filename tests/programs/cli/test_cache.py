"""The cache of woven images keeps itself within its size: what was used longest ago goes, what this run made stays."""
import glob
import os
import time
import unittest

import case
import fixture


class CacheTest(case.CommandCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        bank = os.path.join(fixture.HERE, "bank.c")
        cls.programs = [fixture.Program(fixture.compile_program(bank, os.path.join(cls.shared, "bank" + level), level))
                        for level in ("-O0", "-O1", "-O2")]

    def weave(self, program, size=None):
        environment = {"LOCKHOUND_CACHE": self.path("cache"), **({} if size is None else {"LOCKHOUND_CACHE_SIZE": size})}
        result = self.lockhound("weave", program.path, environment=environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stderr.decode()

    def kept(self):
        """Which programs have an image."""
        found = glob.glob(self.path("cache/*/*.woven"))
        return [i for i, program in enumerate(self.programs)
                if any(os.path.basename(path) == program.build_id + ".woven" for path in found)]

    def age(self, number, hours, read_hours_ago=None):
        [path] = glob.glob(self.path(f"cache/*/{self.programs[number].build_id}.woven"))
        now = time.time()
        os.utime(path, (now - 3600 * (hours if read_hours_ago is None else read_hours_ago), now - 3600 * hours))
        return os.path.getsize(path)

    def weave_two(self):
        self.weave(self.programs[0])
        self.weave(self.programs[1])

    def test_all_are_kept_within_the_size(self):
        self.weave_two()
        self.age(0, 1000)
        self.weave(self.programs[2])
        self.assertEqual(self.kept(), [0, 1, 2])

    def test_the_one_used_longest_ago_goes_first(self):
        self.weave_two()
        size = self.age(0, 2) + self.age(1, 3)
        self.weave(self.programs[2], size=str(size + 1000))
        self.assertEqual(self.kept(), [0, 2])

    def test_reading_counts_as_use(self):
        self.weave_two()
        size = self.age(0, 2) + self.age(1, 3, read_hours_ago=1)
        self.weave(self.programs[2], size=str(size + 1000))
        self.assertEqual(self.kept(), [1, 2])

    def test_what_this_run_made_stays(self):
        self.weave_two()
        self.age(0, 2)
        self.age(1, 2)
        self.weave(self.programs[2], size="1K")
        self.assertEqual(self.kept(), [2])

    def test_nothing_else_in_the_folder_is_touched(self):
        self.weave(self.programs[0])
        self.age(0, 2)
        folder = os.path.dirname(glob.glob(self.path("cache/*/*.woven"))[0])
        with open(os.path.join(folder, "notes"), "w", encoding="utf-8") as file:
            file.write("kept")
        self.weave(self.programs[1], size="1K")
        self.assertTrue(os.path.exists(os.path.join(folder, "notes")))

    def test_zero_sets_no_limit(self):
        self.weave_two()
        self.age(0, 2)
        self.weave(self.programs[2], size="0")
        self.assertEqual(self.kept(), [0, 1, 2])

    def test_what_is_no_size_is_said(self):
        for size in ("much", "-1", "4X", "4GB", "99999999999999999999", "99999999T"):
            with self.subTest(size=size):
                self.assertIn("LOCKHOUND_CACHE_SIZE is no size", self.weave(self.programs[0], size=size))
                os.unlink(glob.glob(self.path("cache/*/*.woven"))[0])


if __name__ == "__main__":
    unittest.main()
