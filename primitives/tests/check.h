/* check.h: the few words the tests are written in.
 *
 * CHECK fails the program at once with its place and, in randomised tests, with the seed that repeats the run
 * (LHP_SEED=... in the environment).
 */
#ifndef LHP_TESTS_CHECK_H
#define LHP_TESTS_CHECK_H

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <lhp/status.h>

static uint64_t check_seed;

#define CHECK(condition)                                                                                               \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: failed: %s (LHP_SEED=%llu)\n", __FILE__, __LINE__, #condition,                     \
                    (unsigned long long)check_seed);                                                                   \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#define CHECK_IS(expression, expected)                                                                                 \
    do {                                                                                                               \
        enum lhp_status check_got = (expression);                                                                      \
        if (check_got != (expected)) {                                                                                 \
            fprintf(stderr, "%s:%d: %s: got \"%s\" (LHP_SEED=%llu)\n", __FILE__, __LINE__, #expression,                \
                    lhp_status_text(check_got), (unsigned long long)check_seed);                                       \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#define RUN(test)                                                                                                      \
    do {                                                                                                               \
        test();                                                                                                        \
        printf("ok   %s\n", #test);                                                                                    \
        fflush(stdout);                                                                                                \
    } while (0)

struct random {
    uint64_t state;
};

/* splitmix64. */
static inline uint64_t random_next(struct random *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline unsigned random_below(struct random *r, unsigned n)
{
    return (unsigned)(random_next(r) % n);
}

/* One generator a thread, all from the seed of the run. */
static inline struct random random_for(unsigned thread)
{
    struct random r = {check_seed + thread * 7919u};
    random_next(&r);
    return r;
}

static inline void check_init_seed(void)
{
    const char *given = getenv("LHP_SEED");
    check_seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) * 1000 + (uint64_t)getpid() % 1000;
    printf("LHP_SEED=%llu\n", (unsigned long long)check_seed);
}

/* A smaller load under a checking tool, which says so in LHP_SCALE (per cent). */
static inline unsigned check_scaled(unsigned n)
{
    const char *scale = getenv("LHP_SCALE");
    unsigned scaled = scale ? n * (unsigned)strtoul(scale, NULL, 10) / 100 : n;
    return scaled ? scaled : 1;
}

/* Neither ThreadSanitizer (its sem_wait interceptor is not unwound) nor Helgrind (it does not see the mutex taken again)
 * follows a cancelled wait, and both report deliberate misuse: LHP_UNDER_TOOL=1 leaves those tests out. */
static inline bool check_under_tool(void)
{
#if defined(__SANITIZE_THREAD__)
    return true;
#else
    return getenv("LHP_UNDER_TOOL") != NULL;
#endif
}

static inline pthread_t spawn(void *(*body)(void *), void *arg)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, body, arg) == 0);
    return thread;
}

/* Nor does AddressSanitizer follow a cancelled thread: frames that were unwound stay forbidden, for whoever stands there
 * next. */
static inline bool check_may_cancel(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return false;
#else
    return !check_under_tool();
#endif
}

/* Lets other threads in at a random moment. */
static inline void random_yield(struct random *r)
{
    unsigned dice = random_below(r, 64);
    if (dice < 8)
        sched_yield();
    else if (dice == 8)
        nanosleep(&(struct timespec){.tv_nsec = 1000}, NULL);
}

static inline int64_t check_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static inline void sleep_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
}

/* Until the kernel has it asleep, thrice in a row: a mutex on the way there would soon have been passed.  Under tools that
 * keep threads asleep for ends of their own this may return early. */
static inline void check_await_sleep(pid_t thread_id)
{
    char path[64], text[512];
    snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread_id);
    for (int asleep = 0; asleep < 3; sleep_ms(1)) {
        FILE *f = fopen(path, "r");
        bool is_there = f && fgets(text, sizeof(text), f);
        if (f)
            fclose(f);
        if (!is_there)
            return; /* its time was up */
        char *at = strrchr(text, ')');
        asleep = at && at[2] == 'S' ? asleep + 1 : 0;
    }
}

#endif
