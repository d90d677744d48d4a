/* handed.c: flags set by plain stores that hand on more than their thread's latest work, used correctly.  Nothing may be reported of
 * any case; where code has no debug information, nothing but warnings.  Turns are taken in a way that no tool sees.
 */
#include <stdatomic.h>

#include "idioms.h"

enum { PEOPLE = 3, MANY = 400000 /* accesses: more than are remembered */ };

static int turns[PEOPLE][2];
static long words;
static atomic_int told, mark, flag;
static int *elsewhere;

static void give_turn(int to)
{
    char byte = 1;
    unseen_call(SYS_write, turns[to][1], (long)&byte, 1);
}

static void await_turn(int mine)
{
    char byte;
    unseen_call(SYS_read, turns[mine][0], (long)&byte, 1);
}

static void run_all(void *(*const bodies[PEOPLE])(void *))
{
    pthread_t threads[PEOPLE];
    for (int i = 0; i < PEOPLE; i++)
        must(pthread_create(&threads[i], NULL, bodies[i], NULL) == 0);
    for (int i = 0; i < PEOPLE; i++)
        must(pthread_join(threads[i], NULL) == 0);
}

static void *write_and_tell(void *arg)
{
    words = 5;
    atomic_fetch_add(&told, 1);
    give_turn(1);
    return arg;
}

static void *read_behind_flag(void *arg)
{
    await_turn(2);
    if (atomic_load_explicit(&flag, memory_order_acquire) == 1)
        must(words == 5);
    return arg;
}

/* ---- who sets the flag has heard of the words itself ------------------------------------------------------------------------ */

static void *hear_and_flag(void *arg)
{
    await_turn(1);
    must(atomic_fetch_add(&told, 1) == 1);
    atomic_store_explicit(&flag, 1, memory_order_release);
    give_turn(2);
    return arg;
}

static void heard(void)
{
    run_all((void *(*[])(void *)){write_and_tell, hear_and_flag, read_behind_flag});
}

/* ---- who has seen the flag tells another one --------------------------------------------------------------------------------- */

static void *write_and_flag(void *arg)
{
    words = 5;
    atomic_store_explicit(&flag, 1, memory_order_release);
    give_turn(1);
    return arg;
}

static void *see_and_tell(void *arg)
{
    await_turn(1);
    if (atomic_load_explicit(&flag, memory_order_acquire) == 1)
        atomic_fetch_add(&told, 1);
    give_turn(2);
    return arg;
}

static void *be_told_and_read(void *arg)
{
    await_turn(2);
    if (atomic_fetch_add(&told, 1) == 1)
        must(words == 5);
    return arg;
}

static void told_on(void)
{
    run_all((void *(*[])(void *)){write_and_flag, see_and_tell, be_told_and_read});
}

/* The same by another flag. */
static atomic_int second_flag;

static void *see_and_flag(void *arg)
{
    await_turn(1);
    if (atomic_load_explicit(&flag, memory_order_acquire) == 1)
        atomic_store_explicit(&second_flag, 1, memory_order_release);
    give_turn(2);
    return arg;
}

static void *see_second_and_read(void *arg)
{
    await_turn(2);
    if (atomic_load_explicit(&second_flag, memory_order_acquire) == 1)
        must(words == 5);
    return arg;
}

static void flagged_on(void)
{
    run_all((void *(*[])(void *)){write_and_flag, see_and_flag, see_second_and_read});
}

/* ---- between the look at the flag and the words the other one has done more than is remembered -------------------------------- */

static void *flag_and_work(void *arg)
{
    words = 5;
    atomic_store_explicit(&flag, 1, memory_order_release);
    give_turn(1);
    await_turn(0);
    for (int i = 0; i < MANY; i++)
        elsewhere[i] = i;
    give_turn(1);
    return arg;
}

static void *see_and_wait(void *arg)
{
    await_turn(1);
    int seen = atomic_load_explicit(&flag, memory_order_acquire);
    if (seen == 1)
        give_turn(0);
    await_turn(1);
    if (seen == 1)
        must(words == 5);
    return arg;
}

static void *do_nothing(void *arg)
{
    return arg;
}

static void aged(void)
{
    elsewhere = calloc(MANY, sizeof *elsewhere);
    must(elsewhere != NULL);
    run_all((void *(*[])(void *)){flag_and_work, see_and_wait, do_nothing});
    free(elsewhere);
}

/* ---- the flag was set in one of many epochs, of the first of which the other one had heard otherwise --------------------------- */

enum { EPOCHS = 400, MARKED = 40, TOLD = 45, FLAGGED = 52 };

static atomic_int beats;
static int steps[EPOCHS];

static void *flag_among_many(void *arg)
{
    await_turn(1);
    for (int i = 0; i < EPOCHS; i++) {
        steps[i] = i;
        atomic_fetch_add(&beats, 1);
        if (i == MARKED)
            atomic_exchange(&mark, 1);
        if (i == TOLD)
            must(atomic_fetch_add(&told, 1) == 1);
        if (i == FLAGGED)
            atomic_store_explicit(&flag, 1, memory_order_release);
    }
    give_turn(2);
    return arg;
}

static void *see_mark_and_flag(void *arg)
{
    await_turn(2);
    must(atomic_fetch_add(&mark, 1) == 1);
    if (atomic_load_explicit(&flag, memory_order_acquire) == 1)
        must(words == 5);
    return arg;
}

static void merged(void)
{
    run_all((void *(*[])(void *)){write_and_tell, flag_among_many, see_mark_and_flag});
}

int main(int argc, char **argv)
{
    static const struct idiom cases[] = {
        {"heard", heard}, {"told_on", told_on}, {"flagged_on", flagged_on}, {"aged", aged}, {"merged", merged}};
    for (int i = 0; i < PEOPLE; i++)
        must(unseen_call(SYS_pipe, (long)turns[i], 0, 0) == 0);
    return run_idiom(argc, argv, cases, sizeof cases / sizeof *cases);
}
