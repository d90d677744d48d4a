#include <lhp/queue.h>

#include <sched.h>
#include <stdlib.h>

#include "timing.h"

/* The sequence is only kept for priorities; 16 bytes an entry are cheaper than a second layout. */
struct lhp_queue_entry {
    void *item;
    uint64_t sequence;
};

enum { FIRST_CAPACITY = 64 /* a power of two, as every later one */ };

/* Threads spin in small queues only: in a large one, sleeping lets the other side make or take much at once. */
enum { SPIN_LIMIT = 32 };

enum lhp_status lhp_queue_init(struct lhp_queue *queue, enum lhp_queue_kind kind, size_t limit,
                               int (*compare)(const void *a, const void *b), void (*drop)(void *item))
{
    if ((kind == LHP_QUEUE_PRIORITY) != (compare != NULL))
        return LHP_INVALID;
    *queue = (struct lhp_queue){.kind = kind, .compare = compare, .drop = drop, .limit = limit};
    queue->capacity = FIRST_CAPACITY;
    queue->entries = malloc(FIRST_CAPACITY * sizeof(*queue->entries));
    if (!queue->entries)
        return LHP_NO_MEMORY;
    /* Critical sections are a few dozen instructions: worth a short spin before a sleep. */
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(&queue->mutex, &attr);
    pthread_mutexattr_destroy(&attr);
    timing_cond_init(&queue->getters.changed);
    timing_cond_init(&queue->putters.changed);
    timing_cond_init(&queue->all_done);
    return LHP_OK;
}

/* ---- the container: everything here runs with the mutex held ---------------------------------------------------- */

static bool queue_grow(struct lhp_queue *q)
{
    size_t capacity = q->capacity * 2;
    struct lhp_queue_entry *entries = calloc(capacity, sizeof(*entries));
    if (!entries)
        return false;
    for (size_t i = 0; i < q->size; i++)
        entries[i] = q->entries[(q->head + i) & (q->capacity - 1)];
    free(q->entries);
    q->entries = entries;
    q->capacity = capacity;
    q->head = 0;
    return true;
}

static bool entry_before(const struct lhp_queue *q, const struct lhp_queue_entry *a, const struct lhp_queue_entry *b)
{
    int order = q->compare(a->item, b->item);
    return order < 0 || (order == 0 && a->sequence < b->sequence);
}

static void heap_rise(struct lhp_queue *q, struct lhp_queue_entry entry)
{
    size_t i = q->size;
    for (; i > 0 && entry_before(q, &entry, &q->entries[(i - 1) / 2]); i = (i - 1) / 2)
        q->entries[i] = q->entries[(i - 1) / 2];
    q->entries[i] = entry;
}

/* Puts the last entry where the root was; the size is already the smaller one. */
static void heap_sink(struct lhp_queue *q)
{
    struct lhp_queue_entry entry = q->entries[q->size];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < q->size; i = child) {
        if (child + 1 < q->size && entry_before(q, &q->entries[child + 1], &q->entries[child]))
            child++;
        if (!entry_before(q, &q->entries[child], &entry))
            break;
        q->entries[i] = q->entries[child];
    }
    q->entries[i] = entry;
}

static bool queue_insert(struct lhp_queue *q, void *item)
{
    if (q->size == q->capacity && !queue_grow(q))
        return false;
    struct lhp_queue_entry entry = {item, q->puts++};
    if (q->kind == LHP_QUEUE_PRIORITY)
        heap_rise(q, entry);
    else
        q->entries[(q->head + q->size) & (q->capacity - 1)] = entry;
    q->size++;
    return true;
}

static void *queue_extract(struct lhp_queue *q)
{
    void *item;
    q->size--;
    switch (q->kind) {
    case LHP_QUEUE_FIFO:
        item = q->entries[q->head].item;
        q->head = (q->head + 1) & (q->capacity - 1);
        return item;
    case LHP_QUEUE_LIFO:
        return q->entries[(q->head + q->size) & (q->capacity - 1)].item;
    default:
        item = q->entries[0].item;
        heap_sink(q);
        return item;
    }
}

