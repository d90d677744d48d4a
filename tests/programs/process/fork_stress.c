/* fork_stress.c: forks while other threads make every kind of call that a checker has to note: new objects, new locks'
 * orders, new stacks, new threads.  In the child all of it must work at once. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { THREADS = 4, FORKS = 150, CHILD_ROUNDS = 20, CHILD_LIMIT_S = 30 };

static atomic_bool stop;

/* Makes, nests, uses and ends fresh objects, by way of stacks of different depth. */
__attribute__((noinline)) static int use_objects(int depth)
{
    if (depth > 0)
        return use_objects(depth - 1) + 1;
    pthread_mutex_t *outer = malloc(sizeof *outer), inner = PTHREAD_MUTEX_INITIALIZER;
    pthread_rwlock_t rwlock;
    sem_t sem;
    pthread_mutex_init(outer, NULL);
    pthread_rwlock_init(&rwlock, NULL);
    sem_init(&sem, 0, 1);
    pthread_mutex_lock(outer);
    pthread_mutex_lock(&inner);
    pthread_rwlock_rdlock(&rwlock);
    sem_wait(&sem);
    sem_post(&sem);
    pthread_rwlock_unlock(&rwlock);
    pthread_mutex_unlock(&inner);
    pthread_mutex_unlock(outer);
    pthread_mutex_destroy(outer);
    pthread_mutex_destroy(&inner);
    pthread_rwlock_destroy(&rwlock);
    sem_destroy(&sem);
    free(outer);
    return 0;
}

static void *do_nothing(void *unused)
{
    return unused;
}

static void *keep_busy(void *unused)
{
    for (int i = 0; !stop; i++) {
        pthread_t thread;
        use_objects(i % 7);
        if (i % 50 == 0 && pthread_create(&thread, NULL, do_nothing, NULL) == 0)
            pthread_join(thread, NULL);
    }
    return unused;
}

static void be_child(void)
{
    alarm(CHILD_LIMIT_S); /* a child that hangs ends by SIGALRM, and its parent says so */
    for (int i = 0; i < CHILD_ROUNDS; i++)
        use_objects(i % 7);
    pthread_t thread;
    int status = 1;
    if (pthread_create(&thread, NULL, keep_busy, NULL) == 0) {
        stop = true;
        status = pthread_join(thread, NULL);
    }
    _exit(status);
}

int main(void)
{
    pthread_t threads[THREADS];
    int failed = 0;
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, keep_busy, NULL);
    for (int i = 0; i < FORKS; i++) {
        int status = 0;
        pid_t child = i % 10 == 9 ? _Fork() : fork();
        if (child == 0) {
            if (i % 10 == 9)
                _exit(0); /* _Fork() promises only what a signal handler may do */
            be_child();
        }
        waitpid(child, &status, 0);
        if (status != 0) {
            printf("FAILED: child %d ended with status %#x\n", i, (unsigned)status);
            failed = 1;
        }
    }
    stop = true;
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("%d children\n", FORKS);
    return failed;
}
