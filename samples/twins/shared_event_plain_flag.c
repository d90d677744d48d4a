/* expect: needs-weaving */
/* Shared Event: a plain flag in shared memory that a thread polls; nothing orders what was written before the set. */
#include "shared.h"

struct event {
    int up, message;
};
static struct event *event;

static void *set(void *arg)
{
    event->message = 42;
    event->up = 1;
    return arg;
}

static void *poll_once(void *arg)
{
    printf("%d\n", event->up ? event->message : 0);
    return arg;
}

int main(void)
{
    event = shared_memory(sizeof(*event));
    run_two(set, poll_once);
    return 0;
}
