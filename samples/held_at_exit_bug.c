/* expect: lock-held-at-thread-exit at=parse@lock */
/* An early way out of the thread forgets the lock.  Whoever wants it next waits for a thread that no longer exists.
 * Mended in held_at_exit_ok.c.
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

static void *parse(void *text)
{
    pthread_mutex_lock(&lock); /* @lock */
    check(text);
    pthread_mutex_unlock(&lock);
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
