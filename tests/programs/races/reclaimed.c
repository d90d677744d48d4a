/* reclaimed.c: memory that is given back when nobody can look at it any more, used correctly: hazard pointers, whose slots are plain stores
 * with a fence behind, and epochs.  As in idioms.c, nothing may be reported, or nothing but warnings.
 *
 *   reader:  slot = p;  fence;  p still there?  use(*p);  slot = NULL        owner:  fence;  p in no slot?  free(p)
 */
#include <sched.h>
#include <stdatomic.h>

#include "idioms.h"

enum { RETIRED = 16, SWAPS = 2000, SOMETIMES = 7 };

struct settings {
    long a, b;
};
static struct settings *_Atomic settings;
static atomic_int over;
static pthread_barrier_t start;
static long sums[THREADS];

static struct settings *make_settings(int i)
{
    struct settings *made = malloc(sizeof *made);
    must(made != NULL);
    made->a = i;
    made->b = -i;
    return made;
}

static void now_and_then(int i)
{
    if (i % SOMETIMES == 0)
        sched_yield();
}

static void look_at(struct settings *now, intptr_t me)
{
    if (now != NULL)
        sums[me] += now->a + now->b;
}

static void run_and_free(void *(*body)(void *))
{
    must(pthread_barrier_init(&start, NULL, THREADS) == 0);
    run_many(body);
    free(atomic_exchange(&settings, NULL));
}

/* ---- hazard pointers ------------------------------------------------------------------------------------------------------ */

struct retired {
    struct settings *blocks[RETIRED + THREADS];
    int count;
};
static struct settings *_Atomic slots[THREADS];
static void (*scan)(struct retired *retired);

static int by_address(const void *left, const void *right)
{
    uintptr_t a = *(const uintptr_t *)left, b = *(const uintptr_t *)right;
    return a < b ? -1 : a > b;
}

/* A table of what the slots hold, in order, in which each block is looked for. */
static void scan_sorted(struct retired *retired)
{
    struct settings *held[THREADS];
    int count = 0, kept = 0;
    for (int i = 0; i < THREADS; i++) {
        struct settings *one = atomic_load_explicit(&slots[i], memory_order_acquire);
        if (one != NULL)
            held[count++] = one;
    }
    qsort(held, (size_t)count, sizeof *held, by_address);
    for (int i = 0; i < retired->count; i++)
        if (bsearch(&retired->blocks[i], held, (size_t)count, sizeof *held, by_address) != NULL)
            retired->blocks[kept++] = retired->blocks[i];
        else
            free(retired->blocks[i]);
    retired->count = kept;
}

/* The same with all that they hold, of which a compiler keeps most in registers. */
static void scan_copied(struct retired *retired)
{
    struct settings *held[THREADS];
    int kept = 0;
    for (int i = 0; i < THREADS; i++)
        held[i] = atomic_load_explicit(&slots[i], memory_order_acquire);
    for (int i = 0; i < retired->count; i++) {
        int found = 0;
        for (int j = 0; j < THREADS; j++)
            found |= held[j] == retired->blocks[i];
        if (found)
            retired->blocks[kept++] = retired->blocks[i];
        else
            free(retired->blocks[i]);
    }
    retired->count = kept;
}

/* Without a table. */
static bool is_held(const struct settings *block)
{
    for (int i = 0; i < THREADS; i++)
        if (atomic_load_explicit(&slots[i], memory_order_acquire) == block)
            return true;
    return false;
}

static void scan_each(struct retired *retired)
{
    int kept = 0;
    for (int i = 0; i < retired->count; i++)
        if (is_held(retired->blocks[i]))
            retired->blocks[kept++] = retired->blocks[i];
        else
            free(retired->blocks[i]);
    retired->count = kept;
}

static void retire(struct retired *retired, struct settings *block)
{
    retired->blocks[retired->count++] = block;
    if (retired->count >= RETIRED) {
        atomic_thread_fence(memory_order_seq_cst);
        scan(retired);
    }
}

