/* POSIX threads, C11 threads, raw futexes. */
#include "engage.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static void *end_at_once(void *argument)
{
    return argument;
}

static pthread_t start(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, end_at_once, NULL);
    return thread;
}

ENGAGE(create, "pthread_create", "event fork")
{
    begin();
    pthread_join(start(), NULL);
}

ENGAGE(join, "pthread_join", "event joinreq")
{
    pthread_t thread = start();
    begin();
    pthread_join(thread, NULL);
}

ENGAGE(tryjoin, "pthread_tryjoin_np", "event join")
{
    pthread_t thread = start();
    begin();
    while (pthread_tryjoin_np(thread, NULL) != 0)
        sched_yield();
}

static const struct timespec far_away = {INT32_MAX, 0};

ENGAGE(timedjoin, "pthread_timedjoin_np", "event joinreq timed")
{
    pthread_t thread = start();
    begin();
    pthread_timedjoin_np(thread, NULL, &far_away);
}

ENGAGE(clockjoin, "pthread_clockjoin_np", "event joinreq timed")
{
    pthread_t thread = start();
    begin();
    pthread_clockjoin_np(thread, NULL, CLOCK_REALTIME, &far_away);
}

ENGAGE(detach, "pthread_detach", "event detach")
{
    pthread_t thread = start();
    begin();
    pthread_detach(thread);
}

ENGAGE(setname, "pthread_setname_np", "record \"name\":\"engaged\"")
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_setname_np(pthread_self(), "engaged");
    pthread_mutex_unlock(&mutex); /* a finding names its threads */
}

/* ---- C11 ---- */

static mtx_t mutex;
static cnd_t cond;
static const struct timespec past = {1, 0};

ENGAGE(mtx_init, "mtx_init", "event init recursive")
{
    begin();
    mtx_init(&mutex, mtx_plain | mtx_recursive);
}

ENGAGE(mtx_destroy, "mtx_destroy", "event destroy")
{
    mtx_init(&mutex, mtx_plain);
    begin();
    mtx_destroy(&mutex);
}

ENGAGE(mtx_lock, "mtx_lock", "event req")
{
    mtx_init(&mutex, mtx_plain);
    begin();
    mtx_lock(&mutex);
}

ENGAGE(mtx_trylock, "mtx_trylock", "event acq try")
{
    mtx_init(&mutex, mtx_plain);
    begin();
    mtx_trylock(&mutex);
}

ENGAGE(mtx_timedlock, "mtx_timedlock", "event req timed")
{
    mtx_init(&mutex, mtx_timed);
    begin();
    mtx_timedlock(&mutex, &past);
}

ENGAGE(mtx_unlock, "mtx_unlock", "event rel")
{
    mtx_init(&mutex, mtx_plain);
    mtx_lock(&mutex);
    begin();
    mtx_unlock(&mutex);
}

ENGAGE(cnd_init, "cnd_init", "event init cond")
{
    begin();
    cnd_init(&cond);
}

ENGAGE(cnd_destroy, "cnd_destroy", "event destroy")
{
    cnd_init(&cond);
    begin();
    cnd_destroy(&cond);
}

static int is_told;

static int tell(void *argument)
{
    mtx_lock(&mutex);
    is_told = 1;
    cnd_signal(&cond);
    mtx_unlock(&mutex);
    return argument != NULL;
}

ENGAGE(cnd_wait, "cnd_wait", "event wake")
{
    mtx_init(&mutex, mtx_plain);
    cnd_init(&cond);
    mtx_lock(&mutex);
    thrd_t thread;
    thrd_create(&thread, tell, NULL);
    begin();
    while (!is_told)
        cnd_wait(&cond, &mutex);
    mtx_unlock(&mutex);
    thrd_join(thread, NULL);
}

ENGAGE(cnd_timedwait, "cnd_timedwait", "event wait timed")
{
    mtx_init(&mutex, mtx_plain);
    cnd_init(&cond);
    mtx_lock(&mutex);
    begin();
    cnd_timedwait(&cond, &mutex, &past);
}

ENGAGE(cnd_signal, "cnd_signal", "event signal")
{
    cnd_init(&cond);
    begin();
    cnd_signal(&cond);
}

ENGAGE(cnd_broadcast, "cnd_broadcast", "event broadcast")
{
    cnd_init(&cond);
    begin();
    cnd_broadcast(&cond);
}

static int return_one(void *argument)
{
    (void)argument;
    return 1;
}

ENGAGE(thrd_create, "thrd_create", "event fork")
{
    thrd_t thread;
    begin();
    thrd_create(&thread, return_one, NULL);
    thrd_join(thread, NULL);
}

ENGAGE(thrd_join, "thrd_join", "event joinreq")
{
    thrd_t thread;
    thrd_create(&thread, return_one, NULL);
    begin();
    thrd_join(thread, NULL);
}

ENGAGE(thrd_detach, "thrd_detach", "event detach")
{
    thrd_t thread;
    thrd_create(&thread, return_one, NULL);
    begin();
    thrd_detach(thread);
}

static void do_nothing(void)
{
}

ENGAGE(call_once, "call_once", "event oncedone")
{
    static once_flag once = ONCE_FLAG_INIT;
    begin();
    call_once(&once, do_nothing);
}

/* ---- raw futexes: begin() is itself such a call, so this one is a wait ---- */

ENGAGE(syscall, "syscall", "event recv")
{
    static int word;
    begin();
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, word + 1, NULL, NULL, 0); /* EAGAIN */
}
