/* published.c: flags and pointers by which programs publish what they have done, used correctly.  As in idioms.c, nothing may be reported,
 * or nothing but warnings.
 */
#include <sched.h>
#include <stdatomic.h>

#include "idioms.h"

/* ---- what was published long ago ------------------------------------------------------------------------------------------ */

enum { LONG = 400000 /* accesses: more than are remembered */ };

static _Atomic int published, awaited_in_vain;
static int what;
static int *elsewhere;

static void *take_published(void *arg)
{
    unseen_wait();
    if (atomic_load_explicit(&published, memory_order_acquire) == 1)
        what++;
    return arg;
}

static void *publish_and_wait(void *arg)
{
    what = 1;
    atomic_store_explicit(&published, 1, memory_order_release);
    for (int i = 0; i < LONG && atomic_load_explicit(&awaited_in_vain, memory_order_acquire) == 1; i++)
        ;
    unseen_pass();
    return arg;
}

static void *publish_and_work(void *arg)
{
    what = 1;
    atomic_store_explicit(&published, 1, memory_order_release);
    for (int i = 0; i < LONG; i++)
        elsewhere[i] = i;
    unseen_pass();
    return arg;
}

static void *count_one(void *arg)
{
    atomic_fetch_add(&awaited_in_vain, 1);
    return arg;
}

static void long_waits(void)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, count_one, NULL) == 0 && pthread_join(thread, NULL) == 0);
    run_two(publish_and_wait, take_published);
}

static void long_work(void)
{
    elsewhere = calloc(LONG, sizeof *elsewhere);
    must(elsewhere != NULL);
    run_two(publish_and_work, take_published);
    free(elsewhere);
}

/* ---- jobs that say that they are done ---------------------------------------------------------------------------- */

/* A job of a block of its own, which the other takes, does and says so: of what is said last only the flag is looked at. */
struct job {
    long links[2];
    atomic_int steps, done;
    struct job *_Atomic next;
};
static struct job *_Atomic jobs;

static void *ask(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct job *job = calloc(1, sizeof *job);
        must(job != NULL);
        atomic_store_explicit(&jobs, job, memory_order_release);
        if (i % 2 == 0)
            while (atomic_load_explicit(&job->done, memory_order_acquire) == 0)
                sched_yield();
        else
            while (atomic_load_explicit(&job->done, memory_order_relaxed) == 0)
                sched_yield();
        atomic_thread_fence(memory_order_acquire);
        job = i % 3 == 0 ? realloc(job, 1000) : job;
        free(job);
    }
    return arg;
}

static void *do_jobs(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct job *job;
        while ((job = atomic_exchange_explicit(&jobs, NULL, memory_order_acq_rel)) == NULL)
            sched_yield();
        atomic_fetch_add(&job->steps, 3);
        atomic_store_explicit(&job->next, NULL, memory_order_relaxed);
        atomic_thread_fence(memory_order_release);
        if (i % 2 == 0)
            atomic_store_explicit(&job->done, 1, memory_order_release);
        else
            atomic_store_explicit(&job->done, 1, memory_order_relaxed);
    }
    return arg;
}

static void asked(void)
{
    run_two(ask, do_jobs);
}

/* An owner that hands over one block after the other by the same pointer, without a word from anybody. */
struct growing {
    size_t size;
    int *numbers;
};
static struct growing *_Atomic growing;

static void *grow(void *arg)
{
    for (size_t size = 1; size <= 64; size *= 2) {
        struct growing *next = malloc(sizeof *next + size * sizeof *next->numbers);
        must(next != NULL);
        next->size = size;
        next->numbers = (int *)(next + 1);
        for (size_t i = 0; i < size; i++)
            next->numbers[i] = (int)i;
        atomic_store_explicit(&growing, next, memory_order_release); /* the one before stays */
    }
    unseen_pass();
    return arg;
}

static void *look_at_grown(void *arg)
{
    unseen_wait();
    struct growing *now = atomic_load_explicit(&growing, memory_order_acquire);
    for (size_t i = 0; i < now->size; i++)
        must(now->numbers[i] == (int)i);
    return arg;
}

