/* expect: double-join */
/* Thread: joined by two owners, one after the other. */
#include "twin.h"

static void *body(void *arg)
{
    return arg;
}

int main(void)
{
    pthread_t t = spawn(body, NULL);
    join(t);
    pthread_join(t, NULL);
    return 0;
}
