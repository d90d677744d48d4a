/* idioms.c: synchronisation that programs make by themselves, used correctly.  Nothing may be reported of any case; where code has no
 * debug information, nothing but warnings.
 */
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "idioms.h"

enum { SLOTS = 64 };

/* ---- a ring of one producer and one consumer ---------------------------------------------------------------------------- */

static struct {
    _Atomic unsigned taken, put;
    int slots[SLOTS];
} ring;

static void *produce(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        unsigned put = atomic_load_explicit(&ring.put, memory_order_relaxed);
        while (put - atomic_load_explicit(&ring.taken, memory_order_acquire) == SLOTS)
            sched_yield();
        ring.slots[put % SLOTS] = i;
        atomic_store_explicit(&ring.put, put + 1, memory_order_release);
    }
    return arg;
}

static void *consume(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        unsigned taken = atomic_load_explicit(&ring.taken, memory_order_relaxed);
        while (atomic_load_explicit(&ring.put, memory_order_acquire) == taken)
            sched_yield();
        must(ring.slots[taken % SLOTS] == i);
        atomic_store_explicit(&ring.taken, taken + 1, memory_order_release);
    }
    return arg;
}

static void rings(void)
{
    run_two(produce, consume);
}

/* ---- a ring whose orders are in fences, which leave no instruction --------------------------------------------------------- */

static struct {
    _Atomic unsigned taken;
    char apart[60];
    _Atomic unsigned put;
    int slots[SLOTS];
} fenced;

static void *produce_fenced(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        unsigned put = atomic_load_explicit(&fenced.put, memory_order_relaxed);
        while (put - atomic_load_explicit(&fenced.taken, memory_order_relaxed) == SLOTS)
            sched_yield();
        atomic_thread_fence(memory_order_acquire);
        fenced.slots[put % SLOTS] = i;
        atomic_thread_fence(memory_order_release);
        atomic_store_explicit(&fenced.put, put + 1, memory_order_relaxed);
    }
    return arg;
}

static void *consume_fenced(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        unsigned taken = atomic_load_explicit(&fenced.taken, memory_order_relaxed);
        while (atomic_load_explicit(&fenced.put, memory_order_relaxed) == taken)
            sched_yield();
        atomic_thread_fence(memory_order_acquire);
        must(fenced.slots[taken % SLOTS] == i);
        atomic_thread_fence(memory_order_release);
        atomic_store_explicit(&fenced.taken, taken + 1, memory_order_relaxed);
    }
    return arg;
}

static void fenced_rings(void)
{
    run_two(produce_fenced, consume_fenced);
}

/* ---- made once, looked at without the lock ------------------------------------------------------------------------------- */

static _Atomic(int *) made;
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;

static void *make_once(void *arg)
{
    int *value = atomic_load_explicit(&made, memory_order_acquire);
    if (value == NULL) {
        pthread_mutex_lock(&making);
        value = atomic_load_explicit(&made, memory_order_relaxed);
        if (value == NULL) {
            value = malloc(sizeof *value);
            must(value != NULL);
            *value = 42;
            atomic_store_explicit(&made, value, memory_order_release);
        }
        pthread_mutex_unlock(&making);
    }
    must(*value == 42);
    return arg;
}

static void double_checked(void)
{
    run_many(make_once);
    free(made);
}

/* ---- locks made by hand --------------------------------------------------------------------------------------------------- */

static unsigned long bits;
static int under_bit[2];

/* A compiler makes BTS and BTR of these, with the number of the bit in a register. */
static void *count_under_bit(void *arg)
{
    int bit = (intptr_t)arg & 1;
    for (int i = 0; i < ROUNDS; i++) {
        while (__atomic_fetch_or(&bits, 1UL << bit, __ATOMIC_ACQUIRE) >> bit & 1)
            sched_yield();
        under_bit[bit]++;
        __atomic_fetch_and(&bits, ~(1UL << bit), __ATOMIC_RELEASE);
    }
    return arg;
}

