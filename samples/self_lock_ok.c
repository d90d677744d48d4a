/* expect: none */
/* A recursive mutex counts how often its owner has locked it.  The bug is in self_lock_bug.c. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t account;
static long balance;

static void deposit(long amount)
{
    pthread_mutex_lock(&account);
    balance += amount;
    pthread_mutex_unlock(&account);
}

static void salary(void)
{
    pthread_mutex_lock(&account);
    deposit(1000);
    deposit(-300); /* tax */
    pthread_mutex_unlock(&account);
}

int main(void)
{
    pthread_mutexattr_t kind;
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&account, &kind);
    pthread_mutexattr_destroy(&kind);
    salary();
    pthread_mutex_destroy(&account);
    printf("balance %ld\n", balance);
    return 0;
}
