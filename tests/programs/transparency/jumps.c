/* jumps.c: longjmp over locked functions and fibers of swapcontext that share locks, on several threads. */
#include "show.h"
#include <pthread.h>
#include <setjmp.h>
#include <ucontext.h>

#define FIBERS      3
#define STACK_BYTES (64 * 1024)

struct scheduler {
    ucontext_t home, fibers[FIBERS];
    char stacks[FIBERS][STACK_BYTES];
    int current, left;
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long total;

static void leave(jmp_buf *back)
{
    longjmp(*back, 5);
}

static void lock_and_leave(jmp_buf *back)
{
    pthread_mutex_lock(&mutex);
    leave(back);
    puts("not reached");
}

static void jump_with_lock(void)
{
    jmp_buf back;
    int value = setjmp(back);
    if (value == 0)
        lock_and_leave(&back);
    pthread_mutex_unlock(&mutex); /* still held after the jump */
    printf("jumped with %d\n", value);
}

static void fiber(unsigned low, unsigned high)
{
    struct scheduler *scheduler = (struct scheduler *)(((unsigned long)high << 32) | low);
    int self = scheduler->current;
    for (int i = 0; i < 100; i++) {
        pthread_mutex_lock(&mutex);
        total += self + 1;
        pthread_mutex_unlock(&mutex);
        scheduler->current = (self + 1) % FIBERS;
        swapcontext(&scheduler->fibers[self], &scheduler->fibers[scheduler->current]);
    }
    scheduler->left--;
}

static void *run_fibers(void *unused)
{
    struct scheduler *scheduler = calloc(1, sizeof *scheduler);
    MUST(scheduler);
    scheduler->left = FIBERS;
    unsigned long address = (unsigned long)scheduler;
    for (int i = 0; i < FIBERS; i++) {
        ucontext_t *context = &scheduler->fibers[i];
        MUST(getcontext(context) == 0);
        context->uc_stack.ss_sp = scheduler->stacks[i];
        context->uc_stack.ss_size = STACK_BYTES;
        context->uc_link = &scheduler->home;
        makecontext(context, (void (*)(void))fiber, 2, (unsigned)address, (unsigned)(address >> 32));
    }
    while (scheduler->left > 0) {
        scheduler->current = FIBERS - scheduler->left;
        swapcontext(&scheduler->home, &scheduler->fibers[scheduler->current]);
    }
    free(scheduler);
    return unused;
}

int main(void)
{
    pthread_t threads[2];
    jump_with_lock();
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, run_fibers, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("total %ld\n", total);
    return 0;
}