static void bit_locks(void)
{
    run_many(count_under_bit);
    must(under_bit[0] == 2 * ROUNDS && under_bit[1] == 2 * ROUNDS);
}

static struct {
    atomic_uint next, served;
} tickets;
static long under_ticket;

static void *count_under_ticket(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        unsigned mine = atomic_fetch_add(&tickets.next, 1);
        while (atomic_load_explicit(&tickets.served, memory_order_acquire) != mine)
            sched_yield();
        under_ticket++;
        atomic_store_explicit(&tickets.served, mine + 1, memory_order_release);
    }
    return arg;
}

static void ticket_locks(void)
{
    run_many(count_under_ticket);
    must(under_ticket == (long)THREADS * ROUNDS);
}

/* ---- flags on the stack --------------------------------------------------------------------------------------------------- */

struct meeting {
    atomic_int flag;
    int message;
};

static void *answer(void *arg)
{
    struct meeting *meeting = arg;
    while (atomic_load(&meeting->flag) != 1)
        sched_yield();
    meeting->message++;
    atomic_store(&meeting->flag, 2);
    return NULL;
}

/* The one side reaches the flag by its stack pointer. */
static void flags_on_the_stack(void)
{
    for (int i = 0; i < 20; i++) {
        struct meeting meeting = {0, 0};
        pthread_t thread;
        must(pthread_create(&thread, NULL, answer, &meeting) == 0);
        meeting.message = i;
        atomic_store(&meeting.flag, 1);
        while (atomic_load(&meeting.flag) != 2)
            sched_yield();
        must(meeting.message == i + 1 && pthread_join(thread, NULL) == 0);
    }
}

/* ---- one link, stored by two ---------------------------------------------------------------------------------------------- */

struct link {
    _Atomic(struct link *) next;
    long value;
};

static struct link root, leaf;
static _Atomic(struct link *) last;
static int second_link[2];

static void *end_list(void *arg)
{
    atomic_store_explicit(&root.next, NULL, memory_order_relaxed);
    atomic_exchange(&last, &root);
    unseen_pass();
    return arg;
}

static void *add_link(void *arg)
{
    char byte = 1;
    unseen_wait();
    leaf.value = 5;
    struct link *before = atomic_exchange(&last, &leaf);
    atomic_store_explicit(&before->next, &leaf, memory_order_release);
    unseen_call(SYS_write, second_link[1], (long)&byte, 1);
    return arg;
}

/* The first store comes before the second, of which the reader hears. */
static void links(void)
{
    pthread_t threads[2];
    char byte;
    must(unseen_open() == 0 && unseen_call(SYS_pipe, (long)second_link, 0, 0) == 0);
    must(pthread_create(&threads[0], NULL, end_list, NULL) == 0);
    must(pthread_create(&threads[1], NULL, add_link, NULL) == 0);
    unseen_call(SYS_read, second_link[0], (long)&byte, 1);
    struct link *next = atomic_load_explicit(&root.next, memory_order_acquire);
    must(next != NULL && next->value == 5);
    must(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);
}

/* The first thread's link leads to its own end of the list, in place of which the second one's is. */
static struct link middle;

static void *begin_list(void *arg)
{
    middle.value = 4;
    atomic_store_explicit(&middle.next, NULL, memory_order_relaxed);
    atomic_exchange(&last, &middle);
    atomic_store_explicit(&root.next, &middle, memory_order_release);
    unseen_pass();
    return arg;
}

static void chains(void)
{
    pthread_t threads[2];
    char byte;
    must(unseen_open() == 0 && unseen_call(SYS_pipe, (long)second_link, 0, 0) == 0);
    must(pthread_create(&threads[0], NULL, begin_list, NULL) == 0);
    must(pthread_create(&threads[1], NULL, add_link, NULL) == 0);
    unseen_call(SYS_read, second_link[0], (long)&byte, 1);
    struct link *next = atomic_load_explicit(&root.next, memory_order_acquire);
    must(next != NULL && next->value == 4);
    next = atomic_load_explicit(&next->next, memory_order_acquire);
    must(next != NULL && next->value == 5);
    must(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);
}

