/* expect: double-init at=registry_open@init */
/* Each caller of registry_open() initialises the one global mutex again.  Who holds it at that moment holds nothing
 * afterwards. Mended in double_init_ok.c.
 */
#include <pthread.h>
#include <stdio.h>

static pthread_mutex_t registry_lock;
static int entries;

static void registry_open(void)
{
    pthread_mutex_init(&registry_lock, NULL); /* @init */
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
