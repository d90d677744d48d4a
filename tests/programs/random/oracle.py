"""oracle.py: the naive twin: full vector clocks over the steps of a program, and every access of every thread to every byte.

    steps --> Oracle.run() --> races   pairs of steps with accesses to one byte, one a write, neither before the other
                           --> owed    sets of such pairs, of each of which one has to be reported

Each step is a list of events; a thread's own epoch is what it has released.

    ("acquire", key)   ("release", key)                    a clock that what is released adds up in
    ("fresh", region)                                      new memory
    ("stays", region, region)                              the first may be where the second is: realloc()
    ("blind",)                                             the thread's history is folded from here on: nothing is owed any more
    ("read" | "write" | "free", region, offset, size)      what a step is sure to touch
    ("peek" | "maybe", region, offset, size)               what it may read, or read and write, besides: a bit field's neighbours

An event whose key begins with "?" orders only where order is to be taken for granted: `owed` counts it, `races` does not.

What is owed follows detector/race.h: an access is held against each other thread's last access to a byte (last write, for a
read), unless the thread has accessed it in this epoch already, at least as strongly; and one race of an access is told.
"""

from collections import defaultdict
from dataclasses import dataclass, replace

READS, DOUBTS = ("read", "peek"), ("peek", "maybe")
ACCESSES = ("read", "write", "free", *DOUBTS)
LOOKS_A_GRANULE = 4  # a granule is not looked at for ever (race_finding.c: HEARD_ENOUGH); vectors and copies look often


def join(to, other):
    for thread, epoch in other.items():
        if epoch > to.get(thread, 0):
            to[thread] = epoch


def bytes_of(event):
    _, region, offset, size = event
    return [(region, offset + i) for i in range(size)]


@dataclass(frozen=True)
class Access:
    thread: int
    epoch: int
    generation: int  # of the thread's tags: its epochs while there are others to be told from
    writes: bool
    is_sure: bool
    number: int      # of the step


class Oracle:
    """One pass; `trusting`: with the orders that may be there."""

    def __init__(self, trusting=False):
        self.trusting = trusting
        self.clocks = defaultdict(lambda: defaultdict(int))
        self.sent = defaultdict(dict)
        self.generations = defaultdict(int)
        self.live = 1
        self.accesses = defaultdict(list)  # to a byte
        self.looks = defaultdict(int)
        self.is_blind = False

    def counts(self, event):
        return self.trusting or not event[1].startswith("?")

    def races_of(self, thread, clock, byte, writes):
        """What an access to the byte races with."""
        return [a for a in self.accesses[byte]
                if a.thread != thread and (writes or a.writes) and a.epoch > clock.get(a.thread, 0)]

    def would_race(self, step):
        clock = dict(self.clocks[step.thread])
        for event in step.events:
            if event[0] == "acquire" and self.counts(event):
                join(clock, self.sent[event[1].lstrip("?")])
            elif event[0] in ACCESSES:
                if any(self.races_of(step.thread, clock, byte, event[0] not in READS) for byte in bytes_of(event)):
                    return True
        return False

    def is_hit(self, thread, byte, writes):
        return any(a.thread == thread and a.generation == self.generations[thread] and (a.writes or not writes)
                   for a in self.accesses[byte])

    def access(self, step, event, races, owed):
        thread, writes = step.thread, event[0] not in READS
        told, looked, is_owed = set(), set(), False
        for byte in bytes_of(event):
            met = self.races_of(thread, self.clocks[thread], byte, writes)
            races |= {frozenset((step.number, a.number)) for a in met}
            last = {}
            for a in met:
                last[a.thread] = max(a.generation if a.is_sure else 0, last.get(a.thread, 0))
            told |= {frozenset((step.number, a.number)) for a in met if a.generation >= last[a.thread]}
            is_owed |= any(a.is_sure for a in met) and not self.is_hit(thread, byte, writes)
            looked |= {(byte[0], byte[1] // 8, other) for other in last}
        is_looked_at = all(self.looks[place] < LOOKS_A_GRANULE for place in looked)
        if is_owed and is_looked_at and event[0] not in DOUBTS and not self.is_blind:
            owed.append(told | self.doubtful(step))
        for place in looked:
            self.looks[place] += LOOKS_A_GRANULE if "for (" in step.code else 1

    def doubtful(self, step):
        """What may be told of the step instead: one instruction may touch what is sure and what is not."""
        return {frozenset((step.number, a.number)) for event in step.events if event[0] in DOUBTS for byte in bytes_of(event)
                for a in self.races_of(step.thread, self.clocks[step.thread], byte, event[0] not in READS)}

    def note(self, step, event):
        own = self.clocks[step.thread][step.thread]
        access = Access(step.thread, own, self.generations[step.thread], event[0] not in READS, event[0] not in DOUBTS,
                        step.number)
        for byte in bytes_of(event):
            self.accesses[byte].append(access)

    def release(self, thread, key):
        join(self.sent[key], self.clocks[thread])
        self.live += key.startswith("start")
        self.live -= key.startswith("end")
        self.clocks[thread][thread] += 1
        self.generations[thread] += self.live > 1

    def apply(self, step, races, owed):
        thread = step.thread
        self.clocks[thread].setdefault(thread, 1)
        for event in step.events:
            if event[0] == "acquire":
                if self.counts(event):
                    join(self.clocks[thread], self.sent[event[1].lstrip("?")])
            elif event[0] == "release":
                if self.counts(event):
                    self.release(thread, event[1].lstrip("?"))
            elif event[0] == "blind":
                self.is_blind = True
            elif event[0] == "stays":
                for byte in [byte for byte in self.accesses if byte[0] == event[1]]:
                    self.accesses[event[2], byte[1]] += [replace(a, is_sure=False) for a in self.accesses[byte]]
            elif event[0] == "fresh":
                for byte in [byte for byte in self.accesses if byte[0] == event[1]]:
                    del self.accesses[byte]
            else:
                self.access(step, event, races, owed)
                self.note(step, event)


def judge(steps):
    """Returns (races, owed) of numbered steps."""
    races, owed, ignored = set(), [], []
    weak, strong = Oracle(), Oracle(trusting=True)
    for step in steps:
        weak.apply(step, races, ignored)
        strong.apply(step, set(), owed)
    return races, owed
