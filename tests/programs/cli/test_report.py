"""lockhound report: text, JSON, suppressions, and files that are torn, hostile or not run files at all."""
import json
import os
import re
import time
import unittest

import jsonschema

import case
import fixture


class TextTest(case.CommandCase):
    def test_tells_each_side_with_functions_lines_and_locks(self):
        result = self.lockhound("report", self.inversion_run())
        text = result.stdout.decode()
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("`accounts[0].lock` and `accounts[2].lock` are taken in opposite orders", text)
        self.assertRegex(text, r"T1 'main' holds `accounts\[0\]\.lock`, taken at\n\s+#0 take .*bank\.c:15:5 \(inlined\)\n"
                               r"\s+\| pthread_mutex_lock\(lock\);\n\s+#1 transfer .*bank\.c:20:5\n\s+#2 main .*bank\.c:42:5")
        self.assertRegex(text, r"T2 'writer' was created by T1 'main' at\n\s+#0 main .*bank\.c:41")
        self.assertIn("What usually mends it:", text)
        self.assertIn("1 finding: 1 lock-order-inversion", text)
        self.assertNotIn("\033", text)

    def test_lanes_show_how_the_threads_block(self):
        text = self.lockhound("report", self.inversion_run()).stdout.decode()
        lanes = text.split("would block:\n")[1].splitlines()[:5]
        self.assertEqual([line.split() for line in lanes],
                         [["T1", "main", "T2", "writer"], ["takes", "`accounts[0].lock`"], ["takes", "`accounts[2].lock`"],
                          ["waits", "for", "`accounts[2].lock`"], ["waits", "for", "`accounts[0].lock`"]])

    def test_deadlock_stands_before_the_order_that_it_made_true_and_for_it(self):
        run = fixture.inversion(fixture.RunFile().process(self.program.path).module(self.program), self.program)
        path = fixture.come_true(run).write(self.path("true"))
        text = self.lockhound("report", path).stdout.decode()
        order = text.index("lockhound: potential deadlock: ")
        self.assertLess(text.index("lockhound: deadlock: "), order)
        document = json.loads(self.lockhound("report", "--json=-", path).stdout)
        with open(case.SCHEMA, encoding="utf-8") as file:
            jsonschema.Draft202012Validator(json.load(file)).validate(document)
        deadlock, inversion = document["findings"]
        self.assertEqual((deadlock["kind"], deadlock["foretold"]), ("deadlock", inversion["fingerprint"]))
        self.assertEqual(inversion["came_true"], deadlock["fingerprint"])
        self.assertIn(f"the lock-order inversion with the fingerprint {inversion['fingerprint']}.", text[:order])
        self.assertIn(f"It came true: the deadlock with the fingerprint {deadlock['fingerprint']} ", text[order:])
        self.assertNotIn("#0 ", text[order:])
        page = self.lockhound("report", "--html=-", path).stdout.decode()
        self.assertIn(f'<a href="#f-{deadlock["fingerprint"]}">deadlock</a>', page)
        run.records[-1]["parties"][0]["stack"] = run.records[-1]["parties"][0]["stack"][1:]
        elsewhere = self.lockhound("report", run.write(self.path("elsewhere"))).stdout.decode()
        self.assertNotIn("came true", elsewhere)

    def test_source_newer_than_the_program_is_not_shown(self):
        source = self.path("bank.c")
        with open(os.path.join(fixture.HERE, "bank.c"), encoding="utf-8") as file:
            self.write("bank.c", file.read())
        program = fixture.Program(fixture.compile_program(source, self.path("bank"), "-g", "-O1"))
        run = fixture.RunFile().process(program.path).module(program)
        path = fixture.inversion(run, program).write(self.path("r"))
        self.assertIn(b"| pthread_mutex_lock(lock);", self.lockhound("report", path).stdout)
        later = os.stat(program.path).st_mtime + 10
        os.utime(source, (later, later))
        text = self.lockhound("report", path).stdout
        self.assertIn(b"bank.c:20", text)
        self.assertNotIn(b"| pthread_mutex_lock(lock);", text)

    def test_a_usual_finding_fits_one_screen(self):
        text = self.lockhound("report", self.inversion_run()).stdout
        self.assertLess(text.count(b"\n"), 45)

    def test_colour_only_when_asked_for_or_on_a_terminal(self):
        run = self.inversion_run()
        self.assertIn(b"\033[", self.lockhound("report", "--color=always", run).stdout)
        self.assertNotIn(b"\033[", self.lockhound("report", "--color", "auto", run).stdout)
        self.assertNotIn(b"\033[", self.lockhound("report", "--color=always", "--no-color", run).stdout)

    def test_stripped_programs_degrade_to_offset_and_build_id(self):
        stripped = self.path("bank")
        os.link(self.program.path, stripped + ".full")
        os.system("strip -o %s %s" % (stripped, self.program.path))
        run = fixture.RunFile().process(stripped).module(fixture.Program(stripped))
        fixture.inversion(run, self.program)
        text = self.lockhound("report", run.write(self.path("r"))).stdout.decode()
        self.assertRegex(text, r"#0 \?\? .*/bank\+0x[0-9a-f]+ \(build-id %s\)" % self.program.build_id)
        self.assertRegex(text, r"`bank\+0x[0-9a-f]+`")

    def test_a_rebuilt_program_is_not_taken_for_the_one_that_ran(self):
        run = fixture.RunFile().process(self.program.path).module(self.program, build_id="00112233" * 5)
        fixture.inversion(run, self.program)
        text = self.lockhound("report", run.write(self.path("r"))).stdout.decode()
        self.assertNotIn("bank.c", text)
        self.assertIn("was it rebuilt since?", text)

    def test_separate_debug_file_is_found_by_debuglink(self):
        bank = self.path("bank")
        for command in ("objcopy --only-keep-debug {0} {1}.debug", "strip -o {1} {0}",
                        "objcopy --add-gnu-debuglink={1}.debug {1}"):
            self.assertEqual(os.system(command.format(self.program.path, bank)), 0)
        run = fixture.RunFile().process(bank).module(fixture.Program(bank))
        fixture.inversion(run, self.program)
        self.assertIn("bank.c:20", self.lockhound("report", run.write(self.path("r"))).stdout.decode())

    def test_programs_without_aranges_have_lines_too(self):
        clang = fixture.compile_program(os.path.join(fixture.HERE, "bank.c"), self.path("bank-clang"), "-g", "-O1",
                                        compiler="clang")
        program = fixture.Program(clang)
        run = fixture.RunFile().process(clang).module(program)
        fixture.inversion(run, program)
        text = self.lockhound("report", run.write(self.path("r"))).stdout.decode()
        self.assertRegex(text, r"#1 transfer .*bank\.c:20")
        self.assertIn("`accounts[2].lock`", text)

    def test_cplusplus_names_are_readable(self):
        source = self.write("c.cpp", "#include <mutex>\nnamespace shop { struct till { int n; std::mutex guard; } tills[3];\n"
                                     "__attribute__((noinline)) void sell(till &t, int n)"
                                     "{ std::lock_guard<std::mutex> hold(t.guard); t.n -= n; } }\n"
                                     "int main(int n, char **) { shop::sell(shop::tills[n], 1); }\n")
        path = fixture.compile_program(source, self.path("c"), "-g", "-O1", compiler="c++")
        program = fixture.Program(path)
        inside = program.return_address("_ZN4shop4sellERNS_4tillEi", "pthread_mutex_lock")
        lock = program.symbols["_ZN4shop5tillsE"] + 48 + 8
        run = fixture.RunFile().process(path).module(program)
        run.finding("unlock-not-locked", parties=[{"role": "acts", "thread": 1, "object": 1, "stack": [[1, inside]],
                                                   "held": []}],
                    objects=[{"id": 1, "kind": "mutex", "address": "0x1", "where":
                              {"in": "static", "module": 1, "offset": lock}}], threads=[{"id": 1, "name": "main"}])
        text = self.lockhound("report", run.write(self.path("r"))).stdout.decode()
        self.assertIn("`shop::tills[1].guard`", text)
        self.assertIn("#0 shop::sell ", text)
        self.assertNotRegex(text, r"#\d+ std::")

    def test_lambda_of_a_constructor_has_the_calls_inlined_into_it(self):
        source = self.write("pool.cpp", "#include <mutex>\n"
                                        "struct pool { std::mutex guard; int n = 0; void (*run)(pool *);\n"
                                        "pool() { run = [](pool *self) {\n"
                                        "std::lock_guard<std::mutex> hold(self->guard);\n"
                                        "self->n++; }; } };\n"
                                        "pool one;\nint main() { one.run(&one); }\n")
        for compiler, flag in (("g++", "-O1"), ("g++", "-O2"), ("clang++", "-O1")):
            program = fixture.Program(fixture.compile_program(source, self.path("pool"), "-g", flag, compiler=compiler))
            function = next(name for name in program.symbols if name.startswith("_ZZN4poolC") and "ENUl" in name)
            inside = program.return_address(function, "pthread_mutex_lock")
            run = fixture.RunFile().process(program.path).module(program)
            run.finding("unlock-not-locked", threads=[{"id": 1, "name": "main"}],
                        parties=[{"role": "acts", "thread": 1, "stack": [[1, inside]], "held": []}])
            text = self.lockhound("report", run.write(self.path("r"))).stdout.decode()
            self.assertRegex(text, r"#0 pool::pool\(\)::.*operator\(\)\S* +\S*pool\.cpp:4\S* \(inlined\)", compiler + flag)

    def wait_of(self, thread, object_number, held=()):
        return {"role": "waits", "thread": thread, "object": object_number, "held": [{"object": o, "stack": []} for o in held],
                "stack": [[1, self.program.return_address("main", "pthread_create")]]}

    def deadlock(self, parties, kinds, form="all-asleep", detail=""):
        objects = [{"id": number, "kind": kind, "address": hex(0x1000 * number), "where": {"in": "heap"},
                    "init_thread": 2 if kind == "thread" else 0} for number, kind in enumerate(kinds, 1)]
        run = fixture.RunFile().process(self.program.path).module(self.program)
        run.finding("deadlock", form=form, detail=detail, parties=parties, objects=objects,
                    threads=[{"id": 1, "name": "main"}, {"id": 2, "name": "worker"}])
        return self.lockhound("report", run.write(self.path("r"))).stdout.decode()

    def test_deadlock_is_mended_by_what_is_waited_for(self):
        for kind, words in (("condition variable", "test it in a loop"), ("semaphore", "Post once for each wait"),
                            ("barrier", "the number of threads that do arrive"), ("futex", "whoever is waited for"),
                            ("mutex", "Unlock on every way out")):
            text = self.deadlock([self.wait_of(1, 1)], [kind])
            self.assertRegex(text, "What usually mends it: .*" + words, kind)
            self.assertNotIn("Break the circle", text, kind)
        text = self.deadlock([self.wait_of(1, 1, [1])], ["mutex"], form="self")
        self.assertIn("What usually mends it: Take the lock once", text)
        for mode, words in (("shared", "Take the lock for reading once"), ("exclusive", "Take the lock for writing from the start")):
            again = {**self.wait_of(1, 1), "mode": mode, "held": [{"object": 1, "mode": "shared", "stack": []}]}
            self.assertIn("What usually mends it: " + words, self.deadlock([again], ["rwlock"], form="self"))
        text = self.deadlock([self.wait_of(1, 1, [2]), self.wait_of(2, 2, [1])], ["mutex", "mutex"], form="cycle")
        self.assertIn("What usually mends it: Break the circle of waiting", text)

    def test_wait_within_the_library_says_through_what(self):
        source = self.write("latch.cpp", "#include <latch>\nstd::latch late(3);\nint main() { late.arrive_and_wait(); }\n")
        program = fixture.Program(fixture.compile_program(source, self.path("latch"), "-g", "-O0", "-std=c++20", compiler="g++"))
        inlined = re.search(r"<main>:\n(?:.+\n)*?.*call .*\n +([0-9a-f]+):", program.code).group(1)
        run = fixture.RunFile().process(program.path).module(program)
        where = {"in": "static", "module": 1, "offset": program.symbols["late"]}
        run.finding("deadlock", form="all-asleep", threads=[{"id": 1, "name": "main"}],
                    objects=[{"id": 1, "kind": "futex", "address": "0x1000", "where": where}],
                    parties=[{"role": "waits", "thread": 1, "object": 1, "held": [], "stack": [[1, int(inlined, 16)]]}])
        text = self.lockhound("report", run.write(self.path("r"))).stdout.decode()
        self.assertRegex(text, r"waits for `late`, through `std::latch::arrive_and_wait` called at\n +#0 main ")

    def test_what_one_place_has_made_is_shown_with_its_stack_once(self):
        threads = 5
        here = self.program.return_address("main", "pthread_create")
        run = fixture.RunFile().process(self.program.path).module(self.program)
        run.finding("lock-order-inversion",
                    parties=[{**self.wait_of(i + 2, i + 1, [(i + 1) % threads + 1]), "role": "requests"} for i in range(threads)],
                    objects=[{"id": i + 1, "kind": "mutex", "address": hex(0x1000 * (i + 1)), "where": {"in": "heap"},
                              "init_thread": 1, "init_stack": [[1, here]]} for i in range(threads)],
                    threads=[{"id": 1, "name": "main"}] + [{"id": i + 2, "creator": 1, "stack": [[1, here]]} for i in range(threads)])
        text = self.lockhound("report", run.write(self.path("r"))).stdout.decode()
        self.assertIn("`mutex#1`, `mutex#2`, `mutex#3`, `mutex#4` and `mutex#5` are taken in orders", text)
        self.assertEqual(text.count("initialised by T1 'main' at\n"), 1)
        self.assertEqual(text.count("initialised by T1 'main' at the same place as `mutex#1`\n"), threads - 1)
        self.assertEqual(text.count("was created by T1 'main' at\n"), 1)
        self.assertEqual(text.count("was created by T1 'main' at the same place as T2\n"), threads - 1)

    def test_deadlock_over_the_end_of_a_thread_says_so(self):
        text = self.deadlock([self.wait_of(1, 1, [2]), self.wait_of(2, 2)], ["thread", "mutex"], form="join")
        self.assertIn("2 threads wait for each other, over the end of T2 'worker' and `mutex#2`\n", text)
        self.assertIn("What usually mends it: Release the lock before waiting", text)

    def test_thread_that_ended_with_the_lock_is_no_sleeper(self):
        holder = {"role": "holds", "thread": 2, "object": 1, "held": [], "stack": []}
        alone = self.deadlock([self.wait_of(1, 1)], ["mutex"])
        text = self.deadlock([self.wait_of(1, 1), holder], ["mutex"], detail="a lock is held by a thread that has ended")
        self.assertIn("the only thread sleeps and none is left to wake it (a lock is held by a thread that has ended)", text)
        self.assertIn("  T2 'worker', which has ended, holds `mutex#1`\n", text)
        self.assertEqual(*(whole.split("fingerprint ")[1][:16] for whole in (alone, text)))

    def test_end_of_an_object_is_told_in_the_words_of_its_detail(self):
        for kind, detail, title in (
                ("destroy-locked", "its memory was freed", "a barrier freed while it is held"),
                ("destroy-with-waiters", "destroyed", "a barrier destroyed while threads wait on it"),
                ("barrier-misuse", "initialised again", "a barrier initialised again while threads wait on it"),
                ("double-join", "the thread was detached", "a join of a thread that was detached")):
            run = fixture.RunFile().process(self.program.path).module(self.program)
            run.finding(kind, detail=detail, parties=[{"role": "acts", "thread": 1, "object": 1, "stack": [], "held": []}],
                        objects=[{"id": 1, "kind": "barrier", "address": "0x1", "where": {"in": "heap"}}],
                        threads=[{"id": 1, "name": "main"}])
            text = self.lockhound("report", run.write(self.path("r"))).stdout.decode()
            self.assertIn(f"lockhound: {title}: `barrier#1`, by T1 'main'\n", text)

    def test_part_of_a_long_line_around_the_column_is_shown(self):
        filling = "/* \u00e9" + "filling " * 20 + "*/ "
        source = self.write("long.c", "#include <pthread.h>\npthread_mutex_t lock;\n"
                                      "int main(void) { return " + filling + "pthread_mutex_unlock(&lock) + 1; " + filling + "}\n")
        program = fixture.Program(fixture.compile_program(source, self.path("long"), "-g", "-O1"))
        run = fixture.RunFile().process(program.path).module(program)
        run.finding("unlock-not-locked", threads=[{"id": 1, "name": "main"}], parties=[
            {"role": "acts", "thread": 1, "held": [],
             "stack": [[1, program.return_address("main", "pthread_mutex_unlock")]]}])
        text = self.lockhound("report", run.write(self.path("r"))).stdout.decode()
        self.assertRegex(text, r"\| \.\.\..*pthread_mutex_unlock\(&lock\).*\.\.\.\n")


