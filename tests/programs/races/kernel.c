/* kernel.c: two threads and one place in memory, ordered by what the kernel or libc keeps: queues, semaphores, timers, locks.
 *
 *   kernel CASE        the first thread writes before it gives the second a sign: nothing may be reported
 *   kernel CASE racy   it writes afterwards: one race, between first() and second()
 *
 * The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

#include "accesses.h"
#include "chosen.h"

enum { SOON = 1000000 /* units: nanoseconds */ };

static int queue, set, timer_descriptor, notices, file_of_first, file_of_second;
static mqd_t messages;
static timer_t timer;
static FILE *stream;
static sigset_t signals;
static char folder[] = "/tmp/lockhound-kernel-XXXXXX";

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

static void operate(int number, int change)
{
    struct sembuf operation = {.sem_num = (unsigned short)number, .sem_op = (short)change};
    must(semop(set, &operation, 1) == 0);
}

/* ---- signs that are given, and taken ---------------------------------------------------------------------------------- */

struct message {
    long type;
    int body;
};

static void system_v_send(void)
{
    struct message message = {1, 2};
    must(msgsnd(queue, &message, sizeof message.body, 0) == 0);
}
static void system_v_receive(void)
{
    struct message message;
    must(msgrcv(queue, &message, sizeof message.body, 0, 0) == sizeof message.body);
}

static void posix_send(void)
{
    must(mq_send(messages, "word", 4, 0) == 0);
}
static void posix_receive(void)
{
    char word[8];
    must(mq_receive(messages, word, sizeof word, NULL) == 4);
}

static void timed_send(void)
{
    struct timespec long_ago = {0, 0};
    must(mq_timedsend(messages, "word", 4, 0, &long_ago) == 0);
}
static void timed_receive(void)
{
    char word[8];
    struct timespec long_ago = {0, 0};
    must(mq_timedreceive(messages, word, sizeof word, NULL, &long_ago) == 4);
}

static void semaphore_raise(void)
{
    operate(0, 1);
}
static void semaphore_lower(void)
{
    operate(0, -1);
}

static void timed_lower(void)
{
    struct sembuf operation = {.sem_num = 0, .sem_op = -1};
    struct timespec time = {10, 0};
    must(semtimedop(set, &operation, 1, &time) == 0);
}

static void zero_reach(void)
{
    operate(1, -1);
}
static void zero_await(void)
{
    operate(1, 0);
}

static void value_set(void)
{
    must(semctl(set, 0, SETVAL, 1) == 0);
}
static void value_look(void)
{
    must(semctl(set, 0, GETVAL) == 1);
}

static void descriptor_set(void)
{
    must(timerfd_settime(timer_descriptor, 0, &(struct itimerspec){.it_value = {0, SOON}}, NULL) == 0);
}
static void descriptor_read(void)
{
    unsigned long times;
    must(read(timer_descriptor, &times, sizeof times) == sizeof times);
}

static void watch_add(void)
{
    must(inotify_add_watch(notices, folder, IN_OPEN) >= 0);
    must(close(open(folder, O_RDONLY | O_DIRECTORY)) == 0);
}
static void watch_read(void)
{
    char events[512];
    must(read(notices, events, sizeof events) > 0);
}

static void timer_set(void)
{
    must(timer_settime(timer, 0, &(struct itimerspec){.it_value = {0, SOON}}, NULL) == 0);
}
static void interval_set(void)
{
    must(setitimer(ITIMER_REAL, &(struct itimerval){.it_value = {0, SOON / 1000}}, NULL) == 0);
}
static void ualarm_set(void)
{
    ualarm(SOON / 1000, 0);
}
static void alarm_set(void)
{
    alarm(1);
}
static void signal_take(void)
{
    int number;
    must(sigwait(&signals, &number) == 0);
}

/* ---- locks: what is written is written inside, racy: after the unlocking ------------------------------------------------ */

