/* contexts.c: stacks and registers that change by other ways than calls, in woven code: jumps, fibers, handlers on small stacks,
 * handlers that read or mend what they interrupted, raw threads.
 *
 * Prints the same whether its code is woven or not; each part by its name.
 */
#include <execinfo.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define MUST(condition) ((condition) ? (void)0 : must_failed(#condition, __LINE__))

enum { THREADS = 3, ROUNDS = 2000, CELLS = 512, PAGE = 4096, FRAMES_MAX = 64 };

static long cells[THREADS][CELLS]; /* each thread's own, and nobody else's */

static void must_failed(const char *what, int line)
{
    char text[200];
    int size = snprintf(text, sizeof text, "line %d: not so: %s\n", line, what);
    if (write(STDERR_FILENO, text, (size_t)size) != size)
        abort();
    _exit(1);
}

/* Runs it on threads, each with a row of cells, and prints what they leave there. */
static void on_threads(void *(*run)(void *))
{
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        MUST(pthread_create(&threads[i], NULL, run, cells[i]) == 0);
    for (int i = 0; i < THREADS; i++) {
        long sum = 0;
        MUST(pthread_join(threads[i], NULL) == 0);
        for (int k = 0; k < CELLS; k++)
            sum += cells[i][k];
        printf("  %d: %ld\n", i, sum);
    }
}

static void handle(int number, void (*handler)(int, siginfo_t *, void *), int flags)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | flags;
    MUST(sigaction(number, &action, NULL) == 0);
}

/* ---- jumps ---------------------------------------------------------------------------------------------------------- */

struct jumper {
    jmp_buf plain;
    sigjmp_buf with_mask;
    long *cells;
};

__attribute__((noinline)) static long go_down(struct jumper *jumper, long depth)
{
    long *cell = &jumper->cells[depth % CELLS];
    *cell += depth;
    if (depth % 11 == 10)
        longjmp(jumper->plain, (int)depth);
    if (depth % 17 == 16)
        siglongjmp(jumper->with_mask, (int)depth);
    return go_down(jumper, depth + 1) + *cell;
}

__attribute__((noinline)) static int be_jumped_to(struct jumper *jumper, long from)
{
    int value = setjmp(jumper->plain);
    if (value == 0)
        value = 1000 + sigsetjmp(jumper->with_mask, 1);
    if (value == 1000)
        go_down(jumper, from);
    return value;
}

static void *jump_often(void *own)
{
    struct jumper jumper = {.cells = own};
    for (volatile long round = 0; round < ROUNDS; round++)
        jumper.cells[0] += be_jumped_to(&jumper, round % 23);
    return NULL;
}

static void jumps(void)
{
    on_threads(jump_often);
}

/* ---- fibers --------------------------------------------------------------------------------------------------------- */

enum { FIBERS = 4, FIBER_STACK = 64 << 10 };

struct scheduler {
    ucontext_t home, fibers[FIBERS];
    int now;
    long *cells;
};

static __thread struct scheduler *scheduler;

__attribute__((noinline)) static void yield_deep(int depth)
{
    scheduler->cells[depth] += scheduler->now;
    if (depth > 0) {
        yield_deep(depth - 1);
        scheduler->cells[depth]++;
        return;
    }
    int mine = scheduler->now, next = (mine + 1) % FIBERS;
    scheduler->now = next;
    MUST(swapcontext(&scheduler->fibers[mine], &scheduler->fibers[next]) == 0);
}

static void fiber(void)
{
    for (int round = 0; round < ROUNDS / FIBERS; round++)
        yield_deep(round % 7);
}

