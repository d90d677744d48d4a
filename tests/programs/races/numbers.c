/* numbers.c: the number of a descriptor, closed by one thread and given out again to another, for every call that does it.
 *
 *   numbers CASE        the first writes, then closes the number: the second, who gets it, comes after; nothing is reported
 *   numbers CASE racy   the first writes when it has closed the number: one race, between first() and second()
 *
 * The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#define _GNU_SOURCE 1
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "accesses.h"
#include "chosen.h"

/* ---- who gives the number back ---------------------------------------------------------------------------------------- */

static int number;   /* what changes hands */
static int spare;    /* another descriptor, which stays */
static void *stream; /* whose descriptor has the number, where that is needed */
static mode_t mask;

static void open_number(void)
{
    number = open("/dev/null", O_RDWR);
}
static void close_number(void)
{
    close(number);
}
static void range_number(void)
{
    close_range((unsigned)number, (unsigned)number, 0);
}

static void open_stream(void)
{
    stream = fopen("/dev/null", "r");
    number = fileno(stream);
}
static void close_stream(void)
{
    fclose(stream);
}

static void open_process(void)
{
    stream = popen(":", "r");
    number = fileno(stream);
}
static void close_process(void)
{
    pclose(stream);
}

static void open_folder(void)
{
    stream = opendir("/");
    number = dirfd(stream);
}
static void close_folder(void)
{
    closedir(stream);
}

/* ---- who gets it ------------------------------------------------------------------------------------------------------ */

static int by_open(void)
{
    return open("/dev/null", O_RDONLY);
}
/* The mode that only O_CREAT brings. */
static int by_open_made(void)
{
    char path[64];
    struct stat status = {0};
    snprintf(path, sizeof path, "/tmp/lockhound-numbers-%d", (int)getpid());
    int made = open(path, O_RDWR | O_CREAT | O_EXCL, 0640);
    if (fstat(made, &status) != 0 || (status.st_mode & 0777) != (0640 & ~mask))
        abort();
    unlink(path);
    return made;
}
static int by_openat(void)
{
    return openat(AT_FDCWD, "/dev/null", O_RDONLY);
}
static int by_creat(void)
{
    return creat("/dev/null", 0600);
}
static int by_fopen(void)
{
    return fileno(fopen("/dev/null", "r"));
}
static int by_freopen(void)
{
    FILE *again = freopen("/dev/null", "r", stream);
    return again != NULL ? fileno(again) : -1;
}
static int by_tmpfile(void)
{
    return fileno(tmpfile());
}
static int by_popen(void)
{
    return fileno(popen(":", "r"));
}
static int by_opendir(void)
{
    return dirfd(opendir("/"));
}
static int by_mkstemp(void)
{
    char path[] = "/tmp/lockhound-numbers-XXXXXX";
    int made = mkstemp(path);
    unlink(path);
    return made;
}
static int by_socket(void)
{
    return socket(AF_UNIX, SOCK_STREAM, 0);
}
static int by_socketpair(void)
{
    int pair[2] = {-1, -1};
    (void)!socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    return pair[0];
}
static int by_pipe(void)
{
    int pair[2] = {-1, -1};
    (void)!pipe(pair);
    return pair[0];
}
static int by_pipe2(void)
{
    int pair[2] = {-1, -1};
    (void)!pipe2(pair, O_CLOEXEC);
    return pair[0];
}
static int by_dup(void)
{
    return dup(spare);
}
static int by_dup2(void)
{
    return dup2(spare, number);
}
static int by_dup3(void)
{
    return dup3(spare, number, O_CLOEXEC);
}
static int by_dupfd(void)
{
    return fcntl(spare, F_DUPFD, 0);
}
static int by_dupfd_cloexec(void)
{
    return fcntl(spare, F_DUPFD_CLOEXEC, 0);
}
static int by_eventfd(void)
{
    return eventfd(0, 0);
}
static int by_timerfd(void)
{
    return timerfd_create(CLOCK_MONOTONIC, 0);
}
static int by_signalfd(void)
{
    sigset_t none;
    sigemptyset(&none);
    return signalfd(-1, &none, 0);
}
static int by_epoll_create(void)
{
    return epoll_create(1);
}
static int by_epoll_create1(void)
{
    return epoll_create1(0);
}
static int by_inotify_init(void)
{
    return inotify_init();
}
static int by_inotify_init1(void)
{
    return inotify_init1(0);
}
static int by_memfd_create(void)
{
    return memfd_create("numbers", 0);
}
static int by_shm_open(void)
{
    char name[32];
    snprintf(name, sizeof name, "/lockhound-numbers-%d", (int)getpid());
    int made = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    shm_unlink(name);
    return made;
}

/* Over a connection that was made before. */
static int listener, messages[2];
static int by_accept(void)
{
    return accept(listener, NULL, NULL);
}
static int by_message(void)
{
    char byte, room[CMSG_SPACE(sizeof(int))];
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    int made = -1;
    if (recvmsg(messages[0], &message, 0) == 1)
        memcpy(&made, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof made);
    return made;
}

static void connect_first(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof address;
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address.sun_family) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        connect(client, (struct sockaddr *)&address, size) != 0)
        abort();
}
static void send_first(void)
{
    char byte = 1, room[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec part = {&byte, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof room};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &spare, sizeof spare);
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, messages) != 0 || sendmsg(messages[1], &message, 0) != 1)
        abort();
}

static const struct {
    const char *name;
    void (*prepare)(void), (*begin)(void), (*give)(void);
    int (*get)(void);
} cases[] = {
#define GOT(name)                                                                                                      \
    {                                                                                                                  \
#name, NULL, open_number, close_number, by_##name                                                              \
    }
    GOT(open),
    GOT(open_made),
    GOT(openat),
    GOT(creat),
    GOT(fopen),
    GOT(tmpfile),
    GOT(popen),
    GOT(opendir),
    GOT(mkstemp),
    GOT(socket),
    GOT(socketpair),
    GOT(pipe),
    GOT(pipe2),
    GOT(dup),
    GOT(dup2),
    GOT(dup3),
    GOT(dupfd),
    GOT(dupfd_cloexec),
    GOT(eventfd),
    GOT(timerfd),
    GOT(signalfd),
    GOT(epoll_create),
    GOT(epoll_create1),
    GOT(inotify_init),
    GOT(inotify_init1),
    GOT(memfd_create),
    GOT(shm_open),
    {"accept", connect_first, open_number, close_number, by_accept},
    {"message", send_first, open_number, close_number, by_message},
    {"close_range", NULL, open_number, range_number, by_open},
    {"freopen", NULL, open_stream, close_number, by_freopen},
    {"fclose", NULL, open_stream, close_stream, by_fopen},
    {"pclose", NULL, open_process, close_process, by_popen},
    {"closedir", NULL, open_folder, close_folder, by_opendir},
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
    if (cases[chosen].get() != number)
        abort();
    second();
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    umask(mask = 022);
    spare = open("/dev/null", O_RDWR);
    if (spare < 0)
        return 2;
    if (cases[chosen].prepare != NULL)
        cases[chosen].prepare();
    cases[chosen].begin();
    return run_both(run_first, run_second);
}
