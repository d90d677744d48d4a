#!/usr/bin/env python3
"""check_obstacles.py: where surroundings stand in the way of weaving the program does what it does alone, and it is said why
accesses are not checked; where they do not, it is woven.

    check_obstacles.py --tool LOCKHOUND --program OBSTACLES [case ...]
"""

import argparse
import ctypes
import os
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

LIMIT_S = 120
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, PR_SET_MDWE = 22, 38, 65
AT_ONCE = 20

libc = ctypes.CDLL(None, use_errno=True)


def limit_address_space(mib):
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (mib << 20, mib << 20))


def refuse_new_code():
    """As systemd's MemoryDenyWriteExecute does: what is or was writable does not become code."""
    if libc.prctl(PR_SET_MDWE, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "PR_SET_MDWE")


def forbid_mprotect_of_code():
    """A filter of system calls: mprotect() with PROT_EXEC fails with EPERM, all else passes."""
    mprotect, exec_bit, eperm = 10, 4, 1
    program = [(0x20, 0, 0, 0), (0x15, 0, 3, mprotect), (0x20, 0, 0, 32), (0x45, 0, 1, exec_bit),
               (0x06, 0, 0, 0x00050000 | eperm), (0x06, 0, 0, 0x7fff0000)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    filter_ = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(program), ctypes.addressof(code)))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(filter_), 0, 0):
        raise OSError(ctypes.get_errno(), "PR_SET_SECCOMP")


