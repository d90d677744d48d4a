#include <lhp/shared.h>

#include <string.h>
#include <sys/mman.h>

#include "shared_monitor.h"

enum { HEADER = 64 /* keeps what follows aligned for anything */ };

void *lhp_shared_alloc(size_t size)
{
    if (size > SIZE_MAX - HEADER)
        return NULL;
    size_t whole = size + HEADER;
    unsigned char *memory = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    memcpy(memory, &whole, sizeof(whole));
    return memory + HEADER;
}

void lhp_shared_free(void *memory)
{
    if (!memory)
        return;
    unsigned char *start = (unsigned char *)memory - HEADER;
    size_t whole;
    memcpy(&whole, start, sizeof(whole));
    munmap(start, whole);
}

/* ---- Queue ------------------------------------------------------------------------------------------------------ */

enum { FOR_AN_ITEM, FOR_ROOM };

struct lhp_shared_queue {
    struct lhp_shared_monitor monitor;
    size_t capacity, item_size;
    uint64_t puts, gets; /* each changes by one store, after the item has been copied */
    _Alignas(16) unsigned char items[];
};

struct lhp_shared_queue *lhp_shared_queue_new(size_t capacity, size_t item_size)
{
    size_t bytes;
    if (capacity == 0 || item_size == 0 || __builtin_mul_overflow(capacity, item_size, &bytes) ||
        bytes > SIZE_MAX - sizeof(struct lhp_shared_queue))
        return NULL;
    struct lhp_shared_queue *queue = lhp_shared_alloc(sizeof(*queue) + bytes);
    if (!queue)
        return NULL;
    lhp_monitor_init(&queue->monitor);
    queue->capacity = capacity;
    queue->item_size = item_size;
    return queue;
}

void lhp_shared_queue_free(struct lhp_shared_queue *queue)
{
    lhp_monitor_destroy(&queue->monitor);
    lhp_shared_free(queue);
}

static unsigned char *queue_place(struct lhp_shared_queue *queue, uint64_t number)
{
    return queue->items + number % queue->capacity * queue->item_size;
}

enum lhp_status lhp_shared_queue_put(struct lhp_shared_queue *queue, const void *item)
{
    return lhp_shared_queue_put_for(queue, item, LHP_FOREVER);
}

enum lhp_status lhp_shared_queue_put_for(struct lhp_shared_queue *queue, const void *item, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    lhp_monitor_enter(&queue->monitor);
    while (queue->puts - queue->gets == queue->capacity && deadline_left_ns(&d) != 0)
        lhp_monitor_sleep(&queue->monitor, FOR_ROOM, &d);
    bool room = queue->puts - queue->gets < queue->capacity;
    if (room) {
        memcpy(queue_place(queue, queue->puts), item, queue->item_size);
        queue->puts++;
        lhp_monitor_wake(&queue->monitor, FOR_AN_ITEM, 1);
    }
    lhp_monitor_leave(&queue->monitor);
    return room ? LHP_OK : LHP_FULL;
}

enum lhp_status lhp_shared_queue_get(struct lhp_shared_queue *queue, void *item)
{
    return lhp_shared_queue_get_for(queue, item, LHP_FOREVER);
}

enum lhp_status lhp_shared_queue_get_for(struct lhp_shared_queue *queue, void *item, int64_t timeout_ns)
{
    struct deadline d = deadline_after(timeout_ns);
    lhp_monitor_enter(&queue->monitor);
    while (queue->puts == queue->gets && deadline_left_ns(&d) != 0)
        lhp_monitor_sleep(&queue->monitor, FOR_AN_ITEM, &d);
    bool some = queue->puts != queue->gets;
    if (some) {
        memcpy(item, queue_place(queue, queue->gets), queue->item_size);
        queue->gets++;
        lhp_monitor_wake(&queue->monitor, FOR_ROOM, 1);
    }
    lhp_monitor_leave(&queue->monitor);
    return some ? LHP_OK : LHP_EMPTY;
}

size_t lhp_shared_queue_size(struct lhp_shared_queue *queue)
{
    lhp_monitor_enter(&queue->monitor);
    size_t size = queue->puts - queue->gets;
    lhp_monitor_leave(&queue->monitor);
    return size;
}

bool lhp_shared_queue_empty(struct lhp_shared_queue *queue)
{
    return lhp_shared_queue_size(queue) == 0;
}

bool lhp_shared_queue_full(struct lhp_shared_queue *queue)
{
    return lhp_shared_queue_size(queue) == queue->capacity;
}

/* ---- Value and Array -------------------------------------------------------------------------------------------- */

struct lhp_shared_value *lhp_shared_value_new(void)
{
    struct lhp_shared_value *value = lhp_shared_alloc(sizeof(*value));
    if (value)
        lhp_shared_rlock_init(&value->lock);
    return value;
}

struct lhp_shared_array *lhp_shared_array_new(size_t count, size_t item_size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, item_size, &bytes) || bytes > SIZE_MAX - sizeof(struct lhp_shared_array))
        return NULL;
    struct lhp_shared_array *array = lhp_shared_alloc(sizeof(*array) + bytes);
    if (!array)
        return NULL;
    lhp_shared_rlock_init(&array->lock);
    array->count = count;
    array->item_size = item_size;
    return array;
}

int64_t lhp_shared_value_add(struct lhp_shared_value *value, int64_t n)
{
    lhp_shared_rlock_acquire(&value->lock);
    int64_t sum = value->value.integer + n; /* one store below: a death in between leaves the old value */
    value->value.integer = sum;
    lhp_shared_rlock_release(&value->lock);
    return sum;
}

int64_t lhp_shared_value_get(struct lhp_shared_value *value)
{
    return lhp_shared_value_add(value, 0);
}
