/* children.h: processes of a test: started, and ended with the code that is expected. */
#ifndef LHP_TESTS_CHILDREN_H
#define LHP_TESTS_CHILDREN_H

#include <lhp/process.h>

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

#endif
