/* expect: none */
/* The table is copied under the lock and the callback is made without it.  The bug is in callback_under_lock_bug.c. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLOTS 4

static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;
static int table[SLOTS] = {3, -1, 4, -1};

static void table_remove(int value)
{
    pthread_mutex_lock(&table_lock);
    for (int i = 0; i < SLOTS; i++)
        if (table[i] == value)
            table[i] = 0;
    pthread_mutex_unlock(&table_lock);
    printf("removed %d\n", value);
}

static void table_each(void (*visit)(int value))
{
    int copy[SLOTS];
    pthread_mutex_lock(&table_lock);
    memcpy(copy, table, sizeof copy);
    pthread_mutex_unlock(&table_lock);
    for (int i = 0; i < SLOTS; i++)
        visit(copy[i]);
}

static void remove_if_negative(int value)
{
    if (value < 0)
        table_remove(value);
}

int main(void)
{
    table_each(remove_if_negative);
    return 0;
}