static bool queue_is_full(const struct lhp_queue *q)
{
    return q->limit > 0 && q->size >= q->limit;
}

void lhp_queue_destroy(struct lhp_queue *queue)
{
    while (queue->size > 0) {
        void *item = queue_extract(queue);
        if (queue->drop)
            queue->drop(item);
    }
    free(queue->entries);
    pthread_cond_destroy(&queue->all_done);
    pthread_cond_destroy(&queue->putters.changed);
    pthread_cond_destroy(&queue->getters.changed);
    pthread_mutex_destroy(&queue->mutex);
}

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

static bool may_get(const struct lhp_queue *q)
{
    return q->size > 0 || q->shut_down;
}

static bool may_put(const struct lhp_queue *q)
{
    return !queue_is_full(q) || q->shut_down;
}

/* With the mutex held, after each wait.  Which of the sleepers a signal has reached is not known; when one that ran out of
 * time is taken for it, the next change signals once more than needed, never once less. */
static void sleepers_returned(struct lhp_queue_sleepers *s)
{
    if (s->told > 0)
        s->told--;
}

/* Wakes one that has not been told yet, if there is one: asking libc costs some atomic operations each time. */
static void sleepers_tell_one(struct lhp_queue_sleepers *s)
{
    if (s->asleep <= s->told)
        return;
    s->told++;
    pthread_cond_signal(&s->changed);
}

static void sleepers_tell_all(struct lhp_queue_sleepers *s)
{
    s->told = s->asleep;
    pthread_cond_broadcast(&s->changed);
}

struct queue_sleep {
    struct lhp_queue *queue;
    struct lhp_queue_sleepers *sleepers;
};

static void queue_sleep_cancelled(void *sleep)
{
    struct queue_sleep *s = sleep;
    s->sleepers->asleep--;
    sleepers_returned(s->sleepers);
    pthread_mutex_unlock(&s->queue->mutex);
}

static void queue_sleep(struct lhp_queue *q, struct lhp_queue_sleepers *sleepers,
                        bool (*ready)(const struct lhp_queue *q), const struct deadline *d)
{
    struct queue_sleep sleep = {q, sleepers};
    sleepers->asleep++;
    pthread_cleanup_push(queue_sleep_cancelled, &sleep);
    while (!ready(q)) {
        int err = timing_cond_wait_until(&sleepers->changed, &q->mutex, d);
        sleepers_returned(sleepers);
        if (err == ETIMEDOUT)
            break;
    }
    pthread_cleanup_pop(0);
    sleepers->asleep--;
}

/* Another thread that runs at this moment answers sooner than the kernel could put this one to sleep and wake it.  The
 * state is only looked at with the mutex held; the pauses between grow, so as not to disturb. */
static void queue_spin(struct lhp_queue *q, bool (*ready)(const struct lhp_queue *q))
{
    enum { SPIN_ROUNDS = 7, FIRST_PAUSES = 16 };
    for (unsigned round = 0; round < SPIN_ROUNDS && !ready(q); round++) {
        pthread_mutex_unlock(&q->mutex);
        for (unsigned i = 0; i < (unsigned)FIRST_PAUSES << round; i++)
            timing_pause();
        pthread_mutex_lock(&q->mutex);
    }
}

/* Returns: whether `ready` holds; false when the time is up. */
static bool queue_await(struct lhp_queue *q, struct lhp_queue_sleepers *sleepers,
                        bool (*ready)(const struct lhp_queue *q), int64_t timeout_ns)
{
    if (ready(q))
        return true;
    if (timeout_ns == 0)
        return false;
    struct deadline d = deadline_after(timeout_ns);
    if (q->limit > 0 && q->limit <= SPIN_LIMIT)
        queue_spin(q, ready);
    if (!ready(q))
        queue_sleep(q, sleepers, ready, &d);
    return ready(q);
}

/* ---- the operations --------------------------------------------------------------------------------------------- */

static enum lhp_status queue_put_locked(struct lhp_queue *q, void *item)
{
    if (q->shut_down)
        return LHP_SHUT_DOWN;
    if (!queue_insert(q, item))
        return LHP_NO_MEMORY;
    q->unfinished++;
    sleepers_tell_one(&q->getters);
    return LHP_OK;
}

