/* finding.h: what an engine hands to its host when it has found something.
 *
 *   engine --> struct finding --> host->report() --> run file (preload) or text (trace driver)
 *
 * A finding is complete in itself: every thread that takes part, what each held and wanted, with the stack of each
 * acquisition, and the objects with the place of their initialisation.  All pointers are borrowed for the call.
 *
 * A data race has two parties, the present access first, each with its `access`, and `memory`: what they meet in.  Its
 * parties have no object.  `heard` says where the order between them ends.
 */
#ifndef LOCKHOUND_DETECTOR_FINDING_H
#define LOCKHOUND_DETECTOR_FINDING_H

#include "detector/ids.h"

enum finding_kind {
#define FINDING(name, slug, severity, on, title, remedy) FINDING_##name,
#include "detector/findings.def"
#undef FINDING
    FINDING_COUNT
};

enum severity { SEVERITY_NOTE, SEVERITY_WARNING, SEVERITY_ERROR };

/* How the waiting of a deadlock hangs together. */
enum deadlock_form {
    DEADLOCK_NONE,
    DEADLOCK_CYCLE,     /* threads wait for each other's locks */
    DEADLOCK_SELF,      /* a thread waits for what it holds itself */
    DEADLOCK_JOIN,      /* a circle with at least one join in it */
    DEADLOCK_ALL_ASLEEP /* no thread is left that could wake another */
};

enum object_kind {
    OBJECT_MUTEX,
    OBJECT_RWLOCK,
    OBJECT_SPINLOCK,
    OBJECT_SEMAPHORE,
    OBJECT_COND,
    OBJECT_BARRIER,
    OBJECT_ONCE, /* pthread_once_t, C11 once_flag, C++ static guard */
    OBJECT_FUTEX,
    OBJECT_THREAD, /* as the target of a join */
    OBJECT_KIND_COUNT
};

enum lock_mode { LOCK_EXCLUSIVE, LOCK_SHARED };

/* A copy of what a finding needs of an object, valid after the object itself is gone. */
struct object_ref {
    struct object_id id;
    enum object_kind kind;
    uint64_t address;             /* of the object in the program; 0 for a thread */
    struct thread_id init_thread; /* who initialised it; 0 when statically initialised or not seen.
                                   * For OBJECT_THREAD: the thread meant. */
    struct stack_id init_stack;   /* where; 0 likewise */
};

enum { TAKEN_UNDER_MOST = 2 };

struct held_lock {
    struct object_ref object;
    enum lock_mode mode;
    uint32_t units;        /* of a counting semaphore, of which one is held: how many threads it lets in; 0: a lock */
    struct stack_id stack; /* of the acquisition */
    bool is_gone;          /* freed or destroyed since: of `object` its id alone means anything */
    /* Locks that the thread held exclusively when it took this one and has released since; 0 where there are fewer. */
    struct object_id taken_under[TAKEN_UNDER_MOST];
};

/* What a party did.  The first party of a finding is the one whose call revealed it. */
enum party_role {
    PARTY_REQUESTS,    /* asked for `object` while holding `held` (a side of a lock-order cycle) */
    PARTY_WAITS,       /* is blocked on `object` (a deadlock) */
    PARTY_ACTS,        /* made the wrong call on `object` */
    PARTY_HOLDS,       /* holds or held `object` meanwhile; `stack` is the acquisition */
    PARTY_INITIALISED, /* initialised it before; `stack` says where */
    PARTY_DESTROYED,   /* destroyed or freed it before */
    PARTY_JOINED,      /* joined the thread before */
    PARTY_DETACHED,    /* detached the thread before */
    PARTY_INTERRUPTED, /* held `object` when the signal arrived, or takes it with the signal unblocked */
    PARTY_READS,       /* a side of a data race; `stack` is where, 0 when it has aged out; also for the next two */
    PARTY_WRITES,
    PARTY_FREES /* gave the block back, which is a write to all of it */
};

struct finding_party {
    enum party_role role;
    struct thread_id thread;
    struct stack_id stack; /* of the call; 0 when it has no call of its own */
    bool has_object;
    struct object_ref object; /* wanted, waited for or misused */
    enum lock_mode mode;
    bool timed;            /* the wait has a time limit */
    int32_t signal_number; /* > 0 inside a handler of that signal */
    const struct held_lock *held;
    size_t held_count;
    /* Of PARTY_READS, PARTY_WRITES, PARTY_FREES only. */
    uint64_t access_address, access_size; /* Units: bytes; size 0 when it is not known any more */
    bool access_atomic;                   /* it is an atomic access; the other side is not */
    bool access_by_library;               /* libc made it on the caller's behalf (memcpy, read, ...) */
    bool access_guess;                    /* a plain move that may be an atomic access in the source */
    bool history_lost;                    /* its stack and locks have aged out of the thread's history */
    bool has_value;        /* access_value: what stood there when the race was found, before this access; */
    uint64_t access_value; /* of access_size bytes, of the present side alone */
};

/* What a race is about: the bytes that both accesses touch, and the block around them. */
struct finding_memory {
    uint64_t address, size;      /* Units: bytes */
    uint64_t block, block_size;  /* the heap block that holds them, or was freed by a party; 0 when none is known */
    struct stack_id alloc_stack; /* of the block; 0 when not known, also for the next */
    struct thread_id alloc_thread;
};

/* The last thing that the earlier side's thread had done when the later side's last heard of it. */
enum heard_how {
    HEARD_NOT_ASKED,
    HEARD_NEVER,       /* nothing since that thread was created */
    HEARD_LOST,        /* something of which no more is known */
    HEARD_BY_OBJECT,   /* it released `object`, or posted it, signalled it, arrived there, ... */
    HEARD_BY_CREATION, /* it created the thread `created` */
    HEARD_BY_ATOMIC,   /* an atomic operation or a fence */
    HEARD_BY_GONE      /* it released an object that is gone by now */
};

struct finding_heard {
    enum heard_how how;
    struct object_ref object;
    struct thread_id created;
    struct stack_id stack; /* where it did so; 0 when that is not known */
};

struct finding {
    enum finding_kind kind;
    enum deadlock_form form; /* for FINDING_DEADLOCK */
    enum severity severity;
    bool certain_hang; /* no thread of the process can ever run again */
    const struct finding_party *parties;
    size_t party_count;
    const char *detail; /* one clause that sharpens the title, or "" ; static storage */
    uint64_t number;    /* what `detail` counts: ms held, barrier parties missing, ...; 0 otherwise */
    bool has_memory;
    struct finding_memory memory;
    struct finding_heard heard;
};

/* Returns: the kind's stable name in options and reports, such as "lock-order-inversion". */
const char *finding_slug(enum finding_kind kind);
/* Returns: true and sets *kind when `slug` (length `len`) names a kind. */
bool finding_from_slug(const char *slug, size_t len, enum finding_kind *kind);
enum severity finding_severity(enum finding_kind kind);
bool finding_is_default(enum finding_kind kind);
/* Returns: the severity of a race between these two: a warning when both sides are a guess. */
enum severity finding_race_severity(const struct finding_party *a, const struct finding_party *b);
/* Returns: "cycle", "self", ... as run files and traces have it; "" for none. */
const char *finding_form_name(enum deadlock_form form);
/* Returns: "requests", "waits", ..., likewise. */
const char *party_role_name(enum party_role role);
/* Returns: "mutex", "rwlock", ... as the reports print it. */
const char *object_kind_name(enum object_kind kind);

#endif
