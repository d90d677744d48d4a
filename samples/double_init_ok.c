/* expect: none */
/* pthread_once() runs the initialisation exactly once, whoever comes first.  The bug is in double_init_bug.c. */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t registry_lock;
static int entries;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void registry_init(void)
{
    pthread_mutex_init(&registry_lock, NULL);
    entries = 0;
}

static void registry_open(void)
{
    pthread_once(&once, registry_init);
}

static void registry_add(void)
{
    pthread_mutex_lock(&registry_lock);
    entries++;
    pthread_mutex_unlock(&registry_lock);
}

int main(void)
{
    registry_open();
    registry_add();
    registry_open();
    registry_add();
    printf("%d entries\n", entries);
    return 0;
}
