/* filled.c: memory that functions of libc read and write for one thread, and that another thread writes or reads by itself.
 *
 *   filled CASE        under one lock: nothing may be reported
 *   filled CASE racy   with nothing between the two: one race, between first() and second()
 *
 * The first thread always acts first (unseen.h), so that a run shows the same thing each time.
 */
#define _GNU_SOURCE 1
#include <arpa/inet.h>
#include <poll.h>
#include <pwd.h>
#include <stdarg.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "chosen.h"

static FILE *null, *zero;
static char source[] = "12 34.5 words";

/* What both touch. */
static union {
    char bytes[512];
    long number;
    char *pointer;
    int integers[8];
    wchar_t wide[32];
    struct stat status;
    struct tm parts;
    struct timespec time;
    struct passwd entry;
    fd_set set;
    struct pollfd polls[2];
} area;
static volatile int result; /* of what a compiler would leave out */

static int by_list(char *to, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int length = vsnprintf(to, sizeof area, format, list);
    va_end(list);
    return length;
}

/* ---- written -------------------------------------------------------------------------------------------------------- */

static void call_snprintf(void)
{
    snprintf(area.bytes, sizeof area.bytes, "%d %s", 12, source);
}
static void call_snprintf_cut(void)
{
    snprintf(area.bytes, 8, "%s", source);
}
static void call_sprintf(void)
{
    sprintf(area.bytes, "%5.1f|%*d", 1.5, 4, 7);
}
static void call_vsnprintf(void)
{
    by_list(area.bytes, "%s%c", source, 'x');
}
static void call_asprintf(void)
{
    (void)!asprintf(&area.pointer, "%d", 7);
}
static void call_printf_count(void)
{
    fprintf(null, "12345%n", &area.integers[0]);
}
static void call_sscanf(void)
{
    char text[16];
    int number;
    sscanf(source, "%d %*f %15s", &number, text);
    sscanf(source, "%*d %15s", area.bytes);
}
static void call_sscanf_number(void)
{
    sscanf(source, "%d %d", &area.integers[0], &area.integers[1]);
}
static void call_fscanf(void)
{
    rewind(zero);
    (void)!fscanf(zero, "%c", area.bytes);
}
static void call_stat(void)
{
    stat("/", &area.status);
}
static void call_fstat(void)
{
    fstat(0, &area.status);
}
static void call_clock_gettime(void)
{
    clock_gettime(CLOCK_REALTIME, &area.time);
}
static void call_time(void)
{
    time(&area.number);
}
static void call_localtime_r(void)
{
    time_t time = 0;
    localtime_r(&time, &area.parts);
}
static void call_strftime(void)
{
    strftime(area.bytes, sizeof area.bytes, "%Y", &(struct tm){.tm_year = 70});
}
static void call_getpwnam_r(void)
{
    struct passwd *found;
    char text[1024];
    getpwnam_r("root", &area.entry, text, sizeof text, &found);
}
static void call_inet_pton(void)
{
    inet_pton(AF_INET, "127.0.0.1", area.bytes);
}
static void call_getcwd(void)
{
    (void)!getcwd(area.bytes, sizeof area.bytes);
}
static int compare(const void *a, const void *b)
{
    const int *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}
static void call_qsort(void)
{
    qsort(area.integers, 8, sizeof(int), compare);
}
static void call_select(void)
{
    select(8, &area.set, NULL, NULL, &(struct timeval){0, 0});
}
static void call_poll(void)
{
    area.polls[1].fd = -1;
    poll(area.polls, 2, 0);
}
static void call_preadv(void)
{
    struct iovec part = {area.bytes, 8};
    (void)!preadv(fileno(zero), &part, 1, 0);
}
static void call_wcscpy(void)
{
    wchar_t *volatile to = area.wide; /* of a size that no compiler checks */
    wcscpy(to, L"wide");
}

static void call_swprintf(void)
{
    swprintf(area.wide, sizeof area.wide / sizeof *area.wide, L"%d %s", 12, source);
}
static void call_swscanf(void)
{
    swscanf(L"12 words", L"%*d %15s", area.bytes);
}
static void call_sscanf_placed(void)
{
    int number;
    sscanf(source, "%2$d %*f %1$15s", area.bytes, &number);
}
static void call_strxfrm(void)
{
    strxfrm(area.bytes, source, sizeof area.bytes);
}

/* ---- read ------------------------------------------------------------------------------------------------------------ */

