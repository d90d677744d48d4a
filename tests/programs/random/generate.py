"""generate.py: random programs of several threads whose steps run in one order, with what each does to the oracle.

    seed --> generate() --> Program.steps --> source.source()
                                 \\--> oracle.judge()

A step is what one thread does in its turn.  The turns order the threads in time, and unseen (turns.h), so that what the steps
themselves synchronise by is the only order there is.  Steps that make sense only together (a lock and its unlock, a post and
its wait) belong to one group, which is dropped as a whole when a program is made smaller.
"""

import random
from dataclasses import dataclass, field

from oracle import ACCESSES, Oracle

SIZES = {"u1": 1, "u2": 2, "u4": 4, "u8": 8, "v16": 16, "f4": 4, "f8": 8, "s24": 24, "s40": 40}
FIELDS = {"a": (0, 1), "b": (2, 2), "c": (4, 4), "d": (8, 8), "e": (16, 4), "f": (24, 8), "k": (36, 1)}
BITS = {"g": (32, 1), "h": (32, 1), "i": (33, 1), "j": (34, 2)}
COUNTS = {"mutex": 3, "spin": 2, "rwlock": 2, "mtx": 2, "semaphore": 3, "once": 3, "atomic": 4, "mixed": 3, "area": 2,
          "object": 1, "counter": 3, "table": 1, "wide": 2, "recursive": 1, "builtin": 2}
AREA, TABLE = 40, 8
ORDERS = ("relaxed", "acquire", "release", "acq_rel", "seq_cst")


@dataclass
class Step:
    thread: int
    code: str
    events: list
    group: int
    blocks: bool = False  # its turn ends before it is done
    number: int = 0


@dataclass
class Program:
    seed: int
    steps: list
    inline: bool
    cxx: bool
    has_atomics: bool
    once: dict = field(default_factory=dict)  # number of the routine: code and events

    @property
    def guesses(self):
        """In C what is reached by a pointer may be an _Atomic of the size: a warning, and what it hands over counts as ordered."""
        return self.has_atomics and not self.cxx

    def numbered(self):
        for number, step in enumerate(self.steps):
            step.number = number
        return self.steps


