/* expect: fork-with-locks-held */
/* Process pool: a worker is forked by a manager while another thread holds the lock that its function needs. */
#include "shared.h"

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;

static void *keep_log(void *arg)
{
    pthread_mutex_lock(&log_lock);
    stage_set(1);
    stage_wait(2);
    pthread_mutex_unlock(&log_lock);
    return arg;
}

static void work(void *arg)
{
    (void)arg;
    alarm(2); /* nobody sits here for ever */
    pthread_mutex_lock(&log_lock);
    pthread_mutex_unlock(&log_lock);
}

int main(void)
{
    pthread_t logger = spawn(keep_log, NULL);
    stage_wait(1);
    pid_t worker = shared_child(work, NULL);
    shared_child_end(worker);
    stage_set(2);
    join(logger);
    return 0;
}
