"""draft.py: a random program while it is drawn: what it has so far, and whether a step more may stand in it."""

import random

from events import ACCESSES
from oracle import Oracle, Verdict
from program import Program, Step


class Draft:
    def __init__(self, seed, correct, length):
        self.random = random.Random(seed)
        self.correct = correct
        self.cxx = self.random.random() < 0.4
        self.has_atomics = self.cxx or self.random.random() < 0.3
        self.program = Program(seed, [], self.random.random() < 0.5, self.cxx, self.has_atomics)
        self.program.avoids_guesses = self.has_atomics and not self.cxx and seed % 2 == 0
        self.oracle = Oracle()
        self.groups = 0
        self.length = length
        self.live = [0]
        self.ended = []           # and not joined
        self.made = 1
        self.most = self.random.randint(2, 6)
        self.held = {}            # lock: {thread: (mode, group)}
        self.tokens = []          # (semaphore, group)
        self.piped = []           # (size, group)
        self.blocks = {}          # slot: (region, size, group)
        self.stacks = {}          # slot: (thread, group)
        self.slots = 0
        self.waiting = None       # (thread, group, lock, flag)
        self.conditions = self.barriers = 0
        self.done_once = {}
        self.folds = self.random.random() < 0.15
        self.sharing = self.random.choice((0.05, 0.2, 0.5))

    def group(self):
        self.groups += 1
        return self.groups

    def add(self, thread, code, events, group=None, may_race=False, **what):
        """Returns: False when the program is to be a correct one, and the step races, or one of few and races, and may not."""
        step = Step(thread, code, events, group or self.group(), **what)
        touches = any(event[0] in ACCESSES for event in events)
        if touches and (self.correct or not may_race and self.random.random() > self.sharing) and self.oracle.would_race(step):
            return False
        self.program.steps.append(step)
        self.oracle.apply(step, Verdict())
        return True

    def runners(self):
        return [t for t in self.live if self.waiting is None or t != self.waiting[0]]
