/* signalled.c: unlocks a mutex once too often in a signal handler, which has interrupted the program's own code. */
#include <pthread.h>
#include <signal.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int rounds;

static void handle(int number)
{
    pthread_mutex_unlock(&mutex);
    rounds += number; /* so that it stands on the stack */
}

static __attribute__((noinline)) void be_interrupted(void)
{
    __asm__ volatile("int3");
    rounds++;
}

static __attribute__((noinline)) void call(void)
{
    be_interrupted();
    rounds++;
}

int main(void)
{
    signal(SIGTRAP, handle);
    call();
    return 0;
}
