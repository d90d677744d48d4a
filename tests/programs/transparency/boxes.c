/* boxes.c: threads, and a library that uses the GS register (boxed.c). */
#include <pthread.h>
#include <stdio.h>

int boxed_sum(int (*next)(int value), int count);

static int added[8];

static int add(int value)
{
    added[value & 7] += value;
    return value + added[(value + 1) & 7];
}

static void *run(void *arg)
{
    printf("%d\n", boxed_sum(add, 10));
    return arg;
}

int main(void)
{
    pthread_t thread;
    for (int i = 0; i < 3; i++) {
        if (pthread_create(&thread, NULL, run, NULL) != 0 || pthread_join(thread, NULL) != 0)
            return 1;
        run(NULL);
    }
    return 0;
}
