/* expect: data-race at=guard@reads at=main@frees */
/* needs-weaving */
/* The settings are freed while the guard may still be reading them.  Mostly nothing happens: the memory is there until
 * somebody else gets it.  Mended in race_free_ok.c.
 */
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
    walked = settings->rounds; /* @reads */
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
    free(settings); /* @frees */
    pthread_join(thread, NULL);
    puts(walked <= planned ? "all is well" : "a ghost");
    return 0;
}
