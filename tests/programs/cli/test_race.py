"""A data race in every format: both sides, the memory, what is not known; and a fingerprint that chance does not change."""
import json
import os
import re
import subprocess
import types
import unittest

import jsonschema

import case
import fixture


class RaceCase(case.CommandCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.racy = fixture.Program(fixture.compile_program(os.path.join(fixture.HERE, "racy.c"),
                                                           os.path.join(cls.shared, "racy"), "-g", "-O1"))

    def run_file(self, program=None, name="race.lockhound", **members):
        program = program or self.racy
        run = fixture.RunFile().process(program.path, ["racy"]).module(program)
        return fixture.race(run, program, **members).summary().write(self.path(name))

    def sides(self, **flags):
        """Both sides with the same flags."""
        here = [[1, self.racy.symbols["sell"] + 1, 1]]
        return [fixture.access("reads", 1, here, **flags), fixture.access("writes", 2, here, **flags)]

    def render(self, option, **members):
        result = self.lockhound("report", option + "=-", self.run_file(**members))
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.decode()

    def text(self, **members):
        result = self.lockhound("report", self.run_file(**members))
        return result.stdout.decode() + result.stderr.decode()

    def finding(self, **members):
        document = json.loads(self.render("--json", **members))
        with open(case.SCHEMA, encoding="utf-8") as file:
            jsonschema.Draft202012Validator(json.load(file)).validate(document)
        return document["findings"][0]


class TextTest(RaceCase):
    def test_story_names_both_sides_the_member_and_the_lock(self):
        text = self.text()
        self.assertRegex(text, r"data race on `totals\[1\]\.returned`: T1 'main' reads 4 bytes \(racy\.c:\d+\) "
                               r"while T2 'seller' writes the same \(racy\.c:\d+\), and nothing orders the two")
        self.assertRegex(text, r"T1 'main' reads 4 bytes of `totals\[1\]\.returned` at\n +#0 sell ")
        self.assertIn("holding no lock", text)
        self.assertRegex(text, r"    holding `lock`, taken at \S*racy\.c:20")
        self.assertIn("T2 'seller' was created by T1 'main' at", text)
        self.assertRegex(text, r"`totals\[1\]\.returned` is 4 bytes of type int in racy, at 0x1014")
        self.assertIn("What usually mends it", text)

    def test_mark_of_the_linker_where_a_variable_begins_is_not_its_name(self):
        plain = fixture.compile_program(os.path.join(fixture.HERE, "racy.c"), self.path("plain"), "-O1")
        marked = self.path("marked")
        lock, data = (fixture.Program(plain).symbols[name] for name in ("lock", "__data_start"))
        subprocess.run(["objcopy", f"--add-symbol=mark=.data:{lock - data},global,object", plain, marked], check=True)
        result = self.lockhound("report", self.run_file(fixture.Program(marked)))
        self.assertRegex(result.stdout.decode(), r"    holding `lock`, taken at ")

    def test_lane_puts_the_earlier_side_first(self):
        lane = self.text().split("nothing to order it:\n")[1].splitlines()
        self.assertEqual([line.split()[0] for line in lane[1:4]], ["takes", "writes", "reads"])

    def test_heap_block_names_who_allocated_it(self):
        text = self.text(memory=fixture.heap_memory(self.racy))
        self.assertIn("data race on `heap block of make[20]`", text)
        self.assertRegex(text, r"at byte 20 of a block of 64 bytes on the heap, at 0x1014, allocated by T1 'main' at\n +#0 make")

    def test_heap_block_of_a_stripped_program_is_named_by_place(self):
        program = fixture.Program(self.racy.path)
        program.path = self.path("racy")
        subprocess.run(["strip", "-o", program.path, self.racy.path], check=True)
        text = self.text(program=program, memory=fixture.heap_memory(self.racy))
        place = "racy+0x%x[20]" % (self.racy.return_address("make", "calloc") - 1)
        self.assertIn("data race on `heap block of %s`" % place, text)
        lanes = text.split("nothing to order it:\n")[1].splitlines()
        self.assertRegex(lanes[2], r"writes `\.\.\..*%s`$" % re.escape(place))
        self.assertLessEqual(max(map(len, lanes[:4])), 4 + 2 * 30)

    def test_stack_of_a_stripped_program_ends_with_main(self):
        stripped = self.path("racy")
        subprocess.run(["strip", "-o", stripped, self.racy.path], check=True)
        program = types.SimpleNamespace(**vars(self.racy))
        program.path, program.return_address = stripped, self.racy.return_address
        path = re.search(r"libc\.so\.6 => (\S+)", subprocess.run(["ldd", stripped], capture_output=True, text=True,
                                                                check=True).stdout).group(1)
        libc = types.SimpleNamespace(path=path, build_id="")
        names = subprocess.run(["nm", "-D", path], capture_output=True, text=True, check=True).stdout
        start = int(re.search(r"([0-9a-f]+) T __libc_start_main@", names).group(1), 16)
        sides = self.sides()
        sides[0]["stack"] += [[2, start + 1], [1, self.racy.symbols["_start"] + 1]]
        run = fixture.RunFile().process(stripped, ["racy"]).module(program).module(libc, 2)
        run_file = fixture.race(run, program, parties=sides).summary().write(self.path("r"))
        text = self.lockhound("report", run_file).stdout.decode()
        self.assertEqual(len(re.findall("#0 ", text.split("holding no lock")[0])), 1, text)
        self.assertNotIn("#1 ", text.split("holding no lock")[0], text)

    def test_freed_block_is_said(self):
        here = [[1, self.racy.symbols["sell"] + 1, 1]]
        parties = [fixture.access("frees", 1, here, address=0x1000, size=64, library=True),
                   fixture.access("reads", 2, here)]
        text = self.text(parties=parties, memory=fixture.heap_memory(self.racy))
        self.assertRegex(text, r"block freed while used, `heap block of make\[20\]`: T1 'main' frees its block "
                               r"\(racy\.c:\d+\) while T2 'seller' reads 4 bytes")
        self.assertIn("Where the free comes first this is a use after free.", text)
        parties.reverse()
        text = self.text(parties=parties, memory=fixture.heap_memory(self.racy))
        self.assertRegex(text, r"use after free of `heap block of make\[20\]`: T2 'seller' reads 4 bytes \(racy\.c:\d+\) "
                               r"after T1 'main' freed its block \(racy\.c:\d+\), and nothing orders the two")
        self.assertIn("T1 'main' frees the block of `heap block of make[20]`, through a function of libc called at", text)
        self.assertIn("The block had been freed already", text)
        self.assertIn("What usually mends it: Free it when", text)
        text = self.text(parties=[parties[1], parties[1] | {"thread": 2}], memory=fixture.heap_memory(self.racy))
        self.assertRegex(text, r"block freed twice, `\S+.*`: T1 'main' frees its block .* after T2 'seller' freed its block")

    def test_descriptor_is_closed_and_used(self):
        memory = fixture.heap_memory(self.racy)
        memory |= {"size": 1, "block": "0x0", "block_size": 0, "where": {"in": "descriptor", "number": 7, "kind": "socket"}}
        sides = [fixture.access(role, thread, party["stack"], size=1, library=True)
                 for role, thread, party in zip(("writes", "reads"), (1, 2), self.sides())]
        text = self.text(parties=sides, memory=memory)
        self.assertRegex(text, r"descriptor closed while used, `descriptor 7`: T1 'main' closes it \(racy\.c:\d+\) while T2 "
                               r"'seller' uses it \(racy\.c:\d+\), and nothing orders the two\n")
        self.assertRegex(text, r"T1 'main' closes `descriptor 7` at\n")
        self.assertRegex(text, r"`descriptor 7` is a socket, opened by T1 'main' at\n +#0 make")
        self.assertNotIn("byte", text)
        self.assertIn("What usually mends it: Close it", text)

    def test_state_of_libc_has_its_functions_name(self):
        memory = {"address": "0x1014", "size": 8, "where": {"in": "libc", "function": "strtok()"}}
        sides = [fixture.access("writes", thread, party["stack"], size=8, library=True)
                 for thread, party in zip((1, 2), self.sides())]
        text = self.text(parties=sides, memory=memory)
        self.assertIn("data race on `static state of strtok()`: T1 'main' writes it", text)
        self.assertIn("`static state of strtok()` is what libc keeps in one place for all threads\n", text)
        self.assertNotIn("0x1014", text)

    def test_what_is_not_known_is_said(self):
        lost = self.text(parties=[self.sides()[0], fixture.access("writes", 2, [], size=0, lost=True)])
        self.assertIn("its stack and locks have aged out", lost)
        self.assertIn("while T2 'seller' writes it, and nothing", lost)
        self.assertIn("through a function of libc called at", self.text(parties=self.sides(library=True)))
        guess = self.text(parties=self.sides(guess=True), severity="warning")
        self.assertIn("possible data race", guess)
        self.assertIn("plain moves that neither debug information nor the lines of the source tell", guess)
        self.assertIn("atomically writes 4 bytes", self.text(parties=self.sides(atomic=True)))

    def test_hidden_race_says_what_hid_it(self):
        members = {"severity": "warning", "detail": "only the order in which this run took its locks kept them apart"}
        hidden = self.text(**members)
        self.assertIn("hidden data race on", hidden)
        self.assertIn(", and only the order in which this run took its locks kept them apart\n", hidden)
        self.assertIn("another schedule may let them meet", hidden)
        self.assertIn("with nothing but locks to order it", hidden)
        self.assertNotIn("nothing orders the two", hidden)

    def test_memory_without_a_name_stands_by_its_place(self):
        where = {"address": "0x1014", "size": 4, "where": {"in": "stack", "thread": 2}}
        self.assertIn("data race on `stack variable of T2`", self.text(memory=where))
        where["where"] = {"in": "unknown"}
        self.assertIn("data race on `memory at 0x1014`", self.text(memory=where))
        where["where"] = {"in": "shared", "path": "/dev/shm/ring"}
        self.assertIn("data race on `shared memory ring`", self.text(memory=where))

    def test_name_of_a_part_of_what_is_touched_is_said_to_be_one(self):
        parties = self.sides(size=12)
        parties[0]["access"]["address"] = "0x1010"
        self.assertIn("reads 12 bytes that include `totals[1].returned` at", self.text(parties=parties))

    def test_function_of_the_library_is_named_and_its_members_are_not(self):
        source = self.write("v.cpp", "#include <vector>\nstd::vector<int> items;\n"
                                     "int main() { items.push_back(1); return items.back(); }\n")
        program = fixture.Program(fixture.compile_program(source, self.path("v"), "-g", "-O0", compiler="g++"))
        push = next(name for name in program.symbols if "9push_back" in name and "vector" in name)
        main = [1, program.return_address("main", push)]
        inside = [1, program.symbols[push] + 1, 1]
        memory = {"address": "0x1014", "size": 8, "where": {"in": "static", "module": 1, "offset": program.symbols["items"] + 8}}
        run = fixture.RunFile().process(program.path).module(program)
        run.finding("data-race", parties=[fixture.access("writes", 1, [inside, main], size=8), fixture.access("reads", 2, [main])],
                    memory=memory, objects=[], threads=[{"id": 1, "name": "main"}, {"id": 2, "name": "b"}])
        text = self.lockhound("report", run.write(self.path("r"))).stdout.decode()
        self.assertIn("data race on `items`: ", text)
        self.assertRegex(text, r"writes 8 bytes of `items`, through `std::vector::push_back` called at\n +#0 main ")
        self.assertNotIn("_M_", text)

    def test_members_of_a_container_are_one_finding(self):
        source = self.write("v.cpp", "#include <vector>\nstd::vector<int> items;\n"
                                     "int main() { items.push_back(1); return items.back(); }\n")
        program = fixture.Program(fixture.compile_program(source, self.path("v"), "-g", "-O0", compiler="g++"))
        main = [[1, program.symbols["main"] + 1, 1]]
        run = fixture.RunFile().process(program.path).module(program)
        for at in (0, 8, 16):
            where = {"in": "static", "module": 1, "offset": program.symbols["items"] + at}
            run.finding("data-race", parties=[fixture.access("writes", 1, main, size=8), fixture.access("reads", 2, main, size=8)],
                        memory={"address": "0x1014", "size": 8, "where": where}, objects=[],
                        threads=[{"id": 1, "name": "main"}, {"id": 2, "name": "b"}])
        text = self.lockhound("report", run.write(self.path("r"))).stdout.decode()
        self.assertIn("lockhound: 1 finding: 1 data-race; 2 repeats not shown\n", text)

    def test_what_a_signal_interrupted_stands_below_its_handler(self):
        parties = self.sides()
        handler, interrupted = parties[0]["stack"][0], [1, self.racy.symbols["seller"] + 1, 1]
        parties[0]["stack"] = [handler, [1, self.racy.return_address("main", "sell")], interrupted]
        text = self.text(parties=parties)
        self.assertRegex(text, r"      #1 main .*\n      <signal handler called>\n      #2 seller ")
        self.assertEqual(text.count("<signal"), 1, "the access itself is exact as well, and no signal")
        finding = self.finding(parties=parties)
        stack = finding["stacks"][finding["parties"][0]["stack"]]
        self.assertEqual([frame.get("interrupted", False) for frame in stack], [False, False, True])
        self.assertEqual(self.render("--html", parties=parties).count('<li class="signal">&lt;signal handler called&gt;</li>'), 1)

    def test_readers_of_one_lock_are_told_to_write_under_it(self):
        parties = self.sides()
        for party in parties:
            party["held"] = [{"object": 4, "mode": "shared", "stack": []}]
        run = fixture.RunFile().process(self.racy.path, ["racy"]).module(self.racy)
        fixture.race(run, self.racy, parties=parties)
        run.records[-1]["objects"][0]["kind"] = "rwlock"
        text = self.lockhound("report", run.write(self.path("r"))).stdout.decode()
        self.assertIn("What usually mends it: Both sides hold the lock for reading", text)
        self.assertEqual(text.count("read-locks `lock`"), 2)
        page = self.lockhound("report", "--html=-", self.path("r")).stdout.decode()
        self.assertEqual(page.count(">read-locks<"), 2)

    def test_lock_that_is_gone_is_not_called_none(self):
        here = [[1, self.racy.symbols["sell"] + 1, 1]]
        taken = [[1, self.racy.return_address("seller", "pthread_mutex_lock")]]
        parties = [fixture.access("writes", 1, here),
                   fixture.access("writes", 2, here, held=[{"object": 77, "gone": True, "mode": "exclusive", "stack": taken}])]
        text = self.text(parties=parties)
        self.assertRegex(text, r"    holding a lock that is gone by now, taken at \S*racy\.c:20")
        self.assertEqual(text.count("holding no lock"), 1)
        page = self.render("--html", parties=parties)
        self.assertIn("holds a lock that is gone by now, taken at", page)
        self.assertEqual(page.count("holds no lock"), 1)
        finding = self.finding(parties=parties)
        held = finding["parties"][1]["held"]
        self.assertEqual([(lock["gone"], lock["mode"], "object" in lock) for lock in held], [(True, "exclusive", False)])
        self.assertEqual(finding["stacks"][held[0]["stack"]][0]["function"], "seller")


class FormatTest(RaceCase):
    def test_json_follows_the_schema_and_has_both_accesses(self):
        finding = self.finding(memory=fixture.heap_memory(self.racy), parties=self.sides(library=True))
        self.assertEqual([p["role"] for p in finding["parties"]], ["reads", "writes"])
        self.assertEqual(finding["parties"][0]["access"], {"address": "0x1014", "size": 4, "atomic": False, "library": True,
                                                           "guess": False, "lost": False})
        memory = [o for o in finding["objects"] if o["id"] == finding["memory"]][0]
        self.assertEqual((memory["kind"], memory["size"], memory["block"], memory["block_size"]),
                         ("memory", 4, "0x1000", 64))
        self.assertEqual(finding["stacks"][memory["init_stack"]][0]["function"], "make")

    def test_record_without_memory_or_with_a_foreign_one_is_still_shown(self):
        run = fixture.RunFile().process(self.racy.path).module(self.racy)
        fixture.race(run, self.racy)
        for memory in (None, 7, {}, {"address": "0x1", "size": -3, "block": "0x9", "block_size": 1}):
            run.records[-1]["memory"] = memory
            path = run.write(self.path("odd"))
            for option in ("--json", "--sarif", "--html", "--junit", "--dot", "--github"):
                self.assertEqual(self.lockhound("report", option + "=-", path).returncode, 0, (memory, option))
            self.assertIn(b"data-race", self.lockhound("report", path).stderr + self.lockhound("report", path).stdout)

    def test_sarif_has_a_flow_a_side_and_the_other_place(self):
        log = json.loads(self.render("--sarif", memory=fixture.heap_memory(self.racy)))
        with open(os.path.join(fixture.HERE, "sarif-as-written.schema.json"), encoding="utf-8") as file:
            jsonschema.Draft202012Validator(json.load(file)).validate(log)
        result = log["runs"][0]["results"][0]
        steps = [[s["location"]["message"]["text"] for s in flow["locations"]]
                 for flow in result["codeFlows"][0]["threadFlows"]]
        self.assertEqual(steps, [["reads heap block of make[20]"],
                                 ["takes lock", "writes heap block of make[20]"]])
        self.assertEqual([p["message"]["text"] for p in result["relatedLocations"]],
                         ["T2 writes heap block of make[20]", "allocated here"])

    def test_html_draws_the_lanes_with_the_earlier_side_first(self):
        page = self.render("--html")
        figure = re.search(r"<figure>.*?</figure>", page, re.S).group(0)
        self.assertEqual(re.findall(r'y="(\d+)">(takes|writes|reads)<', figure),
                         [("55", "takes"), ("101", "writes"), ("147", "reads")])
        self.assertEqual(re.findall(r'class="held" x1="(\d+)" y1="(\d+)" x2="\d+" y2="(\d+)"', figure),
                         [("214", "50", "96")], "from the lock's taking to the access, in the second lane")
        self.assertIn("nothing orders the two accesses", figure)
        self.assertEqual(page.count("holds no lock"), 1)

    def test_html_says_that_a_block_was_freed(self):
        here = [[1, self.racy.symbols["sell"] + 1, 1]]
        parties = [fixture.access("frees", 1, here, address=0x1000, size=64, library=True),
                   fixture.access("reads", 2, here)]
        page = self.render("--html", parties=parties, memory=fixture.heap_memory(self.racy))
        self.assertIn("frees the block of <code>heap block of make[20]</code>, through a function of libc", page)

    def test_the_other_formats_name_the_memory(self):
        for option in ("--html", "--junit", "--dot", "--github"):
            self.assertIn("totals[1].returned", self.render(option), option)
        self.assertIn("-> f0_2147483648", self.render("--dot"))


class SuppressionTest(RaceCase):
    def kept(self, rules):
        rules = self.write("rules", rules)
        return json.loads(self.lockhound("report", "--json=-", "--suppressions=" + rules, self.run_file()).stdout)["findings"]

    def test_rules_of_threadsanitizer_and_helgrind_silence_races(self):
        self.assertEqual(len(self.kept("race:nothing\ndeadlock:sell\n")), 1)
        for rules in ("race:sell\n", "race:totals\n", "race_top:sell\n", "race:racy.c\n",
                      "{\n one\n Helgrind:Race\n fun:sell\n ...\n}\n", "{\n two\n drd:ConflictingAccess\n fun:sell\n}\n",
                      "data-race:sell\n"):
            self.assertEqual(self.kept(rules), [], rules)


class FingerprintTest(RaceCase):
    def fingerprint(self, **members):
        return self.finding(**members)["fingerprint"]

    def test_same_whoever_came_first_read_or_indexed(self):
        here = [1, self.racy.symbols["sell"] + 1, 1]
        main = [here, [1, self.racy.return_address("main", "sell")]]
        seller = [here, [1, self.racy.return_address("seller", "sell")]]
        usual = self.fingerprint()
        swapped = [fixture.access("writes", 2, seller), fixture.access("writes", 1, main)]
        self.assertEqual(self.fingerprint(parties=swapped), usual)
        self.assertEqual(self.fingerprint(element=2), usual, "another element of the array")
        self.assertEqual(self.fingerprint(severity="warning"), usual)

    def test_heap_offset_is_chance_and_the_allocator_is_not(self):
        usual = self.fingerprint(memory=fixture.heap_memory(self.racy))
        self.assertEqual(self.fingerprint(memory=fixture.heap_memory(self.racy, offset=40, size=8, block=80)), usual)
        other = fixture.heap_memory(self.racy)
        other["alloc_stack"] = other["alloc_stack"][1:]
        self.assertNotEqual(self.fingerprint(memory=other), usual)

    def test_another_variable_is_another_race(self):
        self.assertNotEqual(self.fingerprint(memory=fixture.heap_memory(self.racy)), self.fingerprint())


if __name__ == "__main__":
    unittest.main()
