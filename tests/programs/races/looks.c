/* looks.c: a plain load, as debug information says, of what code without any stores: it may be an atomic store, and then the load
 * is right on this processor.  The look is a warning, and what was handed over is none.
 *
 *   PROGRAM              prints the cases' names
 *   PROGRAM CASE         runs the case, under a lock
 *   PROGRAM CASE racy    without
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unseen.h"

/* In a section of its own, of which the line table has nothing. */
__asm__(".pushsection .text.unlisted,\"ax\",@progbits\n"
        ".globl set_pointer\n.type set_pointer,@function\nset_pointer:\n.cfi_startproc\n mov %rsi, (%rdi)\n ret\n"
        ".cfi_endproc\n.size set_pointer, . - set_pointer\n"
        ".globl set_flag\n.type set_flag,@function\nset_flag:\n.cfi_startproc\n movl $1, (%rdi)\n ret\n"
        ".cfi_endproc\n.size set_flag, . - set_flag\n.popsection");
void set_pointer(int **place, int *value);
void set_flag(int *flag);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_racy;
static int number, *published, flag;

static void enter(void)
{
    if (!is_racy)
        pthread_mutex_lock(&lock);
}

static void leave(void)
{
    if (!is_racy)
        pthread_mutex_unlock(&lock);
}

/* The names are known to run_pairs.py. */
static void *first(void *with_flag)
{
    enter();
    number = 42;
    if (with_flag)
        set_flag(&flag);
    else
        set_pointer(&published, &number);
    leave();
    unseen_pass();
    return NULL;
}

static void *second(void *with_flag)
{
    unseen_wait();
    enter();
    if (with_flag) {
        if (flag && number != 42)
            abort();
    } else {
        int *place = published;
        if (place && *place != 42)
            abort();
    }
    leave();
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[2];
    if (argc < 2) {
        puts("pointer\nflag");
        return 0;
    }
    is_racy = argc > 2;
    void *with_flag = strcmp(argv[1], "flag") == 0 ? &flag : NULL;
    if (unseen_open() != 0 || pthread_create(&threads[0], NULL, first, with_flag) != 0 ||
        pthread_create(&threads[1], NULL, second, with_flag) != 0)
        return 1;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    puts("done");
    return 0;
}
