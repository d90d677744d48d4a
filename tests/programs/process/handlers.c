/* handlers.c: signal handlers under stress: installed by many threads, replaced often, left by a jump from a stack of
 * their own, changed in a child that shares the memory. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("FAILED: %s\n", #condition);                                                                        \
            fflush(stdout);                                                                                            \
            _exit(9);                                                                                                  \
        }                                                                                                              \
    } while (0)

enum { THREADS = 4, ROUNDS = 2000, HANDLERS = 12 };

static atomic_int counts[HANDLERS];

#define HANDLER(i)                                                                                                     \
    static void handler_##i(int number)                                                                                \
    {                                                                                                                  \
        (void)number;                                                                                                  \
        counts[i]++;                                                                                                   \
    }
HANDLER(0)
HANDLER(1)
HANDLER(2)
HANDLER(3)
HANDLER(4)
HANDLER(5)
HANDLER(6)
HANDLER(7)
HANDLER(8)
HANDLER(9)
HANDLER(10)
HANDLER(11)

static void (*const handlers[HANDLERS])(int) = {
    handler_0, handler_1, handler_2, handler_3, handler_4,  handler_5,
    handler_6, handler_7, handler_8, handler_9, handler_10, handler_11,
};

/* More handlers than anybody keeps for one signal: each is asked back and runs. */
static void many_handlers(void)
{
    for (int round = 0; round < 3; round++)
        for (int i = 0; i < HANDLERS; i++) {
            struct sigaction old;
            signal(SIGUSR1, handlers[i]);
            sigaction(SIGUSR1, NULL, &old);
            MUST(old.sa_handler == handlers[i]);
            raise(SIGUSR1);
            MUST(counts[i] == round + 1);
        }
    signal(SIGUSR1, SIG_DFL);
    puts("many handlers");
}

static void *install_often(void *argument)
{
    void (*mine)(int) = handlers[*(int *)argument];
    struct sigaction action = {.sa_handler = mine}, old;
    for (int i = 0; i < ROUNDS; i++) {
        sigaction(SIGUSR2, &action, &old);
        int known = old.sa_handler == SIG_IGN;
        for (int h = 0; h < THREADS; h++)
            known |= old.sa_handler == handlers[h];
        MUST(known);
        raise(SIGUSR2);
    }
    return NULL;
}

static void many_installers(void)
{
    pthread_t threads[THREADS];
    int numbers[THREADS], sum = 0;
    memset(counts, 0, sizeof counts);
    signal(SIGUSR2, SIG_IGN);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, install_often, &numbers[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < THREADS; i++)
        sum += counts[i];
    printf("many installers: %d signals\n", sum);
}

static sigjmp_buf back;

static void jump(int number)
{
    siglongjmp(back, number);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* Locks far below where the handler ran: that frame is gone all the same. */
__attribute__((noinline)) static void lock_deep_down(int depth)
{
    volatile char frame[512];
    memset((char *)frame, depth, sizeof frame);
    if (depth > 0) {
        lock_deep_down(depth - 1);
    } else {
        pthread_mutex_lock(&mutex);
        pthread_mutex_unlock(&mutex);
    }
    frame[0] = 1;
}

/* The signal is unblocked and the lock is taken outside of handlers too: in a handler it would be unsafe. */
static void jump_and_lock(int on_own_stack)
{
    static char memory[64 * 1024];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory};
    struct sigaction action = {.sa_handler = jump, .sa_flags = on_own_stack ? SA_ONSTACK : 0};
    sigaltstack(&stack, NULL);
    sigaction(SIGUSR1, &action, NULL);
    for (volatile int i = 0; i < 20; i++) { /* volatile: kept across the jump */
        if (sigsetjmp(back, 1) == 0) {
            raise(SIGUSR1);
            puts("not reached");
        }
        lock_deep_down(i % 2 == 0 ? 0 : 30);
    }
    signal(SIGUSR1, SIG_DFL);
    printf("left by a jump, %s stack\n", on_own_stack ? "its own" : "the thread's");
}

static void *jump_in_thread(void *unused)
{
    jump_and_lock(0);
    jump_and_lock(1);
    return unused;
}

/* The child of vfork() has dispositions of its own, but our memory. */
static void child_that_shares_memory(void)
{
    struct sigaction old, standard = {.sa_handler = SIG_DFL}, other = {.sa_handler = handler_1};
    int status = 0;
    signal(SIGUSR1, handler_0);
    counts[0] = 0;
    pid_t child = vfork();
    if (child == 0) {
        sigaction(SIGUSR1, &other, NULL);
        sigaction(SIGUSR1, &standard, NULL);
        _exit(3);
    }
    waitpid(child, &status, 0);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 3);
    sigaction(SIGUSR1, NULL, &old);
    MUST(old.sa_handler == handler_0);
    raise(SIGUSR1);
    MUST(counts[0] == 1);
    puts("a child that shares memory");
}

static void forked_child(void)
{
    int status = 0;
    signal(SIGUSR1, handler_2);
    pid_t child = fork();
    if (child == 0) {
        counts[2] = 0;
        raise(SIGUSR1);
        _exit(counts[2] == 1 && signal(SIGUSR1, SIG_DFL) == handler_2 ? 4 : 5);
    }
    waitpid(child, &status, 0);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 4);
    puts("a forked child");
}

static void inner(int number)
{
    counts[number == SIGUSR2 ? 6 : 7]++;
}

static void outer(int number)
{
    (void)number;
    counts[5]++;
    raise(SIGUSR2);
    counts[5]++;
}

static void nested_handlers(void)
{
    signal(SIGUSR1, outer);
    signal(SIGUSR2, inner);
    memset(counts, 0, sizeof counts);
    raise(SIGUSR1);
    MUST(counts[5] == 2 && counts[6] == 1);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    lock_deep_down(0);
    puts("nested");
}

static void real_time_signals(void)
{
    struct sigaction old;
    memset(counts, 0, sizeof counts);
    signal(SIGRTMIN, handler_3);
    signal(SIGRTMAX, handler_4);
    raise(SIGRTMIN);
    raise(SIGRTMAX);
    MUST(counts[3] == 1 && counts[4] == 1);
    MUST(sigaction(32, NULL, &old) == -1 && signal(33, handler_0) == SIG_ERR);
    puts("real-time");
}

int main(void)
{
    pthread_t thread;
    many_handlers();
    many_installers();
    jump_and_lock(0);
    jump_and_lock(1);
    pthread_create(&thread, NULL, jump_in_thread, NULL);
    pthread_join(thread, NULL);
    child_that_shares_memory();
    forked_child();
    nested_handlers();
    real_time_signals();
    return 0;
}
