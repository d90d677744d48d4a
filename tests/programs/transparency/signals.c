/* signals.c: handlers that post, jump out or run on their own stack; and what the program is told of its own handlers. */
#include "show.h"
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <unistd.h>

static sem_t semaphore;
static sigjmp_buf back;
static atomic_int received;
static int *volatile nowhere;
static volatile uintptr_t handler_stack;

static void post(int number)
{
    received += number;
    sem_post(&semaphore);
}

static void note_info(int number, siginfo_t *info, void *context)
{
    received += number;
    printf("info: signal %d, code %d, from us %d, context %d\n", info->si_signo, info->si_code,
           info->si_pid == getpid(), context != NULL);
}

static void jump_out(int number)
{
    siglongjmp(back, number);
}

static void note_stack(int number)
{
    volatile char here = (char)number;
    handler_stack = (uintptr_t)&here;
}

static struct sigaction action_of(void (*handler)(int), int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = flags;
    return action;
}

static void ask_back(void)
{
    struct sigaction old, action = action_of(post, SA_RESTART | SA_NODEFER);
    puts("-- asking back");
    sigaddset(&action.sa_mask, SIGUSR2);
    SHOW(sigaction(SIGUSR1, NULL, &old));
    MUST(old.sa_handler == SIG_DFL);
    SHOW(sigaction(SIGUSR1, &action, &old));
    MUST(old.sa_handler == SIG_DFL);
    SHOW(sigaction(SIGUSR1, NULL, &old));
    MUST(old.sa_handler == post && sigismember(&old.sa_mask, SIGUSR2) == 1);
    printf("flags %#x\n", (unsigned)old.sa_flags);
    MUST(signal(SIGUSR1, SIG_IGN) == post);
    MUST(signal(SIGUSR1, post) == SIG_IGN);
    MUST(signal(SIGUSR1, SIG_DFL) == post);
    SHOW(sigaction(SIGKILL, &action, NULL));
    SHOW(sigaction(999, &action, NULL));
    errno = ERRNO_BEFORE;
    MUST(signal(999, post) == SIG_ERR && errno == EINVAL);
}

static void take_signals(void)
{
    struct sigaction action = action_of(NULL, SA_SIGINFO), old;
    puts("-- handlers");
    sem_init(&semaphore, 0, 0);
    signal(SIGUSR1, post);
    SHOW(raise(SIGUSR1));
    SHOW(sem_wait(&semaphore));
    SHOW(kill(getpid(), SIGUSR1));
    SHOW(sem_wait(&semaphore));
    action.sa_sigaction = note_info;
    sigaction(SIGUSR2, &action, NULL);
    SHOW(pthread_kill(pthread_self(), SIGUSR2));
    SHOW(pthread_sigqueue(pthread_self(), SIGUSR2, (union sigval){.sival_int = 5}));
    sigaction(SIGUSR2, NULL, &old);
    MUST(old.sa_sigaction == note_info && (old.sa_flags & SA_SIGINFO));
    action = action_of(post, (int)SA_RESETHAND);
    sigaction(SIGUSR2, &action, NULL);
    raise(SIGUSR2);
    sigaction(SIGUSR2, NULL, &old);
    MUST(old.sa_handler == SIG_DFL);
    printf("received %d\n", received);
}

static void *interrupt(void *target)
{
    usleep(20000);
    pthread_kill(*(pthread_t *)target, SIGUSR1);
    return NULL;
}

static void interrupted_waits(void)
{
    pthread_t self = pthread_self(), thread;
    struct sigaction action = action_of(note_stack, 0);
    puts("-- interrupted waits");
    sem_destroy(&semaphore);
    sem_init(&semaphore, 0, 0);
    sigaction(SIGUSR1, &action, NULL);
    pthread_create(&thread, NULL, interrupt, &self);
    SHOW(sem_wait(&semaphore));
    pthread_join(thread, NULL);
}

static void jumps(void)
{
    puts("-- jumping out of a handler");
    signal(SIGUSR1, jump_out);
    for (int i = 0; i < 3; i++) {
        int number = sigsetjmp(back, 1);
        if (number == 0) {
            raise(SIGUSR1);
            puts("not reached");
        }
        printf("back with %d\n", number);
    }
    signal(SIGSEGV, jump_out);
    int number = sigsetjmp(back, 1);
    if (number == 0)
        *nowhere = 1;
    printf("back with %d\n", number);
    signal(SIGSEGV, SIG_DFL);
    /* The handler was left, so locks taken now are not taken in a handler. */
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    SHOW(pthread_mutex_lock(&mutex));
    SHOW(pthread_mutex_unlock(&mutex));
}

static void other_stack(void)
{
    static char memory[64 * 1024];
    stack_t stack = {.ss_sp = memory, .ss_size = sizeof memory}, old;
    struct sigaction action = action_of(note_stack, SA_ONSTACK);
    puts("-- a stack of its own");
    SHOW(sigaltstack(NULL, &old));
    printf("disabled %d\n", old.ss_flags == SS_DISABLE);
    SHOW(sigaltstack(&stack, NULL));
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    printf("used %d\n", handler_stack - (uintptr_t)memory < sizeof memory);
}

static void *send_to_process(void *unused)
{
    kill(getpid(), SIGTERM);
    return unused;
}

static void wait_for_signal(void)
{
    sigset_t set, old;
    int number = 0;
    pthread_t thread;
    puts("-- waiting for a signal");
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    SHOW(pthread_sigmask(SIG_BLOCK, &set, &old));
    pthread_create(&thread, NULL, send_to_process, NULL);
    SHOW(sigwait(&set, &number));
    printf("signal %d\n", number);
    pthread_join(thread, NULL);
    struct timespec soon = {0, 1000000};
    SHOW(sigtimedwait(&set, NULL, &soon));
    SHOW(pthread_sigmask(SIG_SETMASK, &old, &set));
    printf("blocked before: %d\n", sigismember(&set, SIGTERM));
}

int main(void)
{
    ask_back();
    take_signals();
    interrupted_waits();
    jumps();
    other_stack();
    wait_for_signal();
    sem_destroy(&semaphore);
    return 0;
}