static void call_string(void)
{
    fprintf(null, "%s", area.bytes);
}
static void call_string_cut(void)
{
    fprintf(null, "%.*s", 3, area.bytes);
}
static void call_string_later(void)
{
    fprintf(null, "%ld %Lf %c %s", 1L, 1.0L, 'c', area.bytes);
}
static void call_string_wide(void)
{
    fprintf(null, "%ls", area.wide);
}
static void call_string_wide_cut(void)
{
    fprintf(null, "%.3ls", area.wide);
}
static void call_string_placed(void)
{
    fprintf(null, "%3$*2$.*4$s|%1$Lf", 1.0L, 9, area.bytes, 3);
}
static void call_string_in_wide(void)
{
    wchar_t text[16];
    swprintf(text, sizeof text / sizeof *text, L"%d %s", 1, area.bytes);
}
static void call_format_wide(void)
{
    wchar_t text[16];
    swprintf(text, sizeof text / sizeof *text, area.wide);
}
static void call_strcasecmp(void)
{
    result = strcasecmp(area.bytes, "12");
}
static void call_strcoll(void)
{
    result = strcoll(source, area.bytes);
}
static void call_wcscoll(void)
{
    result = wcscoll(L"w", area.wide);
}
static void call_strtol(void)
{
    strtol(area.bytes, NULL, 10);
}
static void call_atoi(void)
{
    (void)!atoi(area.bytes);
}
static void call_sscanf_source(void)
{
    int number;
    sscanf(area.bytes, "%d", &number);
}
static void call_puts(void)
{
    puts(area.bytes);
}
static void call_format(void)
{
    fprintf(null, area.bytes);
}

/* What ends before the byte in question (unless racy): no race with who reads behind it. */
static void call_beside(void)
{
    snprintf(area.bytes, 8, "%s", source);
    fprintf(null, "%.*s", 3, area.bytes);
    fprintf(null, "%2$.3s%1$d", 7, area.bytes);
    result = strncasecmp(area.bytes, source, 2);
    sscanf(source, "%2c", area.bytes);
}

static const struct {
    const char *name;
    void (*call)(void);
    bool writes;
    size_t place;
} cases[] = {
#define WRITES(name, place)                                                                                            \
    {                                                                                                                  \
#name, call_##name, true, place                                                                                \
    }
#define READS(name, place)                                                                                             \
    {                                                                                                                  \
#name, call_##name, false, place                                                                               \
    }
    WRITES(snprintf, 4),
    WRITES(snprintf_cut, 7),
    WRITES(sprintf, 6),
    WRITES(vsnprintf, 13),
    WRITES(asprintf, 0),
    WRITES(printf_count, 0),
    WRITES(sscanf, 2),
    WRITES(sscanf_number, 4),
    WRITES(fscanf, 0),
    WRITES(stat, 0),
    WRITES(fstat, 20),
    WRITES(clock_gettime, 0),
    WRITES(time, 0),
    WRITES(localtime_r, 0),
    WRITES(strftime, 0),
    WRITES(getpwnam_r, 0),
    WRITES(inet_pton, 3),
    WRITES(getcwd, 0),
    WRITES(qsort, 28),
    WRITES(select, 0),
    WRITES(poll, 14),
    WRITES(preadv, 0),
    WRITES(wcscpy, 12),
    READS(string, 0),
    READS(string_cut, 2),
    READS(string_later, 0),
    READS(string_wide, 0),
    READS(strtol, 2),
    READS(atoi, 1),
    READS(sscanf_source, 0),
    READS(puts, 0),
    READS(format, 0),
    WRITES(swprintf, 12),
    WRITES(swscanf, 2),
    WRITES(sscanf_placed, 2),
    WRITES(strxfrm, 1),
    READS(string_wide_cut, 0),
    READS(string_placed, 2),
    READS(string_in_wide, 0),
    READS(format_wide, 0),
    READS(strcasecmp, 1),
    READS(strcoll, 1),
    READS(wcscoll, 0),
    WRITES(beside, 8),
};

#include "touching.h"

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    null = fopen("/dev/null", "w");
    zero = fopen("/dev/zero", "r");
    if (null == NULL || zero == NULL)
        return 2;
    choose_byte();
    if (!cases[chosen].writes && strstr(cases[chosen].name, "wide") == NULL)
        strcpy(area.bytes, cases[chosen].call == call_puts ? "done" : "12");
    if (cases[chosen].call == call_string_in_wide)
        strcpy(area.bytes, "12");
    setvbuf(zero, NULL, _IONBF, 0);
    run_threads(run_first, run_second);
    return cases[chosen].call == call_puts ? 0 : say_done();
}