class JsonTest(case.CommandCase):
    def document(self, *files, **keywords):
        result = self.lockhound("report", "--json=-", *files, **keywords)
        self.assertEqual(result.returncode, 0, result.stderr)
        document = json.loads(result.stdout)
        with open(case.SCHEMA, encoding="utf-8") as file:
            jsonschema.Draft202012Validator(json.load(file)).validate(document)
        return document

    def test_document_follows_the_schema_and_names_both_sides(self):
        finding = self.document(self.inversion_run())["findings"][0]
        self.assertEqual([p["role"] for p in finding["parties"]], ["requests", "requests"])
        stack = finding["stacks"][finding["parties"][0]["held"][0]["stack"]]
        self.assertEqual([(f["function"], f["line"]) for f in stack], [("take", 15), ("transfer", 20), ("main", 42)])
        self.assertEqual({o["name"] for o in finding["objects"]}, {"accounts[0].lock", "accounts[2].lock"})

    def test_schema_refuses_what_is_not_a_report(self):
        document = self.document(self.inversion_run())
        with open(case.SCHEMA, encoding="utf-8") as file:
            validator = jsonschema.Draft202012Validator(json.load(file))
        document["findings"][0]["severity"] = "dreadful"
        with self.assertRaises(jsonschema.ValidationError):
            validator.validate(document)

    def test_runs_are_merged_and_counted(self):
        document = self.document(self.inversion_run("a"), self.inversion_run("b", swapped=True))
        self.assertEqual([f["count"] for f in document["findings"]], [2])
        self.assertEqual(document["summary"]["processes"], 2)
        self.assertEqual(document["summary"]["counts"]["events"], 20)

    def test_names_of_any_bytes_stay_valid(self):
        run = self.inversion_run(names=(b"\033]0;gotcha\007\xff\xfe", "wr\"it<script>\u202e\n"))
        document = self.document(run)
        self.assertEqual(document["findings"][0]["threads"][0]["name"], "\033]0;gotcha\007\\xff\\xfe")
        text = self.lockhound("report", run).stdout
        self.assertNotIn(b"\033", text)
        self.assertIn(rb"\x1b]0;gotcha\x07\xff\xfe", text)
        self.assertIn(rb"\u{202e}\n", text)

    def test_full_disk_is_said(self):
        result = self.lockhound("report", "--json=/dev/full", self.inversion_run())
        self.assertEqual(result.returncode, 125)
        self.assertIn(b"cannot write /dev/full: No space left", result.stderr)
        self.assertIn(b"opposite orders", result.stdout)

    def test_closed_stdout_is_said(self):
        run = self.inversion_run()
        result = case.shell_status(["sh", "-c", '"$@" >&-', "sh", case.COMMAND, "report", run])
        self.assertEqual(result.returncode, 125)
        self.assertIn(b"cannot write to stdout", result.stderr)

    def test_closed_pipe_is_said(self):
        result = case.shell_status(["sh", "-c", '{ "$0" report "$1"; echo $? >&2; } | true', case.COMMAND,
                                    self.many_run(300)])
        self.assertIn(b"Broken pipe", result.stderr)
        self.assertIn(b"125", result.stderr)

    def test_a_thousand_threads_render_in_seconds(self):
        caller = self.program.return_address("main", "pthread_create")
        count = 1000
        run = fixture.RunFile().process().module(self.program).finding(
            "deadlock", form="all-asleep", certain_hang=True,
            parties=[{"role": "waits", "thread": i, "object": i, "stack": [[1, caller + i % 7]] * 20, "held": []}
                     for i in range(1, count + 1)],
            objects=[{"id": i, "kind": "mutex", "address": hex(i), "where": {"in": "heap"}} for i in range(1, count + 1)],
            threads=[{"id": i, "tid": i, "name": "w", "creator": 1, "stack": [[1, caller]]} for i in range(1, count + 1)])
        path = run.summary().write(self.path("threads"))
        begin = time.monotonic()
        document = self.document(path)
        self.assertEqual(len(document["findings"][0]["threads"]), count)
        self.assertLess(time.monotonic() - begin, 20)
        self.assertIn(b"... and 992 more threads", self.lockhound("report", path).stdout)


