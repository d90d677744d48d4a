/* expect: deadlock form=join at=finish_first@join_second at=finish_second@join_main at=main@join_first */
/* Each of three threads waits for the end of another: main for the first, the first for the second, the second for
 * main. (With two threads glibc notices and answers EDEADLK; with three it does not.)  Mended in join_cycle_ok.c.
 */
#include "stage.h"
#include <pthread.h>

static pthread_t main_thread, first, second;

static void *finish_second(void *unused)
{
    stage_await(1);
    pthread_join(main_thread, NULL); /* @join_main */
    return unused;
}

static void *finish_first(void *unused)
{
    stage_await(1);
    pthread_join(second, NULL); /* @join_second */
    return unused;
}

int main(void)
{
    alarm(10); /* ends the hang when nothing else does */
    main_thread = pthread_self();
    pthread_create(&first, NULL, finish_first, NULL);
    pthread_create(&second, NULL, finish_second, NULL);
    stage_advance();
    pthread_join(first, NULL); /* @join_first */
    puts("all have finished");
    return 0;
}
