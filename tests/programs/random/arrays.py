"""arrays.py: the arrays of random programs, and which of their elements the next loop runs over.

    arrays --array()--> one of them --extent()--> [first, end)

These are often beside what another loop ran over, or one element into it.  Or nobody has been there yet: then another thread uses the
elements at both ends, and those beside them, right before the loop or behind it, and nothing else tells of a loop that goes too far,
or not far enough.
"""

from draft import Draft
from program import Array

SCALARS = {"uint8_t": 1, "uint16_t": 2, "uint32_t": 4, "uint64_t": 8, "float": 4, "double": 8}
STRUCTS = {  # size, and of each member its type and offset
    "struct loop_pixel": (3, {"r": ("uint8_t", 0), "g": ("uint8_t", 1), "b": ("uint8_t", 2)}),
    "struct loop_trio": (6, {"a": ("uint16_t", 0), "b": ("uint16_t", 2), "c": ("uint16_t", 4)}),
    "struct loop_pair": (8, {"x": ("uint32_t", 0), "y": ("uint32_t", 4)}),
    "struct loop_complex": (16, {"re": ("double", 0), "im": ("double", 8)}),
    "struct loop_record": (24, {"a": ("uint64_t", 0), "b": ("double", 8), "c": ("uint32_t", 16), "d": ("uint32_t", 20)}),
}
LENGTHS = (7, 40, 100, 300, 1000, 1000, 2000, 5000)
WHOLE_WORDS = ("uint64_t", "double", "struct loop_complex")  # of which no part has four bytes
MOST = 8
TOTALS = {"uint32_t": 4, "double": 8}
GRANULE = 8


def is_float(kind):
    return kind in ("float", "double")


class Arrays(Draft):
    def make_arrays(self):
        for number in range(self.random.randint(4, MOST)):
            kinds = WHOLE_WORDS if self.program.avoids_guesses else [*SCALARS, *SCALARS, *STRUCTS]
            kind = self.random.choice(kinds)
            size = SCALARS.get(kind) or STRUCTS[kind][0]
            where = self.random.choice(("global", "global", "heap", "frame"))
            self.program.arrays.append(Array(number, kind, size, self.random.choice(LENGTHS), where))
        self.bounds = []  # of the loop that is being written: the declarations of those that the compiler does not know
        self.extents = {array.number: [] for array in self.program.arrays}
        self.untouched = {array.number: 0 for array in self.program.arrays}  # from here on
        self.fresh = []  # extents of the loop that is being written, where nobody was

    def array(self, *kinds):
        fitting = [array for array in self.program.arrays if not kinds or array.kind in kinds]
        return self.random.choice(fitting) if fitting else None

    def scalar_array(self):
        return self.array(*SCALARS)

    def extent(self, array, least=1):
        """Returns: (first, end) of at least so many elements, or of none once in a while."""
        draw = self.random
        most = draw.choice((3, 8, 8, 20, 40, 40, 150, array.length // 3))
        count = min(array.length, draw.randint(least, max(least, most)))
        known, untouched = self.extents[array.number], self.untouched[array.number]
        if draw.random() < 0.6 and least <= array.length - untouched - 2:
            count = min(count, array.length - untouched - 2)
            self.untouched[array.number] += count + 2
            self.fresh.append((array, untouched + 1, untouched + 1 + count))
            return untouched + 1, untouched + 1 + count
        first = draw.randint(0, array.length - count)
        if known and draw.random() < 0.7:
            low, high = draw.choice(known)
            into = draw.choice((0, 0, 1, 1, 2))
            first = draw.choice((high - into, low + into - count, low, high - count, low + into))
        if draw.random() < 0.05:
            count = 0
        first = max(0, min(first, array.length - count))
        self.untouched[array.number] = max(untouched, first + count + 1)
        return first, first + count

    def keep_extents(self, *extents):
        for array, low, high in extents:
            if high > low:
                self.extents[array.number].append((low, high))

    # ---- what is touched --------------------------------------------------------------------------------------------

    @staticmethod
    def touches(kind, array, first, count, step=1, member=None):
        """The event of an access to each `step`th element, `count` of them, or to a member of each."""
        size, offset = array.size, 0
        if member is not None:
            name, offset = STRUCTS[array.kind][1][member]
            size = SCALARS[name]
        return (kind, array.region, first * array.size + offset, size, step * array.size, count)

    @staticmethod
    def looks(size, accesses=1):
        return max(1, (GRANULE - 2 + 2 * size) // size) * accesses