enum lhp_status lhp_queue_put_for(struct lhp_queue *queue, void *item, int64_t timeout_ns)
{
    enum lhp_status status = LHP_FULL;
    pthread_mutex_lock(&queue->mutex);
    if (queue_await(queue, &queue->putters, may_put, timeout_ns))
        status = queue_put_locked(queue, item);
    pthread_mutex_unlock(&queue->mutex);
    return status;
}

enum lhp_status lhp_queue_put(struct lhp_queue *queue, void *item)
{
    return lhp_queue_put_for(queue, item, LHP_FOREVER);
}

enum lhp_status lhp_queue_try_put(struct lhp_queue *queue, void *item)
{
    return lhp_queue_put_for(queue, item, 0);
}

static enum lhp_status queue_get_locked(struct lhp_queue *q, void **item)
{
    if (q->size == 0)
        return LHP_SHUT_DOWN;
    *item = queue_extract(q);
    sleepers_tell_one(&q->putters);
    return LHP_OK;
}

enum lhp_status lhp_queue_get_for(struct lhp_queue *queue, void **item, int64_t timeout_ns)
{
    enum lhp_status status = LHP_EMPTY;
    pthread_mutex_lock(&queue->mutex);
    if (queue_await(queue, &queue->getters, may_get, timeout_ns))
        status = queue_get_locked(queue, item);
    pthread_mutex_unlock(&queue->mutex);
    return status;
}

enum lhp_status lhp_queue_get(struct lhp_queue *queue, void **item)
{
    return lhp_queue_get_for(queue, item, LHP_FOREVER);
}

enum lhp_status lhp_queue_try_get(struct lhp_queue *queue, void **item)
{
    return lhp_queue_get_for(queue, item, 0);
}

enum lhp_status lhp_queue_task_done(struct lhp_queue *queue)
{
    enum lhp_status status = LHP_OVER_BOUND;
    pthread_mutex_lock(&queue->mutex);
    /* Items still inside have not been worked on, so they cannot be meant. */
    if (queue->unfinished > queue->size) {
        status = LHP_OK;
        if (--queue->unfinished == 0)
            pthread_cond_broadcast(&queue->all_done);
    }
    pthread_mutex_unlock(&queue->mutex);
    return status;
}

enum lhp_status lhp_queue_join(struct lhp_queue *queue)
{
    return lhp_queue_join_for(queue, LHP_FOREVER);
}

enum lhp_status lhp_queue_join_for(struct lhp_queue *queue, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    enum lhp_status status;
    int err = 0;
    pthread_mutex_lock(&queue->mutex);
    pthread_cleanup_push(timing_unlock_cleanup, &queue->mutex);
    while (queue->unfinished > 0 && err != ETIMEDOUT)
        err = timing_cond_wait_until(&queue->all_done, &queue->mutex, &d);
    status = queue->unfinished == 0 ? LHP_OK : LHP_TIMEOUT;
    pthread_cleanup_pop(1);
    return status;
}

size_t lhp_queue_size(struct lhp_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    size_t size = queue->size;
    pthread_mutex_unlock(&queue->mutex);
    return size;
}

bool lhp_queue_empty(struct lhp_queue *queue)
{
    return lhp_queue_size(queue) == 0;
}

bool lhp_queue_full(struct lhp_queue *queue)
{
    pthread_mutex_lock(&queue->mutex);
    bool full = queue_is_full(queue);
    pthread_mutex_unlock(&queue->mutex);
    return full;
}

void lhp_queue_shutdown(struct lhp_queue *queue, bool immediate)
{
    pthread_mutex_lock(&queue->mutex);
    queue->shut_down = true;
    while (immediate && queue->size > 0) {
        void *item = queue_extract(queue);
        queue->unfinished--;
        if (queue->drop)
            queue->drop(item);
    }
    if (queue->unfinished == 0)
        pthread_cond_broadcast(&queue->all_done);
    sleepers_tell_all(&queue->getters);
    sleepers_tell_all(&queue->putters);
    pthread_mutex_unlock(&queue->mutex);
}
