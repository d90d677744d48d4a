/* show.h: makes a call and prints all that a caller could see of it: the value returned and errno.
 *
 *   SHOW(pthread_mutex_lock(&m))  -->  "pthread_mutex_lock(&m): 0, errno kept"
 *
 * The driver compares what is printed natively and under lockhound, byte for byte.
 */
#ifndef TRANSPARENCY_SHOW_H
#define TRANSPARENCY_SHOW_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* A value that no call sets, so that a change is seen. */
#define ERRNO_BEFORE 4095

#define SHOW(call)                                                                                                     \
    do {                                                                                                               \
        errno = ERRNO_BEFORE;                                                                                          \
        long show_result = (long)(call);                                                                               \
        show_line(#call, show_result);                                                                                 \
    } while (0)

static inline void show_line(const char *call, long result)
{
    int error = errno;
    const char *result_name = result > 0 && result < 200 ? strerrorname_np((int)result) : NULL;
    printf("%s: %ld%s%s, errno %s\n", call, result, result_name ? " " : "", result_name ? result_name : "",
           error == ERRNO_BEFORE ? "kept" : strerrorname_np(error));
}

/* For conditions without which the program makes no sense. */
static inline void must(int is_true, const char *what)
{
    if (!is_true) {
        printf("FAILED: %s\n", what);
        fflush(stdout);
        _Exit(9);
    }
}

#define MUST(condition) must((condition) ? 1 : 0, #condition)

static inline struct timespec time_after_ms(clockid_t clock, long ms)
{
    struct timespec at;
    clock_gettime(clock, &at);
    at.tv_nsec += ms % 1000 * 1000000;
    at.tv_sec += ms / 1000 + at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

#endif
