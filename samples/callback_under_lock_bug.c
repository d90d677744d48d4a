/* expect: deadlock form=self at=table_remove@lock_again at=table_each@call_out */
/* The table calls the user's function while it holds its own lock, and the function calls back into the table.  The
 * author of the table cannot know what a callback does.  Mended in callback_under_lock_ok.c: copy under the lock, call
 * without it.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLOTS 4

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static int table[SLOTS] = {3, -1, 4, -1};

static void table_remove(int value)
{
    pthread_mutex_lock(&table_lock); /* @lock_again */
    for (int i = 0; i < SLOTS; i++)
        if (table[i] == value)
            table[i] = 0;
    pthread_mutex_unlock(&table_lock);
    printf("removed %d\n", value);
}

static void table_each(void (*visit)(int value))
{
    pthread_mutex_lock(&table_lock);
    for (int i = 0; i < SLOTS; i++)
        visit(table[i]); /* @call_out */
    pthread_mutex_unlock(&table_lock);
}

static void remove_if_negative(int value)
{
    if (value < 0)
        table_remove(value);
}

int main(void)
{
    alarm(10); /* ends the hang when nothing else does */
    table_each(remove_if_negative);
    return 0;
}
