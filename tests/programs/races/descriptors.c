/* descriptors.c: a descriptor that one thread uses and another closes, for every way to put the two in order.
 *
 *   descriptors CASE        what orders the two is there, or the closed number is another: nothing may be reported
 *   descriptors CASE racy   it is left out: one race, between first() and second()
 *
 * The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#define _GNU_SOURCE 1
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "chosen.h"

#define KEPT __attribute__((noinline))

static int fd, far_end; /* what one uses and the other closes; the other end of a connection */
static FILE *stream;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_int users;
static int done; /* an eventfd */
static pthread_t first_thread;
static char byte;

static void must(bool is_true)
{
    if (!is_true)
        abort();
}

/* ---- what is shared ------------------------------------------------------------------------------------------------- */

static void open_null(void)
{
    fd = open("/dev/null", O_RDWR);
}
static void open_zero(void)
{
    fd = open("/dev/zero", O_RDWR);
}
/* As high as the process may, where it may. */
static void open_high(void)
{
    struct rlimit limit;
    must(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    limit.rlim_cur = limit.rlim_max < 100000 ? limit.rlim_max : 100000;
    must(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    open_null();
    fd = dup2(fd, (int)limit.rlim_cur - 1);
}
static void open_pair(void)
{
    int pair[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    fd = pair[0];
    far_end = pair[1];
    must(syscall(SYS_write, far_end, "x", 1) == 1);
}
static void open_pipe(void)
{
    int pair[2];
    must(pipe(pair) == 0);
    fd = pair[1];
    far_end = pair[0];
}
static void open_event(void)
{
    fd = eventfd(1, 0);
}
static void open_epoll(void)
{
    fd = epoll_create1(0);
}
static void open_stream(void)
{
    stream = fopen("/dev/null", "w");
    fd = fileno(stream);
}

/* ---- uses and ends, each in a function of a name that the test knows ---------------------------------------------------- */

static void (*use)(void), (*end)(void);

KEPT static void first(void)
{
    use();
    __asm__ volatile("" ::: "memory");
}
KEPT static void second(void)
{
    end();
    __asm__ volatile("" ::: "memory");
}

static void writes(void)
{
    (void)!write(fd, "y", 1);
}
static void reads(void)
{
    (void)!read(fd, &byte, 1);
}
static void receives(void)
{
    must(recv(fd, &byte, 1, 0) == 1);
}
static void reads_event(void)
{
    eventfd_t value;
    must(eventfd_read(fd, &value) == 0);
}
static void waits_epoll(void)
{
    struct epoll_event event;
    must(epoll_wait(fd, &event, 1, 0) == 0);
}
static void polls(void)
{
    must(poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 0) >= 0);
}
static void selects(void)
{
    fd_set set;
    FD_ZERO(&set);
    FD_SET(fd, &set);
    must(select(fd + 1, &set, NULL, NULL, &(struct timeval){0, 0}) >= 0);
}
static void shuts_down(void)
{
    must(shutdown(fd, SHUT_RDWR) == 0);
}
static void prints(void)
{
    must(fputs("text", stream) >= 0);
}
static void duplicates(void)
{
    must(dup(fd) >= 0);
}

static void seeks(void)
{
    (void)!lseek(fd, 0, SEEK_CUR);
}
static void asks_by_ioctl(void)
{
    int count;
    (void)!ioctl(fd, FIONREAD, &count);
}
static void asks_status(void)
{
    struct stat status;
    must(fstat(fd, &status) == 0);
}
static void asks_flags(void)
{
    must(fcntl(fd, F_GETFL) >= 0);
}
static void maps(void)
{
    must(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED);
}

static void closes(void)
{
    close(fd);
}
static void closes_range(void)
{
    must(close_range((unsigned)fd, (unsigned)fd, 0) == 0);
}
static void closes_stream(void)
{
    must(fclose(stream) == 0);
}

/* ---- what orders the two ------------------------------------------------------------------------------------------------ */

static void run_joined(void)
{
    if (!racy)
        pthread_join(first_thread, NULL);
    second();
}
static void run_locked(void)
{
    if (!racy)
        pthread_mutex_lock(&mutex);
    second();
    if (!racy)
        pthread_mutex_unlock(&mutex);
}
static void run_counted(void)
{
    while (!racy && atomic_load(&users) != 0)
        sched_yield();
    second();
}
static void run_told(void)
{
    eventfd_t value;
    if (!racy)
        must(eventfd_read(done, &value) == 0);
    second();
}
/* The one end was written to by who uses the other. */
static void run_answered(void)
{
    if (!racy)
        must(read(far_end, &byte, 1) == 1);
    second();
}
/* Closed and opened again by a call that nobody sees; the new owner closes what is another. */
static void run_reopened(void)
{
    if (!racy) {
        must(syscall(SYS_close, fd) == 0);
        must(open("/dev/null", O_RDWR) == fd);
    }
    second();
}
static void run_reopened_unseen(void)
{
    if (!racy)
        must(unseen_call(SYS_dup2, done, fd, 0) == fd);
    second();
}
/* A child has descriptors of its own, also one that borrows our memory. */
static void run_in_child(void)
{
    if (racy) {
        second();
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        second();
        _exit(0);
    }
    must(waitpid(child, NULL, 0) == child);
}
static void run_in_borrower(void)
{
    if (racy) {
        second();
        return;
    }
    pid_t child = vfork();
    if (child == 0) {
        close(fd);
        _exit(0);
    }
    must(waitpid(child, NULL, 0) == child);
}
/* At no moment has the number nothing behind it: this is how a descriptor is taken from its users. */
static void run_replaced(void)
{
    if (racy)
        second();
    else
        must(dup2(done, fd) == fd);
}
/* The standard streams are replaced while others write. */
static void run_standard(void)
{
    if (!racy) {
        int kept = dup(STDERR_FILENO);
        must(write(STDERR_FILENO, "", 0) == 0 && dup2(kept, STDERR_FILENO) == STDERR_FILENO);
        return;
    }
    second();
}

static const struct {
    const char *name;
    void (*prepare)(void), (*use)(void), (*end)(void), (*run)(void);
} cases[] = {
    {"write", open_null, writes, closes, run_joined},
    {"read", open_null, reads, closes, run_joined},
    {"receive", open_pair, receives, closes, run_joined},
    {"event", open_event, reads_event, closes, run_joined},
    {"epoll", open_epoll, waits_epoll, closes, run_joined},
    {"poll", open_pair, polls, closes, run_joined},
    {"select", open_pair, selects, closes, run_joined},
    {"shutdown", open_pair, shuts_down, closes, run_joined},
    {"dup", open_null, duplicates, closes, run_joined},
    {"seek", open_null, seeks, closes, run_joined},
    {"ioctl", open_pair, asks_by_ioctl, closes, run_joined},
    {"status", open_null, asks_status, closes, run_joined},
    {"flags", open_null, asks_flags, closes, run_joined},
    {"map", open_zero, maps, closes, run_joined},
    {"high", open_high, writes, closes, run_joined},
    {"stream", open_stream, prints, closes_stream, run_joined},
    {"stream_closed_below", open_stream, prints, closes, run_joined},
    {"replaced", open_null, writes, closes, run_replaced},
    {"range", open_null, writes, closes_range, run_joined},
    {"twice", open_null, closes, closes, run_joined},
    {"after", open_null, closes, reads, run_joined},
    {"lock", open_null, writes, closes, run_locked},
    {"count", open_null, writes, closes, run_counted},
    {"told", open_null, writes, closes, run_told},
    {"answer", open_pipe, writes, closes, run_answered},
    {"reopened", open_null, writes, closes, run_reopened},
    {"reopened_unseen", open_null, closes, writes, run_reopened_unseen},
    {"child", open_null, writes, closes, run_in_child},
    {"borrower", open_null, writes, closes, run_in_borrower},
    {"standard", open_null, writes, closes, run_standard},
};

static void *run_first(void *arg)
{
    pthread_mutex_lock(&mutex);
    first();
    pthread_mutex_unlock(&mutex);
    atomic_fetch_sub(&users, 1);
    if (cases[chosen].run == run_told)
        eventfd_write(done, 1);
    unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    unseen_wait();
    cases[chosen].run();
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    done = eventfd(0, 0);
    use = cases[chosen].use;
    end = cases[chosen].end;
    users = 1;
    cases[chosen].prepare();

    pthread_t second_thread;
    pthread_create(&first_thread, NULL, run_first, NULL);
    pthread_create(&second_thread, NULL, run_second, NULL);
    pthread_join(second_thread, NULL);
    if (racy || cases[chosen].run != run_joined)
        pthread_join(first_thread, NULL);
    return say_done();
}
