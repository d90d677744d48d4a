/* expect: deadlock form=all-asleep at=main@hang */
/* watched.c: a hang is reported, and ends the program, long before the alarm that would end it, and that nobody handles. */
#include <pthread.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t never_signalled = PTHREAD_COND_INITIALIZER;

int main(void)
{
    alarm(600);
    pthread_mutex_lock(&mutex);
    for (;;)
        pthread_cond_wait(&never_signalled, &mutex); /* @hang */
}
