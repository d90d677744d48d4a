/* expect: lock-order-inversion */
/* across: processes */
/* Shared Value: each has its lock; parent and child move amounts between two of them in opposite directions. */
#include "shared.h"

struct value {
    pthread_mutex_t lock;
    long amount;
};

static void move(struct value *from, struct value *to)
{
    pthread_mutex_lock(&from->lock);
    pthread_mutex_lock(&to->lock);
    from->amount--;
    to->amount++;
    pthread_mutex_unlock(&to->lock);
    pthread_mutex_unlock(&from->lock);
}

static void child(void *arg)
{
    struct value *values = arg;
    stage_wait(1);
    move(&values[1], &values[0]);
}

int main(void)
{
    struct value *values = shared_memory(2 * sizeof(*values));
    shared_mutex_init(&values[0].lock);
    shared_mutex_init(&values[1].lock);
    pid_t pid = shared_child(child, values);
    move(&values[0], &values[1]);
    stage_set(1);
    shared_child_end(pid);
    return 0;
}
