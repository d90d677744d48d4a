/* touched.c: memory that calls of libc read and write for one thread, and that another thread writes or reads by itself.
 *
 *   touched CASE        under one lock: nothing may be reported
 *   touched CASE racy   with nothing between the two: one race, between first() and second()
 *
 * touched.def has the cases.  The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <iconv.h>
#include <inttypes.h>
#include <netdb.h>
#include <pwd.h>
#include <regex.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "chosen.h"

int __xpg_strerror_r(int number, char *text, size_t room);

/* What both touch. */
static union {
    char bytes[4096]; /* PATH_MAX, which realpath() wants */
    long number;
    char *pointer;
    int integers[8];
    wchar_t wide[32];
    double loads[2];
    struct statfs filesystem;
    struct statvfs files;
    struct statx statx;
    struct tm parts;
    struct timespec time;
    struct itimerval timer;
    struct sigaction action;
    sigset_t signals;
    stack_t stack;
    siginfo_t info;
    struct sysinfo system;
    struct sockaddr address;
    regex_t pattern;
} area;

static char source[] = "12 3.4 words", scratch[1024];
static volatile int result; /* of what a compiler would leave out */
static int number;
static char *cut;
static FILE *null, *null_wide, *text_file, *wide_file;
static int sockets[2], listener, waits;
static iconv_t wider;
static regex_t pattern;
static sigset_t usr1;

static void convert(char *from, size_t left, char *to)
{
    size_t room = 64;
    iconv(wider, &from, &left, &to, &room);
}

static void raise_blocked(void)
{
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, NULL);
    pthread_kill(pthread_self(), SIGUSR1);
}

static void connect_first(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, size) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0 ||
        connect(socket(AF_INET, SOCK_STREAM, 0), (struct sockaddr *)&address, size) != 0)
        abort();
}

/* From a socket with an address. */
static void send_first(void)
{
    struct sockaddr address = {AF_UNIX};
    if (bind(sockets[1], &address, sizeof(sa_family_t)) != 0 || send(sockets[1], "x", 1, 0) != 1)
        abort();
}

#define WRITES(name, place, ...)                                                                                       \
    static void call_##name(void)                                                                                      \
    {                                                                                                                  \
        __VA_ARGS__;                                                                                                   \
    }
#define READS WRITES
#include "touched.def"
#undef WRITES
#undef READS

static const struct {
    const char *name;
    void (*call)(void);
    bool writes;
    size_t place;
} cases[] = {
#define WRITES(name, place, ...) {#name, call_##name, true, place},
#define READS(name, place, ...)  {#name, call_##name, false, place},
#include "touched.def"
};

#include "touching.h"

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    null = fopen("/dev/null", "w");
    null_wide = fopen("/dev/null", "w");
    text_file = fopen("/etc/passwd", "r");
    wide_file = fopen("/etc/passwd", "r");
    wider = iconv_open("UTF-16LE", "UTF-8");
    waits = epoll_create1(0);
    if (null == NULL || null_wide == NULL || text_file == NULL || wide_file == NULL || wider == (iconv_t)-1 ||
        regcomp(&pattern, "a*", 0) != 0 || socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets) != 0)
        return 2;
    choose_byte();
    strcpy(area.bytes, "/dev/null");
    run_threads(run_first, run_second);
    return say_done();
}
