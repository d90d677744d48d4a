/* expect: none */
/* The painters with the threads of C11, the pot before the brush.  The bug is in painters_c11_bug.c. */
#include "stage.h"
#include <threads.h>

static mtx_t pot, brush;

static int paint_bedroom(void *unused)
{
    (void)unused;
    mtx_lock(&pot);
    mtx_lock(&brush);
    mtx_unlock(&brush);
    mtx_unlock(&pot);
    stage_advance();
    return 1;
}

static int paint_kitchen(void *unused)
{
    (void)unused;
    stage_await(1);
    mtx_lock(&pot);
    mtx_lock(&brush);
    mtx_unlock(&pot);
    mtx_unlock(&brush);
    return 1;
}

int main(void)
{
    thrd_t bedroom, kitchen;
    int rooms = 0, painted;
    mtx_init(&pot, mtx_plain);
    mtx_init(&brush, mtx_plain);
    thrd_create(&bedroom, paint_bedroom, NULL);
    thrd_create(&kitchen, paint_kitchen, NULL);
    thrd_join(bedroom, &painted);
    rooms += painted;
    thrd_join(kitchen, &painted);
    rooms += painted;
    mtx_destroy(&brush);
    mtx_destroy(&pot);
    printf("%d rooms are painted\n", rooms);
    return 0;
}
