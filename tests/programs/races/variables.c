/* variables.c: several variables raced on by the very same instructions.
 *
 *   variables static      two of them and an array, by a pointer each
 *   variables elements    all elements of an array
 *   variables blocks      a member of each of many blocks, allocated at one place
 *   variables members     those of one block, one beside the other
 *   variables child       one of them, and in a forked child the other
 *   variables captured    two on the stack, which a team of OpenMP shares
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COUNT = 100 };

static long apples, pears;
static long shelf[COUNT];
static long *chosen[COUNT];
static size_t chosen_count;

static void *change(void *unused)
{
    for (size_t i = 0; i < chosen_count; i++)
        ++*chosen[i];
    return unused;
}

struct basket {
    long apples, pears, shelf[COUNT];
};

static void *change_members(void *argument)
{
    struct basket *basket = argument;
    basket->apples++;
    usleep(0); /* so that the two are no vector */
    basket->pears++;
    for (int i = 0; i < COUNT; i++)
        basket->shelf[i]++;
    return NULL;
}

static void race_by(void *(*work)(void *), void *argument)
{
    pthread_t thread[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, work, argument);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
}

static void race(void)
{
    race_by(change, NULL);
}

static void choose(long *variable)
{
    chosen[chosen_count++] = variable;
}

static void race_in_child(void)
{
    race();
    if (fork() == 0) {
        chosen[0] = &pears;
        race();
        _exit(0);
    }
    wait(NULL);
}

static void race_captured(void)
{
    long captured = 0, other = 0;
#pragma omp parallel num_threads(2)
    captured++, other++;
    apples = captured + other;
}

int main(int argc, char **argv)
{
    const char *way = argc > 1 ? argv[1] : "";
    if (strcmp(way, "captured") == 0) {
        race_captured();
        return 0;
    }
    if (strcmp(way, "members") == 0) {
        race_by(change_members, calloc(1, sizeof(struct basket)));
        return 0;
    }
    if (strcmp(way, "static") == 0 || strcmp(way, "child") == 0)
        choose(&apples);
    if (strcmp(way, "static") == 0)
        choose(&pears);
    for (int i = 0; i < COUNT && (strcmp(way, "elements") == 0 || strcmp(way, "blocks") == 0); i++)
        choose(*way == 'e' ? &shelf[i] : calloc(2, sizeof(long)));
    if (strcmp(way, "child") == 0)
        race_in_child();
    else
        race();
    return 0;
}
