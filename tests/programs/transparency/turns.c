/* turns.c: threads wait for their turns, and who has had his unlocks before he signals: another may begin to wait in between, and
 * be woken by that signal.
 *
 *   lock, wait for my turn, unlock --> another: lock, wait --> signal to all
 */
#include <pthread.h>
#include <stdio.h>

enum { THREADS = 4, TURNS = 4000 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turned = PTHREAD_COND_INITIALIZER;
static long turn;

static void *take_turns(void *first)
{
    for (long mine = (long)first; mine < TURNS; mine += THREADS) {
        pthread_mutex_lock(&mutex);
        while (turn != mine)
            pthread_cond_wait(&turned, &mutex);
        turn++;
        pthread_mutex_unlock(&mutex);
        pthread_cond_broadcast(&turned);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (long i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, take_turns, (void *)i) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%ld turns\n", turn);
    return 0;
}
