"""Run files made by hand, of real addresses in programs compiled here, so that symbols are really looked up."""
import json
import os
import re
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))


def compile_program(source, output, *flags, compiler="cc"):
    subprocess.run([compiler, "-pthread", *flags, "-Wl,--build-id=sha1", source, "-o", output], check=True)
    return output


class Program:
    """Addresses and build-id of an ELF file, read with binutils and not with the code under test."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        notes = subprocess.run(["readelf", "-n", path], capture_output=True, text=True, check=True).stdout
        self.build_id = re.search(r"Build ID: ([0-9a-f]+)", notes).group(1)
        listing = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
        self.symbols = {}
        for line in listing.splitlines():
            match = re.match(r"([0-9a-f]+) \w (\S+)", line)
            if match:
                self.symbols[match.group(2)] = int(match.group(1), 16)
        self.code = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path], capture_output=True, text=True,
                                   check=True).stdout

    def return_address(self, function, called, nth=0):
        """The address behind the nth call of `called` in `function`."""
        body = re.search(r"<%s>:\n((?:.+\n)*)" % re.escape(function), self.code).group(1)
        lines = body.splitlines()
        found = [i for i, line in enumerate(lines) if re.search(r"(call|jmp).*<%s[@>]" % re.escape(called), line)]
        return int(lines[found[nth] + 1].split(":")[0], 16)


def as_bytes(text):
    """What the writer does to a byte string: a byte is the code point of its number."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1") if isinstance(text, str) else text.decode("latin-1")


class RunFile:
    def __init__(self, pid=100):
        self.pid = pid
        self.records = []

    def add(self, record, **members):
        self.records.append({"r": record, "pid": self.pid, **members})
        return self

    def process(self, exe="/opt/prog", argv=("prog",)):
        return self.add("process", format=1, version="0.1.0", ppid=1, time_ns=1, exe=exe, argv=list(argv), forked=False,
                        options="")

    def module(self, program, number=1, build_id=None):
        return self.add("module", id=number, path=program.path, build_id=build_id or program.build_id, bias="0x7f0000")

    def finding(self, kind="lock-order-inversion", **members):
        members.setdefault("severity", "error")
        for key, value in {"form": "", "certain_hang": False, "detail": "", "number": 0, "time_ns": 5}.items():
            members.setdefault(key, value)
        return self.add("finding", kind=kind, **members)

    def summary(self, reason="exit", **counts):
        return self.add("summary", time_ns=9, reason=reason, counts=counts)

    def data(self):
        return b"".join(json.dumps(r).encode() + b"\n" for r in self.records)

    def write(self, path):
        with open(path, "wb") as file:
            file.write(self.data())
        return path


def inversion(run, program, swapped=False, names=("main", "writer"), addresses=(0x1000, 0x2000)):
    """Adds the finding of bank.c: accounts[0].lock then accounts[2].lock in main, the other way round in writer."""
    outer = program.return_address("transfer", "pthread_mutex_lock", 0)
    inner = program.return_address("transfer", "pthread_mutex_lock", 1)
    in_main = program.return_address("main", "transfer")
    in_writer = program.return_address("writer", "transfer")
    base = program.symbols["accounts"]
    objects = [
        {"id": 4, "kind": "mutex", "address": hex(addresses[0]), "init_thread": 0, "init_stack": [],
         "where": {"in": "static", "module": 1, "offset": base + 8}},
        {"id": 5, "kind": "mutex", "address": hex(addresses[1]), "init_thread": 0, "init_stack": [],
         "where": {"in": "static", "module": 1, "offset": base + 2 * 48 + 8}},
    ]
    parties = [
        {"role": "requests", "thread": 1, "object": 5, "mode": "exclusive", "timed": False, "signal": 0,
         "stack": [[1, inner], [1, in_main]],
         "held": [{"object": 4, "mode": "exclusive", "stack": [[1, outer], [1, in_main]]}]},
        {"role": "requests", "thread": 2, "object": 4, "mode": "exclusive", "timed": False, "signal": 0,
         "stack": [[1, inner], [1, in_writer]],
         "held": [{"object": 5, "mode": "exclusive", "stack": [[1, outer], [1, in_writer]]}]},
    ]
    threads = [
        {"id": 1, "tid": 100, "name": as_bytes(names[0]), "creator": 0, "stack": []},
        {"id": 2, "tid": 101, "name": as_bytes(names[1]), "creator": 1,
         "stack": [[1, program.return_address("main", "pthread_create")]]},
    ]
    if swapped:
        parties.reverse()
    return run.finding(parties=parties, objects=objects, threads=threads)


def come_true(run):
    """Adds the deadlock that the inversion added last has become."""
    foretold = run.records[-1]
    parties = [{**party, "role": "waits"} for party in foretold["parties"]]
    run.records.append({**foretold, "kind": "deadlock", "form": "cycle", "parties": parties})
    return run


def access(role, thread, stack, address=0x1014, size=4, held=(), **flags):
    """One side of a data race."""
    members = {"atomic": False, "library": False, "guess": False, "lost": False, **flags}
    return {"role": role, "thread": thread, "stack": stack, "timed": False, "signal": 0, "held": list(held),
            "access": {"address": hex(address), "size": size, **members}}


def race(run, program, parties=None, memory=None, element=1, **members):
    """Adds the race of racy.c on totals[element].returned: main reads what T2 'seller', with the lock, has written."""
    here = [1, program.symbols["sell"] + 1, 1]
    taken = [[1, program.return_address("seller", "pthread_mutex_lock")]]
    if parties is None:
        parties = [access("reads", 1, [here, [1, program.return_address("main", "sell")]]),
                   access("writes", 2, [here, [1, program.return_address("seller", "sell")]],
                          held=[{"object": 4, "mode": "exclusive", "stack": taken}])]
    if memory is None:
        offset = program.symbols["totals"] + 16 * element + 8
        memory = {"address": "0x1014", "size": 4, "where": {"in": "static", "module": 1, "offset": offset},
                  "block": "0x0", "block_size": 0, "alloc_thread": 0, "alloc_stack": []}
    objects = [{"id": 4, "kind": "mutex", "address": "0x1800", "init_thread": 0, "init_stack": [],
                "where": {"in": "static", "module": 1, "offset": program.symbols["lock"]}}]
    threads = [{"id": 1, "tid": 100, "name": "main", "creator": 0, "stack": []},
               {"id": 2, "tid": 101, "name": "seller", "creator": 1,
                "stack": [[1, program.return_address("main", "pthread_create")]]}]
    return run.finding("data-race", parties=parties, memory=memory, objects=objects, threads=threads, **members)


def heap_memory(program, offset=20, size=4, block=64):
    """What race() takes as `memory`: bytes of a block that make() allocated for main."""
    stack = [[1, program.return_address("make", "calloc")], [1, program.return_address("main", "make")]]
    return {"address": hex(0x1000 + offset), "size": size, "where": {"in": "heap"}, "block": "0x1000",
            "block_size": block, "alloc_thread": 1, "alloc_stack": stack}
