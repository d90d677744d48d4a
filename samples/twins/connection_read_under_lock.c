/* expect: blocking-call-with-lock-held */
/* options: --checks=default,blocking-call-with-lock-held */
/* Connection: reads from the pipe with the lock held that others need to write to it. */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int ends[2];

static void *reader(void *arg)
{
    char byte;
    pthread_mutex_lock(&mutex);
    stage_set(1);
    must(read(ends[0], &byte, 1) == 1);
    pthread_mutex_unlock(&mutex);
    return arg;
}

int main(void)
{
    must(pipe(ends) == 0);
    pthread_t t = spawn(reader, NULL);
    stage_wait(1);
    usleep(20000);
    must(write(ends[1], "x", 1) == 1);
    join(t);
    return 0;
}
