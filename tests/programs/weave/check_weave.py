#!/usr/bin/env python3
"""check_weave.py: woven programs do what they do alone, and what stands in the way of weaving is said and harms nothing.

    check_weave.py --tool LOCKHOUND --program SHARED_SUM --vectors VECTORS [case ...]
"""

import argparse
import glob
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

LIMIT_S = 120
INPUT_SIZE = 3 << 20


def some_input(path):
    """Bytes that compress a little, the same every time."""
    state, out = 1, bytearray()
    while len(out) < INPUT_SIZE:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        out += b"%x " % (state >> (40 + state % 16)) * (state >> 60)
    with open(path, "wb") as file:
        file.write(out[:INPUT_SIZE])
    return path


class Weaving(unittest.TestCase):
    tool = program = vectors = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lockhound-test-")
        self.cache = os.path.join(self.folder, "cache")
        self.addCleanup(shutil.rmtree, self.folder, True)

    def images(self):
        return sorted(glob.glob(os.path.join(self.cache, "woven-*", "*.woven")))

    def run_woven(self, command, *options, environment=None):
        clean = {k: v for k, v in os.environ.items() if k not in ("LOCKHOUND_OPTIONS", "LD_PRELOAD")}
        env = {**clean, "LOCKHOUND_CACHE": self.cache, **(environment or {})}
        return subprocess.run([self.tool, "--memory=weave", "--verbose", *options, "--", *command], env=env,
                              capture_output=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL, check=False)

    def assert_same(self, command, *options, **keywords):
        """Returns: what lockhound said."""
        plain = subprocess.run(command, capture_output=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL, check=False)
        woven = self.run_woven(command, *options, **keywords)
        self.assertEqual(woven.returncode, plain.returncode, woven.stderr.decode("latin-1"))
        self.assertTrue(woven.stdout == plain.stdout, "its output differs")
        return woven.stderr.decode("latin-1")

    def assert_woven(self, said, name, woven=True):
        line = [line for line in said.splitlines() if line.split(" ")[1:2] and line.split(" ")[1].endswith(name)]
        self.assertTrue(line and line[0].endswith(" woven") == woven, said)

    def test_program_is_woven(self):
        said = self.assert_same([self.program])
        self.assert_woven(said, "shared_sum")
        self.assertIn("nothing found", said)

    def test_second_run_takes_the_images_of_the_first(self):
        self.assert_same([self.program])
        before = [os.stat(image).st_mtime_ns for image in self.images()]
        self.assertTrue(before)
        self.assert_woven(self.assert_same([self.program], environment={"LOCKHOUND_COMMAND_PATH": "/nowhere"}),
                          "shared_sum")
        self.assertEqual([os.stat(image).st_mtime_ns for image in self.images()], before)

    @staticmethod
    def seal_of(image):
        with open(image, "rb") as file:
            return struct.unpack_from("<Q", file.read(32), 24)[0] % 999999999 + 1

    def test_image_is_sealed_by_its_time(self):
        """A sealed image is taken as it is; one that has another time is looked at, and taken when it is whole."""
        self.assert_same([self.program])
        self.assertTrue(self.images())
        for image in self.images():
            status = os.stat(image)
            self.assertEqual(status.st_mtime_ns % 1000000000, self.seal_of(image))
            with open(image, "r+b") as file: # what is never looked at: the names of what was left
                file.seek(-1, os.SEEK_END)
                file.write(b"x")
            os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns))
        nowhere = {"LOCKHOUND_COMMAND_PATH": "/nowhere"}
        self.assert_woven(self.assert_same([self.program], environment=nowhere), "shared_sum")
        for image in self.images():
            os.utime(image)
        self.assert_woven(self.assert_same([self.program], environment=nowhere), "shared_sum", False)
        self.assert_same([self.program]) # makes them again
        for image in self.images():
            os.utime(image)
        self.assert_woven(self.assert_same([self.program], environment=nowhere), "shared_sum")
        subprocess.run([self.tool, "weave", self.program], env={**os.environ, "LOCKHOUND_CACHE": self.cache},
                       stdout=subprocess.DEVNULL, check=True) # seals it again
        self.assertEqual(sum(os.stat(image).st_mtime_ns % 1000000000 == self.seal_of(image) for image in self.images()), 1)

    def test_files_of_images_leave_the_room_near_modules(self):
        """Code has its home within 2 GiB of its module: nothing else of lockhound's may lie there."""
        shows = ("import threading; t = threading.Thread(target=print); t.start(); t.join(); "
                 "print(open('/proc/self/maps').read())")
        woven = self.run_woven(["/usr/bin/python3", "-c", shows])
        maps = [line.split() for line in woven.stdout.decode().splitlines() if ".woven" in line]
        code = [int(words[0].split("-")[0], 16) for words in maps if words[1] == "r-xp"]
        files = [int(words[0].split("-")[0], 16) for words in maps if words[1] == "r--p"]
        self.assertTrue(code and files, woven.stderr.decode("latin-1"))
        self.assertGreater(min(abs(one - other) for one in code for other in files), 1 << 31)

    def test_compressors(self):
        text = some_input(os.path.join(self.folder, "input"))
        for command in (["pigz", "-p4", "-n", "-c"], ["pbzip2", "-p4", "-c"], ["xz", "-T4", "-1", "-c"],
                        ["zstd", "-T4", "-c", "-q"]):
            if shutil.which(command[0]) is None:
                continue
            with self.subTest(command[0]):
                self.assert_woven(self.assert_same([*command, text]), command[0])

    def test_vector_registers_survive(self):
        woven = self.run_woven([self.vectors])
        self.assertEqual(woven.stdout, b"vector registers kept\n")
        self.assertIn(b"data race on `racy`", woven.stderr) # the way of a finding was taken

    def test_without_a_weaver(self):
        said = self.assert_same([self.program], environment={"LOCKHOUND_COMMAND_PATH": "/nowhere/lockhound"})
        self.assert_woven(said, "shared_sum", False)

    def test_cache_that_cannot_be_written(self):
        os.mkdir(self.cache)
        blocked = os.path.join(self.cache, "file")
        with open(blocked, "w", encoding="ascii"):
            pass
        said = self.assert_same([self.program], environment={"LOCKHOUND_CACHE": blocked})
        self.assert_woven(said, "shared_sum", False)
        self.assertIn("images are missing", said)

    def test_nowhere_to_keep_images(self):
        for home in ("", "/proc/nowhere"):
            said = self.assert_same([self.program],
                                    environment={"LOCKHOUND_CACHE": "", "XDG_CACHE_HOME": "", "HOME": home})
            self.assert_woven(said, "shared_sum")

    def spoil(self, change):
        """Makes images, changes each file's bytes, and looks how the next run takes it; no weaver mends them."""
        self.assert_same([self.program])
        self.assertTrue(self.images())
        for image in self.images():
            with open(image, "rb") as file:
                content = bytearray(file.read())
            with open(image, "wb") as file:
                file.write(change(content))
        said = self.assert_same([self.program], environment={"LOCKHOUND_COMMAND_PATH": "/nowhere"})
        self.assert_woven(said, "shared_sum", False)
        self.assert_woven(self.assert_same([self.program]), "shared_sum") # the weaver does

    def test_image_that_is_cut_off(self):
        self.spoil(lambda content: content[:len(content) // 2])

    def test_image_with_a_changed_byte(self):
        def change(content):
            content[len(content) // 2] ^= 1
            return content
        self.spoil(change)

    def test_image_that_is_empty(self):
        self.spoil(lambda content: b"")

    def test_image_that_others_may_write(self):
        self.assert_same([self.program])
        for image in self.images():
            os.chmod(image, 0o666)
        said = self.assert_same([self.program], environment={"LOCKHOUND_COMMAND_PATH": "/nowhere"})
        self.assert_woven(said, "shared_sum", False)

    def test_left_by_pattern(self):
        self.assert_woven(self.assert_same([self.program], "--no-weave=libx.so,shared_s*"), "shared_sum", False)
        self.assert_woven(self.assert_same([self.program], "--weave=*/shared_su?"), "shared_sum")
        self.assert_woven(self.assert_same([self.program], "--weave=nothing"), "shared_sum", False)

    def test_not_at_all(self):
        self.assertNotIn("woven", self.assert_same([self.program], "--memory=none"))
        self.assertEqual(self.images(), [])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--program", required=True)
    parser.add_argument("--vectors", required=True)
    arguments, rest = parser.parse_known_args()
    Weaving.tool, Weaving.program, Weaving.vectors = map(
        os.path.abspath, (arguments.tool, arguments.program, arguments.vectors))
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
