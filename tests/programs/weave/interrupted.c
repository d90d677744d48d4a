/* interrupted.c: signals at any moment of woven code: what the handler is told, handlers that leave for good, fork, or work.
 *
 * Prints the same whatever the signals hit.
 */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define MUST(condition) ((condition) ? (void)0 : must_failed(#condition, __LINE__))

enum { THREADS = 3, SHARED = 4096, FORKS = 40, JUMPS = 400, SEEN = 2000, ROUNDS = 1500, CONTESTED = 8 };

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long shared[SHARED]; /* under the mutex: tags miss in every round */

static void must_failed(const char *what, int line)
{
    char text[200];
    int size = snprintf(text, sizeof text, "line %d: not so: %s\n", line, what);
    if (write(STDERR_FILENO, text, (size_t)size) != size)
        abort();
    _exit(1);
}

/* ---- a timer for one thread ------------------------------------------------------------------------------------------ */

static timer_t timer_of_thread(int number, long interval_ns)
{
    timer_t timer;
    struct sigevent event;
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = number;
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    struct itimerspec when = {{0, interval_ns}, {0, interval_ns}};
    MUST(timer_settime(timer, 0, &when, NULL) == 0);
    return timer;
}

static void handle(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_RESTART | flags;
    MUST(sigaction(number, &action, NULL) == 0);
}

/* The kernel writes no siginfo_t for such a handler. */
static void handle_untold(int number, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    action.sa_flags = SA_RESTART;
    MUST(sigaction(number, &action, NULL) == 0);
}

/* ---- work that is woven ------------------------------------------------------------------------------------------------ */

static void add_all(void)
{
    pthread_mutex_lock(&mutex);
    for (int i = 0; i < SHARED; i += 7)
        shared[i] += i;
    pthread_mutex_unlock(&mutex);
}

static long sum_of_all(void)
{
    long sum = 0;
    for (int i = 0; i < SHARED; i++)
        sum += shared[i];
    return sum;
}

static void *work(void *own)
{
    long *mine = own;
    for (int round = 0; round < ROUNDS; round++) {
        add_all();
        for (int i = 0; i < SHARED; i++)
            mine[i] += round ^ i;
    }
    return NULL;
}

/* ---- handlers that work ------------------------------------------------------------------------------------------------ */

static __thread unsigned ring[64];
static atomic_ulong handled;

static void work_in_handler(int number, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    for (unsigned i = 0; i < 64; i++)
        ring[i] += ring[(i * 7 + 3) % 64] + (unsigned)number;
    handled++;
}

static void *work_with_timer(void *own)
{
    timer_t timer = timer_of_thread(SIGUSR1, 1000000);
    work(own);
    timer_delete(timer);
    return NULL;
}

static void handlers_that_work(void)
{
    static long own[THREADS][SHARED];
    pthread_t threads[THREADS];
    handle(SIGUSR1, work_in_handler, 0);
    for (int i = 0; i < THREADS; i++)
        MUST(pthread_create(&threads[i], NULL, work_with_timer, own[i]) == 0);
    long sum = 0;
    for (int i = 0; i < THREADS; i++) {
        MUST(pthread_join(threads[i], NULL) == 0);
        for (int k = 0; k < SHARED; k++)
            sum += own[i][k];
    }
    printf("handlers that work: %ld %ld\n", sum, sum_of_all());
}

/* ---- handlers that leave ------------------------------------------------------------------------------------------------ */

static atomic_ulong contested[CONTESTED]; /* each step asks the engine, under locks of its own */
static __thread sigjmp_buf back;
static __thread volatile sig_atomic_t may_leave, jumps;
static bool is_racing;
static pthread_barrier_t all_have_jumped;

static void leave(int number)
{
    if (may_leave) {
        may_leave = 0;
        siglongjmp(back, number);
    }
}

static long raced; /* once all jumps are done: the engine must still be awake */

/* No lock is held where the handler may come: what it leaves is only this loop. */
static void *be_left(void *own)
{
    long *mine = own;
    timer_t timer = timer_of_thread(SIGUSR2, 700000);
    while (jumps < JUMPS) {
        if (sigsetjmp(back, 1) != 0) {
            jumps = jumps + 1;
            add_all();
            continue;
        }
        may_leave = 1;
        for (unsigned i = 0;; i += THREADS) {
            mine[i % (THREADS * SHARED)] += i;
            atomic_fetch_add(&contested[i % CONTESTED], 1);
        }
    }
    timer_delete(timer);
    if (is_racing) {
        /* A handler that interrupts a hook, in any thread, would hide what came before it: none comes any more. */
        pthread_barrier_wait(&all_have_jumped);
        raced++;
    }
    return NULL;
}

static void handlers_that_leave(void)
{
    static long own[THREADS * SHARED]; /* every third word is one thread's: what holds their history is fought for */
    pthread_t threads[THREADS];
    handle_untold(SIGUSR2, leave);
    for (int i = 0; i < THREADS; i++)
        MUST(pthread_create(&threads[i], NULL, be_left, own + i) == 0);
    for (int i = 0; i < THREADS; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    printf("handlers that leave: %d jumps each\n", JUMPS);
}

/* ---- handlers that come in the midst of calls -------------------------------------------------------------------------- */

enum { CALLS = 60000 };

static void count_untold(int number)
{
    ring[0] += (unsigned)number;
}

static void *be_interrupted_in_calls(void *unused)
{
    pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    timer_t timer = timer_of_thread(SIGUSR1, 200000);
    for (int i = 0; i < CALLS; i++) {
        pthread_mutex_lock(&own);
        pthread_mutex_unlock(&own);
    }
    timer_delete(timer);
    return unused;
}

static void handlers_in_calls(void)
{
    pthread_t threads[2];
    handle_untold(SIGUSR1, count_untold);
    for (int i = 0; i < 2; i++)
        MUST(pthread_create(&threads[i], NULL, be_interrupted_in_calls, NULL) == 0);
    for (int i = 0; i < 2; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    printf("handlers in calls: %d calls each\n", CALLS);
}

/* ---- handlers that fork ------------------------------------------------------------------------------------------------ */

static atomic_int forks;

static void fork_in_handler(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    if (forks >= FORKS)
        return;
    forks++;
    pid_t child = fork();
    if (child == 0) {
        for (unsigned i = 0; i < 64; i++)
            ring[i]++;
        _exit(7);
    }
    int status = 0;
    MUST(child > 0 && waitpid(child, &status, 0) == child);
    MUST(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}

static void *be_forked(void *own)
{
    long *mine = own;
    timer_t timer = timer_of_thread(SIGUSR1, 2000000);
    for (unsigned i = 0; forks < FORKS; i++)
        mine[i % SHARED] += i;
    timer_delete(timer);
    return NULL;
}

static void handlers_that_leave_and_race(void)
{
    is_racing = true;
    MUST(pthread_barrier_init(&all_have_jumped, NULL, THREADS) == 0);
    handlers_that_leave();
}

static void handlers_that_fork(void)
{
    static long own[THREADS][SHARED];
    pthread_t threads[THREADS];
    handle(SIGUSR1, fork_in_handler, 0);
    for (int i = 0; i < THREADS; i++)
        MUST(pthread_create(&threads[i], NULL, be_forked, own[i]) == 0);
    for (int i = 0; i < THREADS; i++)
        MUST(pthread_join(threads[i], NULL) == 0);
    printf("handlers that fork: %d\n", FORKS);
}

/* ---- what a handler is told ----------------------------------------------------------------------------------------------- */

/* Adds to words of its own until *stop, with a known value in every register but RAX, RCX and RSI. */
void known_registers(volatile long *words, const int *stop);
extern const char known_loop[], known_end[];
__asm__(
    ".text\n.globl known_registers\n.type known_registers,@function\nknown_registers:\n.cfi_startproc\n\t"
    "pushq %rbx\n\t.cfi_adjust_cfa_offset 8\n\tpushq %rbp\n\t.cfi_adjust_cfa_offset 8\n\tpushq %r12\n\t"
    ".cfi_adjust_cfa_offset 8\n\tpushq %r13\n\t.cfi_adjust_cfa_offset 8\n\tpushq %r14\n\t.cfi_adjust_cfa_offset 8\n\t"
    "pushq %r15\n\t.cfi_adjust_cfa_offset 8\n\tmovq %rsi, %r9\n\t"
    "movq $-2, %rdx\n\tmovq $-3, %rbx\n\tmovq $-5, %rbp\n\tmovq $-8, %r8\n\tmovq $-10, %r10\n\tmovq $-11, %r11\n\t"
    "movq $-12, %r12\n\tmovq $-13, %r13\n\tmovq $-14, %r14\n\tmovq $-15, %r15\n\txorl %esi, %esi\n\t"
    "movq %rsp, 8(%rdi)\n\tmovq %rdi, (%rdi)\n"
    ".globl known_loop\nknown_loop:\n\t"
    "movq %rsi, %rcx\n\tandl $0xfff8, %ecx\n\taddq %rsi, 64(%rdi,%rcx)\n\tmovq 64(%rdi,%rcx), %rax\n\t"
    "addq $65, %rsi\n\tmovb %al, 128(%rdi,%rcx)\n\tcmpl $0, (%r9)\n\tje known_loop\n"
    ".globl known_end\nknown_end:\n\t" /* all are read: none is free to be changed in the loop */
    "addq %rdx, %rax\n\taddq %rbx, %rax\n\taddq %rbp, %rax\n\taddq %r8, %rax\n\taddq %r10, %rax\n\taddq %r11, %rax\n\t"
    "addq %r12, %rax\n\taddq %r13, %rax\n\taddq %r14, %rax\n\taddq %r15, %rax\n\tmovq %rax, (%rdi)\n\t"
    "popq %r15\n\t.cfi_adjust_cfa_offset -8\n\tpopq %r14\n\t.cfi_adjust_cfa_offset -8\n\tpopq %r13\n\t"
    ".cfi_adjust_cfa_offset -8\n\tpopq %r12\n\t.cfi_adjust_cfa_offset -8\n\tpopq %rbp\n\t.cfi_adjust_cfa_offset -8\n\t"
    "popq %rbx\n\t.cfi_adjust_cfa_offset -8\n\tret\n.cfi_endproc\n.size known_registers, .-known_registers\n");

static struct {
    volatile long words[70000 / sizeof(long)];
    int stop, seen;
} known;

static void look(int number, siginfo_t *info, void *memory)
{
    static const struct {
        int reg;
        long value;
    } expected[] = {{REG_RDX, -2},
                    {REG_RBX, -3},
                    {REG_RBP, -5},
                    {REG_R8, -8},
                    {REG_R10, -10},
                    {REG_R11, -11},
                    {REG_R12, -12},
                    {REG_R13, -13},
                    {REG_R14, -14},
                    {REG_R15, -15},
                    {REG_R9, (long)&known.stop}};
    const greg_t *registers = ((ucontext_t *)memory)->uc_mcontext.gregs;
    uintptr_t pc = (uintptr_t)registers[REG_RIP];
    (void)number, (void)info;
    if (known.words[0] != (long)known.words || pc < (uintptr_t)known_loop || pc >= (uintptr_t)known_end) {
        MUST(known.seen == 0 || known.stop); /* not there yet, or on the way back */
        return;
    }
    MUST(registers[REG_RSP] == known.words[1]);
    MUST(registers[REG_RDI] == (long)known.words);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        MUST(registers[expected[i].reg] == expected[i].value);
    if (++known.seen == SEEN)
        known.stop = 1;
}

static void *be_looked_at(void *unused)
{
    (void)unused;
    timer_t timer = timer_of_thread(SIGUSR1, 300000);
    known_registers(known.words, &known.stop);
    handle(SIGUSR1, work_in_handler, 0);
    timer_delete(timer);
    return NULL;
}

static void what_a_handler_is_told(void)
{
    pthread_t thread;
    handle(SIGUSR1, look, 0);
    MUST(pthread_create(&thread, NULL, be_looked_at, NULL) == 0);
    MUST(pthread_join(thread, NULL) == 0);
    printf("registers as they should be, %d times\n", SEEN);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } parts[] = {{"work", handlers_that_work},
                 {"leave", handlers_that_leave},
                 {"fork", handlers_that_fork},
                 {"registers", what_a_handler_is_told},
                 {"race", handlers_that_leave_and_race}, /* to be found: only when asked for */
                 {"calls", handlers_in_calls}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (argc < 2 ? parts[i].run != handlers_that_leave_and_race : strcmp(argv[1], parts[i].name) == 0)
            parts[i].run();
    return 0;
}
