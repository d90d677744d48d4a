/* plain_guards.c: the guards of C++'s function-local statics as libc++abi has them: the first byte of one is set by a plain store under
 * a mutex. */
#include <pthread.h>

static pthread_mutex_t guards = PTHREAD_MUTEX_INITIALIZER;

int __cxa_guard_acquire(char *guard);
void __cxa_guard_release(char *guard);
void __cxa_guard_abort(char *guard);

int __cxa_guard_acquire(char *guard)
{
    pthread_mutex_lock(&guards);
    if (*guard == 0)
        return 1;
    pthread_mutex_unlock(&guards);
    return 0;
}

void __cxa_guard_release(char *guard)
{
    *guard = 1;
    pthread_mutex_unlock(&guards);
}

void __cxa_guard_abort(char *guard)
{
    (void)guard;
    pthread_mutex_unlock(&guards);
}
