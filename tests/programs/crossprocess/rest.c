/* rest.c PLAN: processes that all sleep, each until another of them acts, or it only looks so.
 *
 *   cond:     the parent signals before the child waits; then it waits for the child's end
 *   each:     two children wait for a signal that the other would give after its own wait
 *   barrier:  made for three, and two come
 *   post:     two children wait for a semaphore that nobody posts
 *   mixed:    a child waits for a barrier while it holds the lock that the other, with two threads, wants
 *   threads:  the children have a second thread each, which waits for its first
 * In all of them the parent waits for any child.  Others come to an end by themselves:
 *   reader:   the parent reads from a pipe until a time, then signals
 *   outsider: the memory has no lock that the parent has ever used; it signals after a while
 *   named:    the memory has a name, and a newcomer comes by it
 *   linked:   that name is not the one it was made under
 *   aborted:  the parent sends a child a signal, whose handler ends the child's wait for the semaphore
 *   handler:  a child has a handler for an alarm, which posts the semaphore
 *   alarmed:  a child has an alarm, which ends it
 *   timed:    a child waits with a limit, then signals
 *   pingpong: the children wake each other, many times
 *   leader:   the first thread of a child has ended; its second one signals after a while
 *   space:    the child's pid is one of another space, where that is allowed; the parent signals
 *   third:    a third child, which shares nothing but a pipe with the parent, ends late
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>

#include "pair.h"

enum { SHORT_US = 300000, ROUNDS = 3000 };

static struct shared {
    pthread_mutex_t lock, other;
    pthread_cond_t cond;
    pthread_barrier_t barrier;
    sem_t semaphore;
    atomic_int holding;
    int turn;
} * shared;
static const char *plan;

static bool plan_is(const char *name)
{
    return strcmp(plan, name) == 0;
}

static void await_news(void)
{
    pthread_mutex_lock(&shared->lock);
    pthread_cond_wait(&shared->cond, &shared->lock);
    pthread_mutex_unlock(&shared->lock);
}

static void tell_news(void)
{
    pthread_mutex_lock(&shared->lock);
    pthread_cond_broadcast(&shared->cond);
    pthread_mutex_unlock(&shared->lock);
}

static void wait_a_while(void)
{
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec++;
    pthread_mutex_lock(&shared->lock);
    while (pthread_cond_timedwait(&shared->cond, &shared->lock, &limit) == 0)
        ;
    pthread_cond_broadcast(&shared->cond);
    pthread_mutex_unlock(&shared->lock);
}

static void post(int number)
{
    (void)number;
    sem_post(&shared->semaphore);
}

static void return_at_once(int number)
{
    (void)number;
}

static void *take_other(void *unused)
{
    wait_until(&shared->holding, 1);
    pthread_mutex_lock(&shared->other);
    return unused;
}

static void *wait_for_news(void *unused)
{
    await_news();
    return unused;
}

static void in_thread(void *(*body)(void *))
{
    pthread_t thread;
    pthread_create(&thread, NULL, body, NULL);
    pthread_join(thread, NULL);
}

static void play(int number)
{
    for (int i = 0; i < ROUNDS; i++) {
        pthread_mutex_lock(&shared->lock);
        while (shared->turn != number)
            pthread_cond_wait(&shared->cond, &shared->lock);
        shared->turn = !number;
        pthread_cond_signal(&shared->cond);
        pthread_mutex_unlock(&shared->lock);
    }
}

static void mix(int number)
{
    if (number == 1) {
        in_thread(take_other);
        return;
    }
    pthread_mutex_lock(&shared->other);
    atomic_store(&shared->holding, 1);
    pthread_barrier_wait(&shared->barrier);
}

static void *tell_later(void *unused)
{
    usleep(SHORT_US);
    tell_news();
    return unused;
}

static void child(int number)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (plan_is("leader") && number == 1) {
        pthread_t thread;
        pthread_create(&thread, NULL, tell_later, NULL);
        pthread_exit(NULL);
    }
    if (plan_is("barrier"))
        pthread_barrier_wait(&shared->barrier);
    else if (plan_is("post") || plan_is("aborted") || (plan_is("handler") && number == 0))
        sem_wait(&shared->semaphore);
    else if (plan_is("mixed"))
        mix(number);
    else if (plan_is("threads"))
        in_thread(wait_for_news);
    else if (plan_is("pingpong"))
        play(number);
    else if (plan_is("timed") && number == 1)
        wait_a_while();
    else
        await_news();
}

static void become(int number)
{
    if (plan_is("handler") && number == 0) {
        signal(SIGALRM, post);
        ualarm(SHORT_US, 0);
    }
    if (plan_is("alarmed"))
        ualarm(SHORT_US, 0);
    if (plan_is("aborted")) {
        const struct sigaction action = {.sa_handler = return_at_once};
        sigaction(SIGABRT, &action, NULL);
    }
    child(number);
}

static bool is_named(void)
{
    return plan_is("named") || plan_is("linked");
}

/* Returns: the memory, with a name in `path` when the plan asks for one. */
static struct shared *map(const char *path)
{
    char first[4096];
    if (!is_named())
        return map_shared(sizeof *shared);
    snprintf(first, sizeof first, "%s%s", path, plan_is("linked") ? ".first" : "");
    int fd = open(access(path, F_OK) == 0 ? path : first, O_RDWR | O_CREAT, 0600);
    check(fd >= 0 && ftruncate(fd, sizeof *shared) == 0, path);
    void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    check(memory != MAP_FAILED, "mmap");
    close(fd);
    if (plan_is("linked") && access(first, F_OK) == 0)
        check(link(first, path) == 0 && unlink(first) == 0, "link");
    return memory;
}

