/* expect: destroy-locked at=session_end@free */
/* The session is freed while its own lock is held: the unlock that belongs to it is missing, and the next object at
 * this address may be born locked.  Mended in freed_held_ok.c.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct session {
    pthread_mutex_t lock;
    int requests;
};

static void session_end(struct session *session)
{
    pthread_mutex_lock(&session->lock);
    printf("%d requests\n", session->requests);
    free(session); /* @free */
}

int main(void)
{
    struct session *session = malloc(sizeof *session);
    if (!session)
        return 1;
    pthread_mutex_init(&session->lock, NULL);
    session->requests = 3;
    session_end(session);
    return 0;
}
