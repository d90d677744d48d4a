/* handed.c: what calls return that the program hands memory to, good and bad, with errno, while a second thread is there.
 *
 * The memory is static, so that what is done to it is looked at.  `bad` cannot be read, and NULL is where it may be: the kernel
 * says so, and nobody looks for the end of a text there.
 */
#include "show.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <iconv.h>
#include <netdb.h>
#include <pthread.h>
#include <pwd.h>
#include <regex.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#pragma GCC diagnostic ignored "-Wnonnull"

static void *volatile bad;
static void *volatile null;
static char text[4096], more[64];
static int sockets[2];

static void show_paths(void)
{
    static const char path[] = "/dev/null", none[] = "/none/such", below[] = "/dev/null/below";
    const char *const paths[] = {path, none, below, "", bad, null};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const char *at = paths[i];
        struct stat status;
        struct statfs filesystem;
        struct statx more_status;
        SHOW(open(at, O_RDONLY) >= 0);
        SHOW(openat(AT_FDCWD, at, O_RDONLY | O_DIRECTORY));
        SHOW(fopen(at, "r") != NULL);
        SHOW(access(at, R_OK));
        SHOW(faccessat(AT_FDCWD, at, R_OK, 0));
        SHOW(stat(at, &status));
        SHOW(lstat(at, bad));
        SHOW(fstatat(AT_FDCWD, at, &status, 0));
        SHOW(statfs(at, &filesystem));
        SHOW(statx(AT_FDCWD, at, 0, STATX_SIZE, &more_status));
        SHOW(readlink(at, text, sizeof text));
        if (at != bad) /* which libc looks at by itself */
            SHOW(realpath(at, text) == text);
        SHOW(chdir(at));
        SHOW(mkdir(at, 0700));
        SHOW(rmdir(at));
        SHOW(rename(none, at));
        SHOW(rename("", at));
        SHOW(rename(at, at == path ? none : path)); /* which cannot be done */
        SHOW(link(none, at));
        SHOW(symlink("", at));
        SHOW(utimensat(AT_FDCWD, at == path ? none : at, bad, 0));
        if (at != path) {
            SHOW(unlink(at));
            SHOW(truncate(at, 0));
        }
        if (at != bad && at != null)
            SHOW(opendir(at) != NULL);
    }
    SHOW(readlink("/proc/self/fd/0", bad, 10));
    SHOW(readlinkat(AT_FDCWD, "/proc/self/cwd", text, 0));
    SHOW(statfs("/", bad));
    SHOW(fstatfs(-1, bad));
    SHOW(strcmp(realpath("/dev/../dev/./null", text), path));
    SHOW(mkstemp(strcpy(text, "/none/such/XXXXXX")));
    SHOW(mkstemp(strcpy(text, "too short XX")));
    puts(text);
}

static void show_settings(void)
{
    static sigset_t set;
    static struct sigaction action;
    static struct itimerval timer;
    static struct timespec moment;
    SHOW(sigprocmask(99, &set, NULL));
    SHOW(sigprocmask(SIG_BLOCK, &set, bad));
    SHOW(pthread_sigmask(SIG_BLOCK, &set, NULL));
    SHOW(pthread_sigmask(SIG_BLOCK, NULL, bad));
    SHOW(sigpending(bad));
    SHOW(sigpending(&set));
    SHOW(sigaction(SIGUSR1, NULL, &action));
    SHOW(sigaction(SIGKILL, &action, NULL));
    SHOW(sigaltstack(bad, NULL));
    SHOW(sigaltstack(NULL, NULL));
    SHOW(getitimer(ITIMER_REAL, &timer));
    SHOW(getitimer(ITIMER_REAL, bad));
    SHOW(setitimer(ITIMER_PROF, &timer, bad));
    SHOW(nanosleep(bad, NULL));
    SHOW(nanosleep(&moment, bad));
    SHOW(clock_nanosleep(CLOCK_MONOTONIC, 0, bad, NULL));
    SHOW(clock_getres(CLOCK_MONOTONIC, NULL));
    SHOW(getrandom(bad, 8, 0));
    SHOW(getentropy(bad, 8));
    SHOW(sysinfo(bad));
    SHOW(getresuid(bad, bad, bad));
    SHOW(getgroups(0, NULL) >= 0);
    SHOW(pipe(bad));
    SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, bad));
    SHOW(waitpid(-1, bad, 0));
    SHOW(wait4(-1, bad, WNOHANG, bad));
    SHOW(waitid(P_ALL, 0, bad, WEXITED));
    SHOW(prlimit(0, RLIMIT_NOFILE, bad, NULL));
    SHOW(prlimit(0, RLIMIT_NOFILE, NULL, NULL));
    SHOW(mincore(bad, 4096, bad));
    SHOW(process_vm_readv(getpid(), &(struct iovec){bad, 4}, 1, &(struct iovec){text, 4}, 1, 0));
    SHOW(sched_getparam(0, NULL));
    SHOW(pthread_getname_np(pthread_self(), text, 1));
    SHOW(pthread_getname_np(pthread_self(), text, sizeof text));
    puts(text);
}

