/* expect: needs-weaving */
/* Shared Value: read, changed and written without its lock. */
#include "shared.h"

struct value {
    pthread_mutex_t lock;
    long amount;
};
static struct value *value;

static void *add(void *arg)
{
    for (int i = 0; i < 1000; i++)
        value->amount++;
    return arg;
}

int main(void)
{
    value = shared_memory(sizeof(*value));
    shared_mutex_init(&value->lock);
    run_two(add, add);
    return 0;
}