static void grows(void)
{
    run_two(grow, look_at_grown);
}

/* ---- blocks that go through a row of rings, each of one thread and the next --------------------------------------------------- */

enum { STAGES = 3, ROOM = 16 };

struct carried {
    int number;
    int *seen[STAGES];
};

static struct {
    _Atomic unsigned taken, put;
    struct carried *slots[ROOM];
} stages[STAGES];

__attribute__((noinline)) static bool put_on(int stage, struct carried *carried)
{
    unsigned put = atomic_load_explicit(&stages[stage].put, memory_order_relaxed);
    if (put - atomic_load_explicit(&stages[stage].taken, memory_order_acquire) == ROOM)
        return false;
    stages[stage].slots[put % ROOM] = carried;
    atomic_store_explicit(&stages[stage].put, put + 1, memory_order_release);
    return true;
}

__attribute__((noinline)) static struct carried *take_off(int stage)
{
    unsigned taken = atomic_load_explicit(&stages[stage].taken, memory_order_relaxed);
    if (atomic_load_explicit(&stages[stage].put, memory_order_acquire) == taken)
        return NULL;
    struct carried *carried = stages[stage].slots[taken % ROOM];
    atomic_store_explicit(&stages[stage].taken, taken + 1, memory_order_release);
    return carried;
}

static struct carried *begin_carried(int stage, int number)
{
    struct carried *carried = NULL;
    while (stage > 0 && (carried = take_off(stage - 1)) == NULL)
        sched_yield();
    carried = stage == 0 ? calloc(1, sizeof *carried) : carried;
    must(carried != NULL);
    carried->number = stage == 0 ? number : carried->number;
    return carried;
}

static void *be_stage(void *arg)
{
    int stage = (int)(intptr_t)arg;
    for (int i = 0; i < ROUNDS; i++) {
        struct carried *carried = begin_carried(stage, i);
        for (int before = 0; before < stage; before++)
            must(carried->number == i && *carried->seen[before] == i);
        if (stage == STAGES) {
            for (int before = 0; before < STAGES; before++)
                free(carried->seen[before]);
            free(carried);
            continue;
        }
        carried->seen[stage] = malloc(sizeof *carried->seen[stage]);
        must(carried->seen[stage] != NULL);
        *carried->seen[stage] = i;
        while (!put_on(stage, carried))
            sched_yield();
    }
    return NULL;
}

static void pipelines(void)
{
    run_many(be_stage);
}

/* ---- what is handed over by a flag is handed further by a lock, and by another flag ------------------------------------------------ */

struct burden {
    int first, second, third;
};
static struct burden burden;
static struct burden *_Atomic unloaded, *_Atomic arrived;
static struct burden *stored;
static bool is_begun;
static pthread_mutex_t begun_lock = PTHREAD_MUTEX_INITIALIZER, stored_lock = PTHREAD_MUTEX_INITIALIZER;

static void *begin_burden(void *arg)
{
    burden.first = 1;
    pthread_mutex_lock(&begun_lock);
    is_begun = true;
    pthread_mutex_unlock(&begun_lock);
    return arg;
}

static void *unload(void *arg)
{
    bool begun = false;
    while (!begun) {
        pthread_mutex_lock(&begun_lock);
        begun = is_begun;
        pthread_mutex_unlock(&begun_lock);
    }
    burden.second = 2;
    atomic_store_explicit(&unloaded, &burden, memory_order_release);
    unseen_pass();
    return arg;
}

static void *store_burden(void *arg)
{
    unseen_wait();
    struct burden *there = atomic_load_explicit(&unloaded, memory_order_acquire);
    must(there != NULL);
    pthread_mutex_lock(&stored_lock);
    stored = there;
    pthread_mutex_unlock(&stored_lock);
    return arg;
}

static void *carry_further(void *arg)
{
    struct burden *here = NULL;
    while (here == NULL) {
        pthread_mutex_lock(&stored_lock);
        here = stored;
        pthread_mutex_unlock(&stored_lock);
    }
    must(here->first == 1 && here->second == 2);
    here->third = 3;
    atomic_store_explicit(&arrived, here, memory_order_release);
    unseen_pass();
    return arg;
}

