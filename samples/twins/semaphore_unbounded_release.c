/* expect: sem-overflow */
/* Semaphore: released without an acquire until the count is full. */
#include <limits.h>
#include <semaphore.h>

#include "twin.h"

int main(void)
{
    sem_t s;
    must(sem_init(&s, 0, SEM_VALUE_MAX) == 0);
    sem_post(&s);
    sem_destroy(&s);
    return 0;
}
