"""lives.py: the steps of random programs by which heap blocks, threads and their stacks come and go."""

from draft import Draft


class Lives(Draft):
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
