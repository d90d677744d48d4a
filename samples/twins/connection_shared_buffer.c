/* expect: needs-weaving */
/* Connection: two threads build their messages in one buffer. */
#include "twin.h"

static char message[64];
static int ends[2];

static void *sender(void *arg)
{
    for (int i = 0; i < 100; i++) {
        int n = snprintf(message, sizeof(message), "%d\n", i);
        must(write(ends[1], message, (size_t)n) == n);
    }
    return arg;
}

int main(void)
{
    must(pipe(ends) == 0);
    run_two(sender, sender);
    return 0;
}