static void show_addresses(void)
{
    static union {
        struct sockaddr any;
        struct sockaddr_in in;
    } address;
    static socklen_t size = sizeof address;
    int number = 1;
    must(socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets) == 0, "socketpair");
    SHOW(bind(sockets[0], bad, 10));
    SHOW(bind(sockets[0], NULL, 0));
    SHOW(bind(-1, bad, 10));
    SHOW(connect(sockets[0], bad, 10));
    SHOW(connect(sockets[0], NULL, 10));
    SHOW(sendto(sockets[0], "x", 1, 0, bad, 10));
    SHOW(sendto(sockets[0], bad, 1, 0, NULL, 0));
    SHOW(send(sockets[0], "y", 1, 0));
    SHOW(recvfrom(sockets[1], text, 8, MSG_PEEK, &address.any, NULL));
    SHOW(recvfrom(sockets[1], text, 8, MSG_PEEK, bad, &size));
    SHOW(recvfrom(sockets[1], text, 8, 0, &address.any, &size));
    printf("%u\n", size);
    SHOW(getsockname(sockets[0], &address.any, bad));
    SHOW(getsockname(sockets[0], bad, &size));
    size = sizeof address;
    SHOW(getsockname(sockets[0], &address.any, &size));
    printf("%u %d\n", size, address.any.sa_family);
    SHOW(getpeername(-1, bad, bad));
    SHOW(getsockopt(sockets[0], SOL_SOCKET, SO_TYPE, &number, bad));
    SHOW(getsockopt(sockets[0], SOL_SOCKET, SO_TYPE, bad, &size));
    SHOW(setsockopt(sockets[0], SOL_SOCKET, SO_KEEPALIVE, bad, sizeof number));
    SHOW(setsockopt(sockets[0], SOL_SOCKET, SO_KEEPALIVE, NULL, sizeof number));
    SHOW(accept(sockets[0], bad, bad));
    SHOW(accept4(-1, NULL, bad, 0));
    int waits = epoll_create1(0);
    SHOW(epoll_ctl(waits, EPOLL_CTL_ADD, sockets[0], bad));
    SHOW(epoll_ctl(waits, EPOLL_CTL_ADD, sockets[0], NULL));
    SHOW(epoll_ctl(waits, EPOLL_CTL_DEL, sockets[0], NULL));
    int timer = timerfd_create(CLOCK_MONOTONIC, 0);
    SHOW(timerfd_settime(timer, 0, NULL, NULL));
    SHOW(timerfd_settime(timer, 0, bad, NULL));
    SHOW(timerfd_settime(timer, 0, &(struct itimerspec){0}, bad));
    SHOW(timerfd_gettime(timer, bad));
    SHOW(inet_aton("1.2.3.4 x", NULL));
    SHOW(inet_aton("none", &address.in.sin_addr));
    SHOW(inet_addr("1.2.3") == htonl(0x01020003));
    SHOW(inet_pton(AF_INET, "1.2.3", text));
    SHOW(inet_pton(99, "1.2.3.4", bad));
    SHOW(inet_ntop(99, bad, bad, 9) == NULL);
    SHOW(getnameinfo(&address.any, 1, text, 9, NULL, 0, NI_NUMERICHOST));
    address.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    SHOW(getnameinfo(&address.any, sizeof address.in, text, sizeof text, more, sizeof more,
                     NI_NUMERICHOST | NI_NUMERICSERV));
    printf("%s %s\n", text, more);
}

