#include "report/debuginfod.h"

#include <dlfcn.h>
#include <stddef.h>
#include <stdlib.h>
#include <time.h>

#define PATIENCE_S "10"
#define IN_VAIN_S  5.0 /* a look-up that took so long and found nothing has waited for someone */
#define URLS       "DEBUGINFOD_URLS"

static struct timespec wait_begin;
static bool is_given_up;

static bool has_servers(void)
{
    const char *urls = getenv(URLS);
    return urls && *urls;
}

void debuginfod_begin_wait(void)
{
    if (has_servers()) {
        setenv("DEBUGINFOD_TIMEOUT", PATIENCE_S, 0);
        setenv("DEBUGINFOD_RETRY_LIMIT", "0", 0);
    }
    clock_gettime(CLOCK_MONOTONIC, &wait_begin);
}

void debuginfod_end_wait(bool was_found)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds = (double)(now.tv_sec - wait_begin.tv_sec) + (double)(now.tv_nsec - wait_begin.tv_nsec) / 1e9;
    if (!was_found && has_servers() && seconds >= IN_VAIN_S) {
        unsetenv(URLS);
        is_given_up = true;
    }
}

bool debuginfod_is_given_up(void)
{
    return is_given_up;
}

/* The library is loaded only when there is someone to ask: it brings in an HTTP client. */
static int find(const char *build_id)
{
    void *library = has_servers() ? dlopen("libdebuginfod.so.1", RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!library)
        return -1;
    void *(*begin)(void) = (void *(*)(void))dlsym(library, "debuginfod_begin");
    void (*end)(void *) = (void (*)(void *))dlsym(library, "debuginfod_end");
    int (*find_debuginfo)(void *, const unsigned char *, int, char **) =
        (int (*)(void *, const unsigned char *, int, char **))dlsym(library, "debuginfod_find_debuginfo");
    int fd = -1;
    void *client = begin && end && find_debuginfo ? begin() : NULL;
    if (client) {
        fd = find_debuginfo(client, (const unsigned char *)build_id, 0, NULL);
        end(client);
    }
    return fd; /* the library stays: unloading an HTTP client's threads is not safe */
}

int debuginfod_open(const char *build_id)
{
    debuginfod_begin_wait();
    int fd = find(build_id);
    debuginfod_end_wait(fd >= 0);
    return fd;
}
