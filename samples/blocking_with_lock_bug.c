/* options: --checks=default,blocking-call-with-lock-held */
/* expect: blocking-call-with-lock-held at=receive@read */
/* A read from a pipe, which may take for ever, inside a critical section: whoever wants the lock waits for the peer
 * too.  Some programs mean it so, therefore this check must be asked for.  Mended in blocking_with_lock_ok.c.
 */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static pthread_mutex_t inbox_lock = PTHREAD_MUTEX_INITIALIZER;
static char inbox[8];

static int receive(int fd)
{
    pthread_mutex_lock(&inbox_lock);
    ssize_t length = read(fd, inbox, sizeof inbox - 1); /* @read */
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
