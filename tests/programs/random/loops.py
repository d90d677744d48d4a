"""loops.py: the counted loops of random programs, with the bytes that each of them touches."""

from arrays import SCALARS, STRUCTS, TOTALS, WHOLE_WORDS, Arrays, is_float
from program import COUNTS

COUNTERS = ("int", "unsigned", "long", "size_t", "uint64_t")
SHORT_COUNTERS = ("short", "uint8_t", "uint16_t", "signed char")
SIGNED = ("int", "long", "short", "signed char")


class Loops(Arrays):
    # ---- how a loop is written --------------------------------------------------------------------------------------

    def bound(self, counter, value):
        """Returns: the value as the compiler knows it, or one that it does not know, and once in a while not twice the same."""
        draw = self.random.random()
        if draw < 0.45:
            return f"({counter}){value}"
        if draw < 0.5:
            return f"({counter})opaque({value})"
        self.bounds.append(f"{counter} bound_{len(self.bounds)} = ({counter})opaque({value});")
        return f"bound_{len(self.bounds) - 1}"

    def walk(self, first, end, body, step=1):
        """Runs the body for i = first, first + step, ... below end, in this order or the other."""
        draw = self.random
        counter = draw.choice(SHORT_COUNTERS if end + step < 120 and draw.random() < 0.2 else COUNTERS)
        if draw.random() < 0.1:
            body += ' __asm__ volatile("" ::: "memory");'
        low, high = self.bound(counter, first), self.bound(counter, end)
        last = first + (end - first - 1) // step * step if end > first else first - step
        forms = [f"for ({counter} i = {low}; i < {high}; i += {step}) {{ {body} }}",
                 f"{{ {counter} i = {low}, end = {high}; while (i < end) {{ {body} i += {step}; }} }}",
                 f"for ({counter} n = 0; n < {self.bound(counter, max(0, end - first))}; n += {step}) "
                 f"{{ {counter} i = ({counter})(n + {low}); {body} }}"]
        if end > first:
            forms.append(f"{{ {counter} i = {low}; do {{ {body} i += {step}; }} while (i < {high}); }}")
            forms.append(f"for ({counter} i = {low}; i <= {self.bound(counter, end - 1)}; i += {step}) {{ {body} }}")
        if counter in SIGNED and first - step > -100:
            forms += [f"for ({counter} i = {self.bound(counter, last)}; i >= {low}; i -= {step}) {{ {body} }}"] * 2
        if step == 1:
            forms += [f"for ({counter} i = {high}; i-- > {low};) {{ {body} }}",
                      f"for ({counter} k = {high}; k > {low}; k--) {{ {counter} i = ({counter})(k - 1); {body} }}",
                      f"for ({counter} i = {low}; i != {high}; i++) {{ {body} }}"]
        return draw.choice(forms)

    def names(self, *arrays):
        """Returns: how the arrays are called, and the declarations that this needs."""
        names, text = [], ""
        for array in arrays:
            if array.where == "global" and self.random.random() < 0.7:
                names.append(f"array_{array.number}")
                continue
            name = f"a{array.number}"
            pointer = self.random.choice(("*", "*", "*__restrict "))
            if name not in names:
                text += f"{array.kind} {pointer}{name} = ({array.kind} *)loop_where[{array.number}]; "
            names.append(name)
        return [*names, text]

    def element(self, array):
        """Returns: what to write behind the index, the kind of that, and the member's name or None."""
        if array.kind in SCALARS:
            return "", array.kind, None
        member = self.random.choice(list(STRUCTS[array.kind][1]))
        return f".{member}", STRUCTS[array.kind][1][member][0], member

    def put(self, thread, code, events, looks, *extents):
        events = [e for e in events if type(e[-1]) is str or e[-1] > 0]
        bounds = " ".join(text for i, text in enumerate(self.bounds) if f"bound_{i}" in code)
        self.bounds, fresh, self.fresh = [], self.fresh, []
        before = self.random.random() < 0.4
        if before:
            self.use_ends(thread, fresh)
        if not self.add(thread, f"{{ {bounds} {code} }}", events, looks=looks, is_loop=True, may_race=before and bool(fresh),
                        may_guess=any(array.kind not in WHOLE_WORDS for array, *_ in extents)):
            return False
        self.keep_extents(*extents)
        if not before:
            self.use_ends(thread, fresh)
        return True

    def use_ends(self, thread, extents):
        """Another thread uses what is at the ends and what is just beyond."""
        others = [other for other in self.runners() if other != thread]
        for array, first, end in extents if others else []:
            other = self.random.choice(others)
            for i in self.random.sample((first - 1, first, end - 1, end), self.random.randint(3, 4)):
                if 0 <= i < array.length and (array.kind in SCALARS or self.random.random() < 0.6):
                    self.use(other, array, i)

    def value(self, kind):
        return self.random.choice((f"({kind})(i + 1)", "3", f"({kind})loop_value((uint64_t)i)", f"({kind})opaque(5)"))

    @staticmethod
    def sum_of(kind):
        return ("double sum = 0; ", " USEX(sum);") if is_float(kind) else ("uint64_t sum = 0; ", " USE(sum);")

    # ---- one array --------------------------------------------------------------------------------------------------

    def use(self, thread, array, i):
        rest, kind, member = self.element(array)
        name, text = self.names(array)
        at = f"{name}[{i}]{rest}"
        use = "USEX" if is_float(kind) else "USE"
        code, event, count = self.random.choice(((f"{use}({at});", "read", 1), (f"{at} = 2;", "write", 1), (f"{at} = 2;", "write", 1),
                                                 (f"{at} += 1;", "write", 2)))
        return self.add(thread, f"{{ {text}{code} }}", [self.touches(event, array, i, 1, 1, member)], looks=count, is_loop=True,
                        may_race=True, may_guess=array.kind not in WHOLE_WORDS)

    def one(self, thread):
        """A single element, often at an end of what a loop runs over."""
        array = self.array()
        known = self.extents[array.number]
        first, end = self.random.choice(known) if known else (0, array.length)
        return self.use(thread, array, self.random.choice((first, end - 1)))

    def each(self, thread):
        """Reads, writes or changes elements, or a member of each, at any stride."""
        array, draw = self.array(), self.random
        first, end = self.extent(array)
        step = draw.choice((1, 1, 1, 1, 2, 3, 5))
        if step > 1 and end - first > 400 or array.kind in STRUCTS and end - first > 400:
            end = first + 400
        count = -(-(end - first) // step)
        rest, kind, member = self.element(array)
        name, text = self.names(array)
        how = draw.choice(("read", "write", "change"))
        at, before, after = f"{name}[i]{rest}", "", ""
        if how == "read":
            before, after = self.sum_of(kind)
            body = f"sum += {at};"
        else:
            body = f"{at} {'=' if how == 'write' else draw.choice(('+=', '-='))} {self.value(kind)};"
        events = [self.touches("read" if how == "read" else "write", array, first, count, step, member)]
        return self.put(thread, text + before + self.walk(first, end, body, step) + after, events,
                        self.looks(SCALARS[kind], 2 if how == "change" else 1), (array, first, end))

    def neighbours(self, thread):
        """In place, from what stands before or behind."""
        array = self.scalar_array()
        if array is None or array.length < 4:
            return False
        first, end = self.extent(array, 3)
        before, behind = self.random.choice(((1, 0), (0, 1), (1, 1), (2, 0), (0, 2)))
        low, high = first + before, end - behind
        if high <= low:
            return False
        name, text = self.names(array)
        terms = [f"{name}[i - {d}]" for d in range(1, before + 1)] + [f"{name}[i + {d}]" for d in range(1, behind + 1)]
        change = self.random.choice(("=", "+="))
        code = self.walk(low, high, f"{name}[i] {change} ({array.kind})({' + '.join(terms)});")
        events = [self.touches("write", array, low, high - low)]  # at first: it may be that it has written what it reads
        events += [self.touches("read", array, low - before, high - low + before - 1)] if before else []
        events += [self.touches("read", array, low + 1, high - low + behind - 1)] if behind else []
        return self.put(thread, text + code, events, self.looks(array.size, 3), (array, first, end), (array, low, high))

    def some(self, thread):
        """Elements that a condition chooses."""
        array, draw = self.scalar_array(), self.random
        if array is None:
            return False
        first, end = self.extent(array)
        end = min(end, first + 300)
        name, text = self.names(array)
        divisor, rest, bound = draw.choice((2, 3, 4, 7)), draw.randrange(2), draw.randint(first, end)
        chosen = {f"i % {divisor} == {rest}": [(rest, divisor)], "loop_chosen[i]": [(0, 5), (1, 5)],
                  f"i >= {bound}": None, f"(uint64_t)i < opaque({bound})": None}
        condition = draw.choice(list(chosen))
        how = draw.choice(("read", "write", "change"))
        kind = "read" if how == "read" else "write"
        if chosen[condition] is None:
            low, high = (bound, end) if ">=" in condition else (first, bound)
            events = [self.touches(kind, array, low, high - low)]
        else:
            begins = [(first + (rest - first) % step, step) for rest, step in chosen[condition]]
            events = [self.touches(kind, array, low, max(0, -(-(end - low) // step)), step) for low, step in begins]
        if how != "write" and end > first:
            events.append(self.touches("peek", array, first, end - first))
        before, after = self.sum_of(array.kind) if how == "read" else ("", "")
        what = {"read": f"sum += {name}[i];", "write": f"{name}[i] = {self.value(array.kind)};", "change": f"{name}[i] += 1;"}[how]
        code = text + before + self.walk(first, end, f"if ({condition}) {what}") + after
        return self.put(thread, code, events, self.looks(array.size, 2), (array, first, end))

    def until(self, thread):
        """A loop that is left early, or does not know how far it goes."""
        array, draw = self.array("uint32_t", "uint64_t"), self.random
        if array is None:
            return False
        first, end = self.extent(array)
        name, text = self.names(array)
        stop = draw.randint(first, end)
        code, low, high, kind, count = draw.choice((
            (f"size_t stop = opaque({stop}); for (size_t i = {first}; i < {end}; i++) {{ if (i == stop) break; "
             f"{name}[i] += 1; }}", first, stop, "write", 2),
            (f"size_t i = {first}; while (i < {self.bound('size_t', end)} && {name}[i] != 0xfeedbeefu) i++; USE(i);",
             first, end, "read", 1),
            (f"for ({array.kind} *p = {name} + {first}; p != {name} + {self.bound('size_t', end)}; p++) *p = 7;",
             first, end, "write", 1),
            (f"{array.kind} *p = {name} + {self.bound('size_t', end)}; while (p > {name} + {first}) *--p += 7;",
             first, end, "write", 2)))
        events = [self.touches(kind, array, low, high - low)]
        if "stop" in code:
            events.append(self.touches("peek", array, first, end - first))
        return self.put(thread, text + code, events, self.looks(array.size, count), (array, low, high))

    def turned(self, thread):
        """From both ends to the middle."""
        array = self.array()
        first, end = self.extent(array, 2)
        half = (end - first) // 2
        if half == 0:
            return False
        name, text = self.names(array)
        counter = self.random.choice(("int", "size_t", "unsigned"))
        code = (f"for ({counter} i = {self.bound(counter, first)}, k = {self.bound(counter, end - 1)}; i < k; i++, k--) "
                f"{{ {array.kind} kept = {name}[i]; {name}[i] = {name}[k]; {name}[k] = kept; }}")
        events = [self.touches("write", array, first, half), self.touches("write", array, end - half, half)]
        if 2 * half == end - first:
            events = [self.touches("write", array, first, 2 * half)]  # compilers turn the middle by one instruction
        return self.put(thread, text + code, events, self.looks(array.size, 2 if array.kind in SCALARS else 8),
                        (array, first, first + half), (array, end - half, end))

    def placed(self, thread):
        """Elements that a table chooses."""
        array = self.scalar_array()
        if array is None or array.length < 40:
            return False
        first, count = self.random.randint(0, array.length - 40), self.random.randint(1, 20)
        name, text = self.names(array)
        how, body = self.random.choice((("write", f"{name}[{first} + loop_place[i]] = 1;"),
                                        ("write", f"{name}[{first} + loop_place[i]] += 1;"),
                                        ("read", f"USE{'X' if is_float(array.kind) else ''}({name}[{first} + loop_place[i]]);")))
        places = [first + (i * 13 + 5) % 32 for i in range(count)]
        return self.put(thread, text + self.walk(0, count, body), [self.touches(how, array, i, 1) for i in places],
                        self.looks(array.size, 2), *((array, i, i + 1) for i in places[-1:]))

    def nested(self, thread):
        """Rows and columns."""
        array, draw = self.scalar_array(), self.random
        if array is None or array.length < 16:
            return False
        rows = draw.randint(1, 8)
        first, end = self.extent(array, min(array.length, 16))
        pitch = (end - first) // rows
        if pitch == 0:
            return False
        columns = draw.randint(1, min(pitch, 60))
        name, text = self.names(array)
        how = draw.choice(("read", "write", "change"))
        before, after = self.sum_of(array.kind) if how == "read" else ("", "")
        at = f"{name}[{first} + r * {self.bound('size_t', pitch)} + (size_t)i]"
        body = {"read": f"sum += {at};", "write": f"{at} = 4;", "change": f"{at} += 1;"}[how]
        inner = self.walk(0, columns, body)
        code = f"{text}{before}for (size_t r = 0; r < {self.bound('size_t', rows)}; r++) {{ {inner} }}{after}"
        size = array.size
        event = ("read" if how == "read" else "write", array.region, first * size, size, size, columns, pitch * size, rows)
        last = first + (rows - 1) * pitch
        return self.put(thread, code, [event], self.looks(size, 2), (array, first, first + columns), (array, last, last + columns))

    # ---- two arrays -------------------------------------------------------------------------------------------------

    def copied(self, thread):
        """From one to the other, or within one, each at its own place."""
        to, source, draw = self.array(), self.array(), self.random
        if (to.kind in STRUCTS or source.kind in STRUCTS) and to.kind != source.kind or \
                is_float(source.kind) and not is_float(to.kind):
            return False
        (first, end), (at, _) = self.extent(to), self.extent(source)
        count = min(end - first, source.length - at)
        to_name, name, text = self.names(to, source)
        index, low = draw.choice(((f"i + {at}", 0), (f"{at + max(0, count - 1)} - i", 0)))
        body = f"{to_name}[i + {first}] = {name}[{index}];"
        is_apart = at + count <= first or first + count <= at
        if to is source and ("__restrict" in text or at == first or ("- i" in index and not is_apart)):
            return False  # what stays as it is, compilers leave alone
        events = [self.touches("write", to, first, count), self.touches("read", source, at, count)]  # as in neighbours()
        looks = self.looks(min(to.size, source.size), 1 if to.kind in SCALARS else 4)
        return self.put(thread, text + self.walk(low, count, body), events, looks, (to, first, first + count),
                        (source, at, at + count))

    def stencil(self, thread):
        """Of each element and those beside it."""
        to, source = self.scalar_array(), self.scalar_array()
        if to is None or to is source or source.length < 4 or is_float(source.kind) and not is_float(to.kind):
            return False
        (first, end), (at, _) = self.extent(to), self.extent(source, 3)
        at = max(1, at)
        count = min(end - first, source.length - at - 1)
        if count <= 0:
            return False
        to_name, name, text = self.names(to, source)
        shift = at - first
        terms = " + ".join(f"{name}[(long)i + {shift + d}]" for d in (-1, 0, 1))
        change = self.random.choice(("=", "+="))
        events = [self.touches("read", source, at - 1, count + 2), self.touches("write", to, first, count)]
        return self.put(thread, text + self.walk(first, first + count, f"{to_name}[i] {change} ({to.kind})({terms});"), events,
                        self.looks(min(to.size, source.size), 3), (to, first, first + count), (source, at - 1, at + count + 1))

    def totalled(self, thread):
        """Into a variable that others may use as well, which is not touched by a loop that does not run."""
        array = self.scalar_array()
        if array is None:
            return False
        first, end = self.extent(array)
        kind = "double" if is_float(array.kind) else "uint32_t"
        name, text = self.names(array)
        events = [self.touches("read", array, first, end - first)]
        events += [("write", f"total_{kind}", 0, TOTALS[kind], TOTALS[kind], min(1, end - first)),
                   ("peek", f"total_{kind}", 0, TOTALS[kind])]
        code = text + self.walk(first, end, f"total_{kind} += ({kind}){name}[i];")
        return self.put(thread, code, events, self.looks(array.size, 2), (array, first, end))

    # ---- order in the midst -----------------------------------------------------------------------------------------

    def locking(self, thread):
        """Each element before or behind a lock that orders it, so that the last alone may be left out."""
        array = self.scalar_array()
        free = [n for n in range(COUNTS["mutex"]) if not self.held.get(f"mutex_{n}")]
        if array is None or not free or any(thread in holders for holders in self.held.values()):
            return False
        first, end = self.extent(array)
        end = min(end, first + 9)
        lock = f"mutex_{self.random.choice(free)}"
        name, text = self.names(array)
        touch = f"{name}[i] {self.random.choice(('=', '+='))} 1;"
        order = f"pthread_mutex_lock(&{lock}); pthread_mutex_unlock(&{lock});"
        parts = self.random.choice(("t.", ".t", "(t)"))
        body = {"t.": f"{touch} {order}", ".t": f"{order} {touch}", "(t)": order.replace("; ", f"; {touch} ", 1)}[parts]
        events = []
        for i in range(first, end):
            steps = {"t": [self.touches("write", array, i, 1)], ".": [("acquire", lock), ("release", lock)],
                     "(": [("acquire", lock)], ")": [("release", lock)]}
            events += [event for part in parts for event in steps[part]]
        code = f"{text}for (int i = {self.bound('int', first)}; i < {self.bound('int', end)}; i++) {{ {body} }}"
        return self.put(thread, code, events, self.looks(array.size, 2), (array, first, end), (array, max(first, end - 1), end))
