/* children.h: processes of a test: started, waited for in line, and ended with the code that is expected. */
#ifndef LHP_TESTS_CHILDREN_H
#define LHP_TESTS_CHILDREN_H

#include <errno.h>

#include <lhp/process.h>
#include <lhp/shared.h>

#include "check.h"

static inline struct lhp_process *start(int (*fn)(void *), void *arg)
{
    struct lhp_process *p = lhp_process_new(fn, arg, NULL);
    CHECK(p);
    CHECK_IS(lhp_process_start(p), LHP_OK);
    return p;
}

static inline int code_of(struct lhp_process *p)
{
    int code = -1000;
    CHECK_IS(lhp_process_join_for(p, LHP_SECONDS(30)), LHP_OK);
    CHECK_IS(lhp_process_exitcode(p, &code), LHP_OK);
    CHECK_IS(lhp_process_close(p), LHP_OK);
    return code;
}

static inline void finish(struct lhp_process *p, int expected)
{
    CHECK(code_of(p) == expected);
}

static inline unsigned line_length(struct lhp_shared_monitor *monitor)
{
    if (pthread_mutex_lock(&monitor->guard) == EOWNERDEAD)
        pthread_mutex_consistent(&monitor->guard);
    unsigned length = monitor->waiting;
    pthread_mutex_unlock(&monitor->guard);
    return length;
}

/* Until so many stand in line.  Looked at in the guard: who is counted has his place as well. */
static inline void await_line(struct lhp_shared_monitor *monitor, unsigned length)
{
    while (line_length(monitor) < length)
        sleep_ms(1);
}

#endif
