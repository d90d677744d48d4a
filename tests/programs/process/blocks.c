/* blocks.c: memory whose objects end with it, undestroyed and unheld, and is used again for others of its kind. */
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ROUNDS = 200, PAGES = 64, PAGE = 4096 };

static void use(pthread_mutex_t *mutex)
{
    pthread_mutex_init(mutex, NULL);
    pthread_mutex_lock(mutex);
    pthread_mutex_unlock(mutex);
}

/* The same place again and again, first a mutex, then a semaphore, never destroyed. */
static void freed(size_t size, size_t offset)
{
    for (int i = 0; i < ROUNDS; i++) {
        char *block = malloc(size);
        use((pthread_mutex_t *)(void *)(block + offset));
        free(block);
        block = malloc(size);
        sem_init((sem_t *)(void *)(block + offset), 0, 0);
        sem_post((sem_t *)(void *)(block + offset));
        free(block);
    }
}

static void resized(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        char *block = malloc(64);
        use((pthread_mutex_t *)(void *)block);
        char *fence = malloc(64); /* so that the block must move */
        block = reallocarray(block, 1000, 64);
        memset(block, 0, 64000);
        use((pthread_mutex_t *)(void *)block);
        block = realloc(block, 32000); /* stays, and its mutex with it */
        pthread_mutex_lock((pthread_mutex_t *)(void *)block);
        pthread_mutex_unlock((pthread_mutex_t *)(void *)block);
        free(fence);
        free(block);
    }
    volatile size_t too_many = SIZE_MAX / 2;
    if (reallocarray(NULL, too_many, 16) != NULL)
        puts("FAILED: an overflow was not seen");
}

static void unmapped(void)
{
    for (int i = 0; i < ROUNDS; i++) {
        char *block = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (i % 2 == 0)
            use((pthread_mutex_t *)(void *)(block + (PAGES - 1) * PAGE));
        else
            sem_init((sem_t *)(void *)(block + (PAGES - 1) * PAGE), 0, 1);
        munmap(block, PAGES * PAGE);
    }
}

int main(void)
{
    freed(sizeof(pthread_mutex_t), 0);
    freed(100000, 50000);
    freed(10 << 20, 9 << 20);
    resized();
    unmapped();
    puts("blocks");
    return 0;
}
