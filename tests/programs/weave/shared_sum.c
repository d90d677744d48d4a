/* Several threads work on memory of their own and on shared memory under a lock; the result is the same every time. */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, WORDS = 4096, ROUNDS = 50 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t total[WORDS];

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t step(uint64_t x)
{
    x ^= x << 13;
    x ^= x >> 7;
    return x ^ x << 17;
}

static void *work(void *argument)
{
    uint64_t *own = malloc(WORDS * sizeof *own), x = (uint64_t)(uintptr_t)argument;
    for (int round = 0; own != NULL && round < ROUNDS; round++) {
        for (int i = 0; i < WORDS; i++)
            own[i] = x = step(x);
        qsort(own, WORDS, sizeof *own, compare);
        pthread_mutex_lock(&lock);
        for (int i = 0; i < WORDS; i++)
            total[i] += own[i];
        pthread_mutex_unlock(&lock);
    }
    free(own);
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, work, (void *)(i + 1)) != 0)
            return 1;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    uint64_t hash = 0;
    for (int i = 0; i < WORDS; i++)
        hash = step(hash ^ total[i]);
    printf("%016llx\n", (unsigned long long)hash);
    return 0;
}
