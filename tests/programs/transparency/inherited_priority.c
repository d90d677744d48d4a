/* inherited_priority.c: a lock of raw futexes with priority inheritance, given up by an atomic operation just before the kernel is
 * asked for it, which then takes it by itself; and the other way round.
 */
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_int word;
static long guarded;

static int own(void)
{
    return (int)syscall(SYS_gettid);
}

static void give_up(void)
{
    int expected = own();
    if (!atomic_compare_exchange_strong(&word, &expected, 0))
        syscall(SYS_futex, &word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
}

static void *hold_first(void *unused)
{
    int expected = 0;
    if (!atomic_compare_exchange_strong(&word, &expected, own()))
        return NULL;
    usleep(30000);
    guarded++;
    give_up();
    return unused;
}

static void *ask_late(void *result)
{
    int expected = 0;
    usleep(10000);
    if (!atomic_compare_exchange_strong(&word, &expected, own())) {
        usleep(40000);
        if (syscall(SYS_futex, &word, FUTEX_LOCK_PI_PRIVATE, 0, NULL, NULL, 0) != 0)
            return NULL;
    }
    guarded++;
    syscall(SYS_futex, &word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL, NULL, 0);
    return result;
}

static void *take_again(void *result)
{
    int expected = 0;
    usleep(90000);
    while (!atomic_compare_exchange_strong(&word, &expected, own()))
        expected = 0;
    guarded++;
    give_up();
    return result;
}

int main(void)
{
    void *(*const parts[])(void *) = {hold_first, ask_late, take_again};
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, parts[i], &guarded);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    printf("%ld\n", guarded);
    return 0;
}
