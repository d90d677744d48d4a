/* waits.h: what validate_waits.c asks every kind of wait: a table of kinds, each an object that somebody waits for.
 *
 *   main: open --> others: wait (they must) --> main: let_go --> one, or all, come back; leave --> main: close
 *
 * Every kind has one object of its own, made by open and gone with close.
 */
#ifndef LHP_TESTS_WAITS_H
#define LHP_TESTS_WAITS_H

#include "check.h"

/* Whom one let_go reaches. */
enum wait_reach {
    REACHES_ONE,   /* of those who wait, or the next who comes */
    REACHES_CHAIN, /* one, whose leave lets the next go */
    REACHES_ALL,   /* and whoever comes later */
    REACHES_SOLE   /* there may only be one at a time */
};

struct wait_kind {
    const char *name;
    void (*open)(void);
    void (*close)(void);
    enum lhp_status (*wait)(int64_t timeout_ns);
    void (*let_go)(void);
    void (*leave)(void);  /* what somebody does who came through; may be NULL */
    void (*mend)(void);   /* makes it of use again after a cancelled wait; may be NULL */
    enum lhp_status late; /* what a wait answers whose time is up; LHP_OK when it has no limit */
    enum wait_reach reach;
    bool cancellable;
    bool forgets;       /* a let_go that finds nobody is forgotten */
    void (*undo)(void); /* after a let_go whoever comes waits again; may be NULL */
};

extern const struct wait_kind thread_waits[], result_waits[], shared_waits[];
extern const size_t thread_waits_count, result_waits_count, shared_waits_count;

#endif
