"""lockhound-gdb.py: what the threads of a program under lockhound hold and wait for, and where in woven code they are.

    (gdb) source /usr/share/lockhound/gdb/lockhound-gdb.py
    (gdb) lockhound threads      each thread: what it waits for, what it holds
    (gdb) lockhound locks        each lock that is held or waited for: by whom
    (gdb) lockhound break WHERE  a breakpoint in the copy of the code that is run, once the program is woven

    lockhound.detector --> registry --> seats --> held set, wanted object
    pc_map.c's list    --> images   --> places: address in a copy <--> address in the program

A frame in a copy has no name; the frame above it is the same one as the program's.

Nothing is called in the program, so that it works in a core file and in a process that hangs as well.  The library's debug
information is needed.
"""
import struct

import gdb
import gdb.unwinder

SEAT_FIRST = 8  # seats of the first segment; each further one is twice as large (detector/registry.h)
SEGMENT_SHIFT = 8  # of the records of threads (preload/thread_records.c)
THREAD_OBJECTS_FROM = 1 << 31


def find_symbol(name):
    symbol = gdb.lookup_global_symbol(name) or gdb.lookup_static_symbol(name)
    if symbol is None:
        raise gdb.GdbError("liblockhound.so is not in this program, or its debug information is missing")
    return symbol.value()


def enum_names(name, prefix):
    fields = gdb.lookup_type("enum " + name).fields()
    return {field.enumval: field.name[len(prefix):].lower() for field in fields}


def pointee(value):
    """The struct that a pointer, atomic or not, leads to; None for a null one."""
    address = int(value)
    return gdb.Value(address).cast(value.type.unqualified().strip_typedefs()).dereference() if address else None


def seats(detector):
    registry = detector["registry"]
    left, size, segment = int(registry["count"]), SEAT_FIRST, 0
    while left > 0:
        base = registry["segment"][segment]
        for i in range(min(left, size)):
            seat = (base + i).dereference()
            if int(seat["thread"]) and int(seat["state"]) in LIVING:
                yield seat
        left, size, segment = left - size, size * 2, segment + 1


LIVING = (1, 2)  # THREAD_CREATED, THREAD_RUNNING


def place_of(address):
    """`left`, where there is a symbol; the address otherwise."""
    text = gdb.execute("info symbol 0x%x" % address, to_string=True)
    return text.split(" in section")[0].strip() if " in section" in text else "0x%x" % address


class Picture:
    def __init__(self):
        lockhound = find_symbol("lockhound")
        if not int(lockhound["detector"]):
            raise gdb.GdbError("lockhound has not started in this program yet")
        self.detector = lockhound["detector"].dereference()
        self.kinds = enum_names("object_kind", "OBJECT_")
        self.waits = enum_names("wait_kind", "WAIT_")
        self.seats = list(seats(self.detector))
        self.lwps = self.known_lwps()

    def known_lwps(self):
        return {int(seat["thread"]): self.record_tid(int(seat["thread"])) for seat in self.seats}

    @staticmethod
    def record_tid(number):
        segments = find_symbol("segments")
        shift = SEGMENT_SHIFT
        place = number % (segments.type.range()[1] + 1 << shift)
        segment = segments[place >> shift]
        return int(segment[place & ((1 << shift) - 1)]["tid"]) if int(segment) else 0

    def thread_name(self, number):
        lwp = self.lwps.get(number, 0)
        for thread in gdb.selected_inferior().threads():
            if thread.ptid[1] == lwp and lwp:
                return "T%d (gdb thread %d, LWP %d)" % (number, thread.num, lwp)
        return "T%d (LWP %d)" % (number, lwp) if lwp else "T%d" % number

    def object_name(self, found):
        kind = self.kinds.get(int(found["kind"]), "object")
        return "%s %s" % (kind, place_of(int(found["address"])))

    def wanted(self, seat):
        """Returns: (object or None, words), or None when the thread is not in a wait that lockhound knows."""
        if int(seat["sequence"]) % 2 == 0:
            return None
        kind = self.waits.get(int(seat["wait"]), "?")
        if kind == "join":
            return None, "the end of T%d" % (int(seat["wanted_id"]) % THREAD_OBJECTS_FROM)
        found = pointee(seat["wanted"])
        return (found, self.object_name(found)) if found is not None else (None, kind)

    def held(self, seat):
        array = pointee(seat["held"]["array"])
        for i in range(int(seat["held"]["count"]) if array is not None else 0):
            entry = array["entry"][i]
            found = pointee(entry["object"])
            if found is not None and int(found["id"]) == int(entry["id"]) and int(found["serial"]) == int(entry["serial"]):
                yield found, int(entry["mode"])

    def print_threads(self):
        for seat in self.seats:
            wanted = self.wanted(seat)
            print("%s %s" % (self.thread_name(int(seat["thread"])), "waits for " + wanted[1] if wanted else "runs"))
            for found, mode in self.held(seat):
                print("    holds %s%s" % (self.object_name(found), " for reading" if mode else ""))

    def print_locks(self):
        rows = {}
        for seat in self.seats:
            name = self.thread_name(int(seat["thread"]))
            for found, _ in self.held(seat):
                rows.setdefault(self.object_name(found), ([], []))[0].append(name)
            wanted = self.wanted(seat)
            if wanted and wanted[0] is not None:
                rows.setdefault(wanted[1], ([], []))[1].append(name)
        for lock, (holders, waiters) in sorted(rows.items()):
            print(lock)
            for words, names in (("held by", holders), ("waited for by", waiters)):
                if names:
                    print("    %s %s" % (words, ", ".join(names)))


