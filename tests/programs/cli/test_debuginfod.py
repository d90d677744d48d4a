"""Debug files by debuginfod: a stripped program, or one that is gone, gets its names from the servers of DEBUGINFOD_URLS; a
server that is not there or does not answer costs seconds once, not for each file."""
import ctypes
import http.server
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import unittest

import case
import fixture

SKIPPED = 77
LIMIT_S = 18  # less than twice what one silent server may cost


class Server:
    """Serves debug files by build-id, and remembers what it was asked for."""

    def __init__(self):
        files, asked = {}, []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                content = files.get(self.path)
                self.send_response(200 if content else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_):
                pass

        self.files, self.asked = files, asked
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


class DebuginfodTest(case.CommandCase):
    def stripped(self, name):
        """A program without symbols, its debug file's content, and a run file with a finding in it."""
        path = self.path(name)
        shutil.copy(self.program.path, path)
        program = fixture.Program(path)
        run = fixture.RunFile().process(path, [name]).module(program)
        fixture.inversion(run, program)
        subprocess.run(["objcopy", "--only-keep-debug", path, path + ".debug"], check=True)
        with open(path + ".debug", "rb") as file:
            debug = file.read()
        os.remove(path + ".debug")
        subprocess.run(["strip", path], check=True)
        return program, debug, run.summary().write(self.path(name + ".lockhound"))

    def report(self, run, urls):
        begin = time.monotonic()
        environment = {"DEBUGINFOD_URLS": urls, "DEBUGINFOD_CACHE_PATH": self.path("cache"), "HOME": self.directory}
        result = self.lockhound("report", run, environment=environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.decode() + result.stderr.decode(), time.monotonic() - begin

    def test_a_stripped_program_gets_its_names(self):
        program, debug, run = self.stripped("bank1")
        with Server() as server:
            server.files["/buildid/%s/debuginfo" % program.build_id] = debug
            text, _ = self.report(run, server.url)
        self.assertIn("`accounts[0].lock`", text)
        self.assertRegex(text, r"#1 transfer +\S*bank\.c:")

    def test_a_program_that_is_gone_gets_its_names(self):
        program, debug, run = self.stripped("bank2")
        os.remove(program.path)
        with Server() as server:
            server.files["/buildid/%s/debuginfo" % program.build_id] = debug
            text, _ = self.report(run, server.url)
        self.assertIn("`accounts[0].lock`", text)
        self.assertRegex(text, r"#1 transfer +\S*bank\.c:")

    def test_without_the_variable_nobody_is_asked(self):
        _, _, run = self.stripped("bank3")
        with Server() as server:
            text, _ = self.report(run, "")
        self.assertEqual(server.asked, [])
        self.assertNotIn("accounts", text)

    def test_a_server_that_does_not_know_is_no_error(self):
        program, _, run = self.stripped("bank4")
        with Server() as server:
            text, _ = self.report(run, server.url)
        self.assertIn("/buildid/%s/debuginfo" % program.build_id, server.asked)
        self.assertIn("opposite orders", text)

    def test_nobody_listening_and_no_such_host(self):
        _, _, run = self.stripped("bank5")
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            port = closed.getsockname()[1]
        text, _ = self.report(run, "http://127.0.0.1:%d http://no-such-host.invalid" % port)
        self.assertIn("opposite orders", text)

    def test_a_silent_server_is_given_up(self):
        run = fixture.RunFile().process(self.program.path, ["bank"])
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen(64)
            here = [[i + 1, 0x1234] for i in range(8)]
            for i in range(8):
                run.add("module", id=i + 1, path="/no/such/lib%d.so" % i, build_id="%040x" % (0xabc + i), bias="0x1000")
            run.finding("thread-leak", objects=[], threads=[{"id": 1, "name": "x"}],
                        parties=[{"role": "acts", "thread": 1, "stack": here, "held": []}])
            text, seconds = self.report(run.summary().write(self.path("r")), "http://127.0.0.1:%d" % silent.getsockname()[1])
        self.assertIn("/no/such/lib7.so+0x1233", text)
        self.assertIn("a debuginfod server did not answer", text)
        self.assertLess(seconds, LIMIT_S)


if __name__ == "__main__":
    try:
        ctypes.CDLL("libdebuginfod.so.1")
    except OSError:
        sys.exit(SKIPPED)
    unittest.main()
