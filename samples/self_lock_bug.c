/* expect: deadlock form=self at=deposit@lock_again at=salary@outer_call */
/* A function that locks calls another that locks the same mutex.  A default mutex knows no owner and waits for itself.
 * Mended in self_lock_ok.c with a recursive mutex (or, better, with an inner function that expects the lock).
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t account;
static long balance;

static void deposit(long amount)
{
    pthread_mutex_lock(&account); /* @lock_again */
    balance += amount;
    pthread_mutex_unlock(&account);
}

static void salary(void)
{
    pthread_mutex_lock(&account);
    deposit(1000); /* @outer_call */
    deposit(-300); /* tax */
    pthread_mutex_unlock(&account);
}

int main(void)
{
    alarm(10); /* ends the hang when nothing else does */
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutex_init(&account, &kind);
    pthread_mutexattr_destroy(&kind);
    salary();
    pthread_mutex_destroy(&account);
    printf("balance %ld\n", balance);
    return 0;
}
