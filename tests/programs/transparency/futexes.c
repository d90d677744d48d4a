/* futexes.c: a lock, a hand-over and a priority-inheriting lock made of raw futex calls; a child that another process wakes, and
 * a thread that the kernel does. */
#include "show.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static _Atomic uint32_t word, turn, inheriting, requeued;
static int count, inherited; /* each under a lock of its own */

static long futex(_Atomic uint32_t *address, int operation, uint32_t value, void *timeout, void *other, uint32_t last)
{
    return syscall(SYS_futex, address, operation, value, timeout, other, last);
}

static void lock(void)
{
    uint32_t seen = 0;
    if (atomic_compare_exchange_strong(&word, &seen, 1))
        return;
    while (atomic_exchange(&word, 2) != 0)
        futex(&word, FUTEX_WAIT_PRIVATE, 2, NULL, NULL, 0);
}

static void unlock(void)
{
    if (atomic_exchange(&word, 0) == 2)
        futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *work(void *argument)
{
    uint32_t self = *(uint32_t *)argument;
    for (int i = 0; i < 1000; i++) {
        lock();
        count++;
        unlock();
    }
    for (uint32_t now; (now = turn) != self;)
        futex(&turn, FUTEX_WAIT_BITSET_PRIVATE, now, NULL, NULL, FUTEX_BITSET_MATCH_ANY);
    printf("turn of %u\n", self);
    turn = self + 1;
    futex(&turn, FUTEX_WAKE_BITSET_PRIVATE, INT32_MAX, NULL, NULL, FUTEX_BITSET_MATCH_ANY);

    futex(&inheriting, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    inherited++;
    futex(&inheriting, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    return NULL;
}

/* All that the child has is asleep until its parent wakes it. */
static void wake_child(void)
{
    const struct timespec while_asleep = {0, 600000000};
    _Atomic uint32_t *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t child = fork();
    if (child == 0) {
        while (*shared == 0)
            futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0);
        _exit(3);
    }
    nanosleep(&while_asleep, NULL);
    *shared = 1;
    futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0);
    int status = 0;
    SHOW(waitpid(child, &status, 0) == child);
    SHOW(WIFEXITED(status) && WEXITSTATUS(status) == 3);
}

enum {
    RAW_STACK = 64 << 10,
    RAW_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_SYSVSEM | CLONE_THREAD
};

static int rest_a_little(void *unused)
{
    struct timespec little = {0, 30000000};
    (void)unused;
    nanosleep(&little, NULL);
    return 0;
}

/* The kernel clears and wakes the word when a thread of clone() ends. */
static void wait_for_raw_thread(void)
{
    static char stack[RAW_STACK] __attribute__((aligned(16)));
    static _Atomic uint32_t lives = 1;
    SHOW(clone(rest_a_little, stack + RAW_STACK, RAW_FLAGS | CLONE_CHILD_CLEARTID, NULL, NULL, NULL, &lives) > 0);
    while (lives != 0)
        futex(&lives, FUTEX_WAIT, 1, NULL, NULL, 0);
}

int main(void)
{
    pthread_t threads[4];
    uint32_t numbers[4] = {0, 1, 2, 3};
    struct timespec soon = {0, 1000000};
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, work, &numbers[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    printf("count %d and %d\n", count, inherited);
    SHOW(futex(&word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT_PRIVATE, 0, &soon, NULL, 0));
    SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &requeued, 0));
    SHOW(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)1, &requeued, 7));
    SHOW(syscall(SYS_getpid) == getpid());
    SHOW(syscall(-1));
    fflush(stdout);
    wake_child();
    wait_for_raw_thread();
    return 0;
}
