/* options: --checks=default,blocking-call-with-lock-held */
/* expect: none */
/* Read first, then lock and store.  The bug is in blocking_with_lock_bug.c. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t inbox_lock = PTHREAD_MUTEX_INITIALIZER;
static char inbox[8];

static int receive(int fd)
{
    char message[sizeof inbox] = "";
    ssize_t length = read(fd, message, sizeof message - 1);
    pthread_mutex_lock(&inbox_lock);
    snprintf(inbox, sizeof inbox, "%s", message);
    pthread_mutex_unlock(&inbox_lock);
    return (int)length;
}

int main(void)
{
    int ends[2];
    if (pipe(ends) != 0 || write(ends[1], "hello", 5) != 5)
        return 1;
    int length = receive(ends[0]);
    printf("%d bytes: %s\n", length, inbox);
    return 0;
}
