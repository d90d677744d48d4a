/* chosen.h: the frame of a program of cases, of which run_pairs.py runs each twice.
 *
 *   PROGRAM             prints the cases' names
 *   PROGRAM CASE        runs the case; nothing may be reported
 *   PROGRAM CASE racy   runs the racy form of it
 */
#ifndef RACES_CHOSEN_H
#define RACES_CHOSEN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unseen.h"

static bool racy;
static size_t chosen; /* index of the case */

/* Around what both sides do: the lock that the racy form leaves out. */
static pthread_mutex_t left_out = PTHREAD_MUTEX_INITIALIZER;

static inline void enter_section(void)
{
    if (!racy)
        pthread_mutex_lock(&left_out);
}

static inline void leave_section(void)
{
    if (!racy)
        pthread_mutex_unlock(&left_out);
}

/* Each case begins with its name.  Returns: the name of case i. */
static inline const char *case_name(const void *cases, size_t size, size_t i)
{
    const char *name;
    memcpy(&name, (const char *)cases + i * size, sizeof name);
    return name;
}

/* Sets `racy` and `chosen`, and opens the unseen pipe.  Ends the program when there is no such case, or none was named. */
static inline void choose_case(int argc, char **argv, const void *cases, size_t size, size_t count)
{
    for (size_t i = 0; argc < 2 && i < count; i++)
        puts(case_name(cases, size, i));
    if (argc < 2)
        exit(0);
    racy = argc > 2;
    while (chosen < count && strcmp(case_name(cases, size, chosen), argv[1]) != 0)
        chosen++;
    if (chosen == count || unseen_open() != 0)
        exit(2);
}
#define CHOOSE_CASE(argc, argv, cases) choose_case(argc, argv, cases, sizeof *(cases), sizeof(cases) / sizeof *(cases))

/* What the test expects of a program that has come to its end.  Returns: main()'s status. */
static inline int say_done(void)
{
    puts("done");
    return 0;
}

static inline void run_threads(void *(*first)(void *arg), void *(*second)(void *arg))
{
    pthread_t first_thread, second_thread;
    pthread_create(&first_thread, NULL, first, NULL);
    pthread_create(&second_thread, NULL, second, NULL);
    pthread_join(first_thread, NULL);
    pthread_join(second_thread, NULL);
}

/* Returns: main()'s status, when both threads have ended. */
static inline int run_both(void *(*first)(void *arg), void *(*second)(void *arg))
{
    run_threads(first, second);
    return say_done();
}

static void (*act_first)(void), (*act_second)(void);

static inline void *run_first_act(void *arg)
{
    act_first();
    unseen_pass();
    return arg;
}

static inline void *run_second_act(void *arg)
{
    unseen_wait();
    act_second();
    return arg;
}

/* The same with what the threads do, the second thread when the first has done it. */
static inline int run_in_turn(void (*first)(void), void (*second)(void))
{
    act_first = first;
    act_second = second;
    return run_both(run_first_act, run_second_act);
}

/* The two sides of the chosen case, by the functions `first` and `second` of the cases, as frames of these names. */
#define SIDES_OF(cases)                                                                                                \
    __attribute__((noinline)) static void first(void)                                                                  \
    {                                                                                                                  \
        (cases)[chosen].first();                                                                                       \
        __asm__ volatile("" ::: "memory");                                                                             \
    }                                                                                                                  \
    __attribute__((noinline)) static void second(void)                                                                 \
    {                                                                                                                  \
        (cases)[chosen].second();                                                                                      \
        __asm__ volatile("" ::: "memory");                                                                             \
    }

/* And a program that runs one after the other, and no more. */
#define PROGRAM_OF(cases)                                                                                              \
    SIDES_OF(cases)                                                                                                    \
    int main(int argc, char **argv)                                                                                    \
    {                                                                                                                  \
        CHOOSE_CASE(argc, argv, cases);                                                                                \
        return run_in_turn(first, second);                                                                             \
    }

#endif
