/* run_file.h: the format of a run file, shared by its writer (preload/sink.c) and its reader (report/run_reader.c).
 *
 *   sink.c --one append(2) a record--> FILE.lockhound --> run_reader.c --> text, JSON, ...
 *
 * A run file is a sequence of lines, each one JSON object, each written by a single append: a process that is killed
 * has lost nothing that it found, several processes share one file, and a reader that meets a torn or foreign line
 * skips that line alone and says so.
 *
 * Strings are byte strings: a byte b >= 0x80 or < 0x20 is written as \u00xx, so that any path, argument or thread name
 * survives; the reader maps U+0080..U+00FF back to bytes.  Addresses are strings of hexadecimal digits with 0x.
 * Unknown members and unknown records are ignored, so that a newer writer may add some.
 *
 * {"r":"process", "format":1, "version":"0.1.0", "pid":7, "ppid":1, "time_ns":…, "exe":"/usr/bin/x", "argv":["x"],
 *  "forked":false, "options":"…"}                     first record of each process; forked: a child without exec
 * {"r":"module", "pid":7, "id":3, "path":"/lib/libx.so", "build_id":"c0ffee…", "bias":"0x7f…"}
 *                                                     before the first record that names module 3 of that pid
 * {"r":"finding", "pid":7, "time_ns":…, "kind":"deadlock", "form":"cycle", "severity":"error", "certain_hang":true,
 *  "detail":"", "number":0,
 *  "parties":[{"role":"waits", "thread":2, "stack":FRAMES, "object":5, "mode":"exclusive", "timed":false, "signal":0,
 *              "held":[{"object":4, "mode":"shared", "stack":FRAMES}]}],
 *  "objects":[{"id":5, "kind":"mutex", "address":"0x…", "where":WHERE, "init_thread":1, "init_stack":FRAMES}],
 *  "threads":[{"id":2, "tid":1234, "name":"writer", "creator":1, "stack":FRAMES}]}
 *        kind, severity, titles: detector/findings.def.  form: cycle, self, join, all-asleep, or "".
 *        role: requests, waits, acts, holds, initialised, destroyed, joined, detached, interrupted; reads, writes, frees.
 *        Every id used is listed.
 *        A thread's "stack" is where it was created; ids of threads and objects hold within one pid.
 *        In a finding over several processes each party and thread has its own "pid", and a thread "process", the name
 *        of its process; object ids then hold within the finding, and "address" is an offset in the file.  FRAMES name
 *        modules of the record's pid, whoever ran the code.
 *        A data-race has, beside its parties:
 *  "memory":{"address":"0x…", "size":4, "where":WHERE, "block":"0x…", "block_size":64, "alloc_thread":1,
 *            "alloc_stack":FRAMES}
 *        the bytes that both sides touch and the heap block around them (block_size 0: none known).  Its parties read,
 *        write or free, have no object, and each has
 *  "access":{"address":"0x…", "size":4, "atomic":false, "library":false, "guess":false, "lost":false}
 *        size 0: not known any more; atomic: this side alone is; library: libc made it for the caller on top of the stack;
 *        guess: a plain move that may be an atomic access in the source; lost: its stack and locks have aged out.
 *        A lock that such a side held and that was freed or destroyed since is in "held" with "gone":true, and not listed.
 *        Of the first side also "value":"0x2a" where it is known: the bytes that stood there before the access, as a number.
 *  "heard":{"how":"object", "object":5, "thread":0, "stack":FRAMES}
 *        beside "memory": what the second party's thread had done when the first's last heard of it, and where.  how:
 *        object (released, posted, signalled, ... that one), creation (of thread), atomic, gone (an object that is),
 *        lost (not known any more), never (nothing since it began).
 *        An object of kind "thread" has "init_thread": the thread meant.
 * {"r":"note", "pid":7, "code":"static-child", "text":"…"}      a limit met, said once a process
 * {"r":"summary", "pid":7, "time_ns":…, "reason":"exit"|"exec"|"signal", "counts":{"events":…, …}}
 * {"r":"state", "pid":7, "kind":"live-state", …}      the members of a finding: what each living thread waits for (role
 *        waits) or that it runs (role acts), and holds; on dump-signal, for lockhound ps
 * {"r":"contention", "pid":7, "object":{as in "objects"}, "sites":[{"stack":FRAMES, "mode":"exclusive",
 *  "acquisitions":9, "contended":2, "wait":TIMES, "hold":TIMES}]}    with contention=yes, a record a lock, at the end
 *        A later one of the same pid adds to it.  TIMES is {"total_ns":…, "max_ns":…, "log2":[…]}: member b of log2 counts
 *        times below 2^b ns and not below 2^(b-1).
 *
 * FRAMES is [[module, offset], [module, offset, 1], …], innermost first.  offset is relative to the module's bias (an
 * address as in its ELF file), and a return address: subtract one before looking up a line, unless the third member is
 * 1 (the exact address at which a signal arrived).  Module 0 is unknown and offset then the address itself.
 * A member may instead be an object {"function":…, "file":…, "line":…} for a frame that is already symbolic.
 *
 * WHERE is {"in":"static", "module":3, "offset":4096} | {"in":"stack", "thread":2} | {"in":"heap"} | {"in":"shared",
 * "path":…} | {"in":"unknown"}; of "memory" also {"in":"descriptor", "number":5, "kind":"socket"}: no memory, but a
 * descriptor that one side closes (writes) and the other uses (reads); "kind" is "" when it is closed by now; alloc_stack is
 * where it was opened; and {"in":"libc", "function":"strtok()"}: what functions of libc keep for all threads.
 */
#ifndef LOCKHOUND_PRELOAD_RUN_FILE_H
#define LOCKHOUND_PRELOAD_RUN_FILE_H

#define RUN_FILE_FORMAT 1

#define RUN_RECORD_PROCESS    "process"
#define RUN_RECORD_MODULE     "module"
#define RUN_RECORD_FINDING    "finding"
#define RUN_RECORD_NOTE       "note"
#define RUN_RECORD_SUMMARY    "summary"
#define RUN_RECORD_STATE      "state"
#define RUN_RECORD_CONTENTION "contention"

/* Of a histogram of times: member b counts those below 2^b ns and not below 2^(b-1); the last has all above as well. */
#define CONTENTION_BUCKETS 48

/* The command sets this variable to "1" for a program whose run file it follows and prints itself; without it the
 * library starts `lockhound print` for each finding. */
#define RUN_ENVIRONMENT_FOLLOWED "LOCKHOUND_FOLLOWED"
#define RUN_ENVIRONMENT_OPTIONS  "LOCKHOUND_OPTIONS"

/* What the processes of a run share stands beside its run file, under the same name with this at its end. */
#define RUN_FILE_SHARED_SUFFIX ".shared"

/* Exit status of a program that lockhound ended, and of the command when an error-level finding exists. */
#define LOCKHOUND_EXIT_FINDINGS 66

#endif
