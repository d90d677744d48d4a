/* expect: lock-order-inversion at=transfer@to_account */
/* A transfer locks the account that pays and then the one that receives.  Two transfers between the same accounts in
 * opposite directions therefore lock in opposite orders, though it is one line of code that does it.  Mended in
 * bank_transfer_ok.c.
 */
#include "stage.h"
#include <pthread.h>
#include <stdlib.h>

struct account {
    int number;
    long balance;
    pthread_mutex_t lock;
};

struct order {
    int turn;
    struct account *from, *to;
};

static struct account *account_open(int number)
{
    struct account *account = malloc(sizeof *account);
    if (!account)
        abort();
    account->number = number;
    account->balance = 100;
    pthread_mutex_init(&account->lock, NULL);
    return account;
}

static void account_close(struct account *account)
{
    printf("account %d: %ld\n", account->number, account->balance);
    pthread_mutex_destroy(&account->lock);
    free(account);
}

static void transfer(struct account *from, struct account *to, long amount)
{
    pthread_mutex_lock(&from->lock);
    pthread_mutex_lock(&to->lock); /* @to_account */
    from->balance -= amount;
    to->balance += amount;
    pthread_mutex_unlock(&to->lock);
    pthread_mutex_unlock(&from->lock);
}

static void *clerk(void *argument)
{
    const struct order *order = argument;
    stage_await(order->turn);
    transfer(order->from, order->to, 30);
    stage_advance();
    return NULL;
}

int main(void)
{
    struct account *a = account_open(1), *b = account_open(2);
    struct order orders[] = {{0, a, b}, {1, b, a}};
    pthread_t clerks[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&clerks[i], NULL, clerk, &orders[i]);
    for (int i = 0; i < 2; i++)
        pthread_join(clerks[i], NULL);
    account_close(a);
    account_close(b);
    return 0;
}
