/* formats.c: results of printf, scanf, conversions and what fills in memory, with errno, while a second thread is there.
 *
 *   formats            prints them all
 *   formats overflow   writes past the end of a buffer, which the checks of _FORTIFY_SOURCE end, if it is compiled so
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wformat-truncation"
#endif
#pragma GCC diagnostic ignored "-Wformat-extra-args"
#pragma GCC diagnostic ignored "-Wformat-security"

static char text[256];
static const char *volatile null_string = NULL;
static const char *volatile percent = "100%%";

static void show(const char *what, int result)
{
    printf("%s: %d '%s' %d\n", what, result, text, errno);
    errno = 0;
    memset(text, 'z', sizeof text - 1);
}

static int by_list(const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int result = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    return result;
}

static void show_output(void)
{
    int count = 0;
    char *made = NULL;
    show("integers", snprintf(text, sizeof text, "%d %5i %-5u| %#x %X %o %hhd %hd %ld %lld %zu %jd %td", 1, -2, 3u, 4u,
                              5u, 6u, 300, 70000, 7L, 8LL, (size_t)9, (intmax_t)10, (ptrdiff_t)11));
    show("floats", snprintf(text, sizeof text, "%f %.2e %g %a %Lf %10.3Lg", 1.5, 2.5, 3.5, 4.5, 5.5L, 6.5L));
    show("strings", snprintf(text, sizeof text, "%s|%.2s|%10s|%-10s|%.*s|%*s", "a", "bcd", "e", "f", 1, "gh", 4, "i"));
    show("null", snprintf(text, sizeof text, "%s %p", null_string, NULL));
    show("wide", snprintf(text, sizeof text, "%ls %lc %.2ls", L"wide", (wint_t)L'w', L"other"));
    show("positions", snprintf(text, sizeof text, "%2$s %1$d %2$s %3$*4$d", 1, "two", 3, 6));
    show("several", by_list("%c%%%s%m%c", 'a', "b", 'c'));
    show("cut", snprintf(text, 4, "%s", "much longer"));
    show("nothing", snprintf(NULL, 0, "%d", 12345));
    show("empty", snprintf(text, sizeof text, percent));
    show("unwritable", snprintf(text, sizeof text, "%ls", (const wchar_t[]){0x7fffffff, 0}));
    show("allocated", asprintf(&made, "%d %s", 1, "one"));
    printf("%s %n%d\n", made, &count, count);
    printf("%d\n", count);
    free(made);
    printf("%d %d\n", fprintf(stdout, "%s %d\n", "stream", 1), fflush(stdout));
    printf("%d\n", dprintf(STDOUT_FILENO, "%s\n", "descriptor"));
    printf("%d %d\n", dprintf(-1, "x"), errno);
    printf("%d %d %d\n", puts("puts"), fputc('c', stdout), putchar('\n'));
}

static void show_input(void)
{
    int a = -1, b = -1, c = -1;
    char word[16] = "", *made = NULL, set[16] = "", letters[4] = "";
    double real = 0;
    wchar_t wide[8] = L"";
    show("numbers", sscanf("1 0x2 3", "%d %i %n%d", &a, &b, &c, &c));
    printf("%d %d %d\n", a, b, c);
    show("words", sscanf("word abcx 1.5 xyz", "%15s %[a-c]x %lf %3c", word, set, &real, letters));
    printf("%s %s %f %.3s\n", word, set, real, letters);
    show("made", sscanf("made wide", "%ms %7ls", &made, wide));
    printf("%s %ls\n", made, wide);
    free(made);
    show("suppressed", sscanf("1 2 3", "%*d %d %*d", &a));
    show("stops", sscanf("1 x", "%d %d", &a, &b));
    show("ends", sscanf("", "%d", &a));
    show("positions", sscanf("5 6", "%2$d %1$d", &a, &b));
    printf("%d %d\n", a, b);
    FILE *memory = fmemopen((char[]){"7 eight"}, 7, "r");
    show("stream", fscanf(memory, "%d %15s", &a, word));
    printf("%d %s %d %d\n", a, word, getc(memory), ungetc('u', memory));
    printf("%d\n", fgetc(memory));
    fclose(memory);
}

static void show_numbers(void)
{
    static const char *const texts[] = {"12x",   "  -7",   "0x1f",   "", "x", "99999999999999999999",
                                        "1e400", "nan(2)", "+3.5e2z"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *end[5] = {0};
        errno = 0;
        printf("%ld %d ", strtol(texts[i], &end[0], 0), errno);
        printf("%lu %lld %g ", strtoul(texts[i], &end[1], 10), strtoll(texts[i], &end[2], 36),
               strtod(texts[i], &end[3]));
        printf("%Lg %g %d %ld %g %d\n", strtold(texts[i], &end[4]), (double)strtof(texts[i], NULL), atoi(texts[i]),
               atol(texts[i]), atof(texts[i]), errno);
        for (size_t k = 0; k < 5; k++)
            printf("%td ", end[k] - texts[i]);
    }
    char *end = (char *)(uintptr_t)texts[0];
    volatile int base = 99;
    errno = 0;
    printf("%ld ", strtol(texts[0], &end, base));
    printf("%d %td\n", errno, end - texts[0]);
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void show_filled(void)
{
    struct stat status;
    struct tm parts;
    time_t moment = 86400;
    const char *words[] = {"c", "a", "d", "b"};
    char address[INET_ADDRSTRLEN], split[] = "a,b;c", *position = split;
    unsigned char bytes[4];
    printf("%d %d %d\n", stat("/", &status), S_ISDIR(status.st_mode), fstat(-1, &status));
    printf("%d %d\n", stat("/none/such", &status), errno);
    printf("%d ", gmtime_r(&moment, &parts) == &parts);
    printf("%d\n", parts.tm_mday);
    printf("%zu ", strftime(text, sizeof text, "%Y-%m-%d", &parts));
    printf("%s\n", text);
    printf("%d ", inet_pton(AF_INET, "1.2.3.4", bytes));
    printf("%s\n", inet_ntop(AF_INET, bytes, address, sizeof address));
    qsort(words, 4, sizeof *words, compare);
    printf("%s%s%s%s ", words[0], words[1], words[2], words[3]);
    printf("%s ", strsep(&position, ",;"));
    printf("%s\n", position);
    printf("%zu %zu %s\n", strspn("aab", "a"), strcspn("xyz", "z"), strpbrk("hello", "l"));
    printf("%s %s %d\n", setlocale(LC_ALL, "C"), setlocale(LC_ALL, NULL), wctomb(text, L'x'));
}

static pthread_barrier_t barrier;

static void *wait_for_end(void *arg)
{
    pthread_barrier_wait(&barrier);
    return arg;
}

int main(int argc, char **argv)
{
    pthread_t thread;
    pthread_barrier_init(&barrier, NULL, 2);
    if (pthread_create(&thread, NULL, wait_for_end, NULL) != 0)
        return EXIT_FAILURE;
    (void)argv;
    if (argc > 1) {
        char room[4];
        volatile size_t size = 8;
        snprintf(room, size, "%s", argv[1]);
        puts(room);
    }
    show_output();
    show_input();
    show_numbers();
    show_filled();
    pthread_barrier_wait(&barrier);
    pthread_join(thread, NULL);
    return EXIT_SUCCESS;
}
