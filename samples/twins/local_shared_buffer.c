/* expect: needs-weaving */
/* Thread-local data: a static buffer that all threads share. */
#include "twin.h"

static char buffer[16];

static void *body(void *arg)
{
    for (int i = 0; i < 1000; i++)
        snprintf(buffer, sizeof(buffer), "%d", i);
    return arg;
}

int main(void)
{
    run_two(body, body);
    return 0;
}
