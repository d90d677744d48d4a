/* Processes, signals, memory, modules, contexts. */
#include "engage.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* ---- memory that goes with a lock in it ---- */

static void *memory_with_mutex(size_t size)
{
    void *memory = malloc(size);
    pthread_mutex_init(memory, NULL);
    return memory;
}

enum { SMALL = 64, LARGE = 1 << 24 };

ENGAGE(free, "free", "event free")
{
    void *memory = memory_with_mutex(SMALL);
    begin();
    free(memory);
}

ENGAGE(realloc, "realloc", "event free")
{
    void *memory = memory_with_mutex(SMALL);
    begin();
    free(realloc(memory, LARGE));
}

ENGAGE(reallocarray, "reallocarray", "event free")
{
    void *memory = memory_with_mutex(SMALL);
    begin();
    free(reallocarray(memory, LARGE / SMALL, SMALL));
}

ENGAGE(munmap, "munmap", "event unmap")
{
    void *memory = mmap(NULL, SMALL, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    pthread_mutex_init(memory, NULL);
    begin();
    munmap(memory, SMALL);
}

/* A hook that only passes on while accesses are not checked. */
#define BOUND_ENGAGEMENT(name, ...)                                                                                    \
    ENGAGE(name, #name, "bound")                                                                                       \
    {                                                                                                                  \
        void *memory = NULL;                                                                                           \
        __VA_ARGS__;                                                                                                   \
        if (memory == NULL || memory == MAP_FAILED)                                                                    \
            abort();                                                                                                   \
    }

BOUND_ENGAGEMENT(malloc, memory = malloc(SMALL))
BOUND_ENGAGEMENT(calloc, memory = calloc(SMALL, 1))
BOUND_ENGAGEMENT(aligned_alloc, memory = aligned_alloc(SMALL, SMALL))
BOUND_ENGAGEMENT(posix_memalign, if (posix_memalign(&memory, SMALL, SMALL) != 0) memory = NULL)
BOUND_ENGAGEMENT(memalign, memory = memalign(SMALL, SMALL))
BOUND_ENGAGEMENT(valloc, memory = valloc(SMALL))
BOUND_ENGAGEMENT(pvalloc, memory = pvalloc(SMALL))
BOUND_ENGAGEMENT(mmap, memory = mmap(NULL, SMALL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
BOUND_ENGAGEMENT(mmap64, memory = mmap64(NULL, SMALL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
BOUND_ENGAGEMENT(mremap, memory = mmap(NULL, SMALL, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
                 memory = mremap(memory, SMALL, SMALL, MREMAP_MAYMOVE))

/* ---- processes ---- */

static void do_nothing(void)
{
}

ENGAGE(register_atfork, "__register_atfork", "bound")
{
    pthread_atfork(NULL, NULL, do_nothing);
}

ENGAGE(_Fork, "_Fork", "child child")
{
    begin();
    pid_t child = _Fork();
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
}

static char program[] = "/bin/true";
static char *arguments[] = {program, NULL};

static int return_seven(void *unused)
{
    (void)unused;
    return 7;
}

static int wait_for_clone(__typeof__(clone) *make, int flags)
{
    static char stack[1 << 16] __attribute__((aligned(16)));
    int status = -1;
    pid_t child = make(return_seven, stack + sizeof stack, flags | SIGCHLD, NULL);
    waitpid(child, &status, 0);
    return status;
}

ENGAGE(clone, "clone", "record \"raw-threads\"")
{
    begin();
    wait_for_clone(clone, CLONE_VM);
}

ENGAGE(__clone, "__clone", "record \"raw-threads\"")
{
    FOUND(clone, __clone, NULL);
    begin();
    wait_for_clone(__clone_found, CLONE_VM);
}

ENGAGE(execve, "execve", "record \"exec\"")
{
    execve(program, arguments, environ);
}

ENGAGE(execv, "execv", "record \"exec\"")
{
    execv(program, arguments);
}

ENGAGE(execvp, "execvp", "record \"exec\"")
{
    execvp(program, arguments);
}

ENGAGE(execvpe, "execvpe", "record \"exec\"")
{
    execvpe(program, arguments, environ);
}

ENGAGE(fexecve, "fexecve", "record \"exec\"")
{
    fexecve(open(program, O_RDONLY | O_CLOEXEC), arguments, environ);
}

ENGAGE(execveat, "execveat", "record \"exec\"")
{
    execveat(AT_FDCWD, program, arguments, environ, 0);
}

ENGAGE(execl, "execl", "record \"exec\"")
{
    execl(program, program, (char *)NULL);
}

ENGAGE(execlp, "execlp", "record \"exec\"")
{
    execlp(program, program, (char *)NULL);
}

ENGAGE(execle, "execle", "record \"exec\"")
{
    execle(program, program, (char *)NULL, environ);
}

ENGAGE(_exit, "_exit", "event quit")
{
    begin();
    _exit(0);
}

ENGAGE(_Exit, "_Exit", "event quit")
{
    begin();
    _Exit(0);
}

/* ---- signals ---- */

static void handle(int number)
{
    (void)number;
}

ENGAGE(sigaction, "sigaction", "event sigenter")
{
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGUSR1, &action, NULL);
    begin();
    raise(SIGUSR1);
}

#define SIGNAL_ENGAGEMENT(name)                                                                                        \
    ENGAGE(name, #name, "event sigenter")                                                                              \
    {                                                                                                                  \
        FOUND(signal, name, NULL);                                                                                     \
        name##_found(SIGUSR1, handle);                                                                                 \
        begin();                                                                                                       \
        raise(SIGUSR1);                                                                                                \
    }

SIGNAL_ENGAGEMENT(signal)
SIGNAL_ENGAGEMENT(bsd_signal)
SIGNAL_ENGAGEMENT(ssignal)
SIGNAL_ENGAGEMENT(sysv_signal)
SIGNAL_ENGAGEMENT(__sysv_signal)
SIGNAL_ENGAGEMENT(sigset)

/* ---- modules ---- */

ENGAGE(dlopen, "dlopen", "bound")
{
    dlclose(dlopen(ENGAGE_PLUGIN, RTLD_NOW));
}

ENGAGE(dlmopen, "dlmopen", "bound")
{
    dlclose(dlmopen(LM_ID_BASE, ENGAGE_PLUGIN, RTLD_NOW));
}

ENGAGE(dlclose, "dlclose", "event unmap")
{
    void *plugin = dlopen(ENGAGE_PLUGIN, RTLD_NOW);
    pthread_mutex_t *mutex = dlsym(plugin, "plugin_mutex");
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
    begin();
    dlclose(plugin);
}

/* ---- contexts ---- */

static ucontext_t here, there;
static char stack[1 << 16];

static void come_back(void)
{
    setcontext(&here);
}

static void make_context(void (*routine)(void))
{
    getcontext(&there);
    there.uc_stack = (stack_t){.ss_sp = stack, .ss_size = sizeof stack};
    there.uc_link = &here;
    makecontext(&there, routine, 0);
}

ENGAGE(swapcontext, "swapcontext", "event send")
{
    make_context(do_nothing);
    begin();
    swapcontext(&here, &there);
}

/* The first receipt is that of swapcontext(), from the other context. */
ENGAGE(setcontext, "setcontext", "event recv 2 times")
{
    make_context(come_back);
    begin();
    swapcontext(&here, &there);
}