class DamageTest(case.CommandCase):
    def report(self, data):
        return self.lockhound("report", self.write("damaged", data))

    def test_torn_line_is_skipped_alone_with_its_offset(self):
        with open(self.inversion_run(), "rb") as file:
            good = file.read()
        lines = good.splitlines(keepends=True)
        torn = lines[0] + lines[1] + lines[2][:500] + b"\n" + lines[2] + lines[3]
        text = self.report(torn).stdout.decode()
        self.assertIn("opposite orders", text)
        self.assertIn("at byte %d: a torn or foreign line" % len(lines[0] + lines[1]), text)

    def test_record_behind_a_torn_one_on_the_same_line_is_kept(self):
        with open(self.inversion_run(), "rb") as file:
            lines = file.read().splitlines(keepends=True)
        text = self.report(lines[0] + lines[1] + lines[2][:300] + lines[2] + lines[3]).stdout.decode()
        self.assertIn("1 finding", text)
        self.assertIn("a torn or foreign line", text)

    def test_killed_program_keeps_its_findings(self):
        with open(self.inversion_run(), "rb") as file:
            lines = file.read().splitlines(keepends=True)
        text = self.report(b"".join(lines[:3])).stdout.decode()
        self.assertIn("opposite orders", text)
        self.assertIn("has not ended or was killed", text)

    def test_every_truncation_is_survived(self):
        with open(self.inversion_run(), "rb") as file:
            data = file.read()
        for cut in range(0, len(data), 97):
            self.assertIn(self.report(data[:cut]).returncode, (0, 125), cut)

    def test_other_files_are_refused(self):
        for content in (b"", b"hello\nworld\n", b"\0" * 5000, b"{}\n", b"[" * 100000, b'{"r":"process","pid":1}\n'):
            result = self.report(content)
            self.assertEqual(result.returncode, 125, content[:20])
            self.assertIn(b"no run of a program", result.stderr)

    def test_wrong_types_and_huge_numbers_lose_only_their_record(self):
        run = fixture.RunFile().process().module(self.program)
        fixture.inversion(run, self.program)
        for member, value in (("parties", 7), ("parties", [{}]), ("threads", {"id": 1}), ("kind", []), ("parties", [[]]),
                              ("objects", [3, None])):
            record = dict(run.records[2])
            record[member] = value
            run.records.append(record)
        run.add("module", id=2**62, path=5).add("module", id=-1).add("summary", counts={"events": 2**62, "x": "y"})
        run.add("finding", kind="deadlock", parties=[{"thread": 1, "stack": [[9, 2**62], "x", [], [1, -5]], "held": [0]}],
                threads=[{"id": 1}])
        result = self.lockhound("report", run.write(self.path("r")))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(b"opposite orders", result.stdout)

    def test_missing_file_and_directory(self):
        result = self.lockhound("report", self.path("none"))
        self.assertEqual(result.returncode, 125)
        self.assertEqual(result.stdout, b"", "nothing was read, which is not that nothing was found")
        self.assertEqual(self.lockhound("report", self.directory).returncode, 125)
        self.assertEqual(self.lockhound("report").returncode, 2)

    def test_ten_thousand_findings_render_in_seconds(self):
        path = self.many_run(10000)
        result = self.lockhound("report", "--json=%s" % self.path("json"), path)
        self.assertEqual(result.returncode, 0)
        self.assertIn(b"10000 findings", result.stdout)