static void *run_fibers(void *own)
{
    struct scheduler mine = {.cells = own};
    char *stacks = malloc((size_t)FIBERS * FIBER_STACK);
    MUST(stacks != NULL);
    for (int i = 0; i < FIBERS; i++) {
        MUST(getcontext(&mine.fibers[i]) == 0);
        mine.fibers[i].uc_stack.ss_sp = stacks + (ptrdiff_t)i * FIBER_STACK;
        mine.fibers[i].uc_stack.ss_size = FIBER_STACK;
        mine.fibers[i].uc_link = &mine.home;
        makecontext(&mine.fibers[i], fiber, 0);
    }
    scheduler = &mine;
    MUST(swapcontext(&mine.home, &mine.fibers[0]) == 0); /* back when the first fiber is through */
    free(stacks);
    return NULL;
}

static void fibers(void)
{
    on_threads(run_fibers);
}

/* ---- small stacks --------------------------------------------------------------------------------------------------- */

enum { ROOM_IN_HANDLER = 4096, SIGNALS = 20 };

static __thread long *cells_of_handler;

__attribute__((noinline)) static void touch_cells(long *own, int number)
{
    for (int i = 0; i < CELLS; i++)
        own[i] += number + i;
}

static void work_on_small_stack(int number, siginfo_t *info, void *context)
{
    (void)info, (void)context;
    touch_cells(cells_of_handler, number);
}

/* What the kernel says that it needs, and a page; below lies a page that faults. */
static void *use_small_stack(void *own)
{
    size_t size = (getauxval(AT_MINSIGSTKSZ) + ROOM_IN_HANDLER + PAGE - 1) / PAGE * PAGE;
    char *memory = mmap(NULL, PAGE + size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(memory != MAP_FAILED && mprotect(memory, PAGE, PROT_NONE) == 0);
    stack_t stack = {.ss_sp = memory + PAGE, .ss_size = size}, off = {.ss_flags = SS_DISABLE};
    MUST(sigaltstack(&stack, NULL) == 0);
    cells_of_handler = own;
    for (int i = 0; i < SIGNALS; i++)
        MUST(raise(SIGUSR1) == 0);
    MUST(sigaltstack(&off, NULL) == 0 && munmap(memory, PAGE + size) == 0);
    return NULL;
}

static void small_stacks(void)
{
    handle(SIGUSR1, work_on_small_stack, SA_ONSTACK);
    on_threads(use_small_stack);
}

/* Threads with as little as libc allows. */
static void small_threads(void)
{
    pthread_attr_t attributes;
    pthread_t thread;
    MUST(pthread_attr_init(&attributes) == 0 && pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN) == 0);
    for (int i = 0; i < SIGNALS; i++) {
        MUST(pthread_create(&thread, &attributes, jump_often, cells[0]) == 0);
        MUST(pthread_join(thread, NULL) == 0);
    }
    printf("  %ld\n", cells[0][5]);
}

/* ---- faults --------------------------------------------------------------------------------------------------------- */

/* Reads *from; two instructions that a handler can tell apart, in a function that is woven. */
long read_word(const long *from, long *to);
extern const char read_word_fault[], read_word_after[];
__asm__(".text\n.globl read_word\n.type read_word,@function\nread_word:\n.cfi_startproc\n\t"
        "movq (%rsi), %rax\n\taddq $1, %rax\n\tmovq %rax, (%rsi)\n"
        ".globl read_word_fault\nread_word_fault:\n\tmovq (%rdi), %rdx\n"
        ".globl read_word_after\nread_word_after:\n\taddq %rdx, %rax\n\tmovq %rax, 8(%rsi)\n\tret\n"
        ".cfi_endproc\n.size read_word,.-read_word\n");

/* As an emulator does: the value comes from the handler, and the instruction is stepped over. */
static void mend(int number, siginfo_t *info, void *memory)
{
    greg_t *registers = ((ucontext_t *)memory)->uc_mcontext.gregs;
    (void)number;
    MUST(registers[REG_RIP] == (greg_t)read_word_fault);
    MUST(registers[REG_RDI] == (greg_t)info->si_addr);
    registers[REG_RDX] = registers[REG_RDI] / 8;
    registers[REG_RIP] = (greg_t)read_word_after;
}

static void *fault_and_go_on(void *own)
{
    long *mine = own;
    for (long i = 1; i < ROUNDS; i++)
        mine[2] += read_word((const long *)(i * 8), mine);
    return NULL;
}

