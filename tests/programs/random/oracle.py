"""oracle.py: the naive twin: full vector clocks over the steps of a program, and every access of every thread to every byte.

    steps --> judge() --> Verdict.races   pairs of steps with accesses to one byte, one a write, neither before the other; and where
                      --> Verdict.owed    sets of such pairs, of each of which one has to be reported

Each step is a list of events (events.py); a thread's own epoch is what it has released.

What is owed follows detector/race.h: an access is held against each other thread's last access to a byte (last write, for a
read), unless the thread has accessed it in this epoch already, at least as strongly; and one race of an access is told.  owed.py says
what that makes of loops.
"""

from collections import defaultdict
from dataclasses import dataclass, field, replace

from events import ACCESSES, DOUBTS, GRANULE, READS, pieces
from guesses import ordered_by_guesses
from owed import Met, owed_of_access, owed_of_loop
from spans import Spans

HEARD_ENOUGH = 16  # looks at a granule for what one thread did there, until not every one is taken (race_finding.c)


def join(to, other):
    for thread, epoch in other.items():
        if epoch > to.get(thread, 0):
            to[thread] = epoch


@dataclass(frozen=True)
class Access:
    thread: int
    epoch: int
    generation: int  # of the thread's tags: its epochs while there are others to be told from
    writes: bool
    is_sure: bool
    number: int      # of the step


@dataclass
class Verdict:
    races: dict = field(default_factory=lambda: defaultdict(list))  # pair of steps: (region, low, high)
    owed: list = field(default_factory=list)


