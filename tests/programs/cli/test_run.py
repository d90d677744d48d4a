"""lockhound run: exit statuses, signals, the environment it makes, and programs that cannot be checked."""
import json
import os
import pty
import signal
import stat
import struct
import subprocess
import time
import unittest

import case
import fixture


class RunCase(case.CommandCase):
    """Runs programs beside the stand-in for the library, which adds the records of FAKE_RECORDS."""

    def clean_records(self):
        return fixture.RunFile().process("/bin/x").summary(events=3, threads=1).write(self.path("clean"))

    def run_program(self, *arguments, records=None, **keywords):
        environment = {"FAKE_RECORDS": records or self.clean_records(), **keywords.pop("environment", {})}
        return self.lockhound(*arguments, environment=environment, **keywords)

    def leftovers(self):
        return [name for name in os.listdir(self.directory) if name.startswith("lockhound-")]


class OrderTest(RunCase):
    def test_deadlock_is_told_before_the_order_that_it_made_true(self):
        run = fixture.inversion(fixture.RunFile().process(self.program.path).module(self.program), self.program)
        text = self.run_program("true", records=fixture.come_true(run).write(self.path("true"))).stderr.decode()
        self.assertLess(text.index("lockhound: deadlock: "), text.index("lockhound: potential deadlock: "))
        self.assertEqual(text.count("It came true: "), 1)


