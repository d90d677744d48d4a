/* states.c: functions of libc that keep something in one place for all threads, called by two of them.
 *
 *   states CASE        under one lock: nothing may be reported
 *   states CASE racy   with nothing between the two: one race, between first() and second(), on what the function keeps
 *
 * The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#define _GNU_SOURCE 1
#include <getopt.h>
#include <grp.h>
#include <locale.h>
#include <netdb.h>
#include <pwd.h>
#include <search.h>
#include <time.h>
#include <unistd.h>
#include <utmpx.h>
#include <wchar.h>

#include "chosen.h"

#define KEPT __attribute__((noinline))

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void call_strtok(void)
{
    char text[] = "a b";
    strtok(text, " ");
}
static void call_localtime(void)
{
    time_t time = 0;
    localtime(&time);
}
static void call_asctime(void)
{
    asctime(&(struct tm){.tm_mday = 1, .tm_year = 70});
}
static void call_getpwnam(void)
{
    getpwnam("root");
}
static void call_getpwuid(void)
{
    getpwuid(0);
}
static void call_getgrgid(void)
{
    getgrgid(0);
}
static void call_getpwent(void)
{
    getpwent();
}
static void call_getservbyname(void)
{
    getservbyname("http", "tcp");
}
static void call_getprotobynumber(void)
{
    getprotobynumber(6);
}
static void call_drand48(void)
{
    drand48();
}
static void call_ecvt(void)
{
    int point, sign;
    ecvt(1.5, 3, &point, &sign);
}
static void call_l64a(void)
{
    l64a(4711);
}
static void call_tmpnam(void)
{
    (void)!tmpnam(NULL);
}
static void call_setlocale(void)
{
    setlocale(LC_ALL, "C");
}
static void call_localeconv(void)
{
    localeconv();
}
static void call_mbrtowc(void)
{
    mbrtowc(NULL, "a", 1, NULL);
}
static void call_wctomb(void)
{
    char bytes[16];
    (void)!wctomb(bytes, L'a');
}
static void call_getopt(void)
{
    char *words[] = {"program", "-a", NULL};
    getopt(2, words, "a");
}
static void call_hsearch(void)
{
    hsearch((ENTRY){"key", NULL}, ENTER);
}
static void call_getutxent(void)
{
    getutxent();
}
static void call_setenv(void)
{
    setenv("LOCKHOUND_STATES", "1", 1);
}

/* What changes nothing that is shared. */
static void call_none(void)
{
    mbstate_t state = {0};
    char name[L_tmpnam], text[] = "a b", *position;
    mbrtowc(NULL, "a", 1, &state);
    (void)!tmpnam(name);
    strtok_r(text, " ", &position);
    strerror(1);
    strsignal(1);
    rand();
}

static const struct {
    const char *name;
    void (*call)(void);
} cases[] = {
#define CASE(name)                                                                                                     \
    {                                                                                                                  \
#name, call_##name                                                                                             \
    }
    CASE(strtok),   CASE(localtime),     CASE(asctime),          CASE(getpwnam), CASE(getpwuid), CASE(getgrgid),
    CASE(getpwent), CASE(getservbyname), CASE(getprotobynumber), CASE(drand48),  CASE(ecvt),     CASE(l64a),
    CASE(tmpnam),   CASE(setlocale),     CASE(localeconv),       CASE(mbrtowc),  CASE(wctomb),   CASE(getopt),
    CASE(hsearch),  CASE(getutxent),     CASE(setenv),
};

static void (*call)(void);

KEPT static void first(void)
{
    call();
    __asm__ volatile("" ::: "memory");
}
KEPT static void second(void)
{
    call();
    __asm__ volatile("" ::: "memory");
}

static void *run_first(void *arg)
{
    if (!racy)
        pthread_mutex_lock(&mutex);
    first();
    if (!racy)
        pthread_mutex_unlock(&mutex);
    call_none();
    unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    unseen_wait();
    if (!racy)
        pthread_mutex_lock(&mutex);
    second();
    if (!racy)
        pthread_mutex_unlock(&mutex);
    call_none();
    return arg;
}

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    if (hcreate(10) == 0)
        return 2;
    call = cases[chosen].call;
    return run_both(run_first, run_second);
}