class Obstacles(unittest.TestCase):
    tool = program = None

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="lockhound-test-")
        self.addCleanup(shutil.rmtree, self.folder, True)
        self.cache = os.path.join(self.folder, "cache")

    def environment(self, **more):
        clean = {k: v for k, v in os.environ.items() if k not in ("LOCKHOUND_OPTIONS", "LD_PRELOAD")}
        return {**clean, "LOCKHOUND_CACHE": self.cache, **more}

    def copy(self):
        place = os.path.join(self.folder, "obstacles")
        shutil.copy(self.program, place)
        return place

    def run_woven(self, program, part="plain", prepare=None, before=()):
        try:
            return subprocess.run([*before, self.tool, "--verbose", "--", program, part], env=self.environment(),
                                  capture_output=True, text=True, timeout=LIMIT_S, check=False, preexec_fn=prepare,
                                  stdin=subprocess.DEVNULL)
        except subprocess.SubprocessError as error:
            return self.skipTest(f"these surroundings cannot be had here: {error}")

    def check(self, woven, note=None, **keywords):
        """Returns: what lockhound said."""
        plain = subprocess.run([self.program, "plain"], capture_output=True, text=True, timeout=LIMIT_S, check=True)
        under = self.run_woven(keywords.pop("program", self.program), **keywords)
        self.assertEqual((under.returncode, under.stdout), (0, plain.stdout), under.stderr)
        self.assertRegex(under.stderr, r"obstacles( \(deleted\))? " + ("woven" if woven else "left: "))
        self.assertIn("nothing found", under.stderr)
        if note is None:
            self.assertNotIn("note: not all is woven", under.stderr)
        else:
            self.assertRegex(under.stderr, "note: .*" + note)
        return under.stderr

    def test_little_address_space(self):
        for mib in (16 << 10, 4 << 10, 1 << 10, 400):
            with self.subTest(mib=mib):
                said = self.check(True, prepare=limit_address_space(mib))
                self.assertNotIn("are not checked", said)
                said = self.run_woven(self.program, "racy", prepare=limit_address_space(mib)).stderr
                self.assertIn("data race on `unguarded`", said)

    def test_little_address_space_and_a_compressor(self):
        if shutil.which("pigz") is None:
            self.skipTest("no pigz here")
        command = ["pigz", "-p4", "-n", "-c", self.program]
        plain = subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=True).stdout
        under = subprocess.run([self.tool, "--verbose", "--", *command], env=self.environment(), capture_output=True,
                               timeout=LIMIT_S, check=False, preexec_fn=limit_address_space(2 << 10))
        said = under.stderr.decode()
        self.assertTrue(under.stdout == plain, "its output differs")
        self.assertRegex(said, r"pigz woven")
        self.assertIn("nothing found", said)
        self.assertNotIn("are not checked", said)

    def test_locked_memory(self):
        """Under a limit, so that a plane that is filled is noticed and does no harm."""
        for part in ("locked_before", "locked_after"):
            with self.subTest(part):
                plain = subprocess.run([self.program, part], capture_output=True, text=True, timeout=LIMIT_S, check=True)
                under = self.run_woven(self.program, part, prepare=limit_address_space(2 << 10))
                self.assertEqual((under.returncode, under.stdout), (0, plain.stdout), under.stderr)
                self.assertIn("nothing found", under.stderr)

    def test_too_little_address_space(self):
        said = self.run_woven(self.program, prepare=limit_address_space(90)).stderr
        self.assertIn("accesses to memory are not checked: there is no address space for that", said)

    def test_address_space_for_some(self):
        plain = subprocess.run([self.program, "live_threads"], capture_output=True, text=True, timeout=LIMIT_S, check=True)
        under = self.run_woven(self.program, "live_threads", prepare=limit_address_space(1 << 10))
        self.assertEqual((under.returncode, under.stdout), (0, plain.stdout), under.stderr)
        self.assertIn("accesses to memory of some threads are not checked", under.stderr)
        self.assertIn("address space for their planes", under.stderr)

    def test_code_must_not_be_made(self):
        self.check(True)  # the weaver needs none of it
        self.check(False, "the system does not let its code be changed", prepare=refuse_new_code)

    def test_code_must_not_be_made_by_mprotect(self):
        self.check(True)
        self.check(False, "the system does not let its code be changed", prepare=forbid_mprotect_of_code)

    def among_mounts(self, script):
        """Returns: the beginning of a command that runs after `script`, whose mounts nobody else sees."""
        before = ("unshare", "-m", "sh", "-c", script + ' && exec "$@"', "sh")
        if subprocess.run([*before, "true"], capture_output=True, check=False).returncode:
            self.skipTest("nothing can be mounted here")
        return before

    def test_full_disk(self):
        os.mkdir(self.cache)
        self.check(False, "some images are missing",
                   before=self.among_mounts(f"mount -t tmpfs -o size=16k none {self.cache}"))

    def test_file_system_that_is_read_only(self):
        os.mkdir(self.cache)
        self.check(False, "some images are missing", before=self.among_mounts(f"mount -t tmpfs -o ro none {self.cache}"))

    def test_spare_folder(self):
        """What others may have put where it belongs is not used, and nothing is written there."""
        if self.tool.startswith("/tmp/"):
            self.skipTest("the command would be hidden, too")
        spare = f"/tmp/lockhound-{os.getuid()}"
        program = os.path.join("/dev/shm", os.path.basename(self.folder))
        shutil.copytree(os.path.dirname(self.program), program, ignore=lambda _, names: set(names) - {"obstacles"})
        self.addCleanup(shutil.rmtree, program, True)
        homeless = "mount -t tmpfs none /tmp && unset LOCKHOUND_CACHE XDG_CACHE_HOME && export HOME=/proc/nowhere"
        self.check(True, program=os.path.join(program, "obstacles"), before=self.among_mounts(homeless))
        for trap in (f"mkdir -m 777 {spare}", f"mkdir -m 700 {spare} && chown 12345 {spare}",
                     f"mkdir -m 700 /tmp/mine && ln -s /tmp/mine {spare}", f"touch {spare}",
                     f"mkdir -m 700 {spare} && mkdir -m 777 {spare}/woven-1 && chmod 777 {spare}/woven-1"):
            with self.subTest(trap):
                script = homeless + " && " + trap
                self.check(False, "some images are missing", program=os.path.join(program, "obstacles"),
                           before=self.among_mounts(script))
                left = self.among_mounts(script) + ("sh", "-c", '"$@" >/dev/null 2>&1; find /tmp -name "*.woven"', "sh",
                                                    self.tool, os.path.join(program, "obstacles"), "plain")
                self.assertEqual(subprocess.run(left, capture_output=True, check=True, env=self.environment()).stdout, b"")

    def test_deleted_file(self):
        program = self.copy()
        self.check(False, "some images are missing", program=program, part="deleted_file")
        self.check(True)  # makes the image, which has the same name
        self.check(True, program=self.copy(), part="deleted_file")

    def test_replaced_file(self):
        self.check(False, "some images are missing", program=self.copy(), part="replaced_file")
        self.check(True)
        os.unlink(os.path.join(self.folder, "obstacles"))
        self.check(True, program=self.copy(), part="replaced_file")

    @unittest.skipIf(os.getuid() != 0, "only the superuser may become another")
    def test_rights_given_up(self):
        """The images are where only the superuser looks; whoever gives that up before the first thread needs them still."""
        os.mkdir(self.cache, 0o700)
        for part in ("another_user", "another_root"):
            with self.subTest(part):
                shutil.rmtree(self.cache, True)
                self.check(True, part=part)
                self.check(True, part=part)

    def test_many_at_once(self):
        """All want the same image, which nobody has made yet."""
        runs = [subprocess.Popen([self.tool, "--verbose", "--", self.program, "plain"], env=self.environment(), text=True,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
                for _ in range(AT_ONCE)]
        for run in runs:
            out, said = run.communicate(timeout=LIMIT_S)
            self.assertEqual((run.returncode, out), (0, "  384\n"), said)
            self.assertIn("obstacles woven", said)
        names = os.listdir(os.path.join(self.cache, os.listdir(self.cache)[0]))
        self.assertTrue(names and all(name.endswith(".woven") for name in names), names)  # nothing half made stays


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tool", required=True)
    parser.add_argument("--program", required=True)
    arguments, rest = parser.parse_known_args()
    Obstacles.tool, Obstacles.program = os.path.abspath(arguments.tool), os.path.abspath(arguments.program)
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
