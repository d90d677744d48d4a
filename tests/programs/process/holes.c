/* holes.c: a finding in a program whose segments are linked far from each other: its stack and its lock have names. */
#include <pthread.h>

static pthread_mutex_t far_lock = PTHREAD_MUTEX_INITIALIZER;
static volatile int depth;

__attribute__((noinline)) static void unlock_unowned(void)
{
    pthread_mutex_unlock(&far_lock);
    depth--;
}

__attribute__((noinline)) static void outer_caller(void)
{
    depth++;
    unlock_unowned();
    depth--;
}

int main(void)
{
    pthread_mutex_lock(&far_lock);
    pthread_mutex_unlock(&far_lock);
    outer_caller();
    return 0;
}
