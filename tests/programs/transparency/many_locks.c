/* many_locks.c: hundreds of locks held at once and a hundred thousand made, used and destroyed: no budget is met. */
#include "show.h"
#include <pthread.h>

#define HELD 500
#define MADE 100000

static void *hold_many(void *unused)
{
    static pthread_mutex_t locks[HELD];
    for (int i = 0; i < HELD; i++)
        pthread_mutex_init(&locks[i], NULL);
    for (int i = 0; i < HELD; i++)
        MUST(pthread_mutex_lock(&locks[i]) == 0);
    for (int i = 0; i < HELD; i++)
        MUST(pthread_mutex_unlock(&locks[i]) == 0);
    for (int i = 0; i < HELD; i++)
        pthread_mutex_destroy(&locks[i]);
    return unused;
}

/* Objects on the heap and on the stack, at addresses that come again and again, in orders that would be inversions if
 * an address were an identity. */
static void *make_many(void *unused)
{
    for (int i = 0; i < MADE; i++) {
        pthread_mutex_t on_stack = PTHREAD_MUTEX_INITIALIZER;
        pthread_mutex_t *on_heap = malloc(sizeof *on_heap);
        MUST(on_heap);
        pthread_mutex_init(on_heap, NULL);
        pthread_mutex_t *first = i & 1 ? &on_stack : on_heap, *second = i & 1 ? on_heap : &on_stack;
        pthread_mutex_lock(first);
        pthread_mutex_lock(second);
        pthread_mutex_unlock(second);
        pthread_mutex_unlock(first);
        pthread_mutex_destroy(on_heap);
        pthread_mutex_destroy(&on_stack);
        free(on_heap);
    }
    return unused;
}

int main(void)
{
    pthread_t threads[3];
    pthread_create(&threads[0], NULL, hold_many, NULL);
    pthread_create(&threads[1], NULL, make_many, NULL);
    pthread_create(&threads[2], NULL, make_many, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    puts("held and made");
    return 0;
}
