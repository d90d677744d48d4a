/* rounds.c: a thread that leaves a barrier when the other has arrived at the next round: what that one did in between is no more before
 * what this one does than if it had left at once.
 */
#include <signal.h>
#include <unistd.h>

#include "chosen.h"

enum { ARRIVAL_US = 50000 }; /* time enough to arrive after one has said so */

static pthread_barrier_t barrier;
static int value;

static const struct {
    const char *name;
} cases[] = {{"kept"}};

/* Keeps its thread in the barrier. */
static void keep(int signal_number)
{
    (void)signal_number;
    unseen_wait();
    usleep(ARRIVAL_US);
}

static void *stay(void *arg)
{
    pthread_barrier_wait(&barrier);
    if (racy)
        value += 1; /* beside the other's */
    pthread_barrier_wait(&barrier);
    if (!racy)
        value += 1;
    return arg;
}

static void go_on(void)
{
    pthread_barrier_wait(&barrier);
    value += 1;
    unseen_pass();
    pthread_barrier_wait(&barrier);
}

int main(int argc, char **argv)
{
    pthread_t kept;
    CHOOSE_CASE(argc, argv, cases);
    sigaction(SIGUSR1, &(struct sigaction){.sa_handler = keep}, NULL);
    pthread_barrier_init(&barrier, NULL, 2);
    pthread_create(&kept, NULL, stay, NULL);
    usleep(ARRIVAL_US);
    pthread_kill(kept, SIGUSR1);
    usleep(ARRIVAL_US);
    go_on();
    pthread_join(kept, NULL);
    pthread_barrier_destroy(&barrier);
    return say_done();
}
