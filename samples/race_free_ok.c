/* expect: none */
/* The settings are freed after the guard has ended.  The bug is in race_free_bug.c. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct settings {
    char name[32];
    int rounds;
};
static int walked;

static void *guard(void *argument)
{
    const struct settings *settings = argument;
    walked = settings->rounds;
    return NULL;
}

int main(void)
{
    pthread_t thread;
    struct settings *settings = calloc(1, sizeof *settings);
    if (!settings)
        return 1;
    settings->rounds = 3;
    pthread_create(&thread, NULL, guard, settings);
    int planned = settings->rounds;
    pthread_join(thread, NULL);
    free(settings);
    puts(walked <= planned ? "all is well" : "a ghost");
    return 0;
}
