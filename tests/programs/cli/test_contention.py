"""The contention table, from records made by hand: sums, percentiles, escapes."""
import json
import re
import unittest

import jsonschema

import case
import fixture


def times(total, largest, *log2):
    return {"total_ns": total, "max_ns": largest, "log2": list(log2)}


NONE = times(0, 0)


def lock(program, number=4, index=0):
    return {"id": number, "kind": "mutex", "address": hex(0x1000 + index), "init_thread": 0, "init_stack": [],
            "where": {"in": "static", "module": 1, "offset": program.symbols["accounts"] + 48 * index + 8}}


class ContentionTest(case.CommandCase):
    def new_run(self, pid=100):
        return fixture.RunFile(pid).process(self.program.path, ["bank"]).module(self.program)

    def site(self, nth=0, **members):
        place = self.program.return_address("transfer", "pthread_mutex_lock", nth)
        site = {"stack": [[1, place]], "mode": "exclusive", "acquisitions": 1, "contended": 0, "wait": NONE, "hold": NONE}
        return {**site, **members}

    def table(self, *files):
        result = self.lockhound("report", "--json=-", *files)
        self.assertEqual(result.returncode, 0, result.stderr)
        document = json.loads(result.stdout)
        with open(case.SCHEMA, encoding="utf-8") as file:
            jsonschema.Draft202012Validator(json.load(file)).validate(document)
        return document["contention"]

    def test_the_same_place_in_two_processes_is_one_row(self):
        files = []
        for pid in (1, 2):
            run = self.new_run(pid).add("contention", object=lock(self.program), sites=[
                self.site(acquisitions=10, contended=1, wait=times(100, 100, 0, 0, 0, 0, 0, 0, 0, 1))])
            files.append(run.summary().write(self.path("run%d" % pid)))
        (row,) = self.table(*files)
        self.assertEqual((row["name"], row["locks"], row["acquisitions"], row["contended"]), ("accounts[0].lock", 1, 20, 2))
        self.assertEqual(row["wait"], {"total_ns": 200, "p50_ns": 100, "p99_ns": 100, "max_ns": 100})
        self.assertEqual(len(row["sites"]), 1)

    def test_percentiles_are_upper_ends_of_powers_of_two(self):
        hold = times(1000, 900, 0, 0, 0, 98, 0, 0, 1, 0, 0, 0, 1)
        run = self.new_run().add("contention", object=lock(self.program), sites=[self.site(hold=hold)])
        (row,) = self.table(run.summary().write(self.path("run")))
        self.assertEqual((row["hold"]["p50_ns"], row["hold"]["p99_ns"], row["hold"]["max_ns"]), (8, 64, 900))

    def test_heaviest_wait_first_then_most_taken(self):
        run = self.new_run()
        for index, (taken, wait) in enumerate(((5, NONE), (9, NONE), (1, times(7, 7, 0, 0, 0, 1)))):
            run.add("contention", object=lock(self.program, 4 + index, index),
                    sites=[self.site(acquisitions=taken, wait=wait)])
        names = [row["name"] for row in self.table(run.summary().write(self.path("run")))]
        self.assertEqual(names, ["accounts[2].lock", "accounts[1].lock", "accounts[0].lock"])

    def test_text_is_cut_and_the_option_shows_all(self):
        run = self.new_run()
        for index in range(12):
            nameless = {"id": 50 + index, "kind": "mutex\033<b>", "address": hex(64 * index), "where": {"in": "heap"}}
            run.add("contention", object=nameless, sites=[self.site()])
        path = run.summary().write(self.path("run"))
        short, whole = self.lockhound("report", path).stdout, self.lockhound("report", "--contention", path).stdout
        self.assertIn(b"... and other locks", short)
        self.assertNotIn(b"... and other locks", whole)
        self.assertEqual(whole.count(b"take bank.c:"), 12)
        self.assertNotIn(b"\033", whole)
        self.assertNotIn(b"<b>", self.lockhound("report", "--html=-", path).stdout)

    def test_tables_sum_the_ways_to_a_place_and_json_keeps_them(self):
        here = self.site()["stack"]
        sites = [self.site(acquisitions=2 + i, stack=[*here, [1, self.program.return_address(caller, "transfer")]])
                 for i, caller in enumerate(("main", "writer"))]
        path = self.new_run().add("contention", object=lock(self.program), sites=sites).summary().write(self.path("run"))
        self.assertEqual(sorted(site["acquisitions"] for site in self.table(path)[0]["sites"]), [2, 3])
        text = self.lockhound("report", "--contention", path).stdout.decode()
        self.assertEqual(re.findall(r"take bank\.c:15 +(\d+) ", text), ["5"])
        page = self.lockhound("report", "--html=-", path).stdout.decode()
        self.assertEqual(re.findall(r"take bank\.c:15</th><td>(\d+)<", page), ["5"])

    def test_hostile_numbers_do_no_harm(self):
        hostile = {"total_ns": -5, "max_ns": "x", "log2": {"a": 1}}
        large = times(2**63 - 1, 2**63 - 1, *[2**63 - 1] * 60)
        run = self.new_run()
        for sites in ([self.site(wait=hostile, hold=large)] * 3, [None, 7, {}], "none", None):
            run.add("contention", object=lock(self.program), sites=sites)
        run.add("contention", object=None, sites=None).add("contention")
        self.table(run.summary().write(self.path("run")))


if __name__ == "__main__":
    unittest.main()