static void mended_faults(void)
{
    handle(SIGSEGV, mend, 0);
    on_threads(fault_and_go_on);
}

static __thread sigjmp_buf out_of_fault;

/* Leaves the fault for good, as a runtime does that turns it into an exception. */
static void leave(int number, siginfo_t *info, void *memory)
{
    (void)info, (void)memory;
    siglongjmp(out_of_fault, number);
}

static void *fault_and_leave(void *own)
{
    long *volatile mine = own;
    for (volatile long i = 1; i < ROUNDS / 4; i++)
        if (sigsetjmp(out_of_fault, 1) == 0)
            read_word((const long *)(i * 8), mine);
        else
            mine[3] += i;
    return NULL;
}

static void left_faults(void)
{
    handle(SIGSEGV, leave, 0);
    on_threads(fault_and_leave);
}

/* Where the page is opened, the same instruction is run again. */
static char *closed_page;

static void open_page(int number, siginfo_t *info, void *memory)
{
    (void)number, (void)memory;
    MUST((char *)info->si_addr >= closed_page && (char *)info->si_addr < closed_page + PAGE);
    MUST(mprotect(closed_page, PAGE, PROT_READ | PROT_WRITE) == 0);
}

static void *write_to_closed(void *own)
{
    long *mine = own, *there = (long *)(uintptr_t)closed_page;
    for (long i = 0; i < ROUNDS / 4; i++) {
        MUST(mprotect(closed_page, PAGE, i % 2 == 0 ? PROT_NONE : PROT_READ) == 0);
        there[i % CELLS] += i;
        mine[i % CELLS] += there[i % CELLS];
    }
    return NULL;
}

static void opened_pages(void)
{
    pthread_t thread;
    closed_page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(closed_page != MAP_FAILED);
    handle(SIGSEGV, open_page, 0);
    MUST(pthread_create(&thread, NULL, write_to_closed, cells[0]) == 0 && pthread_join(thread, NULL) == 0);
    printf("  %ld\n", cells[0][7]);
}

/* ---- a crash -------------------------------------------------------------------------------------------------------- */

extern const char __executable_start[], etext[];

static bool is_own(uintptr_t pc)
{
    return pc >= (uintptr_t)__executable_start && pc < (uintptr_t)etext;
}

/* As crash reporters do.  Only the program's own frames: those of the handler's caller are the kernel's and the tool's. */
static void report_crash(int number, siginfo_t *info, void *memory)
{
    void *frames[FRAMES_MAX];
    const greg_t *registers = ((ucontext_t *)memory)->uc_mcontext.gregs;
    int count = backtrace(frames, FRAMES_MAX), first = 0;
    while (first < count && (uintptr_t)frames[first] != (uintptr_t)registers[REG_RIP])
        first++;
    printf("  signal %d at %p, in +%#lx\n", number, info->si_addr, (long)registers[REG_RIP] - (long)__executable_start);
    for (int i = first; i < count; i++)
        if (is_own((uintptr_t)frames[i]))
            printf("  +%#lx\n", (long)frames[i] - (long)__executable_start);
    fflush(stdout);
    signal(number, SIG_DFL);
    raise(number);
}

__attribute__((noinline)) static long crash_below(long *own, long depth)
{
    own[depth] += depth;
    if (depth == 0)
        return read_word((const long *)24, own);
    return crash_below(own, depth - 1) + own[depth];
}

static void *crash_in_thread(void *own)
{
    crash_below(own, 6);
    return NULL;
}

static void crash(void)
{
    void *warm[1];
    backtrace(warm, 1); /* loads the unwinder */
    handle(SIGSEGV, report_crash, 0);
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, crash_in_thread, cells[0]) == 0 && pthread_join(thread, NULL) == 0);
}

/* ---- raw threads ---------------------------------------------------------------------------------------------------- */

