// guarded.cc: function-local statics.
//
//   guarded CASE         what the initialiser wrote is read by both threads: nothing may be reported
//   guarded CASE racy    both write to it afterwards: one race, between first() and second()
//
// The first thread always acts first (unseen.h), so that a run shows the same thing each time.

#include "chosen.h"

#define KEPT __attribute__((noinline))

static const struct {
    const char *name;
    bool looks_late; // the second thread calls when all is done: it only looks at the guard's first byte
} cases[] = {{"initialised_before", true}, {"initialised_beside", false}};

struct table {
    long values[8];
    table()
    {
        for (long &value : values)
            value = 1;
    }
};

KEPT static table &the_table()
{
    static table only;
    return only;
}

extern "C" {
KEPT void first()
{
    the_table().values[0] += 1;
}
KEPT void second()
{
    the_table().values[racy ? 0 : 1] += 1;
}
}

static void *run_first(void *arg)
{
    if (cases[chosen].looks_late)
        the_table();
    first();
    unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    unseen_wait();
    second();
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    return run_both(run_first, run_second);
}
