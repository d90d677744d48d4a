"""accesses.py: the steps of random programs that read and write memory, with the bytes that each touches."""

from draft import Draft
from program import AREA, BITS, COUNTS, FIELDS, SIZES, TABLE


class Accesses(Draft):
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
        if kind in ("u4", "f4") and self.program.avoids_guesses:
            return False
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
        return self.add(thread, code, events, group, looks=(1 if size <= 8 else 2) * (2 if how == "change" else 1),
                        may_guess=size == 4)

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
        return self.add(thread, code, [("read" if how == "read" else "write", region, offset, size), *extra],
                        looks=4 if extra else 2 if how == "change" else 1)

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
        if self.program.avoids_guesses and (size in (7, 12, 15, 20, 31) or "strncpy" in code):
            return False
        return self.add(thread, code, [(event, region, offset, size)], group,
                        may_guess=not self.program.avoids_guesses)

    def loop(self, thread):
        kind, count = self.random.choice(("u1", "u1", "u2", "u4", "u8", "f4")), self.random.choice((2, 3, 4, 7, 8, 16, 20))
        size = SIZES[kind] * count
        place = self.place(size)
        if place is None:
            return False
        base, region, offset, group = place
        if kind != "u8" and self.program.avoids_guesses:
            return False
        how = self.random.choice(("read", "write", "change"))
        end = f"opaque({count})" if self.random.random() < 0.5 else count
        where = f"AT({kind}, base, {offset} + i * {SIZES[kind]})"
        body = {"read": f"sum += {where}", "write": f"{where} = (uint8_t)i", "change": f"{where} += 3"}[how]
        use = ("USEX(sum);" if kind == "f4" else "USE(sum);") if how == "read" else ""
        total = f"{'float' if kind == 'f4' else 'uint64_t'} sum = 0; " if how == "read" else ""
        code = (f"{{ unsigned char *base = (unsigned char *){base}; {total}"
                f"for (uint64_t i = 0; i < {end}; i++) {body}; {use} }}")
        return self.add(thread, code, [("read" if how == "read" else "write", region, offset, size)], group,
                        looks=(6 + 2 * SIZES[kind]) // SIZES[kind] * (2 if how == "change" else 1), is_loop=True, may_guess=kind != "u8")

    def between(self, thread):
        size = self.random.choice((4, 8, 16, 24))
        to, source = self.place(size), self.place(size)
        if to is None or source is None or to[1] == source[1] or (to[3] and source[3]):
            return False
        if size == 4 and self.program.avoids_guesses:
            return False
        code = f"memcpy((char *){to[0]} + {to[2]}, (char *){source[0]} + {source[2]}, {size});"
        return self.add(thread, code, [("read", *source[1:3], size), ("write", *to[1:3], size)], to[3] or source[3],
                        may_guess=size == 4)
