/* expect: lock-order-inversion at=list_users@groups_after_users at=list_groups@users_after_groups */
/* Two readers in opposite orders never block each other, as long as readers are always let in.  These locks prefer
 * writers: once a writer waits, new readers queue behind it.  With a writer waiting at each lock, both readers are
 * stuck. Mended in rwlock_readers_ok.c.
 */
#define _GNU_SOURCE 1
#include "stage.h"
#include <pthread.h>

static pthread_rwlock_t users, groups;

static void *list_users(void *unused)
{
    pthread_rwlock_rdlock(&users);
    pthread_rwlock_rdlock(&groups); /* @groups_after_users */
    pthread_rwlock_unlock(&groups);
    pthread_rwlock_unlock(&users);
    stage_advance();
    return unused;
}

static void *list_groups(void *unused)
{
    stage_await(1);
    pthread_rwlock_rdlock(&groups);
    pthread_rwlock_rdlock(&users); /* @users_after_groups */
    pthread_rwlock_unlock(&users);
    pthread_rwlock_unlock(&groups);
    return unused;
}

int main(void)
{
    pthread_rwlockattr_t kind;
    pthread_rwlockattr_init(&kind);
    pthread_rwlockattr_setkind_np(&kind, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
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
