/* successors.c: thousands of threads, each of which lives shortly and is joined by the one that made it: they get one another's stacks,
 * slots and histories, and blocks that libc itself allocated for others.
 *
 * The makers, who know nothing of each other, go on side by side.
 */
#include <semaphore.h>

#include "chosen.h"

enum { MAKERS = 6, CHILDREN = 4, ROUNDS = 500 };

struct meeting {
    pthread_barrier_t barrier;
    sem_t semaphore;
    char *blocks[CHILDREN];
};

struct child {
    struct meeting *meeting;
    int number;
};

static void *at_barrier(void *arg)
{
    const struct child *self = arg;
    char *block = malloc(32);
    block[0] = 1;
    pthread_barrier_wait(&self->meeting->barrier);
    if (self->number % 2 == 0)
        free(block);
    self->meeting->blocks[self->number] = self->number % 2 == 0 ? NULL : block;
    return NULL;
}

static void wait_at_barrier(struct meeting *meeting)
{
    pthread_barrier_wait(&meeting->barrier);
}

static void *at_semaphore(void *arg)
{
    const struct child *self = arg;
    self->meeting->blocks[self->number] = calloc(1, 48);
    sem_post(&self->meeting->semaphore);
    return NULL;
}

static void wait_at_semaphore(struct meeting *meeting)
{
    for (int i = 0; i < CHILDREN; i++)
        sem_wait(&meeting->semaphore);
}

static const struct {
    const char *name;
    void *(*routine)(void *arg);
    void (*wait)(struct meeting *meeting);
} cases[] = {{"barrier", at_barrier, wait_at_barrier}, {"semaphore", at_semaphore, wait_at_semaphore}};

static void meet(void)
{
    struct meeting meeting = {.blocks = {NULL}};
    struct child children[CHILDREN];
    pthread_t threads[CHILDREN];
    pthread_barrier_init(&meeting.barrier, NULL, CHILDREN + 1);
    sem_init(&meeting.semaphore, 0, 0);
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = (struct child){&meeting, i};
        pthread_create(&threads[i], NULL, cases[chosen].routine, &children[i]);
    }
    cases[chosen].wait(&meeting);
    for (int i = 0; i < CHILDREN; i++) {
        pthread_join(threads[i], NULL);
        free(meeting.blocks[i]);
    }
    sem_destroy(&meeting.semaphore);
    pthread_barrier_destroy(&meeting.barrier);
}

static void *make(void *arg)
{
    for (int i = 0; i < ROUNDS; i++)
        meet();
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t makers[MAKERS];
    CHOOSE_CASE(argc, argv, cases);
    for (int i = 0; i < MAKERS; i++)
        pthread_create(&makers[i], NULL, make, NULL);
    for (int i = 0; i < MAKERS; i++)
        pthread_join(makers[i], NULL);
    return say_done();
}