/* ---- a pointer that is passed on as it is loaded ---------------------------------------------------------------------------- */

static long passed;
static _Atomic(long *) passable;

static void *make_passable(void *arg)
{
    passed = 5;
    atomic_store_explicit(&passable, &passed, memory_order_release);
    unseen_pass();
    return arg;
}

__attribute__((noinline)) static void take(const long *given)
{
    must(*given == 5);
    __asm__ volatile("" ::: "memory");
}

static void *pass_on(void *arg)
{
    unseen_wait();
    take(atomic_load_explicit(&passable, memory_order_acquire));
    return arg;
}

static void pointers_passed_on(void)
{
    must(unseen_open() == 0);
    run_two(make_passable, pass_on);
}

/* ---- signals that are waited for ------------------------------------------------------------------------------------------ */

static sigset_t awaited;
static int signalled, descriptor;

static void *send_signal(void *arg)
{
    signalled = 5;
    must(kill(getpid(), SIGUSR1) == 0);
    return arg;
}

static void *wait_for_signal(void *arg)
{
    int number = 0;
    must(sigwait(&awaited, &number) == 0 && number == SIGUSR1 && signalled == 5);
    return arg;
}

static void *read_signal(void *arg)
{
    struct signalfd_siginfo info;
    must(read(descriptor, &info, sizeof info) == sizeof info && signalled == 5);
    return arg;
}

static void block_signal(void)
{
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGUSR1);
    must(pthread_sigmask(SIG_BLOCK, &awaited, NULL) == 0);
}

static void signals(void)
{
    block_signal();
    run_two(wait_for_signal, send_signal);
}

static void signal_descriptors(void)
{
    block_signal();
    descriptor = signalfd(-1, &awaited, 0);
    run_two(read_signal, send_signal);
}

/* ---- blocks that end when nobody uses them any more ------------------------------------------------------------------------ */

static struct counted {
    long links[2];
    atomic_int users;
    atomic_long sum;
    long plain;
} * counted[ROUNDS];

/* Whoever counts down last frees, as relaxed as that may be. */
static void *use_counted(void *arg)
{
    for (int i = 0; i < ROUNDS; i++) {
        struct counted *mine = counted[i];
        atomic_fetch_add_explicit(&mine->sum, (intptr_t)arg, memory_order_relaxed);
        bool is_last = i % 2 == 0 ? atomic_fetch_sub_explicit(&mine->users, 1, memory_order_acq_rel) == 1
                                  : atomic_fetch_sub_explicit(&mine->users, 1, memory_order_release) == 1;
        if (!is_last)
            continue;
        atomic_thread_fence(memory_order_acquire);
        must(mine->plain == i && atomic_load_explicit(&mine->sum, memory_order_relaxed) == THREADS * (THREADS - 1) / 2);
        free(mine);
    }
    return arg;
}

static void counts(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        counted[i] = calloc(1, sizeof *counted[i]);
        must(counted[i] != NULL);
        counted[i]->plain = i;
        atomic_init(&counted[i]->users, THREADS);
    }
    run_many(use_counted);
}

int main(int argc, char **argv)
{
    static const struct idiom cases[] = {{"rings", rings},
                                         {"fenced_rings", fenced_rings},
                                         {"double_checked", double_checked},
                                         {"bit_locks", bit_locks},
                                         {"ticket_locks", ticket_locks},
                                         {"flags_on_the_stack", flags_on_the_stack},
                                         {"pointers_passed_on", pointers_passed_on},
                                         {"links", links},
                                         {"chains", chains},
                                         {"signals", signals},
                                         {"signal_descriptors", signal_descriptors},
                                         {"counts", counts}};
    return run_idiom(argc, argv, cases, sizeof cases / sizeof *cases);
}