class Generator:
    def __init__(self, seed, correct, length):
        self.random = random.Random(seed)
        self.correct = correct
        self.cxx = self.random.random() < 0.4
        self.has_atomics = self.cxx or self.random.random() < 0.3
        self.program = Program(seed, [], self.random.random() < 0.5, self.cxx, self.has_atomics)
        self.oracle = Oracle()
        self.groups = 0
        self.length = length
        self.live = [0]
        self.ended = []           # and not joined
        self.made = 1
        self.creator = {}
        self.most = self.random.randint(2, 6)
        self.held = {}            # lock: {thread: (mode, group)}
        self.tokens = []          # (semaphore, group)
        self.piped = []           # (size, group)
        self.blocks = {}          # slot: (region, size, group)
        self.stacks = {}          # slot: (thread, group)
        self.slots = 0
        self.waiting = None       # (thread, group, lock, flag)
        self.conditions = self.barriers = 0
        self.barrier_sizes = []
        self.done_once = {}
        self.folds = self.random.random() < 0.15
        self.sharing = self.random.choice((0.05, 0.2, 0.5))

    # ---- steps ------------------------------------------------------------------------------------------------------

    def group(self):
        self.groups += 1
        return self.groups

    def add(self, thread, code, events, group=None, blocks=False):
        """Returns: False when the program is to be a correct one, and the step races, or one of few and races."""
        step = Step(thread, code, events, group or self.group(), blocks)
        touches = any(event[0] in ACCESSES for event in events)
        if touches and (self.correct or self.random.random() > self.sharing) and self.oracle.would_race(step):
            return False
        self.program.steps.append(step)
        self.oracle.apply(step, set(), [])
        return True

    def runners(self):
        return [t for t in self.live if self.waiting is None or t != self.waiting[0]]

    # ---- memory -----------------------------------------------------------------------------------------------------

    def place(self, size):
        """Returns: (expression, region, offset) of so many bytes, or None."""
        kind = self.random.choice(("area", "area", "heap", "stack"))
        if kind == "heap" and self.blocks:
            slot = self.random.choice(list(self.blocks))
            _, room, group = self.blocks[slot]
            base, region = f"slot_get({slot})", f"heap{slot}"
        elif kind == "stack" and self.stacks:
            slot = self.random.choice(list(self.stacks))
            base, region, room, group = f"slot_get({slot})", f"stack{slot}", AREA, self.stacks[slot][1]
        else:
            number = self.random.randrange(COUNTS["area"])
            base, region, room, group = f"area_{number}", f"area{number}", AREA, None
        if room < size:
            return None
        offset = self.random.randrange(room - size + 1)
        if self.random.random() < 0.6:
            offset -= offset % min(size, 8)
        return base, region, offset, group

    def plain_typed(self, thread):
        kind = self.random.choice(("u1", "u2", "u4", "u8", "v16", "f4", "f8", "s24", "s40"))
        place = self.place(SIZES[kind])
        if place is None:
            return False
        base, region, offset, group = place
        where = f"AT({kind}, {base}, {offset})"
        if kind in ("s24", "s40"):
            code = f"AT({kind}, sink_{thread}, 0) = {where};" if self.random.random() < 0.5 else f"{where} = AT({kind}, blank, 0);"
            return self.add(thread, code, [("read" if code.startswith(f"AT({kind}, sink") else "write", region, offset,
                                            SIZES[kind])], group)
        how = self.random.choice(("read", "write", "change"))
        if how == "read":
            code = f"USEX({where});" if kind in ("v16", "f4", "f8") else f"USE({where});"
        elif how == "write":
            value = "(random_vector){1, 2, 3, 4}" if kind == "v16" else self.random.choice(("1", "0", "(uint8_t)opaque(3)"))
            code = f"{where} = {value};"
        else:
            change = ("+= 1",) if kind in ("f4", "f8", "v16") else ("+= 1", "-= 1", "|= 4", "^= 3", "&= 9", "*= 3", "+= opaque(2)")
            code = f"{where} {self.random.choice(change)};"
        size = SIZES[kind]
        events = [("read" if how == "read" else "write", region, offset, size)]
        if size > 1 and ("|=" in code or "^=" in code):  # compilers leave out the bytes that stay as they are
            events = [("write", region, offset, 1), ("maybe", region, offset + 1, size - 1)]
        return self.add(thread, code, events, group)

    def plain_named(self, thread):
        how = self.random.choice(("read", "write", "change"))
        kind = self.random.choice(("counter", "object", "bits", "table", "wide", "mixed"))
        number = self.random.randrange(COUNTS["object" if kind == "bits" else kind])
        extra, suffix = [], ""
        if kind == "counter":
            name, region, offset, size = f"counter_{number}", f"counter{number}", 0, 4
        elif kind == "wide":
            name, region, offset, size = f"wide_{number}", f"wide{number}", 0, 8
        elif kind == "mixed":
            name, region, offset, size = f"mixed_{number}.plain", f"mixed{number}", 4, 4
        elif kind == "table":
            index = self.random.randrange(TABLE)
            at = f"opaque({index})" if self.random.random() < 0.7 else index
            name, region, offset, size = f"table_{number}[{at}]", f"table{number}", index * 2, 2
        elif kind == "object":
            member = self.random.choice(list(FIELDS))
            offset, size = FIELDS[member]
            name, region = f"object_{number}.{member}", f"object{number}"
            suffix = "X" if member in "ef" else ""
        else:
            member = self.random.choice(list(BITS))
            offset, size = BITS[member]
            name, region = f"object_{number}.{member}", f"object{number}"
            extra = [("maybe" if how != "read" else "peek", region, 32, 4)]
        code = {"read": f"USE{suffix}({name});", "write": f"{name} = {self.random.choice(('1', '(char)opaque(2)'))};",
                "change": f"{name}{self.random.choice(('++', '--', ' += 3'))};"}[how]
        if kind == "bits" and how == "read":
            code = f"{{ unsigned bits = {name}; USE(bits); }}"
        return self.add(thread, code, [("read" if how == "read" else "write", region, offset, size), *extra])

    def plain_function(self, thread):
        size = self.random.choice((1, 3, 7, 8, 12, 15, 16, 20, 31, 33))
        place = self.place(size)
        if place is None:
            return False
        base, region, offset, group = place
        where = f"(char *){base} + {offset}"
        count = f"opaque({size})" if self.random.random() < 0.5 else size
        code, event = self.random.choice((
            (f"memcpy({where}, blank, {count});", "write"),
            (f"memcpy(sink_{thread}, {where}, {count});", "read"),
            (f"memmove({where}, blank, {count});", "write"),
            (f"memset({where}, 3, {count});", "write"),
            (f"strcpy({where}, \"{'x' * (size - 1)}\");", "write"),
            (f"strncpy({where}, \"ab\", {count});", "write"),
            (f"USE(memchr({where}, 77, {count}));", "read")))
        if "memchr" in code and size > 1:
            return False  # nobody stores a 77, but how far a builtin looks is its own affair
        return self.add(thread, code, [(event, region, offset, size)], group)

    def loop(self, thread):
        kind, count = self.random.choice(("u1", "u1", "u2", "u4", "u8", "f4")), self.random.choice((2, 3, 4, 7, 8, 16, 20))
        size = SIZES[kind] * count
        place = self.place(size)
        if place is None:
            return False
        base, region, offset, group = place
        how = self.random.choice(("read", "write", "change"))
        end = f"opaque({count})" if self.random.random() < 0.5 else count
        where = f"AT({kind}, base, {offset} + i * {SIZES[kind]})"
        body = {"read": f"sum += {where}", "write": f"{where} = (uint8_t)i", "change": f"{where} += 3"}[how]
        use = ("USEX(sum);" if kind == "f4" else "USE(sum);") if how == "read" else ""
        total = f"{'float' if kind == 'f4' else 'uint64_t'} sum = 0; " if how == "read" else ""
        code = (f"{{ unsigned char *base = (unsigned char *){base}; {total}"
                f"for (uint64_t i = 0; i < {end}; i++) {body}; {use} }}")
        return self.add(thread, code, [("read" if how == "read" else "write", region, offset, size)], group)

    def between(self, thread):
        size = self.random.choice((4, 8, 16, 24))
        to, source = self.place(size), self.place(size)
        if to is None or source is None or to[1] == source[1] or (to[3] and source[3]):
            return False
        code = f"memcpy((char *){to[0]} + {to[2]}, (char *){source[0]} + {source[2]}, {size});"
        return self.add(thread, code, [("read", *source[1:3], size), ("write", *to[1:3], size)], to[3] or source[3])

    # ---- blocks and stacks ------------------------------------------------------------------------------------------

    def allocate(self, thread):
        if self.slots >= 56:
            return False
        slot, size, group = self.slots, self.random.choice((8, 16, 24, 40, 72, 200)), self.group()
        self.slots += 1
        call = self.random.choice((f"malloc({size})", f"calloc(1, {size})"))
        self.blocks[slot] = (f"heap{slot}", size, group)
        return self.add(thread, f"slot_put({slot}, {call});", [("fresh", f"heap{slot}")], group)

    def free(self, thread):
        if not self.blocks:
            return False
        slot = self.random.choice(list(self.blocks))
        _, size, group = self.blocks[slot]
        if not self.add(thread, f"free(slot_get({slot}));", [("free", f"heap{slot}", 0, size)], group):
            return False
        del self.blocks[slot]
        return True

    def reallocate(self, thread):
        if not self.blocks or self.slots >= 56:
            return False
        old, slot = self.random.choice(list(self.blocks)), self.slots
        _, size, group = self.blocks[old]
        code = f"slot_put({slot}, realloc(slot_get({old}), {size + 4000}));"
        if not self.add(thread, code, [("free", f"heap{old}", 0, size), ("stays", f"heap{old}", f"heap{slot}"),
                                        ("maybe", f"heap{slot}", 0, size)], group):
            return False
        self.slots += 1
        del self.blocks[old]
        self.blocks[slot] = (f"heap{slot}", size, group)
        return True

    def show_stack(self, thread):
        if self.slots >= 56 or thread == 0 or any(owner == thread for owner, _ in self.stacks.values()):
            return False
        slot, group = self.slots, self.group()
        self.slots += 1
        self.stacks[slot] = (thread, group)
        return self.add(thread, f"slot_put({slot}, local);", [("fresh", f"stack{slot}")], group)

    # ---- synchronisation --------------------------------------------------------------------------------------------

    def lock(self, thread):
        kind = self.random.choice(("mutex", "mutex", "spin", "rwlock", "mtx", "recursive"))
        number = self.random.randrange(COUNTS[kind])
        name = f"{kind}_{number}"
        rank = sorted(COUNTS).index(kind) * 10 + number
        mine = [r for holders in self.held.values() for t, (_, _, r) in holders.items() if t == thread]
        holders = self.held.setdefault(name, {})
        shared = kind == "rwlock" and self.random.random() < 0.5
        if any(r >= rank for r in mine) or any(not (shared and mode == "r") for mode, *_ in holders.values()):
            return False
        if shared and any(r // 10 == rank // 10 for r in mine):
            return False
        group = self.group()
        way = "rd" if shared else "wr"
        call = self.random.choice({
            "mutex": ("pthread_mutex_lock(&{});", "pthread_mutex_trylock(&{});", "pthread_mutex_timedlock(&{}, &late);"),
            "spin": ("pthread_spin_lock(&{});", "pthread_spin_trylock(&{});"), "mtx": ("mtx_lock(&{});", "mtx_trylock(&{});"),
            "recursive": ("pthread_mutex_lock(&{}); pthread_mutex_lock(&{}); pthread_mutex_unlock(&{});",),
            "rwlock": (f"pthread_rwlock_{way}lock(&{{}});", f"pthread_rwlock_try{way}lock(&{{}});",
                       f"pthread_rwlock_timed{way}lock(&{{}}, &late);")}[kind]).replace("{}", name)
        if self.waiting is not None and self.waiting[4] == name:
            call = f"pthread_mutex_lock(&{name});"  # who waits may hold it for a moment more
        events = [("acquire", name)] + ([] if shared else [("acquire", name + ".readers")])
        holders[thread] = ("r" if shared else "w", group, rank)
        return self.add(thread, call, events, group)

    def unlock_of(self, thread, name):
        mode, group, _ = self.held[name].pop(thread)
        call = {"mutex": "pthread_mutex_unlock", "spin": "pthread_spin_unlock", "mtx": "mtx_unlock",
                "recursive": "pthread_mutex_unlock", "rwlock": "pthread_rwlock_unlock"}[name.split("_")[0]]
        return self.add(thread, f"{call}(&{name});", [("release", name + (".readers" if mode == "r" else ""))], group)

    def unlock(self, thread):
        mine = [name for name, holders in self.held.items() if thread in holders]
        if self.waiting and self.waiting[4] in mine:
            mine.remove(self.waiting[4])
        return bool(mine) and self.unlock_of(thread, self.random.choice(mine))

    def semaphore(self, thread):
        if self.tokens and self.random.random() < 0.5:
            number, group = self.tokens.pop(self.random.randrange(len(self.tokens)))
            call = self.random.choice(("sem_wait", "sem_trywait"))
            return self.add(thread, f"{call}(&semaphore_{number});", [("acquire", f"semaphore{number}")], group)
        number, group = self.random.randrange(COUNTS["semaphore"]), self.group()
        self.tokens.append((number, group))
        return self.add(thread, f"sem_post(&semaphore_{number});", [("release", f"semaphore{number}")], group)

    def pipe(self, thread):
        if self.piped and self.random.random() < 0.5:
            size, group = self.piped[0]
            place = self.place(size)
            if place is None or place[3] is not None:
                return False
            code = f"if (read(data_pipe[0], (char *){place[0]} + {place[2]}, {size}) != {size}) abort();"
            if not self.add(thread, code, [("acquire", "pipe"), ("write", *place[1:3], size)], group):
                return False
            self.piped.pop(0)
            return True
        size = self.random.choice((1, 4, 8, 13))
        place = self.place(size)
        if place is None or place[3] is not None:
            return False
        group = self.group()
        code = f"if (write(data_pipe[1], (char *){place[0]} + {place[2]}, {size}) != {size}) abort();"
        if not self.add(thread, code, [("read", *place[1:3], size), ("release", "pipe")], group):
            return False
        self.piped.append((size, group))
        return True

    def once(self, thread):
        number = self.random.randrange(COUNTS["once"])
        name = f"once{number}"
        if number not in self.done_once:
            area, offset = self.random.randrange(COUNTS["area"]), self.random.randrange(AREA - 8)
            event = ("write", f"area{area}", offset, 4)
            group = self.group()
            self.program.once[number] = f"AT(u4, area_{area}, {offset}) += 1;"
            if not self.add(thread, f"pthread_once(&once_{number}, routine_{number});",
                            [("acquire", name), event, ("release", name)], group):
                return False
            self.done_once[number] = group
            return True
        return self.add(thread, f"pthread_once(&once_{number}, routine_{number});", [("acquire", name)],
                        self.done_once[number])

    def atomic(self, thread):
        if not self.has_atomics:
            return False
        kind = self.random.choice(("atomic", "atomic", "mixed"))
        number = self.random.randrange(COUNTS[kind])
        name, key = (f"atomic_{number}", f"atomic{number}") if kind == "atomic" else (f"mixed_{number}.atomic", f"mixed{number}")
        how = self.random.choice(("load", "load", "store", "exchange", "add", "cas", "or"))
        order = self.random.choice({"load": ("relaxed", "acquire", "seq_cst"), "store": ("relaxed", "release", "seq_cst")}
                                   .get(how, ORDERS))
        std = "std::" if self.cxx else ""
        order_name = f"{std}memory_order_{order}"
        weak = "?" if order == "relaxed" else ""
        acquires = [("acquire", "?" + key if order in ("relaxed", "release") else key)]
        releases = [("release", "?" + key if order in ("relaxed", "acquire") else key)]
        both = releases + acquires  # as the engine does it
        code = {
            "load": f"{{ long got = {std}atomic_load_explicit(&{name}, {order_name}); USE(got); }}",
            "store": f"{std}atomic_store_explicit(&{name}, 1, {order_name});",
            "exchange": f"{{ long got = {std}atomic_exchange_explicit(&{name}, 2, {order_name}); USE(got); }}",
            "add": f"{std}atomic_fetch_add_explicit(&{name}, 1, {order_name});",
            "or": f"{std}atomic_fetch_or_explicit(&{name}, 4, {order_name});",
            "cas": f"{{ int expected = (int)opaque(3); {std}atomic_compare_exchange_strong_explicit(&{name}, &expected, 4, "
                   f"{order_name}, {std}memory_order_relaxed); }}"}[how]
        events = {"load": acquires, "store": [*releases, ("acquire", "?" + key)]}.get(how, both)  # it may be an exchange
        if how == "cas" and not weak:
            events = [(what, "?" + k.lstrip("?")) for what, k in both]  # it may fail
        return self.add(thread, code, events)

    def builtin(self, thread):
        """By the compiler's own functions, in modules whose debug information knows no atomic type."""
        if self.has_atomics:
            return False
        number = self.random.randrange(COUNTS["builtin"])
        key, name = f"builtin{number}", f"builtin_{number}"
        code, events = self.random.choice((
            (f"{{ long got = __atomic_load_n(&{name}, __ATOMIC_ACQUIRE); USE(got); }}", [("acquire", key)]),
            (f"__atomic_store_n(&{name}, 1, __ATOMIC_RELEASE);", [("release", key)]),
            (f"__atomic_fetch_add(&{name}, 1, __ATOMIC_ACQ_REL);", [("release", key), ("acquire", key)]),
            (f"{{ long got = __sync_lock_test_and_set(&{name}, 1); USE(got); }}", [("release", "?" + key), ("acquire", key)])))
        return self.add(thread, code, events)

    def turn_over(self, thread):
        """So many epochs that the generations of the thread's tags are used up."""
        if not self.folds or self.random.random() < 0.8:
            return False
        code = "for (int i = 0; i < 150; i++) { sem_post(&turnstile); sem_wait(&turnstile); }"
        return self.add(thread, code, [("blind",), ("release", "turnstile"), ("acquire", "turnstile")])

    def barrier(self, thread):
        runners = [t for t in self.runners()]
        self.random.shuffle(runners)
        parties = runners[:self.random.randint(2, max(2, len(runners)))]
        if len(parties) < 2 or self.barriers >= 20:
            return False
        number, group = self.barriers, self.group()
        self.barriers += 1
        self.barrier_sizes.append(len(parties))
        for party in parties:
            self.add(party, f"pthread_barrier_wait(&barrier_{number});", [("release", f"barrier{number}")], group, True)
        # all have arrived: what they take in belongs to their next steps
        for party in parties:
            self.add(party, "", [("acquire", f"barrier{number}")], group)
        return True

    def condition(self, thread):
        if self.waiting is None:
            free = [n for n in range(COUNTS["mutex"]) if not self.held.get(f"mutex_{n}")]
            if not free or self.conditions >= 10 or any(thread in holders for holders in self.held.values()):
                return False
            if len(self.live) < 2:
                return False
            number, group = self.conditions, self.group()
            self.conditions += 1
            lock = f"mutex_{self.random.choice(free)}"
            self.add(thread, f"pthread_mutex_lock(&{lock});", [("acquire", lock)], group)
            self.add(thread, f"while (!flag_{number}) pthread_cond_wait(&condition_{number}, &{lock});",
                     [("read", f"flag{number}", 0, 4), ("release", lock)], group, True)
            self.waiting = (thread, group, None, number, lock)
            return True
        waiter, group, _, number, lock = self.waiting
        if self.held.get(lock) or any(thread in holders for holders in self.held.values()):
            return False
        self.add(thread, f"pthread_mutex_lock(&{lock});", [("acquire", lock)], group)
        wake = self.random.choice(("signal", "broadcast"))
        self.add(thread, f"flag_{number} = 1; pthread_cond_{wake}(&condition_{number});",
                 [("write", f"flag{number}", 0, 4), ("release", f"condition{number}")], group)
        self.add(thread, f"pthread_mutex_unlock(&{lock});", [("release", lock)], group)
        self.add(waiter, f"pthread_mutex_unlock(&{lock});",
                 [("acquire", f"condition{number}"), ("acquire", lock), ("read", f"flag{number}", 0, 4), ("release", lock)], group)
        self.waiting = None
        return True

    # ---- threads ----------------------------------------------------------------------------------------------------

    def create(self, thread):
        if len(self.live) >= self.most or self.made >= 8:
            return False
        new = self.made
        self.made += 1
        self.live.append(new)
        group = 1000 + new
        self.add(thread, f"{{ pthread_t made; pthread_create(&made, NULL, thread_{new}, NULL); "
                 f"slot_put({56 + new}, (void *)made); }}", [("release", f"start{new}")], group)
        return self.add(new, "", [("acquire", f"start{new}")], group)

    def end(self, thread):
        if thread == 0 or (self.waiting is not None and len(self.runners()) < 2):
            return False
        for name in [name for name, holders in self.held.items() if thread in holders]:
            self.unlock_of(thread, name)
        for slot in [slot for slot, (owner, _) in self.stacks.items() if owner == thread]:
            del self.stacks[slot]
        self.live.remove(thread)
        self.ended.append(thread)
        return self.add(thread, "(void)0;", [("release", f"end{thread}")], 1000 + thread)

    def join(self, thread):
        if not self.ended:
            return False
        other = self.ended.pop(self.random.randrange(len(self.ended)))
        return self.add(thread, f"pthread_join((pthread_t)slot_get({56 + other}), NULL);", [("acquire", f"end{other}")],
                        1000 + other)

    # ---- all together -----------------------------------------------------------------------------------------------

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
