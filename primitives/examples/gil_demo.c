/* gil_demo.c: what a global interpreter lock costs: CPU-bound and I/O-bound threads, with it and without.
 *
 *   lhp-gil-demo [MILLISECONDS]
 *
 * The CPU-bound work is a loop with a safe point every 1000 steps; the I/O-bound work is a sleep of 1 ms, around which
 * the lock is released.  Three tables of throughput, and how long an I/O thread waits for the lock beside a CPU thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <lhp/event.h>
#include <lhp/gil.h>
#include <lhp/thread.h>

struct interpreter {
    struct lhp_gil gil;
    bool locked; /* whether there is a GIL at all */
    struct lhp_event stop;
};

struct job {
    struct interpreter *interpreter;
    long done;
    double worst_ms; /* the longest wait for the lock */
};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void gil_acquire(struct job *j)
{
    double start = now_ms();
    if (j->interpreter->locked)
        lhp_gil_acquire(&j->interpreter->gil);
    double waited = now_ms() - start;
    if (waited > j->worst_ms)
        j->worst_ms = waited;
}

static void gil_release(struct job *j)
{
    if (j->interpreter->locked)
        lhp_gil_release(&j->interpreter->gil);
}

static int compute(void *arg)
{
    struct job *j = arg;
    gil_acquire(j);
    while (!lhp_event_is_set(&j->interpreter->stop)) {
        for (volatile int i = 0; i < 1000; i++)
            ;
        j->done++;
        if (j->interpreter->locked)
            lhp_gil_check(&j->interpreter->gil);
    }
    gil_release(j);
    return 0;
}

static int do_io(void *arg)
{
    struct job *j = arg;
    while (!lhp_event_is_set(&j->interpreter->stop)) {
        gil_acquire(j);
        j->done++;
        gil_release(j);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return 0;
}

static void measure(const char *title, bool locked, unsigned cpu, unsigned io, unsigned ms)
{
    struct interpreter in = {.locked = locked};
    struct job jobs[8] = {0};
    struct lhp_thread *threads[8];
    long computed = 0, called = 0;
    double worst = 0;
    lhp_gil_init(&in.gil, 0);
    lhp_event_init(&in.stop);
    for (unsigned i = 0; i < cpu + io; i++) {
        jobs[i].interpreter = &in;
        threads[i] = lhp_thread_new(i < cpu ? compute : do_io, &jobs[i], NULL);
        if (!threads[i] || lhp_thread_start(threads[i]) != LHP_OK)
            exit(2);
    }
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
    lhp_event_set(&in.stop);
    for (unsigned i = 0; i < cpu + io; i++) {
        lhp_thread_join(threads[i]);
        lhp_thread_release(threads[i]);
        *(i < cpu ? &computed : &called) += jobs[i].done;
        if (i >= cpu && jobs[i].worst_ms > worst)
            worst = jobs[i].worst_ms;
    }
    printf("%-22s %-8s %8.0f steps/ms %8.2f calls/ms %8.2f ms longest wait\n", title, locked ? "GIL" : "no GIL",
           (double)computed / ms, (double)called / ms, worst);
    lhp_event_destroy(&in.stop);
    lhp_gil_destroy(&in.gil);
}

int main(int argc, char **argv)
{
    unsigned ms = argc > 1 ? (unsigned)atoi(argv[1]) : 500;
    if (ms == 0)
        return 2;
    for (int locked = 1; locked >= 0; locked--) {
        measure("1 CPU-bound", locked, 1, 0, ms);
        measure("2 CPU-bound", locked, 2, 0, ms);
        measure("4 I/O-bound", locked, 0, 4, ms);
        measure("1 CPU, 2 I/O-bound", locked, 1, 2, ms);
    }
    return 0;
}
