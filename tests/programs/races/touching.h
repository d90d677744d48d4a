/* touching.h: the frame of programs each case of which is a call of libc's that reads or writes `area` for one thread, beside another
 * thread that writes or reads one byte of it.  Under one lock, or when `racy` each under another.
 *
 *   run_first:  first() = cases[chosen].call()        run_second:  second() = the byte at `at`, behind it
 *
 * To be included behind `area` and `cases`, which have a name, a call, whether it writes, and the byte in question.
 */
#ifndef RACES_TOUCHING_H
#define RACES_TOUCHING_H

#include "chosen.h"

static size_t at;
static bool is_beside; /* the call does not come to that byte: no race, unless it is led there */
static volatile char seen;

__attribute__((noinline)) static void first(void)
{
    cases[chosen].call();
    __asm__ volatile("" ::: "memory");
}

__attribute__((noinline)) static void second(void)
{
    if (cases[chosen].writes)
        seen = area.bytes[at];
    else
        area.bytes[at] = 0;
    __asm__ volatile("" ::: "memory");
}

static void choose_byte(void)
{
    is_beside = strcmp(cases[chosen].name, "beside") == 0;
    at = is_beside && racy ? 0 : cases[chosen].place;
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER, other = PTHREAD_MUTEX_INITIALIZER;

static void *run_first(void *arg)
{
    pthread_mutex_lock(&mutex);
    first();
    pthread_mutex_unlock(&mutex);
    unseen_pass();
    return arg;
}

static void *run_second(void *arg)
{
    unseen_wait();
    pthread_mutex_t *lock = racy || is_beside ? &other : &mutex;
    pthread_mutex_lock(lock);
    second();
    pthread_mutex_unlock(lock);
    return arg;
}

#endif
