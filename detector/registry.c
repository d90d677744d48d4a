#include "detector/registry.h"

#include <string.h>

void registry_init(struct registry *registry, const struct detector_host *host)
{
    memset(registry, 0, sizeof *registry);
    registry->host = host;
}

static size_t segment_seats(uint32_t segment)
{
    return (size_t)SEAT_FIRST << segment;
}

void registry_delete(struct registry *registry)
{
    for (uint32_t i = 0; i < relaxed_load(&registry->count); i++)
        held_delete(&registry_seat(registry, i)->held, registry->host);
    for (uint32_t s = 0; s < SEAT_SEGMENTS; s++) {
        struct seat *seats = relaxed_load(&registry->segment[s]);
        if (seats != NULL)
            registry->host->free(registry->host->ctx, seats, segment_seats(s) * sizeof *seats);
    }
}

/* Segment s starts at seat SEAT_FIRST * (2^s - 1). */
static uint32_t segment_of(uint32_t number)
{
    return (uint32_t)(31 - __builtin_clz(number / SEAT_FIRST + 1));
}

struct seat *registry_seat(const struct registry *registry, uint32_t number)
{
    uint32_t segment = segment_of(number);
    uint32_t first = SEAT_FIRST * (((uint32_t)1 << segment) - 1);
    /* acquire: the seats are zeroed; partner: the release in registry_new_seat() */
    struct seat *seats = atomic_load_explicit(&registry->segment[segment], memory_order_acquire);
    return &seats[number - first];
}

static struct seat *registry_new_seat(struct registry *registry)
{
    uint32_t number = relaxed_load(&registry->count);
    uint32_t segment = segment_of(number);
    if (segment >= SEAT_SEGMENTS)
        return NULL;
    if (relaxed_load(&registry->segment[segment]) == NULL) {
        struct seat *seats = registry->host->alloc(registry->host->ctx, segment_seats(segment) * sizeof *seats);
        if (seats == NULL)
            return NULL;
        /* release: zeroed before found; partner: registry_seat() */
        atomic_store_explicit(&registry->segment[segment], seats, memory_order_release);
    }
    struct seat *seat = registry_seat(registry, number);
    seat->number = number;
    /* release: the seat is there before its number counts; partner: acquire loads of count */
    atomic_store_explicit(&registry->count, number + 1, memory_order_release);
    return seat;
}

static struct seat *registry_oldest_seat(struct registry *registry)
{
    struct seat *seat = registry->free_oldest;
    if (seat != NULL) {
        registry->free_oldest = seat->next_free;
        registry->free_count--;
        if (seat->next_free == NULL)
            registry->free_newest = NULL;
    }
    return seat;
}

struct seat *registry_take_seat(struct registry *registry)
{
    struct seat *seat = registry->free_count > SEATS_AT_REST ? NULL : registry_new_seat(registry);
    if (seat == NULL)
        seat = registry_oldest_seat(registry);
    if (seat == NULL)
        return NULL;
    seat->next_free = NULL;
    held_clear(&seat->held);
    relaxed_store(&seat->state, THREAD_CREATED);
    relaxed_store(&seat->wait, WAIT_NONE);
    relaxed_store(&seat->is_cancelled, false);
    /* seq_cst: a thread that then looks for running ones sees the newcomer; partner: asleep.c */
    atomic_store(&seat->thread, ++registry->last_thread);
    atomic_fetch_add(&registry->births, 1);
    registry->live++;
    registry->live_max = registry->live > registry->live_max ? registry->live : registry->live_max;
    return seat;
}

void registry_free_seat(struct registry *registry, struct seat *seat)
{
    held_clear(&seat->held);
    relaxed_store(&seat->state, THREAD_NONE);
    relaxed_store(&seat->thread, 0);
    seat->owner = NULL;
    seat->next_free = NULL;
    if (registry->free_newest == NULL)
        registry->free_oldest = seat;
    else
        registry->free_newest->next_free = seat;
    registry->free_newest = seat;
    registry->free_count++;
}

void seat_publish_wait(struct seat *seat, const struct wait_record *wait)
{
    relaxed_store(&seat->wait, (uint8_t)wait->kind);
    relaxed_store(&seat->wanted, wait->wanted);
    relaxed_store(&seat->wanted_id, wait->wanted_id);
    relaxed_store(&seat->target_seat, wait->target_seat);
    relaxed_store(&seat->ticket, wait->ticket);
    relaxed_store(&seat->mode, (uint8_t)wait->mode);
    relaxed_store(&seat->timed, wait->timed);
    relaxed_store(&seat->at, wait->at.v);
    relaxed_store(&seat->signal_number, wait->signal_number);
    /* seq_cst: published before this thread looks at the others; partner: their publications */
    atomic_store(&seat->sequence, relaxed_load(&seat->sequence) | 1);
}

void seat_end_wait(struct seat *seat)
{
    uint64_t sequence = relaxed_load(&seat->sequence);
    if ((sequence & 1) != 0) {
        /* release: what the thread does next is not seen before this; partner: seat_read_wait() */
        atomic_store_explicit(&seat->sequence, sequence + 1, memory_order_release);
    }
}

void seat_resume_wait(struct seat *seat)
{
    /* seq_cst: as in seat_publish_wait() */
    atomic_store(&seat->sequence, relaxed_load(&seat->sequence) | 1);
}

/* POSIX XSH 2.9.5.2.  A wait for a lock, a barrier or a once routine is none. */
static bool is_cancellation_point(enum wait_kind kind)
{
    return kind == WAIT_SEMAPHORE || kind == WAIT_COND || kind == WAIT_JOIN;
}

uint64_t seat_read_wait(const struct seat *seat, struct wait_record *wait)
{
    uint64_t sequence = atomic_load(&seat->sequence); /* seq_cst; partner: seat_publish_wait() */
    if ((sequence & 1) == 0)
        return 0;
    wait->kind = (enum wait_kind)relaxed_load(&seat->wait);
    wait->wanted = relaxed_load(&seat->wanted);
    wait->wanted_id = relaxed_load(&seat->wanted_id);
    wait->target_seat = relaxed_load(&seat->target_seat);
    wait->ticket = relaxed_load(&seat->ticket);
    wait->mode = (enum lock_mode)relaxed_load(&seat->mode);
    bool is_cancelled = relaxed_load(&seat->is_cancelled) && is_cancellation_point(wait->kind);
    wait->timed = relaxed_load(&seat->timed) || is_cancelled;
    wait->at = (struct stack_id){relaxed_load(&seat->at)};
    wait->signal_number = relaxed_load(&seat->signal_number);
    atomic_thread_fence(memory_order_acquire); /* the fields were read before the sequence is read again */
    return relaxed_load(&seat->sequence) == sequence ? sequence : 0;
}