static void handed_further(void)
{
    void *(*const carriers[])(void *) = {begin_burden, unload, store_burden, carry_further};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        must(pthread_create(&threads[i], NULL, carriers[i], NULL) == 0);
    struct burden *here;
    while ((here = atomic_load_explicit(&arrived, memory_order_acquire)) == NULL)
        sched_yield();
    must(here->first == 1 && here->second == 2 && here->third == 3);
    for (int i = 0; i < 4; i++)
        must(pthread_join(threads[i], NULL) == 0);
}

/* ---- a flag that two threads have stored, the later one with what a third had done -------------------------------------------- */

static pthread_mutex_t twice_lock = PTHREAD_MUTEX_INITIALIZER, third_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int stored_twice;
static int by_third;

static void await_int(pthread_mutex_t *lock, const int *place, int value)
{
    for (bool is_there = false; !is_there; sched_yield()) {
        pthread_mutex_lock(lock);
        is_there = *place == value;
        pthread_mutex_unlock(lock);
    }
}

static void *store_first(void *arg)
{
    static int stored_first;
    if (arg == NULL) {
        pthread_mutex_lock(&twice_lock);
        atomic_store_explicit(&stored_twice, 1, memory_order_release);
        stored_first = 1;
        pthread_mutex_unlock(&twice_lock);
        return arg;
    }
    await_int(&third_lock, &by_third, 3);
    await_int(&twice_lock, &stored_first, 1);
    atomic_store_explicit(&stored_twice, 2, memory_order_release);
    unseen_pass();
    return arg;
}

static void *do_as_third(void *arg)
{
    pthread_mutex_lock(&third_lock);
    by_third = 3;
    pthread_mutex_unlock(&third_lock);
    return arg;
}

static void *look_at_twice(void *arg)
{
    unseen_wait();
    if (atomic_load_explicit(&stored_twice, memory_order_acquire) == 2)
        must(by_third == 3);
    return arg;
}

static void *be_one_of_four(void *arg)
{
    switch ((intptr_t)arg) {
    case 0:
        return store_first(NULL);
    case 1:
        return store_first(arg);
    case 2:
        return do_as_third(arg);
    default:
        return look_at_twice(arg);
    }
}

static void stored_by_two(void)
{
    run_many(be_one_of_four);
}

/* ---- a pointer that is put into a queue as it is loaded ------------------------------------------------------------------------- */

struct order {
    const int *what;
    long number;
};
static const int *_Atomic offered;
static struct order order;
static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;

static void *offer(void *arg)
{
    int *what_is_new = malloc(sizeof *what_is_new);
    must(what_is_new != NULL);
    *what_is_new = 7;
    atomic_store_explicit(&offered, what_is_new, memory_order_release);
    unseen_pass();
    return arg;
}

static void *take_order(void *arg)
{
    unseen_wait();
    pthread_mutex_lock(&order_lock);
    order = (struct order){atomic_load_explicit(&offered, memory_order_acquire), 1};
    pthread_mutex_unlock(&order_lock);
    return arg;
}

static void *fill_order(void *arg)
{
    struct order mine = {NULL, 0};
    for (; mine.number == 0; sched_yield()) {
        pthread_mutex_lock(&order_lock);
        mine = order;
        pthread_mutex_unlock(&order_lock);
    }
    must(*mine.what == 7);
    return arg;
}

static void orders(void)
{
    pthread_t thread;
    must(pthread_create(&thread, NULL, offer, NULL) == 0);
    run_two(take_order, fill_order);
    must(pthread_join(thread, NULL) == 0);
}

/* ---- what was looked at long before it was published ---------------------------------------------------------------------------- */

static int *_Atomic shown;
static int long_ago[2];

static void *look_twice(void *arg)
{
    must(atomic_load_explicit(&shown, memory_order_acquire) == NULL);
    for (int i = 0; i < LONG; i++)
        elsewhere[i] = i;
    char byte = 1;
    unseen_call(SYS_write, long_ago[1], (long)&byte, 1);
    unseen_wait();
    int *there = atomic_load_explicit(&shown, memory_order_acquire);
    must(there != NULL && *there == 8);
    return arg;
}

