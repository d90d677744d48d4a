/* expect: none */
/* EOWNERDEAD: repair what the dead owner left half done, say so by pthread_mutex_consistent(), go on.  The bug is in
 * robust_mutex_bug.c.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct account {
    pthread_mutex_t lock;
    long balance;
};

static struct account *account_share(void)
{
    pthread_mutexattr_t kind;
    struct account *account = mmap(NULL, sizeof *account, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (account == MAP_FAILED)
        abort();
    pthread_mutexattr_init(&kind);
    pthread_mutexattr_setpshared(&kind, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&kind, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(&account->lock, &kind);
    pthread_mutexattr_destroy(&kind);
    return account;
}

__attribute__((noinline)) static int account_lock(struct account *account)
{
    int error = pthread_mutex_lock(&account->lock);
    if (error == EOWNERDEAD) {
        account->balance = 0;
        pthread_mutex_consistent(&account->lock);
        error = 0;
    }
    return error;
}

int main(void)
{
    struct account *account = account_share();
    pid_t pid = fork();
    if (pid == 0) {
        pthread_mutex_lock(&account->lock);
        account->balance = -1;
        _exit(0); /* a crash, say */
    }
    waitpid(pid, NULL, 0);
    if (account_lock(account) == 0) {
        printf("balance %ld\n", account->balance);
        pthread_mutex_unlock(&account->lock);
    }
    return 0;
}