static void show_texts(void)
{
    static regex_t pattern;
    static regmatch_t matches[2];
    static struct tm parts;
    static struct passwd user, *found;
    static struct group group, *found_group;
    static char *position, *line;
    static size_t size;
    size_t left = 3, room = sizeof text;
    char *from = strcpy(more, "abc"), *to = text;
    iconv_t wider = iconv_open("UTF-16LE", "UTF-8");
    SHOW((long)iconv(wider, &from, &left, &to, &room));
    printf("%zu %zu %td %td\n", left, room, from - more, to - text);
    SHOW((long)iconv(wider, NULL, NULL, NULL, NULL));
    SHOW((long)iconv((iconv_t)-1, &from, &left, &to, &room));
    from = strcpy(more, "\xff");
    left = 1;
    SHOW((long)iconv(wider, &from, &left, &to, &room));
    from = strcpy(more, "abc");
    left = 3, room = 3;
    SHOW((long)iconv(wider, &from, &left, &to, &room));
    printf("%zu %zu\n", left, room);
    SHOW(regcomp(&pattern, "(b)c", REG_EXTENDED));
    SHOW(regexec(&pattern, "abcd", 2, matches, 0));
    printf("%d %d\n", matches[0].rm_so, matches[1].rm_eo);
    SHOW(regexec(&pattern, "none", 0, NULL, 0));
    matches[0] = (regmatch_t){1, 3};
    SHOW(regexec(&pattern, "abcd", 1, matches, REG_STARTEND));
    regfree(&pattern);
    SHOW(regcomp(&pattern, "(", REG_EXTENDED));
    SHOW((long)regerror(REG_EPAREN, &pattern, text, 5));
    puts(text);
    SHOW((long)regerror(REG_EPAREN, &pattern, NULL, 0));
    SHOW(strptime("2020-02", "%Y-%m", &parts) != NULL);
    printf("%d %d\n", parts.tm_year, parts.tm_mon);
    SHOW(strptime("x", "%Y", &parts) == NULL);
    SHOW(getpwnam_r("root", &user, text, sizeof text, &found));
    printf("%s %s\n", found->pw_name, found->pw_dir);
    SHOW(getpwuid_r(0, &user, text, 3, &found));
    SHOW(getpwnam_r("no such user", &user, text, sizeof text, &found));
    SHOW(getgrgid_r(0, &group, text, sizeof text, &found_group));
    printf("%s\n", found_group->gr_name);
    SHOW((long)confstr(_CS_PATH, NULL, 0));
    SHOW((long)confstr(_CS_PATH, text, 5));
    puts(text);
    SHOW(strcmp(strerror_r(ENOENT, text, sizeof text), "x") != 0);
    position = strcpy(text, "a,,b");
    for (char *piece; (piece = strsep(&position, ",")) != NULL;)
        printf("'%s' ", piece);
    strcpy(text, ",a,,b");
    for (char *piece = strtok_r(text, ",", &position); piece != NULL; piece = strtok_r(NULL, ",", &position))
        printf("'%s' ", piece);
    printf("%d\n", strtok_r(NULL, ",", &position) == NULL);
    FILE *memory = fmemopen((char[]){"one\ntwo"}, 7, "r");
    SHOW(getline(NULL, &size, memory));
    SHOW(getline(&line, NULL, memory));
    SHOW(getline(&line, &size, memory));
    SHOW(getdelim(&line, &size, 'w', memory));
    printf("%s %zu\n", line, size);
    SHOW(fgets_unlocked(text, sizeof text, memory) == text);
    SHOW(fgets_unlocked(text, sizeof text, memory) == NULL);
    SHOW((long)(fread_unlocked)(text, 1, 3, memory));
    SHOW(getline(&line, &size, memory));
    SHOW((long)mbstowcs(NULL, "abc", 0));
    SHOW((long)mbstowcs((wchar_t *)(void *)text, "abc", 2));
    SHOW((long)wcstombs(text, L"\x7fffffff", 9));
    SHOW(memmem("abc", 3, "abcd", 4) == NULL);
    SHOW(memmem("abc", 3, "", 0) != NULL);
    SHOW(memccpy(text, "abc", 'b', 4) == text + 2);
    SHOW(memccpy(text, "abc", 'z', 3) == NULL);
    swab("badc", text, 4);
    printf("%.4s\n", text);
    SHOW(setenv(NULL, "x", 1));
    SHOW(setenv("a=b", "x", 1));
    SHOW(unsetenv(""));
    SHOW(getenv("") == NULL);
    SHOW(system(NULL));
}

static pthread_barrier_t barrier;

static void *wait_for_end(void *arg)
{
    pthread_barrier_wait(&barrier);
    return arg;
}

int main(void)
{
    pthread_t thread;
    bad = mmap(NULL, 1 << 16, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST(bad != MAP_FAILED);
    pthread_barrier_init(&barrier, NULL, 2);
    MUST(pthread_create(&thread, NULL, wait_for_end, NULL) == 0);
    show_paths();
    show_settings();
    show_addresses();
    show_texts();
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    return EXIT_SUCCESS;
}
