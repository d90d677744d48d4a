"""generate.py: random programs of several threads whose steps run in one order, with what each does to the oracle.

    seed --> generate() --> Program.steps --> source.source()
        |                         \\--> oracle.judge()
        \\-- draws from accesses, synchronisation and lives, into a draft
"""

from accesses import Accesses
from lives import Lives
from synchronisation import Synchronisation


class Generator(Accesses, Synchronisation, Lives):
    def run(self):
        plain = (self.plain_typed, self.plain_typed, self.plain_named, self.plain_named, self.plain_function, self.between,
                 self.loop)
        orders = (self.lock, self.lock, self.unlock, self.unlock, self.unlock, self.semaphore, self.pipe, self.once,
                  self.atomic, self.atomic, self.builtin, self.barrier, self.condition, self.condition, self.turn_over)
        life = (self.allocate, self.allocate, self.free, self.reallocate, self.show_stack, self.create, self.create, self.end, self.join)
        share = self.random.choice((0.15, 0.3, 0.45))
        thread = 0
        while len(self.live) < min(self.most, 2 + self.random.randrange(4)):
            self.create(0)
        while len(self.program.steps) < self.length:
            runners = self.runners()
            if thread not in runners or self.random.random() < 0.4:
                thread = self.random.choice(runners)
            what = self.random.random()
            table = plain if what > share + 0.08 else orders if what > 0.08 else life
            self.random.choice(table)(thread)
        self.finish()
        return self.program

    def finish(self):
        while self.waiting is not None:
            thread = self.random.choice(self.runners())
            for name in [name for name, holders in self.held.items() if holders]:
                for holder in list(self.held[name]):
                    self.unlock_of(holder, name)
            self.condition(thread)
        for thread in [thread for thread in self.live if thread != 0]:
            self.end(thread)
        for name in [name for name, holders in self.held.items() if holders]:
            self.unlock_of(0, name)
        while self.ended:
            self.join(0)


def generate(seed, correct=False, length=250):
    return Generator(seed, correct, length).run()
