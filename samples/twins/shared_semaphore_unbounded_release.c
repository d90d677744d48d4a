/* expect: sem-overflow */
/* Shared semaphore: released without an acquire until the count is full. */
#include <limits.h>

#include "shared.h"

int main(void)
{
    sem_t *sem = shared_memory(sizeof(*sem));
    must(sem_init(sem, 1, SEM_VALUE_MAX) == 0);
    sem_post(sem);
    return 0;
}
