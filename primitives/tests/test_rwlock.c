/* test_rwlock.c: what RWLock promises beyond exclusion: readers together, writers first, holds with an owner. */
#include <lhp/lock.h>
#include <lhp/rwlock.h>

#include "check.h"

struct reading {
    struct lhp_rwlock lock;
    struct lhp_lock stop; /* free once the writer has been in */
    unsigned value;
};

static void *read_without_pause(void *arg)
{
    struct reading *s = arg;
    unsigned last = 0;
    while (lhp_lock_locked(&s->stop)) {
        CHECK_IS(lhp_rwlock_acquire_shared(&s->lock), LHP_OK);
        CHECK(s->value >= last);
        last = s->value;
        sched_yield();
        lhp_rwlock_release_shared(&s->lock);
    }
    return NULL;
}

static void writer_gets_in_between_readers(void)
{
    struct reading s = {.value = 0};
    pthread_t readers[3];
    lhp_rwlock_init(&s.lock);
    lhp_lock_init(&s.stop);
    lhp_lock_acquire(&s.stop);
    for (int i = 0; i < 3; i++)
        CHECK(pthread_create(&readers[i], NULL, read_without_pause, &s) == 0);
    for (unsigned i = 0; i < check_scaled(200); i++) {
        CHECK_IS(lhp_rwlock_acquire_exclusive_for(&s.lock, LHP_SECONDS(5)), LHP_OK);
        s.value++;
        CHECK_IS(lhp_rwlock_release_exclusive(&s.lock), LHP_OK);
    }
    lhp_lock_release(&s.stop);
    for (int i = 0; i < 3; i++)
        pthread_join(readers[i], NULL);
    lhp_rwlock_destroy(&s.lock);
    lhp_lock_destroy(&s.stop);
}

static void readers_own_their_holds(void)
{
    struct lhp_rwlock lock;
    lhp_rwlock_init(&lock);
    CHECK_IS(lhp_rwlock_release_shared(&lock), LHP_NOT_HELD);
    CHECK_IS(lhp_rwlock_acquire_shared_for(&lock, LHP_MS(1)), LHP_OK);
    CHECK_IS(lhp_rwlock_try_acquire_shared(&lock), LHP_OK);
    CHECK_IS(lhp_rwlock_try_acquire_exclusive(&lock), LHP_TIMEOUT);
    CHECK_IS(lhp_rwlock_acquire_exclusive(&lock), LHP_DEADLOCK);
    CHECK_IS(lhp_rwlock_acquire_exclusive_for(&lock, LHP_MS(1)), LHP_DEADLOCK);
    CHECK_IS(lhp_rwlock_release_shared(&lock), LHP_OK);
    CHECK_IS(lhp_rwlock_try_acquire_exclusive(&lock), LHP_TIMEOUT);
    CHECK_IS(lhp_rwlock_release_shared(&lock), LHP_OK);
    CHECK_IS(lhp_rwlock_release_shared(&lock), LHP_NOT_HELD);
    CHECK_IS(lhp_rwlock_acquire_exclusive(&lock), LHP_OK);
    CHECK_IS(lhp_rwlock_release_shared(&lock), LHP_NOT_HELD);
    CHECK_IS(lhp_rwlock_acquire_shared(&lock), LHP_DEADLOCK);
    CHECK_IS(lhp_rwlock_acquire_shared_for(&lock, LHP_MS(1)), LHP_DEADLOCK);
    CHECK_IS(lhp_rwlock_acquire_exclusive(&lock), LHP_DEADLOCK);
    CHECK_IS(lhp_rwlock_acquire_exclusive_for(&lock, LHP_MS(1)), LHP_DEADLOCK);
    CHECK_IS(lhp_rwlock_try_acquire_shared(&lock), LHP_TIMEOUT);
    CHECK_IS(lhp_rwlock_release_exclusive(&lock), LHP_OK);
    lhp_rwlock_destroy(&lock);
}

static void *release_a_strangers_read_hold(void *lock)
{
    CHECK_IS(lhp_rwlock_release_shared(lock), LHP_NOT_HELD);
    return NULL;
}

static void *write_soon(void *lock)
{
    CHECK_IS(lhp_rwlock_acquire_exclusive(lock), LHP_OK);
    CHECK_IS(lhp_rwlock_release_exclusive(lock), LHP_OK);
    return NULL;
}

/* A second acquire by a reader, behind a writer who waits for the first one, does not wait. */
static void reader_comes_again_past_a_writer(void)
{
    struct lhp_rwlock lock;
    pthread_t stranger, writer;
    lhp_rwlock_init(&lock);
    CHECK_IS(lhp_rwlock_acquire_shared(&lock), LHP_OK);
    CHECK(pthread_create(&stranger, NULL, release_a_strangers_read_hold, &lock) == 0);
    pthread_join(stranger, NULL);
    CHECK(pthread_create(&writer, NULL, write_soon, &lock) == 0);
    for (int i = 0; i < 5; i++) {
        CHECK_IS(lhp_rwlock_acquire_shared(&lock), LHP_OK);
        sleep_ms(1);
    }
    for (int i = 0; i < 6; i++)
        CHECK_IS(lhp_rwlock_release_shared(&lock), LHP_OK);
    pthread_join(writer, NULL);
    lhp_rwlock_destroy(&lock);
}

