/* expect: deadlock form=all-asleep */
/* Barrier: rounds are not told apart; a party that is quick enters the next round before a slow one has left the
 * last, which then waits in a round it does not belong to.
 */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t cond = PTHREAD_COND_INITIALIZER;
static int arrived;

static void *body(void *arg)
{
    pthread_mutex_lock(&mutex);
    for (int round = 0; round < 2; round++) {
        if (++arrived == 2) {
            arrived = 0;
            pthread_cond_broadcast(&cond);
        } else {
            while (arrived != 0)
                pthread_cond_wait(&cond, &mutex);
        }
    }
    pthread_mutex_unlock(&mutex);
    return arg;
}

int main(void)
{
    run_two(body, body);
    return 0;
}
