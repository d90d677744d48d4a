/* expect: join-self */
/* Timer: its function waits for the end of the timer. */
#include "twin.h"

static void *timer_body(void *arg)
{
    usleep(1000);
    pthread_join(pthread_self(), NULL);
    return arg;
}

int main(void)
{
    join(spawn(timer_body, NULL));
    return 0;
}