static void make(void)
{
    pthread_mutexattr_t mutexes;
    pthread_condattr_t conds;
    pthread_barrierattr_t barriers;
    pthread_mutexattr_init(&mutexes);
    pthread_mutexattr_setpshared(&mutexes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&shared->lock, &mutexes);
    pthread_mutex_init(&shared->other, &mutexes);
    pthread_condattr_init(&conds);
    pthread_condattr_setpshared(&conds, PTHREAD_PROCESS_SHARED);
    pthread_cond_init(&shared->cond, &conds);
    pthread_barrierattr_init(&barriers);
    pthread_barrierattr_setpshared(&barriers, PTHREAD_PROCESS_SHARED);
    pthread_barrier_init(&shared->barrier, &barriers, 3);
    sem_init(&shared->semaphore, 1, 0);
}

static pid_t begin(int number)
{
    fflush(stdout);
    pid_t pid = fork();
    check(pid >= 0, "fork");
    if (pid == 0) {
        become(number);
        _exit(0);
    }
    return pid;
}

static void await_all(void)
{
    int status, failed = 0;
    while (wait(&status) > 0)
        failed |= status;
    printf("%s\n", failed == 0 ? "all ended well" : "a child failed");
}

/* Reads what never comes, for as long as it takes the children to sleep. */
static void read_a_while(void)
{
    int ends[2];
    struct pollfd poll_for = {.events = POLLIN};
    check(pipe(ends) == 0, "pipe");
    poll_for.fd = ends[0];
    poll(&poll_for, 1, SHORT_US / 1000);
}

/* The first child makes the objects: this process never meets them until the children sleep. */
static void be_outsider(void)
{
    atomic_int *made = map_shared(sizeof *made);
    pid_t first = fork();
    if (first == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        make();
        atomic_store(made, 1);
        await_news();
        _exit(0);
    }
    wait_until(made, 1);
    usleep(SHORT_US);
    tell_news();
}

static void be_newcomer(const char *self, const char *path)
{
    usleep(SHORT_US);
    pid_t pid = fork();
    if (pid == 0)
        execl("/proc/self/exe", self, path, plan, "newcomer", (char *)NULL);
}

static void be_late(void)
{
    if (fork() == 0) {
        usleep(SHORT_US);
        _exit(0);
    }
    wait(NULL);
    tell_news();
}

int main(int argc, char **argv)
{
    check(argc >= 3, "arguments");
    plan = argv[2];
    shared = map(argv[1]);
    if (argc == 4) {
        tell_news();
        return 0;
    }
    if (plan_is("outsider")) {
        be_outsider();
        await_all();
        return 0;
    }
    make();
    if (plan_is("cond"))
        tell_news();
    if (plan_is("space"))
        (void)!unshare(CLONE_NEWUSER | CLONE_NEWPID); /* of the children */
    pid_t first = begin(0);
    if (plan_is("aborted")) {
        usleep(SHORT_US);
        kill(first, SIGABRT);
        await_all();
        return 0;
    }
    if (!plan_is("cond") && !plan_is("space"))
        begin(1);
    if (plan_is("reader") || plan_is("space")) {
        read_a_while();
        tell_news();
    }
    if (is_named())
        be_newcomer(argv[0], argv[1]);
    if (plan_is("third"))
        be_late();
    if (plan_is("handler")) {
        wait(NULL);
        tell_news();
    }
    await_all();
    unlink(argv[1]);
    return 0;
}
