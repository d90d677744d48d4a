"""owed.py: which races are to be reported of an access that meets others: of a single one, and of one in a loop.

    Met, Met, ... --owed_of_access()--> one set of pairs of steps: any of them is told
                  --owed_of_loop()----> such a set for each group of elements that meets the same

Model:     of one instruction one race is told, that of the first byte.  An instruction touches an element, or VECTOR bytes of them in a
           row: where fewer than two vectors meet the same, what is beside them may be told instead.
Rarely:    after STALE_FIRST races that told nothing new, a stack's races with what one thread did are looked at ever more rarely, one of
           more than a hundredth of them in the end (race_finding.c: may_be_news()).  A group is owed when it is a good part of them.
"""

from dataclasses import dataclass

VECTOR = 16
STALE_FIRST = 64


@dataclass(frozen=True)
class Met:
    low: int
    high: int
    told: frozenset      # pairs of steps, one of which is told
    pairs: set           # and all that race
    is_new: bool         # not met by the thread in this epoch
    is_looked_at: bool
    others: frozenset    # the threads

    @property
    def is_owed(self):
        return self.is_new and self.is_looked_at


def owed_of_access(met):
    if not any(part.is_new for part in met) or not all(part.is_looked_at for part in met):
        return []
    return [set().union(*(part.told for part in met))]


def runs_of(met, gap):
    """Joins what lies side by side and meets the same."""
    runs = []
    for part in sorted(met, key=lambda part: part.low):
        last = runs[-1] if runs else None
        if last and last[-1].high + gap >= part.low and last[-1].told == part.told and last[-1].is_owed == part.is_owed:
            last.append(part)
        else:
            runs.append([part])
    return runs


def elements(run, size):
    return max(1, sum(part.high - part.low for part in run) // size)


def owed_of_loop(met, event):
    _, _, _, size, *each = event
    runs = runs_of(met, (each or [size])[0] - size)
    total = sum(elements(run, size) for run in runs)
    longest = {}
    for run in runs:
        told = run[0].told
        if run[0].is_owed and (told not in longest or elements(run, size) > elements(longest[told], size)):
            longest[told] = run
    owed = []
    for told, run in longest.items():
        count = elements(run, size)
        if total - count >= STALE_FIRST and count < 2 * STALE_FIRST + total // 32:
            continue
        beside = set()
        if run[-1].high - run[0].low < 2 * VECTOR - 1:
            beside = {pair for part in met if part.high > run[0].low - VECTOR and part.low < run[-1].high + VECTOR
                      for pair in part.told}
        owed.append(set(told) | beside)
    return owed
