/* expect: none */
/* Joins follow the tree of creation: whoever created a thread joins it, and nobody waits for an ancestor.  The bug is
 * in join_cycle_bug.c.
 */
#include "stage.h"
#include <pthread.h>

static pthread_t first, second;

static void *finish_second(void *unused)
{
    return unused;
}

static void *finish_first(void *unused)
{
    pthread_create(&second, NULL, finish_second, NULL);
    pthread_join(second, NULL);
    return unused;
}

int main(void)
{
    pthread_create(&first, NULL, finish_first, NULL);
    pthread_join(first, NULL);
    puts("all have finished");
    return 0;
}