static struct settings *protect(intptr_t me)
{
    struct settings *seen;
    do {
        seen = atomic_load_explicit(&settings, memory_order_acquire);
        atomic_store_explicit(&slots[me], seen, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
    } while (seen != atomic_load_explicit(&settings, memory_order_acquire));
    return seen;
}

static void swap_settings(void)
{
    struct retired retired = {.count = 0};
    for (int i = 0; i < SWAPS; i++) {
        struct settings *old = atomic_exchange(&settings, make_settings(i));
        if (old != NULL)
            retire(&retired, old);
        now_and_then(i);
    }
    atomic_store(&over, 1);
    while (retired.count > 0) {
        scan(&retired);
        sched_yield();
    }
}

static void *use_hazards(void *arg)
{
    intptr_t me = (intptr_t)arg;
    pthread_barrier_wait(&start);
    if (me == 0) {
        swap_settings();
        return NULL;
    }
    for (int i = 0; atomic_load(&over) == 0; i++) {
        struct settings *now = protect(me);
        now_and_then(i);
        look_at(now, me);
        atomic_store_explicit(&slots[me], NULL, memory_order_release);
    }
    return NULL;
}

static void hazards_sorted(void)
{
    scan = scan_sorted;
    run_and_free(use_hazards);
}

static void hazards_copied(void)
{
    scan = scan_copied;
    run_and_free(use_hazards);
}

static void hazards_each(void)
{
    scan = scan_each;
    run_and_free(use_hazards);
}

/* ---- epochs ----------------------------------------------------------------------------------------------------------------- */

enum { LIMBO = 64, LINE = 16 };
struct limbo {
    struct settings *blocks[LIMBO];
    int count;
};
static atomic_uint epoch, inside[THREADS][LINE]; /* epoch * 2 + 1, or 0 */

static void empty(struct limbo *limbo)
{
    for (int i = 0; i < limbo->count; i++)
        free(limbo->blocks[i]);
    limbo->count = 0;
}

/* Returns: the epoch that it is in. */
static unsigned enter(intptr_t me)
{
    unsigned now = atomic_load_explicit(&epoch, memory_order_relaxed);
    atomic_store_explicit(&inside[me][0], now * 2 + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_seq_cst);
    return atomic_load_explicit(&epoch, memory_order_acquire);
}

/* What compilers make of it is a vector, made of one load each. */
static void try_to_go_on(void)
{
    bool all = true;
    atomic_thread_fence(memory_order_seq_cst);
    unsigned now = atomic_load_explicit(&epoch, memory_order_acquire);
    for (int i = 0; i < THREADS; i++) {
        unsigned theirs = atomic_load_explicit(&inside[i][0], memory_order_acquire);
        if ((theirs & 1) != 0 && theirs / 2 != now)
            all = false;
    }
    if (all)
        atomic_compare_exchange_strong_explicit(&epoch, &now, now + 1, memory_order_acq_rel, memory_order_relaxed);
}

static void *use_epochs(void *arg)
{
    intptr_t me = (intptr_t)arg;
    struct limbo limbo[3] = {{.count = 0}};
    unsigned mine = 0;
    pthread_barrier_wait(&start);
    for (int i = 0; i < SWAPS; i++) {
        unsigned now = enter(me);
        if (mine != now)
            empty(&limbo[now % 3]); /* of three epochs ago, and earlier */
        mine = now;
        struct settings *seen = atomic_load_explicit(&settings, memory_order_acquire);
        now_and_then(i);
        look_at(seen, me);
        if (i % 4 == 0 && limbo[mine % 3].count < LIMBO) {
            struct settings *old = atomic_exchange_explicit(&settings, make_settings(i), memory_order_acq_rel);
            if (old != NULL)
                limbo[mine % 3].blocks[limbo[mine % 3].count++] = old;
        }
        atomic_store_explicit(&inside[me][0], 0, memory_order_release);
        if (i % 8 == 0)
            try_to_go_on();
    }
    return NULL; /* what is left stays: others may look at it */
}

static void epochs(void)
{
    run_and_free(use_epochs);
}

int main(int argc, char **argv)
{
    static const struct idiom cases[] = {{"hazards_sorted", hazards_sorted},
                                         {"hazards_copied", hazards_copied},
                                         {"hazards_each", hazards_each},
                                         {"epochs", epochs}};
    return run_idiom(argc, argv, cases, sizeof cases / sizeof *cases);
}
