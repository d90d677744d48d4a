/* expect: none */
/* Unlock, destroy, free, in this order.  The bug is in freed_held_bug.c. */
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
    pthread_mutex_unlock(&session->lock);
    pthread_mutex_destroy(&session->lock);
    free(session);
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
