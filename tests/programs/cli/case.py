"""What the tests of the command share: where it is, a directory of one's own, a compiled program."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import fixture

COMMAND = os.path.abspath(sys.argv.pop(1)) if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else None
SCHEMA = os.path.join(fixture.HERE, "..", "..", "..", "docs", "schema", "report.schema.json")


def shell_status(arguments, **keywords):
    """The status as a shell would show it: 128 + signal for a fatal one is left negative by subprocess."""
    return subprocess.run(arguments, capture_output=True, timeout=60, **keywords)


class CommandCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.shared = tempfile.mkdtemp(prefix="lockhound-test-")
        cls.program = fixture.Program(
            fixture.compile_program(os.path.join(fixture.HERE, "bank.c"), os.path.join(cls.shared, "bank"), "-g", "-O1"))

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.shared)

    def setUp(self):
        self.directory = tempfile.mkdtemp(dir=self.shared)

    def path(self, name):
        return os.path.join(self.directory, name)

    def lockhound(self, *arguments, environment=None, **keywords):
        clean = {k: v for k, v in os.environ.items() if k not in ("LOCKHOUND_OPTIONS", "LD_PRELOAD", "DEBUGINFOD_URLS")}
        clean["TMPDIR"] = self.directory
        clean.update(environment or {})
        return shell_status([COMMAND, *arguments], env=clean, **keywords)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return self.path(name)

    def inversion_run(self, name="a.lockhound", **keywords):
        run = fixture.RunFile().process(self.program.path, ["bank"]).module(self.program)
        fixture.inversion(run, self.program, **keywords)
        return run.summary(threads=2, events=10, order_edges=2).write(self.path(name))

    def many_run(self, count):
        with open(self.inversion_run(), "rb") as file:
            lines = file.read().splitlines(keepends=True)
        record = json.loads(lines[2])
        out = lines[:2]
        for i in range(count):
            record["parties"][0]["role"] = "role%d" % i
            out.append(json.dumps(record).encode() + b"\n")
        return self.write("many", b"".join(out))
