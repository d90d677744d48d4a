"""events.py: what a step of a random program is to the oracle: a list of events.

    ("acquire", key)   ("release", key)                    a clock that what is released adds up in
    ("give", key)                                          to all who have given there, and each takes what the others gave last
    ("fresh", region)                                      new memory
    ("stays", region, region)                              the first may be where the second is: realloc()
    ("blind",)                                             the thread's history is folded from here on: nothing is owed any more
    ("read" | "write" | "free", region, offset, size)      what a step is sure to touch
    ("peek" | "maybe", region, offset, size)               what it may read, or read and write, besides: a bit field's neighbours, and early
                                                           what a condition then does not choose

An access may have two numbers more, a stride and a count: so many of that size, the stride from one to the next; and again two, of rows
of these.  An event whose key begins with "?" orders only where order is to be taken for granted: `owed` counts it, `races` does not.
"""

READS, DOUBTS = ("read", "peek"), ("peek", "maybe")
ACCESSES = ("read", "write", "free", *DOUBTS)
GRANULE = 8


def pieces(event):
    """Returns: (region, low, high) of each piece of an access."""
    _, region, offset, size, *each = event
    rows = [offset]
    for stride, count in zip(each[2::2], each[3::2]):
        rows = [row + i * stride for row in rows for i in range(count)]
    stride, count = each[:2] or (size, 1)
    if stride == size:
        size, count = size * count, min(count, 1)
    return [(region, row + i * stride, row + i * stride + size) for row in rows for i in range(count)]
