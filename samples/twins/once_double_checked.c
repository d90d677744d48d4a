/* expect: needs-weaving */
/* Once: the first check reads a plain pointer, without an acquire. */
#include "twin.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct config {
    int size;
} storage, *config;
static struct config *get(void)
{
    if (!*(struct config *volatile *)&config) {
        pthread_mutex_lock(&mutex);
        if (!config) {
            storage.size = 8;
            config = &storage;
        }
        pthread_mutex_unlock(&mutex);
    }
    return config;
}

static void *body(void *arg)
{
    printf("%d\n", get()->size);
    return arg;
}

int main(void)
{
    run_two(body, body);
    return 0;
}