class SuppressionTest(case.CommandCase):
    def report(self, rules):
        rules = self.write("rules", rules)
        return self.lockhound("report", "--suppressions", rules, self.inversion_run())

    def assert_suppressed(self, rules):
        text = self.report(rules).stdout.decode()
        self.assertIn("nothing found; 1 suppressed", text, rules)

    def assert_kept(self, rules):
        text = self.report(rules).stdout.decode()
        self.assertIn("1 finding", text, rules)

    def test_each_form_matches_what_it_names(self):
        self.assert_suppressed("lock-order-inversion:transfer\n")
        self.assert_suppressed("deadlock:^writer$\n")
        self.assert_suppressed("*:bank.c\n")
        self.assert_suppressed("lock-order-inversion@top:take\n")
        self.assert_suppressed("lock-order-inversion:accounts[*].lock\n")
        self.assert_suppressed("[x]\nkind: lock-*\nframe: transfer\nframe: main\nmodule: bank\nobject: accounts*\n")
        self.assert_suppressed("{\n n\n Helgrind:LockOrder\n fun:pthread_mutex_lock\n fun:take\n ...\n fun:main\n}\n")
        self.assert_suppressed("{\n n\n Helgrind:LockOrder\n obj:*/bank\n}\n")

    def test_each_form_leaves_the_rest(self):
        self.assert_kept("mutex:transfer\n")
        self.assert_kept("lock-order-inversion@top:transfer\n")
        self.assert_kept("deadlock:^write$\n")
        self.assert_kept("[x]\nframe: main\nframe: transfer\n")
        self.assert_kept("[x]\nframe: trans\n")
        self.assert_kept("{\n n\n Helgrind:LockOrder\n fun:transfer\n}\n")
        self.assert_kept("{\n n\n Memcheck:Leak\n fun:take\n}\n")

    def test_unused_and_broad_rules_are_said(self):
        text = self.report("# c\nlock-order-inversion:nosuch\nunlock-*:*\n").stdout.decode()
        self.assertIn("rules:2: suppression 'lock-order-inversion:nosuch' matched nothing", text)
        self.assertIn("rules:3: suppression 'unlock-*:*' matches everything", text)

    def test_mistakes_have_file_and_line_and_stop_the_command(self):
        for rules, line, word in (("\nnonsense\n", 2, "expected kind:pattern"), ("dedlock:x\n", 1, "no kind"),
                                  ("[x\n", 1, "']'"), ("[x]\ncolour: red\n", 2, "no key"), ("{\nname\n", 1, "'}'"),
                                  ("a@b:c\n", 1, "'top' or 'any'"), ("[x]\n\n", 1, "nothing to match")):
            result = self.report(rules)
            self.assertEqual(result.returncode, 2, rules)
            self.assertIn("rules:%d: " % line, result.stderr.decode(), rules)
            self.assertIn(word, result.stderr.decode(), rules)