static void *show(void *arg)
{
    static int what_is_shown;
    char byte;
    unseen_call(SYS_read, long_ago[0], (long)&byte, 1);
    what_is_shown = 8;
    atomic_store_explicit(&shown, &what_is_shown, memory_order_release);
    unseen_pass();
    return arg;
}

static void looked_at_before(void)
{
    elsewhere = calloc(LONG, sizeof *elsewhere);
    must(elsewhere != NULL && unseen_call(SYS_pipe, (long)long_ago, 0, 0) == 0);
    run_two(look_twice, show);
    free(elsewhere);
}

/* ---- a flag that is stored again at once ----------------------------------------------------------------------------------------- */

static atomic_int step;
static int steps[3];

static void *take_steps(void *arg)
{
    steps[0] = 1;
    atomic_store_explicit(&step, 1, memory_order_release);
    steps[1] = 1;
    atomic_store_explicit(&step, 2, memory_order_release);
    steps[2] = 1;
    atomic_store_explicit(&step, 3, memory_order_release);
    unseen_pass();
    return arg;
}

static void *follow_steps(void *arg)
{
    unseen_wait();
    must(atomic_load_explicit(&step, memory_order_acquire) == 3);
    must(steps[0] + steps[1] + steps[2] == 3);
    return arg;
}

static void *know_step(void *arg)
{
    atomic_fetch_add(&step, 0);
    return arg;
}

static void stored_again(void)
{
    run_two(know_step, know_step);
    run_two(take_steps, follow_steps);
}

/* ---- who stored a flag hears of others before it releases anything --------------------------------------------------------------- */

static atomic_int early;
static int is_early, is_late, late_pipe[2];
static pthread_mutex_t early_lock = PTHREAD_MUTEX_INITIALIZER, late_lock = PTHREAD_MUTEX_INITIALIZER;

static void late_pass(void)
{
    char byte = 1;
    unseen_call(SYS_write, late_pipe[1], (long)&byte, 1);
}

static void late_wait(void)
{
    char byte;
    unseen_call(SYS_read, late_pipe[0], (long)&byte, 1);
}

static void *store_early(void *arg)
{
    atomic_store_explicit(&early, 1, memory_order_release);
    unseen_pass();
    late_wait(); /* for both of the others */
    late_wait();
    pthread_mutex_lock(&late_lock);
    pthread_mutex_unlock(&late_lock);
    unseen_pass();
    return arg;
}

static void *look_early(void *arg)
{
    unseen_wait();
    must(atomic_load_explicit(&early, memory_order_acquire) == 1);
    pthread_mutex_lock(&early_lock);
    is_early = 1;
    pthread_mutex_unlock(&early_lock);
    return arg;
}

static void *hear_of_both(void *arg)
{
    await_int(&early_lock, &is_early, 1);
    late_pass();
    unseen_wait();
    pthread_mutex_lock(&late_lock);
    must(is_late == 1);
    pthread_mutex_unlock(&late_lock);
    return arg;
}

static void *come_late(void *arg)
{
    pthread_mutex_lock(&late_lock);
    is_late = 1;
    pthread_mutex_unlock(&late_lock);
    late_pass();
    return arg;
}

static void *be_one_of_those(void *arg)
{
    void *(*const those[])(void *) = {store_early, look_early, hear_of_both, come_late};
    return those[(intptr_t)arg](NULL);
}

static void heard_between(void)
{
    must(unseen_call(SYS_pipe, (long)late_pipe, 0, 0) == 0);
    run_many(be_one_of_those);
}

int main(int argc, char **argv)
{
    static const struct idiom cases[] = {{"long_waits", long_waits},
                                         {"long_work", long_work},
                                         {"asked", asked},
                                         {"grows", grows},
                                         {"pipelines", pipelines},
                                         {"stored_by_two", stored_by_two},
                                         {"orders", orders},
                                         {"heard_between", heard_between},
                                         {"looked_at_before", looked_at_before},
                                         {"stored_again", stored_again},
                                         {"handed_further", handed_further}};
    return run_idiom(argc, argv, cases, sizeof cases / sizeof *cases);
}
