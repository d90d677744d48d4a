/* expect: data-race at=sell@counts */
/* needs-weaving */
/* Two tills count what they sell in one variable, and neither takes a lock.  To count is to read, to add and to write: when
 * both read before one writes, a sale is lost.  Mended in race_counter_ok.c.
 */
#include <pthread.h>
#include <stdio.h>

static long sold;

__attribute__((noinline)) static void sell(void)
{
    sold++; /* @counts */
}

static void *till(void *unused)
{
    for (int i = 0; i < 1000; i++)
        sell();
    return unused;
}

int main(void)
{
    pthread_t tills[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&tills[i], NULL, till, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(tills[i], NULL);
    puts(sold > 0 ? "sold out" : "nothing sold");
    return 0;
}
