/* expect: none */
/* One way out, one unlock.  The bug is in unlock_twice_bug.c. */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static int lines;

static void log_line(const char *text)
{
    pthread_mutex_lock(&log_lock);
    if (*text != '\0') {
        lines++;
        puts(text);
    }
    pthread_mutex_unlock(&log_lock);
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
