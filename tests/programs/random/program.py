"""program.py: what a random program consists of: the steps of its threads, and the memory and objects that they share.

A step is what one thread does in its turn.  The turns order the threads in time, and unseen (turns.h), so that what the steps
themselves synchronise by is the only order there is.  Steps that make sense only together (a lock and its unlock, a post and
its wait) belong to one group, which is dropped as a whole when a program is made smaller.
"""

from dataclasses import dataclass, field

SIZES = {"u1": 1, "u2": 2, "u4": 4, "u8": 8, "v16": 16, "f4": 4, "f8": 8, "s24": 24, "s40": 40}
FIELDS = {"a": (0, 1), "b": (2, 2), "c": (4, 4), "d": (8, 8), "e": (16, 4), "f": (24, 8), "k": (36, 1)}
BITS = {"g": (32, 1), "h": (32, 1), "i": (33, 1), "j": (34, 2)}
COUNTS = {"mutex": 3, "spin": 2, "rwlock": 2, "mtx": 2, "semaphore": 3, "once": 3, "atomic": 4, "mixed": 3, "area": 2,
          "object": 1, "counter": 3, "table": 1, "wide": 2, "recursive": 1, "builtin": 2}
AREA, TABLE = 40, 8


@dataclass
class Step:
    thread: int
    code: str
    events: list
    group: int
    blocks: bool = False  # its turn ends before it is done
    looks: int = 4         # how often it may look at one granule, at most
    is_loop: bool = False  # ... element by element
    may_guess: bool = False  # may store four bytes by a pointer
    number: int = 0


@dataclass
class Array:
    number: int
    kind: str    # of its elements
    size: int    # likewise
    length: int  # elements
    where: str   # global, heap or frame: main()'s

    @property
    def region(self):
        return f"array{self.number}"


@dataclass
class Program:
    seed: int
    steps: list
    inline: bool
    cxx: bool
    has_atomics: bool
    once: dict = field(default_factory=dict)  # number of the routine: code and events
    arrays: list = field(default_factory=list)
    avoids_guesses: bool = False

    @property
    def guesses(self):
        """In C what is stored by a pointer may be an _Atomic of the size (guesses.py)."""
        return self.has_atomics and not self.cxx

    def numbered(self):
        for number, step in enumerate(self.steps):
            step.number = number
        return self.steps
