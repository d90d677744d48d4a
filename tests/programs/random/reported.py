"""reported.py: the races that a run reported, as pairs of steps, and whether what is said of their addresses is true.

    finding --pair_of()-------> pair of steps
            --untrue_of()-----> what it says of an address that the oracle does not: lines
    stdout  --places_of()-----> where each array was
"""

import re

from events import ACCESSES, DOUBTS, READS, pieces

STEP = re.compile(r"^step_(\d+)")
PLACE = re.compile(rb"^(array\d+|total_\w+) 0x([0-9a-f]+)$", re.MULTILINE)
ELEMENT = re.compile(r"^array_(\d+)\[(\d+)\]")
SIDES = ("reads", "writes", "frees")


def step_of(finding, party):
    stack = party.get("stack")
    for frame in [] if stack is None else finding["stacks"][stack]:
        match = STEP.match(frame.get("function") or "")
        if match:
            return int(match.group(1))
    return None


def pair_of(finding):
    return frozenset(step_of(finding, party) for party in finding["parties"] if party["role"] in SIDES)


def places_of(stdout):
    return {name.decode(): int(address, 16) for name, address in PLACE.findall(stdout)}


def joined(pieces_of_memory):
    """Returns: the same, with what lies side by side made one."""
    whole = []
    for low, high in sorted(pieces_of_memory):
        if whole and whole[-1][1] >= low:
            whole[-1] = (whole[-1][0], max(high, whole[-1][1]))
        else:
            whole.append((low, high))
    return whole


def is_within(low, size, memory):
    return any(begin <= low and low + size <= end for begin, end in joined(memory))


def touched(step, role, places):
    """Returns: what the step may touch in this role, or None when it is not known where that is."""
    events = [e for e in step.events if e[0] in ACCESSES and (role == "reads" or e[0] not in READS or e[0] in DOUBTS)]
    if any(e[1] not in places for e in events):
        return None
    return [(places[region] + low, places[region] + high) for e in events for region, low, high in pieces(e)]


def untrue_of(finding, program, verdict, places):
    lines, shared = [], []
    for party in finding["parties"]:
        number = step_of(finding, party)
        if party["role"] not in SIDES or number is None or party["access"]["lost"]:
            continue
        memory = touched(program.steps[number], party["role"], places)
        if memory is None:
            return []
        shared.append(memory)
        low, size = int(party["access"]["address"], 16), party["access"]["size"]
        if not is_within(low, size, memory):
            lines.append(f"untrue: step {number} {party['role']} {size} bytes at {where(low, places)}")
    objects = {thing["id"]: thing for thing in finding["objects"]}
    thing = objects[finding["memory"]]
    low, size = int(thing["address"], 16), thing["size"]
    if not all(is_within(low, size, memory) for memory in shared):
        lines.append(f"untrue: they share {size} bytes at {where(low, places)}")
    racing = [(places[region] + begin, places[region] + end) for region, begin, end in verdict.races[pair_of(finding)]
              if region in places]
    if not is_within(low, 1, racing):
        lines.append(f"untrue: they race at {where(low, places)}")
    return lines + untrue_name(thing, program, places)


def untrue_name(thing, program, places):
    match = ELEMENT.match(thing["name"])
    if match:
        array = program.arrays[int(match.group(1))]
        offset = int(thing["address"], 16) - places[array.region]
        if offset // array.size != int(match.group(2)):
            return [f"untrue: {thing['name']} is at {where(int(thing['address'], 16), places)}"]
    return []


def where(address, places):
    near = [name for name in places if places[name] <= address]
    name = max(near, key=places.get) if near else None
    return f"{name} + {address - places[name]}" if name else hex(address)