class StatusTest(RunCase):
    def test_the_programs_own_status_when_nothing_is_found(self):
        for status in (0, 1, 7, 255):
            self.assertEqual(self.run_program("sh", "-c", "exit %d" % status).returncode, status)

    def test_findings_decide_the_status(self):
        found = self.inversion_run()
        self.assertEqual(self.run_program("true", records=found).returncode, 66)
        self.assertEqual(self.run_program("--error-exitcode=9", "true", records=found).returncode, 9)
        self.assertEqual(self.run_program("--error-exitcode=0", "sh", "-c", "exit 4", records=found).returncode, 4)

    def test_warnings_do_not_decide_the_status(self):
        run = fixture.RunFile().process("/bin/x")
        run.finding("thread-leak", severity="warning", parties=[{"role": "acts", "thread": 1, "stack": [], "held": []}],
                    objects=[], threads=[{"id": 1, "name": "x"}]).summary()
        self.assertEqual(self.run_program("true", records=run.write(self.path("w"))).returncode, 0)

    def test_suppressed_findings_do_not_decide_the_status(self):
        rules = self.write("rules", "lock-order-inversion:transfer\n")
        result = self.run_program("--suppressions", rules, "true", records=self.inversion_run())
        self.assertEqual(result.returncode, 0)
        self.assertIn(b"1 suppressed", result.stderr)

    def test_a_fatal_signal_is_raised_again(self):
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGINT):
            result = self.run_program("sh", "-c", "kill -%d $$" % number)
            self.assertEqual(result.returncode, -number)
        self.assertEqual(self.leftovers(), [])

    def test_signal_that_ended_the_program_is_named(self):
        page = self.path("j")
        result = self.run_program("--json=" + page, "sh", "-c", "kill -SEGV $$", environment={"FAKE_PROCESS": "1"})
        self.assertRegex(result.stderr, rb"nothing found(.|\n)*process \d+ \(x\) was ended by SIGSEGV: its counts are missing")
        with open(page, encoding="utf-8") as file:
            self.assertEqual(json.load(file)["program"].get("signal"), signal.SIGSEGV)

    def test_ignored_children_are_waited_for_and_stay_ignored_in_the_program(self):
        ignores_sigchld = "SigIgn:.*[13579bdf]....$"  # not asked through a shell: dash catches it
        result = self.run_program("--quiet", "grep", "-q", ignores_sigchld, "/proc/self/status",
                                  preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
        self.assertEqual(result.returncode, 0)

    def test_usage_errors(self):
        for arguments in (["--nonsense", "true"], ["--error-exitcode=x", "true"], ["--error-exitcode=300", "true"],
                          ["--on-deadlock=maybe", "true"], ["--stack-depth=0", "true"], ["--stack-depth=65", "true"],
                          ["--dump-signal=NONE", "true"], ["--dump-signal=KILL", "true"], ["--dump-signal=0", "true"],
                          ["--json=", "true"], ["--checks=default,nonsense", "true"], ["--json"], [], ["run"],
                          ["-x"], ["--suppressions", self.path("none"), "true"], ["help", "nonsense"],
                          ["help", "run", "extra"], ["help", "kinds", "extra"]):
            result = self.run_program(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertTrue(result.stderr or not arguments, arguments)

    def test_program_without_a_name_is_said_to_have_none(self):
        for arguments in ([""], ["run", "--quiet", ""]):
            result = self.run_program(*arguments)
            self.assertEqual((result.returncode, result.stderr), (127, b"lockhound: the name of the program is empty\n"))

    def test_help_and_version(self):
        for arguments in (["--help"], ["help", "run"], ["report", "--help"], ["--version"], ["help", "kinds"]):
            result = self.run_program(*arguments)
            self.assertEqual(result.returncode, 0)
            self.assertTrue(result.stdout)
        result = case.shell_status(["sh", "-c", '"$0" --help >/dev/full', case.COMMAND])
        self.assertEqual(result.returncode, 125)

    def test_a_program_that_lost_the_library_is_no_success(self):
        result = self.run_program("env", "-i", "true", environment={"FAKE_RECORDS": self.path("none")})
        self.assertEqual(result.returncode, 125)
        self.assertIn(b"was not checked", result.stderr)


class ProgramTest(RunCase):
    def refused(self, path, status, words):
        result = self.run_program(path)
        self.assertEqual(result.returncode, status, result.stderr)
        self.assertIn(words, result.stderr.decode())
        self.assertEqual(result.stderr.count(b"\n"), 1)

    def executable(self, name, content):
        path = self.write(name, content)
        os.chmod(path, 0o755)
        return path

    def test_missing_and_not_executable(self):
        self.refused("no-such-program-anywhere", 127, "not found")
        self.refused(self.path("none"), 127, "not found")
        self.refused(self.directory, 126, "directory")

    def test_static_program(self):
        path = fixture.compile_program(self.write("s.c", "int main(void) { return 0; }\n"), self.path("static"), "-static")
        self.refused(path, 125, "statically linked")

    def test_foreign_machines(self):
        with open("/bin/true", "rb") as file:
            content = bytearray(file.read())
        content[18:20] = struct.pack("<H", 183)
        self.refused(self.executable("arm", bytes(content)), 125, "another machine")
        content[4] = 1
        self.refused(self.executable("old", bytes(content)), 125, "32-bit")

    def test_text_without_interpreter(self):
        self.refused(self.executable("text", "echo hello\n"), 125, "lockhound sh")

    def test_truncated_programs(self):
        with open("/bin/true", "rb") as file:
            content = file.read(100)
        self.refused(self.executable("cut", content), 125, "statically linked")
        self.refused(self.executable("cut", content[:20]), 125, "cut off")

    def test_set_user_id_program(self):
        with open("/bin/true", "rb") as file:
            path = self.executable("suid", file.read())
        os.chown(path, 1, 1)
        os.chmod(path, 0o4755)
        self.refused(path, 125, "set-user-ID")

    def test_scripts_run_and_their_interpreters_are_checked(self):
        static = fixture.compile_program(self.write("s.c", "int main(void) { return 0; }\n"), self.path("static"), "-static")
        self.refused(self.executable("a", "#!%s\n" % static), 125, "statically linked")
        self.assertEqual(self.run_program(self.executable("b", "#!/bin/sh\nexit 5\n")).returncode, 5)
        self.assertEqual(self.run_program(self.executable("c", "#!/usr/bin/env sh\nexit 6\n")).returncode, 6)


class EnvironmentTest(RunCase):
    def variable(self, name, *options, **environment):
        result = self.run_program("--quiet", *options, "sh", "-c", "printf %%s \"$%s\"" % name, environment=environment)
        return result.stdout.decode()

    def test_options_are_merged_behind_the_users(self):
        text = self.variable("LOCKHOUND_OPTIONS", "--stack-depth=7", "--on-deadlock", "abort",
                             LOCKHOUND_OPTIONS="stack-depth=3 trace='a b'")
        self.assertTrue(text.startswith("stack-depth=3 trace='a b' "), text)
        self.assertIn(" stack-depth=7", text)
        self.assertIn(" on-deadlock=abort", text)
        self.assertIn(" error-exitcode=0", text)

    def test_open_quote_of_the_users_swallows_none_of_ours(self):
        for users, closed in (("trace='a b", "trace='a b'"), ('trace="a\'b', 'trace="a\'b"'), ("trace='a' b=\"", "trace='a' b=\"\"")):
            text = self.variable("LOCKHOUND_OPTIONS", LOCKHOUND_OPTIONS=users)
            self.assertTrue(text.startswith(closed + " "), text)
            self.assertIn(" error-exitcode=0", text)

    def test_the_library_is_told_that_it_is_followed(self):
        self.assertEqual(self.variable("LOCKHOUND_FOLLOWED"), "1")

    def test_values_with_blanks_are_quoted(self):
        self.assertIn("trace='%s/a b'" % self.directory, self.variable("LOCKHOUND_OPTIONS", "--trace", self.path("a b")))

    def test_the_users_options_count_for_the_command_too(self):
        found = self.inversion_run()
        result = self.run_program("true", records=found, environment={"LOCKHOUND_OPTIONS": "error-exitcode=33"})
        self.assertEqual(result.returncode, 33)

    def test_other_preloads_are_kept_behind_ours(self):
        text = self.variable("LD_PRELOAD", LD_PRELOAD="libm.so.6")
        self.assertRegex(text, r"^/.*/liblockhound\.so:libm\.so\.6$")

    def test_output_is_kept_and_the_temporary_is_not(self):
        run = self.path("kept.lockhound")
        self.run_program("--output", run, "true", records=self.inversion_run())
        self.assertIn(b"opposite orders", self.lockhound("report", run).stdout)
        self.assertEqual(self.leftovers(), [])

    def test_output_never_replaces_what_is_no_run_file(self):
        precious = self.write("precious.c", "int main;\n")
        result = self.run_program("--output", precious, "true")
        self.assertEqual(result.returncode, 125)
        with open(precious, encoding="utf-8") as file:
            self.assertEqual(file.read(), "int main;\n")

    def test_streams_are_the_programs_own(self):
        result = self.run_program("--quiet", "sh", "-c", "cat; echo err >&2", input=b"in\n")
        self.assertEqual((result.stdout, result.stderr), (b"in\n", b"err\n"))

    def test_closed_streams_stay_closed(self):
        for number in (0, 1, 2):
            script = 'exec %d%s-; exec "$0" --quiet sh -c "test -e /proc/self/fd/%d && exit 9; exit 8"' % (
                number, "<&" if number == 0 else ">&", number)
            environment = dict(os.environ, FAKE_RECORDS=self.clean_records(), TMPDIR=self.directory)
            # test(1) would open nothing itself: /proc/self/fd of the shell's own child shows what it inherited.
            self.assertEqual(case.shell_status(["sh", "-c", script, case.COMMAND], env=environment).returncode, 8, number)

    def test_no_descriptor_leaks_into_the_program(self):
        result = self.run_program("--quiet", "sh", "-c", "ls /proc/self/fd | wc -l")
        native = case.shell_status(["sh", "-c", "ls /proc/self/fd | wc -l"])
        self.assertEqual(result.stdout, native.stdout)


class FailureTest(RunCase):
    def test_unwritable_report_is_said_before_the_program_starts(self):
        result = self.run_program("--json=/nonexistent/x.json", "sh", "-c", "echo ran")
        self.assertEqual(result.returncode, 125)
        self.assertEqual(result.stdout, b"")
        self.assertIn(b"/nonexistent/x.json", result.stderr)

    def test_full_disk_for_the_report(self):
        result = self.run_program("--json=/dev/full", "true")
        self.assertEqual(result.returncode, 125)
        self.assertIn(b"No space left", result.stderr)
        result = self.run_program("--json=/dev/full", "true", records=self.inversion_run())
        self.assertEqual(result.returncode, 66)

    def test_no_place_for_the_run_file(self):
        result = self.run_program("true", environment={"TMPDIR": "/nonexistent"})
        self.assertEqual(result.returncode, 125)
        self.assertIn(b"set TMPDIR or use --output", result.stderr)

    def test_full_stderr_keeps_status_and_json(self):
        environment = dict(os.environ, FAKE_RECORDS=self.inversion_run(), TMPDIR=self.directory)
        out = self.path("out.json")
        result = case.shell_status(["sh", "-c", '"$0" --json="$1" true 2>/dev/full', case.COMMAND, out], env=environment)
        self.assertEqual(result.returncode, 66)
        with open(out, encoding="utf-8") as file:
            self.assertEqual(len(json.load(file)["findings"]), 1)


class LiveTest(RunCase):
    def start(self, *arguments, records=None, **keywords):
        environment = dict(os.environ, FAKE_RECORDS=records or self.clean_records(), TMPDIR=self.directory)
        return subprocess.Popen([case.COMMAND, *arguments], env=environment, **keywords)

    def test_findings_appear_while_the_program_runs(self):
        for _ in range(10):
            self.check_live()

    def check_live(self):
        begin = time.monotonic()
        process = self.start("sleep", "30", records=self.inversion_run(), stderr=subprocess.PIPE)
        line = process.stderr.readline()
        self.assertLess(time.monotonic() - begin, 20)
        self.assertIn(b"opposite orders", line)
        process.terminate()
        process.communicate(timeout=20)
        self.assertEqual(process.returncode, 66)

    def test_a_signal_to_the_command_reaches_the_program(self):
        process = self.start("sh", "-c", "trap 'exit 12' TERM; echo up; while :; do sleep 0.05; done",
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdout.readline()
        process.terminate()
        self.assertEqual(process.wait(timeout=20), 12)
        process.stdout.close()

    def terminal(self, script, keys):
        """Types `keys` at a terminal on which the command has the foreground; returns output and status."""
        pid, master = pty.fork()
        if pid == 0:
            os.environ.update(FAKE_RECORDS=self.clean_records(), TMPDIR=self.directory)
            os.execv(case.COMMAND, [case.COMMAND, "--quiet", "sh", "-c", script])
        output = b""
        while b"up" not in output:
            output += os.read(master, 1000)
        os.write(master, keys)
        try:
            while True:
                output += os.read(master, 1000)
        except OSError:
            pass
        _, status = os.waitpid(pid, 0)
        os.close(master)
        return output, os.waitstatus_to_exitcode(status)

    def test_interrupt_key_is_the_programs_to_handle(self):
        output, status = self.terminal("trap 'echo caught; exit 3' INT; echo up; while :; do sleep 0.05; done", b"\x03")
        self.assertEqual((status, output.count(b"caught")), (3, 1))

    def test_interrupt_key_ends_both_when_the_program_dies_of_it(self):
        # No child process: one that the shell makes at this moment, its signals blocked, would not be in the group yet.
        _, status = self.terminal("echo up; while :; do :; done", b"\x03")
        self.assertEqual(status, -signal.SIGINT)

    def test_stop_and_continue(self):
        process = self.start("--quiet", "sleep", "0.5", start_new_session=True)
        time.sleep(0.2)
        os.killpg(process.pid, signal.SIGTSTP)
        os.killpg(process.pid, signal.SIGSTOP)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        self.assertTrue(os.WIFSTOPPED(status))
        os.killpg(process.pid, signal.SIGCONT)
        self.assertEqual(process.wait(timeout=20), 0)


if __name__ == "__main__":
    unittest.main()
