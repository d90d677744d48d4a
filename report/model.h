/* model.h: what run files say, as data: processes, their modules, and findings merged over all of them.
 *
 *   run_reader --line--> run_decode --> struct run <-- symbols, fingerprint, suppressions
 *                                          |
 *                                          +--> text, JSON, ...
 *
 * Model:     a finding met again (same fingerprint, in whatever process or file) is the first one with count + 1.  So is a race at the
 *            same places on another variable when neither has a name: they may be elements of one array.
 *            A deadlock stands before the lock-order inversion that it made true.
 * Memory:    processes live in the run's pool, each finding in a pool of its own, so that a repeat is let go whole.
 * Strings:   bytes as the program had them; a format escapes them (escape.h).
 * Threads:   none; one thread uses a run.
 */
#ifndef LOCKHOUND_REPORT_MODEL_H
#define LOCKHOUND_REPORT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "report/memory.h"

struct run_module {
    uint32_t id; /* as this process numbered it */
    const char *path;
    const char *build_id; /* lower-case hexadecimal digits, or "" */
    struct run_module *next;
};

/* One frame as recorded.  A frame that came symbolic has `function` and no module. */
struct run_frame {
    const struct run_module *module; /* NULL: unknown; `offset` is then the address itself */
    uint64_t offset;
    bool is_exact; /* `offset` is the instruction, not the return address after it */
    const char *function, *file;
    uint32_t line;
};

struct symbol_frame;

struct run_stack {
    struct run_frame *frames; /* innermost first */
    size_t frame_count;
    /* Filled by resolve.c: one entry a function, inlined ones included. */
    struct symbol_frame *symbols;
    size_t symbol_count;
    size_t user_first, user_end; /* without the frames of libc, lockhound and thread start at either end */
};

struct run_thread {
    uint32_t id; /* within its process */
    int64_t pid, tid;
    const char *process; /* name of its process in a finding over several; "" otherwise */
    const char *name;
    uint32_t creator; /* 0: unknown, or the first thread */
    struct run_stack created;
};

enum run_where {
    WHERE_UNKNOWN,
    WHERE_STATIC,
    WHERE_STACK,
    WHERE_HEAP,
    WHERE_SHARED,
    WHERE_DESCRIPTOR, /* no memory, but a number that is used (read) and closed (written) */
    WHERE_LIBC        /* what a function of libc keeps for all threads; its address means nothing */
};

/* `id` of the one object that the run file does not number: the memory that a race is about. */
#define RUN_MEMORY_ID ((uint32_t)1 << 31)

struct run_object {
    uint32_t id;
    const char *kind; /* "mutex", "thread", ...; of what a race is about "memory", "descriptor" or "libc state" */
    uint64_t address;
    uint64_t size; /* Units: bytes; of "memory", 0 otherwise, as the next two */
    uint64_t block,
        block_size; /* the heap block around it, allocated by init_thread at init_stack; size 0: not known */
    enum run_where where;
    const struct run_module *module; /* WHERE_STATIC */
    uint64_t offset;
    uint32_t stack_thread; /* WHERE_STACK */
    const char *path;      /* WHERE_SHARED */
    uint64_t number;       /* WHERE_DESCRIPTOR, with what it is: "socket", or "" when that is not known */
    const char *what;      /* of WHERE_LIBC the function, or functions: "strtok()" */
    uint32_t init_thread;
    struct run_stack init_stack;
    const char *name;     /* filled by resolve.c: "log_mutex", "accounts[2].lock", "mutex#5" */
    const char *stable;   /* the same without what differs from run to run, for fingerprints */
    const char *type;     /* of the variable, or NULL */
    const char *named_by; /* function whose code calls it `name`, when it has no name of its own; or NULL */
    bool is_nameless;     /* in a module that has no symbol there: `name` and `stable` are its offset */
    uint64_t elements;    /* of the array that the block must be for that name, when that is not known; or 0 */
};

struct run_held {
    const struct run_object *object; /* NULL: gone */
    bool is_shared;
    struct run_stack stack;
};

/* One side of a data race; see preload/run_file.h. */
struct run_access {
    uint64_t address, size; /* size 0: not known any more */
    bool is_atomic, is_by_library, is_guess;
    bool is_lost; /* stack and locks of this side have aged out */
    bool has_value;
    uint64_t value; /* what stood there before the access */
};

