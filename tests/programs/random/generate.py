"""generate.py: random programs of several threads whose steps run in one order, with what each does to the oracle.

    seed --> generate() --> Program.steps --> source.source()
        |                         \\--> oracle.judge()
        \\-- draws from accesses or loops, synchronisation and lives, into a draft
"""

from accesses import Accesses
from lives import Lives
from loops import Loops
from synchronisation import Synchronisation


class Generator(Accesses, Loops, Synchronisation, Lives):
    def accesses(self):
        return (self.plain_typed, self.plain_typed, self.plain_named, self.plain_named, self.plain_function, self.between,
                self.loop)

    def loops(self):
        return (self.one, self.each, self.each, self.each, self.each, self.neighbours, self.some, self.until, self.turned,
                self.placed, self.nested, self.copied, self.copied, self.stencil, self.totalled, self.locking)

    def run(self):
        plain = self.loops() if self.program.arrays else self.accesses()
        orders = (self.lock, self.lock, self.unlock, self.unlock, self.unlock, self.semaphore, self.pipe, self.once,
                  self.atomic, self.atomic, self.builtin, self.barrier, self.condition, self.condition, self.turn_over)
        life = (self.allocate, self.allocate, self.free, self.reallocate, self.show_stack, self.create, self.create, self.end, self.join)
        share = self.random.choice((0.1, 0.2, 0.3) if self.program.arrays else (0.15, 0.3, 0.45))
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


def generate_loops(seed, correct=False, length=160):
    generator = Generator(seed, correct, length)
    generator.make_arrays()
    generator.most = generator.random.randint(3, 6)
    generator.sharing = generator.random.choice((0.05, 0.2, 0.7))
    return generator.run()