enum { RAW_STACK = 64 << 10, RAW_CELLS = 1 << 19, RAW_FLAGS = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND };

static long raw_cells[THREADS + 1][RAW_CELLS];

/* Each step is the first to a cell. */
__attribute__((noinline)) static void count_up(long *own)
{
    long a = 1, b = 2, c = 3;
    for (long i = 0; i < RAW_CELLS; i++) {
        a += b ^ i;
        b = a * 3 + c;
        c -= a;
        own[(i * 7919) % RAW_CELLS] += a + b;
    }
}

static int be_raw(void *own)
{
    count_up(own);
    return 0;
}

static void wait_for_end(const atomic_int *tid)
{
    int still = 0;
    while ((still = *tid) != 0)
        syscall(SYS_futex, tid, FUTEX_WAIT, still, NULL, NULL, 0);
}

/* Threads of clone() beside one another and beside the thread that made them; no library knows of them. */
static void *make_raw(void *unused)
{
    static atomic_int tids[THREADS];
    static char stacks[THREADS][RAW_STACK] __attribute__((aligned(16)));
    for (int i = 0; i < THREADS; i++) {
        tids[i] = 1;
        MUST(clone(be_raw, stacks[i] + RAW_STACK, RAW_FLAGS | CLONE_SYSVSEM | CLONE_THREAD | CLONE_CHILD_CLEARTID,
                   raw_cells[i], NULL, NULL, &tids[i]) > 0);
    }
    count_up(raw_cells[THREADS]);
    for (int i = 0; i < THREADS; i++)
        wait_for_end(&tids[i]);
    return unused;
}

static void raw_threads(void)
{
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, make_raw, NULL) == 0 && pthread_join(thread, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        MUST(memcmp(raw_cells[i], raw_cells[THREADS], sizeof raw_cells[i]) == 0);
    printf("  %ld\n", raw_cells[0][RAW_CELLS - 1]);
}

/* The same by an instruction of this program's own: what stands on the new stack is called there. */
__attribute__((noinline)) static long clone_here(unsigned long flags, char *top, int (*routine)(void *), void *argument,
                                                 atomic_int *tid)
{
    long result = SYS_clone;
    void **place = (void **)(void *)top - 2;
    register atomic_int *child_tid __asm__("r10") = tid;
    register long storage __asm__("r8") = 0;
    place[0] = (void *)(uintptr_t)routine;
    place[1] = argument;
    __asm__ volatile("syscall\n\ttest %%rax, %%rax\n\tjnz 1f\n\t"
                     "xor %%ebp, %%ebp\n\tpop %%rax\n\tpop %%rdi\n\tcall *%%rax\n\t"
                     "mov %%eax, %%edi\n\tmov $60, %%eax\n\tsyscall\n1:"
                     : "+a"(result)
                     : "D"(flags), "S"(place), "d"(NULL), "r"(child_tid), "r"(storage)
                     : "rcx", "r11", "memory");
    return result;
}

static void *make_by_instruction(void *unused)
{
    static atomic_int tids[THREADS];
    static char stacks[THREADS][RAW_STACK] __attribute__((aligned(16)));
    for (int i = 0; i < THREADS; i++) {
        tids[i] = 1;
        MUST(clone_here(RAW_FLAGS | CLONE_SYSVSEM | CLONE_THREAD | CLONE_CHILD_CLEARTID, stacks[i] + RAW_STACK, be_raw,
                        raw_cells[i], &tids[i]) > 0);
    }
    count_up(raw_cells[THREADS]);
    for (int i = 0; i < THREADS; i++)
        wait_for_end(&tids[i]);
    return unused;
}

static void raw_instructions(void)
{
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, make_by_instruction, NULL) == 0 && pthread_join(thread, NULL) == 0);
    for (int i = 0; i < THREADS; i++)
        MUST(memcmp(raw_cells[i], raw_cells[THREADS], sizeof raw_cells[i]) == 0);
    printf("  %ld\n", raw_cells[0][RAW_CELLS - 1]);
}

