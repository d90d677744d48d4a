/* racy.c: a program whose variables and code the tests of data races put into run files; it is never run. */
#include <pthread.h>
#include <stdlib.h>

struct totals {
    long sold;
    int returned;
};
struct totals totals[3];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

__attribute__((noinline)) void sell(struct totals *t)
{
    t->sold++;
    t->returned = 0;
}

__attribute__((noinline)) void *seller(void *argument)
{
    pthread_mutex_lock(&lock);
    sell(&totals[1]);
    pthread_mutex_unlock(&lock);
    return argument;
}

__attribute__((noinline)) void *make(size_t size)
{
    return calloc(1, size);
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, seller, make(64));
    sell(&totals[1]);
    pthread_join(thread, NULL);
    return 0;
}
