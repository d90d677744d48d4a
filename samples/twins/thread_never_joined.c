/* expect: thread-leak */
/* Thread: ended, and neither joined nor detached. */
#include "twin.h"

static void *body(void *arg)
{
    stage_set(1);
    return arg;
}

int main(void)
{
    spawn(body, NULL);
    stage_wait(1);
    usleep(20000);
    return 0;
}
