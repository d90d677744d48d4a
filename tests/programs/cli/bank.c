/* bank.c: a program whose addresses the tests of the report put into run files. */
#include <pthread.h>
#include <stddef.h>

struct account {
    int balance;
    pthread_mutex_t lock;
};
struct account accounts[4];
pthread_mutex_t first = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t second = PTHREAD_MUTEX_INITIALIZER;

static inline __attribute__((always_inline)) void take(pthread_mutex_t *lock)
{
    pthread_mutex_lock(lock);
}

__attribute__((noinline)) void transfer(struct account *from, struct account *to)
{
    take(&from->lock);
    take(&to->lock);
    from->balance--;
    to->balance++;
    pthread_mutex_unlock(&to->lock);
    pthread_mutex_unlock(&from->lock);
}

__attribute__((noinline)) void *writer(void *argument)
{
    take(&second);
    take(&first);
    transfer(&accounts[2], &accounts[0]);
    pthread_mutex_unlock(&first);
    pthread_mutex_unlock(&second);
    return argument;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, writer, NULL);
    transfer(&accounts[0], &accounts[2]);
    pthread_join(thread, NULL);
    return 0;
}
