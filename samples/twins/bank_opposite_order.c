/* expect: lock-order-inversion */
/* Bank account: a transfer locks its own account and then the other; two opposite transfers can wait for each other.
 */
#include "twin.h"

static struct account {
    pthread_mutex_t mutex;
    long balance;
} alice = {PTHREAD_MUTEX_INITIALIZER, 100}, bob = {PTHREAD_MUTEX_INITIALIZER, 100};

static void transfer(struct account *from, struct account *to, long amount)
{
    pthread_mutex_lock(&from->mutex);
    pthread_mutex_lock(&to->mutex);
    from->balance -= amount;
    to->balance += amount;
    pthread_mutex_unlock(&to->mutex);
    pthread_mutex_unlock(&from->mutex);
}

static void *pay_bob(void *arg)
{
    transfer(&alice, &bob, 10);
    stage_set(1);
    return arg;
}

static void *pay_alice(void *arg)
{
    stage_wait(1);
    transfer(&bob, &alice, 20);
    return arg;
}

int main(void)
{
    run_two(pay_bob, pay_alice);
    return 0;
}
