/* abandoned.c: threads that nobody waits for: the program ends while they have hardly begun.  What they do is seen all the same. */
#include "chosen.h"

static int counter;

static void *first(void *arg)
{
    enter_section();
    counter++;
    leave_section();
    unseen_pass();
    return arg;
}

static void *second(void *arg)
{
    unseen_wait();
    enter_section();
    counter++;
    leave_section();
    return arg;
}

static void abandon(void *(*routine)(void *arg))
{
    pthread_t thread;
    pthread_create(&thread, NULL, routine, NULL);
    pthread_detach(thread);
}

/* ---- how the program ends ------------------------------------------------------------------------------------------- */

static int return_at_once(void)
{
    return say_done();
}

static int exit_at_once(void)
{
    exit(say_done());
}

static void *exit_elsewhere(void *arg)
{
    (void)arg;
    exit(say_done());
}

static int let_another_exit(void)
{
    abandon(exit_elsewhere);
    pthread_exit(NULL);
}

static void *create_another(void *arg)
{
    abandon(create_another);
    return arg;
}

/* There is always a young one. */
static int return_from_many(void)
{
    abandon(create_another);
    return say_done();
}

static void exit_quietly(void)
{
}

/* Handlers of the program's own come behind. */
static int return_to_handlers(void)
{
    for (int i = 0; i < 40; i++)
        atexit(exit_quietly);
    return say_done();
}

static const struct {
    const char *name;
    int (*end)(void);
} cases[] = {
    {"returns", return_at_once}, {"exits", exit_at_once},          {"another", let_another_exit},
    {"many", return_from_many},  {"handlers", return_to_handlers},
};

int main(int argc, char **argv)
{
    CHOOSE_CASE(argc, argv, cases);
    abandon(first);
    abandon(second);
    return cases[chosen].end();
}
