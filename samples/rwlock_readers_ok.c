/* expect: none */
/* Two readers in opposite orders, on locks of the default kind: a waiting writer does not keep readers out, so shared
 * holds alone can never close a circle.  The same code on locks that prefer writers is rwlock_readers_bug.c.
 */
#define _GNU_SOURCE 1
#include "stage.h"
#include <pthread.h>

static pthread_rwlock_t users, groups;

static void *list_users(void *unused)
{
    pthread_rwlock_rdlock(&users);
    pthread_rwlock_rdlock(&groups);
    pthread_rwlock_unlock(&groups);
    pthread_rwlock_unlock(&users);
    stage_advance();
    return unused;
}

static void *list_groups(void *unused)
{
    stage_await(1);
    pthread_rwlock_rdlock(&groups);
    pthread_rwlock_rdlock(&users);
    pthread_rwlock_unlock(&users);
    pthread_rwlock_unlock(&groups);
    return unused;
}

int main(void)
{
    pthread_rwlockattr_t kind;
    pthread_rwlockattr_init(&kind);
    pthread_rwlock_init(&users, &kind);
    pthread_rwlock_init(&groups, &kind);
    pthread_rwlockattr_destroy(&kind);

    pthread_t a, b;
    pthread_create(&a, NULL, list_users, NULL);
    pthread_create(&b, NULL, list_groups, NULL);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    pthread_rwlock_destroy(&users);
    pthread_rwlock_destroy(&groups);
    puts("both lists are printed");
    return 0;
}
