/* counter.c: one counter, several threads, in the racy form and in four correct ones.
 *
 *   lhp-counter racy|lock|semaphore|atomic|queue [THREADS [ROUNDS]]
 *
 * Prints what was counted and what should have been; exits 1 when they differ.  The racy form usually does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lhp/lock.h>
#include <lhp/queue.h>
#include <lhp/semaphore.h>
#include <lhp/thread.h>

struct counter {
    long value;
    long atomic_value; /* accessed atomically */
    struct lhp_lock lock;
    struct lhp_semaphore semaphore;
    struct lhp_queue queue;
};

struct counting {
    struct counter counter;
    void (*add)(struct counter *c);
    long rounds;
};

static void add_racy(struct counter *c)
{
    c->value++; /* a load, an addition and a store: another thread's store in between is lost */
}

static void add_by_lock(struct counter *c)
{
    lhp_lock_acquire(&c->lock);
    c->value++;
    lhp_lock_release(&c->lock);
}

static void add_by_semaphore(struct counter *c)
{
    lhp_semaphore_acquire(&c->semaphore);
    c->value++;
    lhp_semaphore_release(&c->semaphore, 1);
}

static void add_by_atomic(struct counter *c)
{
    /* Relaxed: the sum is read after the threads were joined, which orders it. */
    __atomic_fetch_add(&c->atomic_value, 1, __ATOMIC_RELAXED);
}

/* The counter belongs to one thread; the others send it what to add. */
static void add_by_queue(struct counter *c)
{
    if (lhp_queue_put(&c->queue, (void *)1) != LHP_OK)
        abort();
}

static int count(void *arg)
{
    struct counting *s = arg;
    for (long i = 0; i < s->rounds; i++)
        s->add(&s->counter);
    return 0;
}

static int own_the_counter(void *arg)
{
    struct counter *c = arg;
    void *n;
    while (lhp_queue_get(&c->queue, &n) == LHP_OK)
        c->value += (long)n;
    return 0;
}

static const struct {
    const char *name;
    void (*add)(struct counter *c);
} forms[] = {{"racy", add_racy},
             {"lock", add_by_lock},
             {"semaphore", add_by_semaphore},
             {"atomic", add_by_atomic},
             {"queue", add_by_queue}};

static struct lhp_thread *start(int (*fn)(void *), void *arg)
{
    struct lhp_thread *t = lhp_thread_new(fn, arg, NULL);
    if (!t || lhp_thread_start(t) != LHP_OK)
        exit(2);
    return t;
}

static void finish(struct lhp_thread *t)
{
    lhp_thread_join(t);
    lhp_thread_release(t);
}

static long run(struct counting *s, unsigned threads)
{
    struct lhp_thread *workers[64], *owner;
    lhp_lock_init(&s->counter.lock);
    if (lhp_semaphore_init(&s->counter.semaphore, 1) != LHP_OK ||
        lhp_queue_init(&s->counter.queue, LHP_QUEUE_FIFO, 1024, NULL, NULL) != LHP_OK)
        exit(2);
    owner = s->add == add_by_queue ? start(own_the_counter, &s->counter) : NULL;
    for (unsigned i = 0; i < threads; i++)
        workers[i] = start(count, s);
    for (unsigned i = 0; i < threads; i++)
        finish(workers[i]);
    lhp_queue_shutdown(&s->counter.queue, false);
    if (owner)
        finish(owner);
    lhp_queue_destroy(&s->counter.queue);
    lhp_semaphore_destroy(&s->counter.semaphore);
    lhp_lock_destroy(&s->counter.lock);
    return s->counter.value + s->counter.atomic_value;
}

int main(int argc, char **argv)
{
    struct counting s = {.rounds = argc > 3 ? atol(argv[3]) : 100000};
    long threads = argc > 2 ? atol(argv[2]) : 4;
    for (size_t i = 0; argc > 1 && i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(argv[1], forms[i].name) == 0)
            s.add = forms[i].add;
    if (!s.add || threads < 1 || threads > 64) {
        fprintf(stderr, "usage: %s racy|lock|semaphore|atomic|queue [THREADS [ROUNDS]]\n", argv[0]);
        return 2;
    }
    long counted = run(&s, (unsigned)threads);
    printf("%s: counted %ld of %ld\n", argv[1], counted, threads * s.rounds);
    return counted == threads * s.rounds ? 0 : 1;
}