struct run_party {
    /* "requests", "waits", "acts", "holds", "initialised", "destroyed", "joined", "detached", "interrupted"; "reads", "writes",
     * "frees" with the memory as object */
    const char *role;
    const struct run_thread *thread;
    const struct run_object *object; /* or NULL */
    struct run_stack stack;
    bool is_shared, is_timed;
    int signal_number;
    bool has_access;
    struct run_access access;
    struct run_held *held, *gone; /* `gone`: freed or destroyed since; without objects */
    size_t held_count, gone_count;
};

/* The last that the later side of a race knew of the earlier one's thread; see preload/run_file.h. */
struct run_heard {
    const char *how; /* "never", "lost", "object", "creation", "atomic", "gone"; "" when it is not said */
    const struct run_object *object;
    const struct run_thread *created;
    struct run_stack stack;
    const char *message; /* one sentence, or ""; message.c */
};

struct run_process {
    int64_t pid, ppid;
    const char *exe;
    const char **argv;
    size_t argc;
    bool was_forked;
    const char *options; /* its LOCKHOUND_OPTIONS */
    const char *file;    /* the run file that names it */
    struct run_module *modules;
    const char *reason; /* how it ended, or NULL while it runs or when it was killed */
    bool was_replaced;  /* the same pid went on as another program */
    int fatal_signal;   /* that ended it, where the command waited for it; or 0 */
    size_t findings;    /* reported in it, suppressed ones not counted */
    struct run_process *next;
};

struct run_finding {
    struct pool pool;
    const char *kind; /* slug */
    const char *form;
    const char *severity;
    const char *detail;
    uint64_t number;
    bool is_certain_hang;
    uint64_t time_ns;
    struct run_process *process;
    struct run_party *parties;
    size_t party_count;
    struct run_object *objects;
    size_t object_count;
    const struct run_object *memory; /* one of the objects, in a data race; NULL otherwise */
    struct run_heard heard;          /* in a data race */
    struct run_thread *threads;
    size_t thread_count;
    const char *message;  /* one sentence; message.c */
    char fingerprint[17]; /* 16 hexadecimal digits */
    char places[17];      /* of a race on a nameless variable the same over the very instructions, without it; or "" */
    char circle[17];      /* of locks that threads want of one another, the same before and when they hang; or "" */
    /* Of a lock-order inversion the deadlock over the same circle, of that deadlock the inversion; or NULL. */
    const struct run_finding *came_true, *foretold;
    uint64_t count; /* how often it was recorded */
    struct run_finding *next;
};

struct run_note {
    const char *code, *text;
    uint64_t count; /* processes that said it */
    struct run_note *next;
};

/* A number summed over processes, such as "events". */
struct run_count {
    const char *name;
    uint64_t value;
    struct run_count *next;
};

/* Something in a run file that could not be read. */
struct run_problem {
    const char *file;
    uint64_t offset;
    const char *text;
    struct run_problem *next;
};

struct finding_index;
struct contention_lock;

struct run {
    struct pool pool;
    struct run_process *processes, *last_process;
    size_t process_count;
    struct run_finding *findings, *last_finding;
    size_t finding_count;
    struct finding_index *by_fingerprint;
    struct contention_lock *contention; /* as read; contention.h */
    struct contention_lock *contended;  /* merged and named */
    struct run_note *notes;
    struct run_count *counts;
    struct run_problem *problems, *last_problem; /* the first ones */
    size_t problem_count;                        /* all of them */
    size_t suppressed;                           /* findings that rules matched */
};

/* Returns: the youngest process of this pid and file, or NULL. */
struct run_process *run_find_process(struct run *run, const char *file, int64_t pid);
struct run_process *run_add_process(struct run *run);
const struct run_module *process_find_module(const struct run_process *process, uint32_t id);

/* Takes `finding` over: it is kept, or counted as a repeat of an earlier one and freed.
 * Returns: true when it is new. */
bool run_merge_finding(struct run *run, struct run_finding *finding);
void finding_free(struct run_finding *finding);
/* Returns: the listed thread of this id, or NULL. */
const struct run_thread *finding_thread(const struct run_finding *finding, uint32_t id);

void run_add_note(struct run *run, const char *code, const char *text);
void run_add_count(struct run *run, const char *name, uint64_t value);
uint64_t run_get_count(const struct run *run, const char *name);
void run_add_problem(struct run *run, const char *file, uint64_t offset, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Returns: true when a finding of severity "error" is in the run. */
bool run_has_error(const struct run *run);
void run_free(struct run *run);

#endif