static void one_thread_reads_many(void)
{
    struct lhp_rwlock locks[LHP_RWLOCK_HELD_MOST + 1];
    for (int i = 0; i <= LHP_RWLOCK_HELD_MOST; i++) {
        lhp_rwlock_init(&locks[i]);
        CHECK_IS(lhp_rwlock_acquire_shared(&locks[i]), i < LHP_RWLOCK_HELD_MOST ? LHP_OK : LHP_OVER_BOUND);
    }
    for (int i = 0; i < LHP_RWLOCK_HELD_MOST; i++) /* not in the order of a stack */
        CHECK_IS(lhp_rwlock_release_shared(&locks[i]), LHP_OK);
    CHECK_IS(lhp_rwlock_release_exclusive(&locks[0]), LHP_NOT_OWNER);
    for (int i = 0; i <= LHP_RWLOCK_HELD_MOST; i++) {
        CHECK_IS(lhp_rwlock_acquire_exclusive(&locks[i]), LHP_OK);
        CHECK_IS(lhp_rwlock_release_exclusive(&locks[i]), LHP_OK);
        lhp_rwlock_destroy(&locks[i]);
    }
}

struct library {
    struct lhp_rwlock lock;
    pthread_barrier_t meeting;
    struct lhp_lock said; /* free once the writer has said who he is */
    pid_t writer;
    unsigned visits;
    enum lhp_status status;
};

static void *read_and_meet(void *arg)
{
    struct library *l = arg;
    CHECK_IS(lhp_rwlock_acquire_shared(&l->lock), LHP_OK);
    pthread_barrier_wait(&l->meeting); /* both are inside, or nobody goes on */
    CHECK_IS(lhp_rwlock_release_shared(&l->lock), LHP_OK);
    return NULL;
}

static void readers_are_inside_together(void)
{
    struct library l = {.visits = 0};
    lhp_rwlock_init(&l.lock);
    pthread_barrier_init(&l.meeting, NULL, 3);
    pthread_t readers[2] = {spawn(read_and_meet, &l), spawn(read_and_meet, &l)};
    CHECK_IS(lhp_rwlock_acquire_shared_for(&l.lock, LHP_SECONDS(20)), LHP_OK);
    pthread_barrier_wait(&l.meeting);
    CHECK_IS(lhp_rwlock_release_shared(&l.lock), LHP_OK);
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    pthread_barrier_destroy(&l.meeting);
    lhp_rwlock_destroy(&l.lock);
}

static void *write_first(void *arg)
{
    struct library *l = arg;
    l->writer = gettid();
    CHECK_IS(lhp_lock_release(&l->said), LHP_OK);
    CHECK_IS(lhp_rwlock_acquire_exclusive(&l->lock), LHP_OK);
    CHECK(l->visits++ == 0);
    CHECK_IS(lhp_rwlock_release_exclusive(&l->lock), LHP_OK);
    return NULL;
}

static void *try_to_read(void *arg)
{
    struct library *l = arg;
    l->status = lhp_rwlock_try_acquire_shared(&l->lock);
    if (l->status == LHP_TIMEOUT)
        l->status = lhp_rwlock_acquire_shared_for(&l->lock, LHP_MS(5));
    if (l->status == LHP_OK)
        CHECK_IS(lhp_rwlock_release_shared(&l->lock), LHP_OK);
    return NULL;
}

static void *read_second(void *arg)
{
    struct library *l = arg;
    CHECK_IS(lhp_rwlock_acquire_shared(&l->lock), LHP_OK);
    CHECK(l->visits == 1);
    CHECK_IS(lhp_rwlock_release_shared(&l->lock), LHP_OK);
    return NULL;
}

/* Behind a writer who waits for a reader to leave, no other reader comes in. */
static void waiting_writer_goes_before_new_readers(void)
{
    struct library l = {.visits = 0};
    lhp_rwlock_init(&l.lock);
    lhp_lock_init(&l.said);
    lhp_lock_acquire(&l.said);
    CHECK_IS(lhp_rwlock_acquire_shared(&l.lock), LHP_OK);
    pthread_t writer = spawn(write_first, &l);
    lhp_lock_acquire(&l.said);
    check_await_sleep(l.writer);
    if (!check_under_tool()) { /* where the writer may not have got so far */
        pthread_join(spawn(try_to_read, &l), NULL);
        CHECK_IS(l.status, LHP_TIMEOUT);
        pthread_t reader = spawn(read_second, &l);
        sleep_ms(5);
        CHECK_IS(lhp_rwlock_release_shared(&l.lock), LHP_OK);
        pthread_join(reader, NULL);
    } else {
        CHECK_IS(lhp_rwlock_release_shared(&l.lock), LHP_OK);
    }
    pthread_join(writer, NULL);
    lhp_lock_destroy(&l.said);
    lhp_rwlock_destroy(&l.lock);
}

int main(void)
{
    check_init_seed();
    RUN(readers_are_inside_together);
    RUN(waiting_writer_goes_before_new_readers);
    RUN(writer_gets_in_between_readers);
    RUN(readers_own_their_holds);
    RUN(reader_comes_again_past_a_writer);
    RUN(one_thread_reads_many);
    return 0;
}
