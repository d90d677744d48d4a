/* odd_frames.c: calls from frames whose unwind information is wrong, as it is beside hand-written assembly and generated
 * code: it claims that the frame stands wherever %rbp happens to point. */
#include "show.h"
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* Calls `function` with `argument` while %rbp is `rbp`. */
long call_with_rbp(int (*function)(pthread_mutex_t *), pthread_mutex_t *argument, uintptr_t rbp);

__asm__(".text\n"
        ".type call_with_rbp, @function\n"
        "call_with_rbp:\n"
        "    .cfi_startproc\n"
        "    pushq %rbp\n"
        "    movq %rdx, %rbp\n"
        "    .cfi_def_cfa rbp, 0\n" /* not true */
        "    movq %rdi, %rax\n"
        "    movq %rsi, %rdi\n"
        "    callq *%rax\n"
        "    popq %rbp\n"
        "    .cfi_def_cfa rsp, 8\n"
        "    cltq\n"
        "    retq\n"
        "    .cfi_endproc\n"
        ".size call_with_rbp, . - call_with_rbp\n");

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static uintptr_t closed_page;

enum { PLACES = 8 };
static const intptr_t offsets[] = {-16, -8, -1, 0, 1, 7, 8, 16};

/* Places where a frame could seem to stand: the ends of memory, a page that cannot be read, the ends of this stack. */
static uintptr_t place(unsigned number)
{
    pthread_attr_t attributes;
    void *low;
    size_t size;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstack(&attributes, &low, &size);
    pthread_attr_destroy(&attributes);
    uintptr_t places[PLACES] = {0,
                                4096,
                                closed_page,
                                (uintptr_t)low,
                                (uintptr_t)low + size,
                                (uintptr_t)&low,
                                (uintptr_t)place,
                                (uintptr_t)&mutex};
    return places[number];
}

static void *call_from(void *rbp)
{
    long sum = call_with_rbp(pthread_mutex_lock, &mutex, (uintptr_t)rbp);
    return (void *)(sum + call_with_rbp(pthread_mutex_unlock, &mutex, (uintptr_t)rbp));
}

static void *call_from_place(void *number)
{
    uintptr_t each = (uintptr_t)number;
    return call_from((void *)(place((unsigned)(each / 8)) + (uintptr_t)offsets[each % 8]));
}

/* In a process of its own, which has no stack remembered from another place.  Returns: its status. */
static int in_a_child(uintptr_t number, int on_a_thread)
{
    fflush(stdout);
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0) {
        pthread_t thread;
        void *result;
        if (on_a_thread) {
            must(pthread_create(&thread, NULL, call_from_place, (void *)number) == 0, "pthread_create");
            must(pthread_join(thread, &result) == 0, "pthread_join");
        } else
            result = call_from_place((void *)number);
        _exit((int)(intptr_t)result);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

int main(void)
{
    closed_page = (uintptr_t)mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(closed_page != (uintptr_t)MAP_FAILED, "mmap");
    for (uintptr_t number = 0; number < PLACES * sizeof offsets / sizeof *offsets; number++)
        printf("%zu: %d %d\n", (size_t)number, in_a_child(number, 0), in_a_child(number, 1));
    return 0;
}