static void flock_unlock(void)
{
    must(flock(file_of_first, LOCK_UN) == 0);
}
static void flock_lock(void)
{
    must(flock(file_of_second, LOCK_EX) == 0);
}

static void description_lock(int fd, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
    must(fcntl(fd, F_OFD_SETLKW, &lock) == 0);
}
static void description_unlock_first(void)
{
    description_lock(file_of_first, F_UNLCK);
}
static void description_lock_second(void)
{
    description_lock(file_of_second, F_WRLCK);
}

static void stream_unlock(void)
{
    flockfile(stream);
    putc_unlocked('x', stream);
    funlockfile(stream);
}
static void stream_lock(void)
{
    flockfile(stream);
    putc_unlocked('y', stream);
    funlockfile(stream);
}
static void stream_try(void)
{
    must(ftrylockfile(stream) == 0);
    funlockfile(stream);
}

/* ---- the threads ----------------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*give)(void), (*take)(void);
} cases[] = {
    {"system_v_messages", system_v_send, system_v_receive},
    {"posix_messages", posix_send, posix_receive},
    {"timed_messages", timed_send, timed_receive},
    {"semaphore", semaphore_raise, semaphore_lower},
    {"timed_semaphore", semaphore_raise, timed_lower},
    {"semaphore_at_zero", zero_reach, zero_await},
    {"semaphore_value", value_set, value_look},
    {"timer_descriptor", descriptor_set, descriptor_read},
    {"inotify", watch_add, watch_read},
    {"timer", timer_set, signal_take},
    {"interval", interval_set, signal_take},
    {"ualarm", ualarm_set, signal_take},
    {"alarm", alarm_set, signal_take},
    {"flock", flock_unlock, flock_lock},
    {"description_lock", description_unlock_first, description_lock_second},
    {"stream_lock", stream_unlock, stream_lock},
    {"stream_try_lock", stream_unlock, stream_try},
};

static void *run_first(void *arg)
{
    if (!racy)
        first();
    cases[chosen].give();
    if (racy)
        first();
    unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    unseen_wait();
    cases[chosen].take();
    second();
    return arg;
}

static int open_file(void)
{
    char path[64];
    snprintf(path, sizeof path, "%s/file", folder);
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    must(fd >= 0 && unlink(path) == 0);
    return fd;
}

/* The same file opened on its own. */
static int open_again(int fd)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    fd = open(path, O_RDWR);
    must(fd >= 0);
    return fd;
}

static void make_all(void)
{
    char name[64];
    struct mq_attr attributes = {.mq_maxmsg = 4, .mq_msgsize = 8};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    must(mkdtemp(folder) != NULL);
    queue = msgget(IPC_PRIVATE, 0600 | IPC_CREAT);
    set = semget(IPC_PRIVATE, 2, 0600 | IPC_CREAT);
    must(queue >= 0 && set >= 0 && semctl(set, 1, SETVAL, 1) == 0);
    snprintf(name, sizeof name, "/lockhound-kernel-%d", (int)getpid());
    messages = mq_open(name, O_CREAT | O_RDWR, 0600, &attributes);
    must(messages != (mqd_t)-1 && mq_unlink(name) == 0);
    timer_descriptor = timerfd_create(CLOCK_MONOTONIC, 0);
    notices = inotify_init1(0);
    must(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    sigemptyset(&signals);
    sigaddset(&signals, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    file_of_first = open_file();
    file_of_second = open_again(file_of_first);
    stream = fopen("/dev/null", "w");
    must(stream != NULL);
    if (cases[chosen].give == flock_unlock)
        must(flock(file_of_first, LOCK_EX) == 0);
    if (cases[chosen].give == description_unlock_first)
        description_lock(file_of_first, F_WRLCK);
}

static void remove_all(void)
{
    msgctl(queue, IPC_RMID, NULL);
    semctl(set, 0, IPC_RMID);
    rmdir(folder);
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    make_all();
    run_threads(run_first, run_second);
    remove_all();
    return say_done();
}
