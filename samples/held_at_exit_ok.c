/* expect: none */
/* pthread_cleanup_push() unlocks on every way out of the thread, also by pthread_exit() and on cancellation.  The bug
 * is in held_at_exit_bug.c.
 */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int parsed;

static void check(const char *text)
{
    if (*text == '\0')
        pthread_exit(NULL);
    parsed++;
}

static void unlock(void *mutex)
{
    pthread_mutex_unlock(mutex);
}

static void *parse(void *text)
{
    pthread_mutex_lock(&lock);
    pthread_cleanup_push(unlock, &lock);
    check(text);
    pthread_cleanup_pop(1);
    return NULL;
}

int main(void)
{
    static char empty[] = "";
    pthread_t thread;
    pthread_create(&thread, NULL, parse, empty);
    pthread_join(thread, NULL);
    printf("parsed %d\n", parsed);
    return 0;
}
