/* fibers.c: contexts that wander among threads, each with locks of its own stack and of the heap; everything is handed
 * over by a queue, so nothing is wrong. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { FIBERS = 24, THREADS = 4, HOPS = 200, STACK_SIZE = 128 * 1024 };

struct fiber {
    ucontext_t context;
    int hops, done;
    struct fiber *next;
    pthread_mutex_t *heap_lock;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct fiber *first;
    int live;
} queue = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .live = FIBERS};

/* Where the thread that runs a fiber goes on; read anew after each hop, for it may be another thread then. */
static _Thread_local ucontext_t *scheduler;

__attribute__((noinline)) static ucontext_t *current_scheduler(void)
{
    __asm__ volatile("");
    return scheduler;
}

static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static long total;

static void hop(struct fiber *fiber)
{
    swapcontext(&fiber->context, current_scheduler());
}

static void run_fiber(unsigned low, unsigned high)
{
    struct fiber *fiber = (struct fiber *)((unsigned long)low | (unsigned long)high << 32);
    for (int i = 0; i < HOPS; i++) {
        pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
        pthread_mutex_lock(&own);
        pthread_mutex_lock(fiber->heap_lock);
        pthread_mutex_lock(&shared_lock);
        total++;
        pthread_mutex_unlock(&shared_lock);
        pthread_mutex_unlock(fiber->heap_lock);
        pthread_mutex_unlock(&own);
        hop(fiber);
    }
    fiber->done = 1;
    setcontext(current_scheduler());
}

static struct fiber *take(void)
{
    pthread_mutex_lock(&queue.lock);
    while (queue.first == NULL && queue.live > 0)
        pthread_cond_wait(&queue.changed, &queue.lock);
    struct fiber *fiber = queue.first;
    if (fiber != NULL)
        queue.first = fiber->next;
    pthread_mutex_unlock(&queue.lock);
    return fiber;
}

static void give_back(struct fiber *fiber)
{
    pthread_mutex_lock(&queue.lock);
    if (fiber->done) {
        queue.live--;
    } else {
        struct fiber **end = &queue.first;
        while (*end != NULL)
            end = &(*end)->next;
        fiber->next = NULL;
        *end = fiber;
    }
    pthread_cond_broadcast(&queue.changed);
    pthread_mutex_unlock(&queue.lock);
}

static void *run_scheduler(void *unused)
{
    ucontext_t here;
    /* An object on the thread's own stack, which the fibers' frames, above or below, must not end. */
    pthread_mutex_t own = PTHREAD_MUTEX_INITIALIZER;
    struct fiber *fiber;
    scheduler = &here;
    while ((fiber = take()) != NULL) {
        pthread_mutex_lock(&own);
        swapcontext(&here, &fiber->context);
        pthread_mutex_unlock(&own);
        give_back(fiber);
    }
    return unused;
}

static void make_fiber(struct fiber *fiber)
{
    char *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    fiber->heap_lock = malloc(sizeof *fiber->heap_lock);
    pthread_mutex_init(fiber->heap_lock, NULL);
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = stack;
    fiber->context.uc_stack.ss_size = STACK_SIZE;
    makecontext(&fiber->context, (void (*)(void))run_fiber, 2, (unsigned)(unsigned long)fiber,
                (unsigned)((unsigned long)fiber >> 32));
    give_back(fiber);
}

int main(void)
{
    static struct fiber fibers[FIBERS];
    pthread_t threads[THREADS];
    for (int i = 0; i < FIBERS; i++)
        make_fiber(&fibers[i]);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, run_scheduler, NULL);
    run_scheduler(NULL); /* the first thread's own stack lies above every fiber's */
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < FIBERS; i++)
        free(fibers[i].heap_lock);
    printf("total %ld\n", total);
    return 0;
}