class PrintTest(case.CommandCase):
    def test_prints_the_record_at_an_offset(self):
        run = self.inversion_run()
        with open(run, "rb") as file:
            lines = file.read().splitlines(keepends=True)
        begin = len(lines[0] + lines[1])
        result = self.lockhound("print", run, "--offset=%d" % begin, "--length=%d" % len(lines[2]))
        self.assertEqual(result.returncode, 66)
        self.assertIn(b"opposite orders", result.stderr)
        self.assertNotIn(b"covered", result.stderr)

    def test_suppressions_of_the_programs_own_options_hold(self):
        rules = self.write("ru les", "lock-order-inversion:transfer\n")
        run = fixture.RunFile().process(self.program.path).module(self.program)
        run.records[0]["options"] = "quiet=yes suppressions='%s'" % rules
        fixture.inversion(run, self.program)
        begin = sum(len(json.dumps(r)) + 1 for r in run.records[:2])
        result = self.lockhound("print", run.write(self.path("r")), "--offset", str(begin), "--length", "100000")
        self.assertEqual((result.returncode, result.stderr), (0, b""))

    def test_summary_alone(self):
        result = self.lockhound("print", self.inversion_run(), "--summary")
        self.assertTrue(result.stderr.startswith(b"lockhound: 1 finding"), result.stderr)


if __name__ == "__main__":
    unittest.main()
