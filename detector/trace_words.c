#include "detector/trace_words.h"

const struct trace_flag_word trace_flag_words[TRACE_FLAG_WORD_COUNT] = {
    {"shared", EVENT_SHARED},
    {"timed", EVENT_TIMED},
    {"try", EVENT_TRY},
    {"owner-died", EVENT_OWNER_DIED},
    {"timeout", EVENT_TIMEOUT},
    {"detached", EVENT_DETACHED},
    {"overflow", EVENT_OVERFLOW},
    {"aborted", EVENT_ABORTED},
    {"recursive", EVENT_RECURSIVE},
    {"errorcheck", EVENT_ERRORCHECK},
    {"adaptive", EVENT_ADAPTIVE},
    {"robust", EVENT_ROBUST},
    {"process-shared", EVENT_PROCESS_SHARED},
    {"prefers-writers", EVENT_PREFERS_WRITERS},
    {"static", EVENT_STATIC},
    {"schedules", EVENT_SCHEDULES},
};

const char *const trace_kind_words[OBJECT_KIND_COUNT] = {
    [OBJECT_MUTEX] = "mutex",         [OBJECT_RWLOCK] = "rwlock", [OBJECT_SPINLOCK] = "spinlock",
    [OBJECT_SEMAPHORE] = "semaphore", [OBJECT_COND] = "cond",     [OBJECT_BARRIER] = "barrier",
    [OBJECT_ONCE] = "once",           [OBJECT_FUTEX] = "futex",   [OBJECT_THREAD] = "thread",
};

const char *const trace_order_words[ORDER_COUNT] = {
    [ORDER_RELAXED] = "relaxed", [ORDER_CONSUME] = "consume", [ORDER_ACQUIRE] = "acquire",
    [ORDER_RELEASE] = "release", [ORDER_ACQ_REL] = "acq-rel", [ORDER_SEQ_CST] = "seq-cst",
};
