/* expect: unlock-not-locked at=log_line@second_unlock */
/* The early return was given its own unlock, and then the common way out unlocks once more.  On a default mutex nothing
 * seems to happen, until another thread holds it at that moment and loses it.  Mended in unlock_twice_ok.c.
 */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static int lines;

static void log_line(const char *text)
{
    pthread_mutex_lock(&log_lock);
    if (*text == '\0') {
        pthread_mutex_unlock(&log_lock);
        goto out;
    }
    lines++;
    puts(text);
out:
    pthread_mutex_unlock(&log_lock); /* @second_unlock */
}

static void *worker(void *unused)
{
    log_line("");
    return unused;
}

int main(void)
{
    pthread_t thread;
    log_line("started");
    pthread_create(&thread, NULL, worker, NULL);
    pthread_join(thread, NULL);
    printf("%d line\n", lines);
    return 0;
}