class Lockhound(gdb.Command):
    """What lockhound knows of the program: lockhound threads, lockhound locks."""

    def __init__(self):
        super().__init__("lockhound", gdb.COMMAND_STATUS, prefix=True)


class LockhoundThreads(gdb.Command):
    """What each thread waits for and holds, as lockhound sees it."""

    def __init__(self):
        super().__init__("lockhound threads", gdb.COMMAND_STATUS)

    def invoke(self, _argument, _from_tty):
        Picture().print_threads()


class LockhoundLocks(gdb.Command):
    """Who holds each lock and who waits for it, as lockhound sees it."""

    def __init__(self):
        super().__init__("lockhound locks", gdb.COMMAND_STATUS)

    def invoke(self, _argument, _from_tty):
        Picture().print_locks()


class Woven:
    """A module's image: which address of the copy stands for which of the module."""

    PLACE = struct.Struct("<II")  # struct image_place
    known = {}

    def __init__(self, image):
        header, inferior = image["header"].dereference(), gdb.selected_inferior()
        table = header["places"]
        memory = inferior.read_memory(int(image["header"]) + int(table["offset"]), int(table["count"]) * self.PLACE.size)
        self.code, self.size, self.bias = int(image["code"]), int(header["code_size"]), int(image["module"]["bias"])
        self.places = list(self.PLACE.iter_unpack(bytes(memory)))

    @classmethod
    def all(cls):
        """Of the selected process, as it is now."""
        try:
            table = pointee(gdb.parse_and_eval("'pc_map.c'::list"))
        except gdb.error:
            return  # no library, or not its debug information
        for i in range(int(table["count"]) if table is not None else 0):
            image = table["images"][i].dereference()
            key = gdb.selected_inferior().pid, int(image["header"]), int(image["code"])
            if key not in cls.known:
                cls.known[key] = cls(image)
            yield cls.known[key]

    def original(self, pc):
        """The program's address that stands for `pc`, or None outside this copy."""
        if not 0 <= pc - self.code < self.size:
            return None
        low, high = 0, len(self.places)
        while low < high:
            middle = (low + high) // 2
            if self.places[middle][0] <= pc - self.code:
                low = middle + 1
            else:
                high = middle
        return self.bias + self.places[low - 1][1] if low else None

    def copies(self, pc):
        """Where the copy of the instruction begins; what stands behind the one before it has the same address, and comes first."""
        offset, places = pc - self.bias, self.places + [(0, None)]
        return [self.code + code for (code, module), (_, after) in zip(places, places[1:]) if module == offset != after]


class FrameId:
    """gdb.unwinder has one of its own only from version 14."""

    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class WovenUnwinder(gdb.unwinder.Unwinder):
    """The caller of a frame in a copy is the same frame as the program's."""

    REGISTERS = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp") + tuple("r%d" % i for i in range(8, 16))

    def __init__(self):
        super().__init__("lockhound-woven")

    def __call__(self, pending):
        pc = pending.read_register("rip")
        for woven in Woven.all():
            original = woven.original(int(pc))
            if original is not None:
                return self.frame(pending, pc, original)
        return None

    def frame(self, pending, pc, original):
        info = pending.create_unwind_info(FrameId(pending.read_register("rsp"), pc))
        for name in self.REGISTERS:
            info.add_saved_register(name, pending.read_register(name))
        # gdb takes it for a return address, and looks at the instruction before it
        info.add_saved_register("rip", gdb.Value(original + 1).cast(pc.type))
        return info


class LockhoundBreak(gdb.Command):
    """A breakpoint where the code runs that was woven: lockhound break LOCATION.  Break and the like stop in code that is not woven."""

    def __init__(self):
        super().__init__("lockhound break", gdb.COMMAND_BREAKPOINTS, gdb.COMPLETE_LOCATION)

    def invoke(self, argument, _from_tty):
        places = [line.pc for line in gdb.decode_line(argument)[1] or ()]
        copies = [copy for woven in Woven.all() for pc in places for copy in woven.copies(pc)]
        for copy in copies:
            gdb.Breakpoint("*0x%x" % copy)
        if not copies:
            print("No copy of it is run: an ordinary breakpoint will do.")
            gdb.execute("break " + argument)


gdb.unwinder.register_unwinder(None, WovenUnwinder(), replace=True)
Lockhound()
LockhoundBreak()
LockhoundThreads()
LockhoundLocks()
