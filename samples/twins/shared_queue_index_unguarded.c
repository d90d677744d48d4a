/* expect: needs-weaving */
/* Shared Queue: semaphores count slots and items, but two putters move the tail without a lock. */
#include "shared.h"

enum { SLOTS = 4096 };

struct queue {
    sem_t room, items;
    unsigned tail;
    int slots[SLOTS];
};
static struct queue *queue;

static void *put(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        sem_wait(&queue->room);
        queue->slots[queue->tail++ % SLOTS] = i;
    }
    return arg;
}

int main(void)
{
    queue = shared_memory(sizeof(*queue));
    must(sem_init(&queue->room, 1, SLOTS) == 0 && sem_init(&queue->items, 1, 0) == 0);
    run_two(put, put);
    return 0;
}
