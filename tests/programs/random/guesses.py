"""guesses.py: what C with <stdatomic.h> takes from the races that are owed.

    steps --ordered_by_guesses()--> the same, with the order that may be taken for granted, and the granules that are not owed

A store by a pointer of the size of some _Atomic of the module may be an atomic one: a race of two such is but a warning, and who
loads there, or has just done so, may have been handed what the storing thread did before, after which the place counts as one that
threads synchronise by (detector/race_hand_over.h).  So whoever touches a granule where such a store may be gives there all that his
thread has done to all who touch it, as if it were always so.  The one size is that of int.  Half of these programs have no store of
four bytes by a pointer.
"""

from dataclasses import replace

from events import ACCESSES, GRANULE, READS, pieces


def granules_of(events):
    return {(region, granule) for event in events if event[0] in ACCESSES for region, low, high in pieces(event)
            for granule in range(low // GRANULE, (high - 1) // GRANULE + 1)}


def ordered_by_guesses(steps):
    guessed = {granule for step in steps if step.may_guess
               for granule in granules_of([event for event in step.events if event[0] not in READS])}
    ordered = []
    for step in steps:
        gives = [("give", granule) for granule in sorted(granules_of(step.events) & guessed)]
        ordered.append(replace(step, events=[*gives, *step.events, *gives]))
    return ordered, guessed