class Oracle:
    """One pass; `trusting`: with the orders that may be there."""

    def __init__(self, trusting=False, unowed=frozenset()):
        self.trusting = trusting
        self.unowed = unowed                    # granules
        self.clocks = defaultdict(lambda: defaultdict(int))
        self.sent = defaultdict(dict)
        self.takers = defaultdict(set)          # who touches a place that hands over
        self.generations = defaultdict(int)
        self.live = 1
        self.memory = Spans(list, list)         # accesses
        self.looks = Spans(lambda: defaultdict(int), lambda looks: defaultdict(int, looks))  # by thread; whole granules
        self.planes = defaultdict(set)          # by thread: who may have had its plane before it, or after
        self.gone = set()
        self.former = defaultdict(int)          # by thread: looks at what was where a new block or stack may be
        self.is_blind = False

    def counts(self, event):
        return self.trusting or not event[1].startswith("?")

    def races_of(self, thread, clock, accesses, writes):
        """What an access to a byte races with."""
        return [a for a in accesses
                if a.thread != thread and (writes or a.writes) and a.epoch > clock.get(a.thread, 0)]

    def would_race(self, step):
        clock = dict(self.clocks[step.thread])
        for event in step.events:
            if event[0] == "acquire" and self.counts(event):
                join(clock, self.sent[event[1].lstrip("?")])
            elif event[0] in ACCESSES:
                if any(self.races_of(step.thread, clock, span.value, event[0] not in READS)
                       for piece in pieces(event) for span in self.memory.over(*piece)):
                    return True
        return False

    def is_hit(self, thread, accesses, writes):
        return any(a.thread == thread and a.generation == self.generations[thread] and (a.writes or not writes)
                   for a in accesses)

    def is_unowed(self, region, low, high):
        return bool(self.unowed) and any((region, at // GRANULE) in self.unowed for at in range(low, high, GRANULE))

    def granules(self, region, low, high):
        return self.looks.over(region, low - low % GRANULE, high + -high % GRANULE)

    def looked(self, region, low, high, others):
        """Returns: the whole granules around it, with how often it was looked there for what one of them did, at most."""
        before = self.former if region.startswith(("heap", "stack")) else {}
        return [(span.low, span.high, max(sum(span.value[plane] + before.get(plane, 0) for plane in {other, *self.planes[other]})
                                          for other in others)) for span in self.granules(region, low, high)]

    def hand_on(self, region):
        """Its memory may be given to others from here on."""
        most = defaultdict(int)
        for span in self.looks.of(region):
            for thread, looks in span.value.items():
                most[thread] = max(most[thread], looks)
        for thread, looks in most.items():
            self.former[thread] += looks

    def look(self, step, region, met):
        others = defaultdict(set)
        for part in met:
            self.granules(region, part.low, part.high)  # before any is named: they are split there
        for part in met:
            for span in self.granules(region, part.low, part.high):
                others[span.low] |= part.others
        for low, threads in others.items():
            for thread in threads:
                self.looks.beginning(region, low).value[thread] += step.looks

    def meet(self, step, event):
        """Returns: what the access meets, in pieces of which each meets the same."""
        thread, writes = step.thread, event[0] not in READS
        met = []
        for piece in pieces(event):
            for span in self.memory.over(*piece):
                racing = self.races_of(thread, self.clocks[thread], span.value, writes)
                if not racing:
                    continue
                last = {}
                for a in racing:
                    last[a.thread] = max(a.generation if a.is_sure else 0, last.get(a.thread, 0))
                told = frozenset(frozenset((step.number, a.number)) for a in racing if a.generation >= last[a.thread])
                is_new = any(a.is_sure for a in racing) and not self.is_hit(thread, span.value, writes)
                pairs = {frozenset((step.number, a.number)) for a in racing}
                for low, high, looks in self.looked(piece[0], span.low, span.high, last):
                    is_looked_at = looks < HEARD_ENOUGH and not self.is_unowed(piece[0], low, high)
                    met.append(Met(max(low, span.low), min(high, span.high), told, pairs, is_new, is_looked_at, frozenset(last)))
        return met

    def access(self, step, event, verdict, perhaps):
        met = self.meet(step, event)
        for part in met:
            for pair in part.pairs:
                verdict.races[pair].append((event[1], part.low, part.high))
        if event[0] not in DOUBTS and not self.is_blind:
            owed = owed_of_loop(met, event) if step.is_loop else owed_of_access(met)
            beside = {pair for pair, places in perhaps.items() if any(
                region == event[1] and low < part.high and part.low < high and pair not in part.pairs
                for region, low, high in places for part in met)} if owed else set()
            verdict.owed += [pairs | beside | self.doubtful(step) for pairs in owed]
        self.look(step, event[1], met)

    def doubtful(self, step):
        """What may be told of the step instead: one instruction may touch what is sure and what is not."""
        return {frozenset((step.number, a.number)) for event in step.events if event[0] in DOUBTS
                for piece in pieces(event) for span in self.memory.over(*piece)
                for a in self.races_of(step.thread, self.clocks[step.thread], span.value, event[0] not in READS)}

    def note(self, step, event):
        own = self.clocks[step.thread][step.thread]
        access = Access(step.thread, own, self.generations[step.thread], event[0] not in READS, event[0] not in DOUBTS,
                        step.number)
        for piece in pieces(event):
            for span in self.memory.over(*piece):
                span.value.append(access)

    def live_on(self, thread, key):
        """A thread that begins may get the plane of one that is gone."""
        if key.startswith("start"):
            self.live += 1
            new = int(key[len("start"):])
            self.planes[new] |= self.gone
            for gone in self.gone:
                self.planes[gone].add(new)
        elif key.startswith("end"):
            self.live -= 1
            self.gone.add(thread)
            for region in [region for region in self.looks.regions if region.startswith("stack")]:
                self.hand_on(region)

    def release(self, thread, key):
        join(self.sent[key], self.clocks[thread])
        self.live_on(thread, key)
        self.clocks[thread][thread] += 1
        self.generations[thread] += self.live > 1

    def apply(self, step, verdict, perhaps=None):
        """`perhaps`: the races of this step without the orders that may be there: one of them may be told in the place of another's."""
        thread = step.thread
        self.clocks[thread].setdefault(thread, 1)
        for event in step.events:
            if event[0] == "acquire":
                if self.counts(event):
                    join(self.clocks[thread], self.sent[event[1].lstrip("?")])
            elif event[0] == "release":
                if self.counts(event):
                    self.release(thread, event[1].lstrip("?"))
            elif event[0] == "give":
                self.takers[event[1]].add(thread)
                join(self.clocks[thread], self.sent[event[1]])
                join(self.sent[event[1]], self.clocks[thread])
                for taker in self.takers[event[1]]:
                    join(self.clocks[taker], self.clocks[thread])
            elif event[0] == "blind":
                self.is_blind = True
            elif event[0] == "stays":
                for span in self.memory.of(event[1]):
                    for new in self.memory.over(event[2], span.low, span.high):
                        new.value += [replace(a, is_sure=False) for a in span.value]
            elif event[0] == "fresh":
                self.memory.forget(event[1])
            else:
                self.access(step, event, verdict, perhaps or {})
                self.note(step, event)
                if event[0] == "free":
                    self.hand_on(event[1])


def judge(program):
    """Returns: the Verdict on its steps."""
    steps = program.numbered()
    ordered, unowed = ordered_by_guesses(steps) if program.guesses else (steps, frozenset())
    weak, strong = Oracle(), Oracle(trusting=True, unowed=unowed)
    verdict, owed = Verdict(), Verdict()
    for step, ordered_step in zip(steps, ordered):
        here = Verdict()
        weak.apply(step, here)
        strong.apply(ordered_step, owed, here.races)
        verdict.races.update(here.races)
    verdict.owed = owed.owed
    return verdict
