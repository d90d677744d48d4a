/* expect: needs-weaving */
/* Bank account: deposits without a lock. */
#include "twin.h"

static long balance;

static void *deposit(void *arg)
{
    for (int i = 0; i < 10000; i++) {
        long seen = balance;
        balance = seen + 1;
    }
    return arg;
}

int main(void)
{
    run_two(deposit, deposit);
    printf("%ld\n", balance);
    return 0;
}
