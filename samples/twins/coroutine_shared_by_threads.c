/* expect: needs-weaving */
/* Generator: two threads draw from one without a lock. */
#include "twin.h"

static struct generator {
    int next;
} generator;
static int draw(struct generator *g)
{
    return g->next++;
}

static void *body(void *arg)
{
    for (int i = 0; i < 10000; i++)
        draw(&generator);
    return arg;
}

int main(void)
{
    run_two(body, body);
    printf("%d\n", generator.next);
    return 0;
}
