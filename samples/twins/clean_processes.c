/* expect: none */
/* Three processes on shared locks, a condition, a barrier and a queue, connections between parent and child, and a
 * process pool.
 */
#include <string.h>

#include <lhp/connection.h>
#include <lhp/process.h>
#include <lhp/process_pool.h>
#include <lhp/shared.h>

#include "twin.h"

enum { MEMBERS = 3, ROUNDS = 200 };

struct board {
    struct lhp_shared_lock lock;
    struct lhp_shared_rlock rlock;
    struct lhp_shared_semaphore permits;
    struct lhp_shared_condition changed;
    struct lhp_shared_event start;
    struct lhp_shared_barrier meeting;
    struct lhp_shared_queue *queue;
    long counted, turn;
};

static void take_turn(struct board *b)
{
    lhp_shared_rlock_acquire(&b->rlock);
    b->turn++;
    lhp_shared_condition_notify_all(&b->changed);
    while (b->turn % MEMBERS != 0)
        lhp_shared_condition_wait(&b->changed);
    lhp_shared_rlock_release(&b->rlock);
}

static int member(void *arg)
{
    struct board *b = arg;
    lhp_shared_event_wait(&b->start);
    for (int i = 0; i < ROUNDS; i++) {
        lhp_shared_lock_acquire(&b->lock);
        b->counted++;
        lhp_shared_lock_release(&b->lock);
        lhp_shared_semaphore_acquire(&b->permits);
        lhp_shared_semaphore_release(&b->permits, 1);
        lhp_shared_queue_put(b->queue, &i);
        if (i % 20 == 0) {
            take_turn(b);
            must(lhp_shared_barrier_wait(&b->meeting, NULL) == LHP_OK);
        }
    }
    return 0;
}

static struct board *board_new(void)
{
    struct board *b = lhp_shared_alloc(sizeof(*b));
    must(b && (b->queue = lhp_shared_queue_new(8, sizeof(int))));
    lhp_shared_lock_init(&b->lock);
    lhp_shared_rlock_init(&b->rlock);
    lhp_shared_semaphore_init(&b->permits, 2, true);
    lhp_shared_condition_init(&b->changed, &b->rlock);
    lhp_shared_event_init(&b->start);
    must(lhp_shared_barrier_init(&b->meeting, MEMBERS, NULL, NULL) == LHP_OK);
    return b;
}

static void use_shared_objects(void)
{
    struct board *b = board_new();
    struct lhp_process *members[MEMBERS];
    int item;
    for (int i = 0; i < MEMBERS; i++)
        must((members[i] = lhp_process_new(member, b, NULL)) && lhp_process_start(members[i]) == LHP_OK);
    lhp_shared_event_set(&b->start);
    for (int i = 0; i < MEMBERS * ROUNDS; i++)
        must(lhp_shared_queue_get(b->queue, &item) == LHP_OK);
    for (int i = 0; i < MEMBERS; i++) {
        lhp_process_join(members[i]);
        lhp_process_close(members[i]);
    }
    must(b->counted == MEMBERS * ROUNDS);
    lhp_shared_barrier_destroy(&b->meeting);
    lhp_shared_event_destroy(&b->start);
    lhp_shared_condition_destroy(&b->changed);
    lhp_shared_semaphore_destroy(&b->permits);
    lhp_shared_rlock_destroy(&b->rlock);
    lhp_shared_lock_destroy(&b->lock);
    lhp_shared_queue_free(b->queue);
    lhp_shared_free(b);
}

static int add_one(const void *argument, size_t size, void **result, size_t *result_size)
{
    int *sum = malloc(sizeof(*sum));
    must(sum && size == sizeof(*sum));
    memcpy(sum, argument, size);
    ++*sum;
    *result = sum;
    *result_size = sizeof(*sum);
    return 0;
}

static void use_pool(void)
{
    struct lhp_future *futures[20];
    int items[20];
    must(lhp_process_function("add_one", add_one) == LHP_OK);
    struct lhp_process_pool *pool = lhp_process_pool_new(&(struct lhp_process_pool_options){.workers = 2});
    for (int i = 0; i < 20; i++)
        items[i] = i;
    must(pool && lhp_process_pool_map(pool, "add_one", items, sizeof(int), 20, futures) == LHP_OK);
    for (int i = 0; i < 20; i++) {
        void *result;
        int sum;
        must(lhp_future_result(futures[i], &result) == LHP_OK);
        memcpy(&sum, ((struct lhp_bytes *)result)->data, sizeof(sum));
        must(sum == i + 1);
        lhp_future_release(futures[i]);
    }
    lhp_process_pool_delete(pool);
}

int main(void)
{
    use_shared_objects();
    use_pool();
    return 0;
}
