"""What a function is called where its debug information has no mangled name, and one that the compiler has split."""
import json
import re
import unittest

import case
import fixture

LAMBDAS = """#include <pthread.h>
pthread_mutex_t lock;
namespace shop { struct till { void open(); }; }
void shop::till::open()
{
    auto first = [](int n) { pthread_mutex_unlock(&lock); return n; };
    { auto second = [](int n) { auto inner = [] { pthread_mutex_lock(&lock); }; inner(); return n; }; second(1); }
    first(2);
}
int main(int n, char **)
{
    auto one = [&] { pthread_mutex_unlock(&lock); n++; };
    auto two = [&] { pthread_mutex_trylock(&lock); n++; };
    one();
    two();
    shop::till().open();
    return n;
}
"""

SPLIT = """#include <pthread.h>
pthread_mutex_t lock;
long balance;
static void *work(void *with_lock)
{
    if (with_lock) {
        pthread_mutex_lock(&lock);
        balance += 5;
        pthread_mutex_unlock(&lock);
    } else {
        balance -= 5;
    }
    return NULL;
}
void *(*volatile start)(void *) = work;
int main(int n, char **v) { start(v); return n; }
"""


FIELDS = """struct state { int n; unsigned ready : 3, count : 5; unsigned kind : 8; unsigned size : 16; unsigned low : 12, high : 20; };
struct state states[2];
int main(void) { return states[1].kind; }
"""


# Variables that share a register with another, or are in one only after what they hold was used.
COPIES = """#include <pthread.h>
#include <stdlib.h>
struct account { long balance; pthread_mutex_t lock; };
void *by_parameter(void *argument)
{
    struct account *account = argument;
    pthread_mutex_lock(&account->lock);
    account->balance++;
    return account;
}
static inline struct account *make(const pthread_mutexattr_t *kind)
{
    struct account *account = malloc(sizeof *account);
    pthread_mutex_init(&account->lock, kind);
    return account;
}
pthread_mutexattr_t kind;
void *by_result(void) { struct account *mine = make(&kind); return mine->balance ? mine : by_parameter(mine); }
int main(void) { return by_result() == by_parameter(NULL); }
"""

# Two members that one instruction touches, and a part of one.
PAIRS = """struct pair { int first, second; };
struct pair pairs[2];
int main(void) { return pairs[1].first; }
"""


