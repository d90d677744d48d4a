"""synchronisation.py: the steps of random programs that order their threads."""

from draft import Draft
from program import AREA, COUNTS

ORDERS = ("relaxed", "acquire", "release", "acq_rel", "seq_cst")


class Synchronisation(Draft):
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
            size = 8 if self.program.avoids_guesses else 4
            event = ("write", f"area{area}", offset, size)
            group = self.group()
            self.program.once[number] = f"AT(u{size}, area_{area}, {offset}) += 1;"
            if not self.add(thread, f"pthread_once(&once_{number}, routine_{number});",
                            [("acquire", name), event, ("release", name)], group, may_guess=size == 4):
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
            "exchange": f"{{ long got = {std}atomic_exchange_explicit(&{name}, 2, {order_name}); if (got == 7) USE(got); }}",
            # what no instruction looks at acquires nothing
            "add": f"{{ long got = {std}atomic_fetch_add_explicit(&{name}, 1, {order_name}); if (got == 7) USE(got); }}",
            "or": f"{{ long got = {std}atomic_fetch_or_explicit(&{name}, 4, {order_name}); if (got == 7) USE(got); }}",
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
            (f"{{ long got = __atomic_load_n(&{name}, __ATOMIC_ACQUIRE); if (got == 7) USE(got); }}", [("acquire", key)]),
            (f"__atomic_store_n(&{name}, 1, __ATOMIC_RELEASE);", [("release", key)]),
            (f"{{ long got = __atomic_fetch_add(&{name}, 1, __ATOMIC_ACQ_REL); if (got == 7) USE(got); }}", [("release", key), ("acquire", key)]),
            (f"{{ long got = __sync_lock_test_and_set(&{name}, 1); if (got == 7) USE(got); }}", [("release", "?" + key), ("acquire", key)])))
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
        for party in parties:
            self.add(party, f"pthread_barrier_wait(&barrier_{number});", [("release", f"barrier{number}")], group, blocks=True)
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
                     [("read", f"flag{number}", 0, 4), ("release", lock)], group, blocks=True)
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