/* Two threads that libc knows, and between them one that it does not: what the one wrote the other reads. */
static long handed_over[CELLS];
static atomic_int given, passed;

static void wait_for(const atomic_int *flag)
{
    while (atomic_load_explicit(flag, memory_order_acquire) == 0)
        sched_yield();
}

static int pass_on(void *unused)
{
    (void)unused;
    wait_for(&given);
    atomic_store_explicit(&passed, 1, memory_order_release);
    return 0;
}

static void *give(void *unused)
{
    for (int i = 0; i < CELLS; i++)
        handed_over[i] = i;
    atomic_store_explicit(&given, 1, memory_order_release);
    return unused;
}

static void *take(void *own)
{
    long *sum = own;
    wait_for(&passed);
    for (int i = 0; i < CELLS; i++)
        *sum += handed_over[i]++;
    return NULL;
}

static void raw_hand_over(void)
{
    static char stack[RAW_STACK] __attribute__((aligned(16)));
    static atomic_int tid = 1;
    pthread_t taker, giver;
    MUST(pthread_create(&taker, NULL, take, cells[0]) == 0);
    MUST(clone(pass_on, stack + RAW_STACK, RAW_FLAGS | CLONE_SYSVSEM | CLONE_THREAD | CLONE_CHILD_CLEARTID, NULL, NULL,
               NULL, &tid) > 0);
    MUST(pthread_create(&giver, NULL, give, NULL) == 0);
    MUST(pthread_join(taker, NULL) == 0 && pthread_join(giver, NULL) == 0);
    wait_for_end(&tid);
    printf("  %ld\n", cells[0][0]);
}

/* ---- raw processes -------------------------------------------------------------------------------------------------- */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool is_enough;

static int lock_often(void *count)
{
    for (int i = 0; i < 20 * ROUNDS; i++) {
        MUST(pthread_mutex_lock(&mutex) == 0);
        ++*(long *)count;
        MUST(pthread_mutex_unlock(&mutex) == 0);
    }
    is_enough = true;
    return 3;
}

static void *lock_meanwhile(void *count)
{
    while (!is_enough) {
        MUST(pthread_mutex_lock(&mutex) == 0);
        ++*(long *)count;
        MUST(pthread_mutex_unlock(&mutex) == 0);
    }
    return NULL;
}

static void wait_and_show(const char *what, pid_t child, const long *count)
{
    int status = -1;
    MUST(child > 0 && waitpid(child, &status, 0) == child);
    printf("  %s: status %#x, %ld\n", what, (unsigned)status, *count);
}

/* The maker's thread-local storage is the child's, and so is its place in what the library knows. */
static void raw_processes(void)
{
    static char stack[RAW_STACK] __attribute__((aligned(16)));
    static long count, others;
    pthread_t thread;
    MUST(pthread_create(&thread, NULL, lock_meanwhile, &others) == 0);
    pid_t child = clone(lock_often, stack + RAW_STACK, RAW_FLAGS | SIGCHLD, &count);
    lock_meanwhile(&others);
    wait_and_show("memory shared", child, &count);
    MUST(pthread_join(thread, NULL) == 0);
    wait_and_show("memory copied", clone(lock_often, stack + RAW_STACK, SIGCHLD, &count), &count);
    child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0)
        _exit(lock_often(&count) + 1);
    wait_and_show("by its number", child, &count);
    lock_often(&count);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } parts[] = {{"jumps", jumps},
                 {"fibers", fibers},
                 {"small_stacks", small_stacks},
                 {"small_threads", small_threads},
                 {"mended_faults", mended_faults},
                 {"left_faults", left_faults},
                 {"opened_pages", opened_pages},
                 {"crash", crash},
                 {"raw_threads", raw_threads},
                 {"raw_instructions", raw_instructions},
                 {"raw_hand_over", raw_hand_over},
                 {"raw_processes", raw_processes}};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (argc == 2 && strcmp(argv[1], parts[i].name) == 0)
            parts[i].run();
    return 0;
}
