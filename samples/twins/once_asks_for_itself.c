/* expect: deadlock form=self */
/* Once: the initialiser needs what it initialises. */
#include "twin.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void init(void);

static void get(void)
{
    pthread_once(&once, init);
}

static void init(void)
{
    get();
}

int main(void)
{
    get();
    return 0;
}