class NamesTest(case.CommandCase):
    def frames(self, program, *address):
        """The fingerprint, and what is told of a stack of one address: (function, line, is it inlined), innermost first."""
        run = fixture.RunFile().process(program.path).module(program)
        run.finding("unlock-not-locked", threads=[{"id": 1, "name": "main"}],
                    parties=[{"role": "acts", "thread": 1, "stack": [[1, *address]], "held": []}])
        document = json.loads(self.lockhound("report", "--json=-", run.write(self.path("r"))).stdout)
        finding = document["findings"][0]
        stack = finding["stacks"][finding["parties"][0]["stack"]]
        return finding["fingerprint"], [(f.get("function"), f.get("line"), f.get("inlined", False)) for f in stack]

    def test_lambdas_are_told_apart_with_and_without_inlining(self):
        source = self.write("lambdas.cpp", LAMBDAS)
        for flag in ("-O0", "-O2"):
            program = fixture.Program(fixture.compile_program(source, self.path("l"), "-g", flag, compiler="g++"))
            names = {}
            for line in program.code.splitlines():
                if line.endswith(">:"):
                    around, count = line.split("<")[1][:-2], 0
                for called in ("lock", "unlock", "trylock"):
                    if f"<pthread_mutex_{called}@" in line and "call" in line:
                        nth = sum(1 for key in names if key[:2] == (around, called))
                        address = program.return_address(around, "pthread_mutex_" + called, nth)
                        names[around, called, nth] = self.frames(program, address)[1][0][0]
            self.assertEqual(set(names.values()), {
                "shop::till::open::{lambda#1}::operator()", "shop::till::open::{lambda#2}::operator()::{lambda#1}::operator()",
                "main::{lambda#1}::operator()", "main::{lambda#2}::operator()"}, flag)

    def test_function_split_by_the_compiler_is_one_frame(self):
        source = self.write("split.c", SPLIT)
        usual = None
        for flag in ("-O0", "-O2"):
            program = fixture.Program(fixture.compile_program(source, self.path("s"), "-g", flag, compiler="gcc"))
            body = program.code.split("<work>:")[1].split("\n\n")[0]
            subtraction = re.search(r"([0-9a-f]+):\tsub[lq]? +\$0x5,", body).group(1)
            fingerprint, frames = self.frames(program, int(subtraction, 16), 1)
            self.assertEqual(frames, [("work", 11, False)], flag)
            self.assertEqual(fingerprint, usual or fingerprint, flag)
            usual = fingerprint

    def test_lock_is_named_by_a_pointer_that_the_compiler_has_optimised(self):
        source = self.write("copies.c", COPIES)
        for compiler, flag in ((c, f) for c in ("gcc", "clang") for f in ("-O0", "-O1", "-O2")):
            program = fixture.Program(fixture.compile_program(source, self.path("c"), "-g", flag, compiler=compiler))
            inside = "make" if flag == "-O0" else "by_result"
            for function, called in (("by_parameter", "pthread_mutex_lock"), (inside, "pthread_mutex_init")):
                stack = [[1, program.return_address(function, called)]]
                lock = {"id": 4, "kind": "mutex", "address": "0x1000", "where": {"in": "heap"}, "init_thread": 1, "init_stack": []}
                run = fixture.RunFile().process(program.path).module(program)
                run.finding("unlock-not-locked", threads=[{"id": 1, "name": "main"}], objects=[lock],
                            parties=[{"role": "acts", "thread": 1, "object": 4, "stack": stack, "held": []}])
                document = json.loads(self.lockhound("report", "--json=-", run.write(self.path("r"))).stdout)
                names = [thing["name"] for thing in document["findings"][0]["objects"]]
                self.assertEqual(names, ["account->lock"], (compiler, flag, function))

    def test_type_is_said_of_memory_that_it_fits(self):
        program = fixture.Program(fixture.compile_program(self.write("pairs.c", PAIRS), self.path("p"), "-g"))
        run = fixture.RunFile().process(program.path).module(program)
        for at, size in ((8, 4), (8, 8), (12, 2), (4, 8)):
            where = {"in": "static", "module": 1, "offset": program.symbols["pairs"] + at}
            run.finding("data-race", objects=[], threads=[{"id": 1, "name": "main"}, {"id": 2, "name": "b"}],
                        parties=[fixture.access("writes", 1, [[1, program.symbols["main"] + at + size, 1]], size=size),
                                 fixture.access("reads", 2, [], size=size)],
                        memory={"address": "0x1000", "size": size, "where": where})
        document = json.loads(self.lockhound("report", "--json=-", run.write(self.path("r"))).stdout)
        told = [(thing["name"], thing["size"], thing.get("type"))
                for finding in document["findings"] for thing in finding["objects"]]
        self.assertEqual(told[:2], [("pairs[1].first", 4, "int"), ("pairs[1]", 8, "pair")])
        self.assertEqual(told[2:], [("pairs[1].second", 2, None), ("pairs[0].second", 8, None)])

    def test_bit_fields_are_named_by_the_bytes_that_they_share(self):
        source = self.write("fields.c", FIELDS)
        for compiler, flags in (("gcc", ["-g"]), ("gcc", ["-gdwarf-4", "-gstrict-dwarf"]), ("clang", ["-g"])):
            program = fixture.Program(fixture.compile_program(source, self.path("f"), *flags, compiler=compiler))
            for at, size, name in ((4, 1, "{ready,count}"), (5, 1, "kind"), (6, 2, "size"), (4, 4, "{ready,count,kind,size}"),
                                   (8, 2, "{low,high}"), (10, 2, "high+1")):
                run = fixture.RunFile().process(program.path).module(program)
                where = {"in": "static", "module": 1, "offset": program.symbols["states"] + 12 + at}
                run.finding("data-race", objects=[], threads=[{"id": 1, "name": "main"}, {"id": 2, "name": "b"}],
                            parties=[fixture.access("writes", i, [], size=size) for i in (1, 2)],
                            memory={"address": "0x1014", "size": size, "where": where})
                text = self.lockhound("report", run.write(self.path("r"))).stdout.decode()
                self.assertIn(f"data race on `states[1].{name}`: ", text, f"{compiler} {flags}")


if __name__ == "__main__":
    unittest.main()
