/* bank.c: accounts and transfers between them, in the racy form and in four correct ones.
 *
 *   lhp-bank racy|lock|semaphore|atomic|queue [TRANSFERS]
 *
 * No transfer may make a balance negative, and the sum of all balances never changes; exits 1 when it has.
 *
 * Two locks at once are taken in the order of the accounts' numbers, so that two opposite transfers cannot wait for each
 * other.  The atomic form moves money by compare-and-swap on the one account and addition on the other: between the two
 * the sum is short, which only an audit that stops the world (here: after the join) may ignore.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lhp/lock.h>
#include <lhp/queue.h>
#include <lhp/semaphore.h>
#include <lhp/thread.h>

enum { ACCOUNTS = 8, CLIENTS = 4, OPENING = 1000 };

struct account {
    long balance; /* in the atomic form accessed atomically */
    struct lhp_lock lock;
    struct lhp_semaphore semaphore;
};

struct order {
    unsigned from, to;
    long amount;
};

struct bank {
    struct account accounts[ACCOUNTS];
    struct lhp_queue orders;
    void (*transfer)(struct bank *b, const struct order *o);
    long transfers;
};

static void move(struct bank *b, const struct order *o)
{
    if (b->accounts[o->from].balance < o->amount)
        return;
    b->accounts[o->from].balance -= o->amount;
    b->accounts[o->to].balance += o->amount;
}

static void transfer_racy(struct bank *b, const struct order *o)
{
    move(b, o);
}

static void transfer_by_lock(struct bank *b, const struct order *o)
{
    unsigned low = o->from < o->to ? o->from : o->to, high = o->from + o->to - low;
    lhp_lock_acquire(&b->accounts[low].lock);
    lhp_lock_acquire(&b->accounts[high].lock);
    move(b, o);
    lhp_lock_release(&b->accounts[high].lock);
    lhp_lock_release(&b->accounts[low].lock);
}

static void transfer_by_semaphore(struct bank *b, const struct order *o)
{
    unsigned low = o->from < o->to ? o->from : o->to, high = o->from + o->to - low;
    lhp_semaphore_acquire(&b->accounts[low].semaphore);
    lhp_semaphore_acquire(&b->accounts[high].semaphore);
    move(b, o);
    lhp_semaphore_release(&b->accounts[high].semaphore, 1);
    lhp_semaphore_release(&b->accounts[low].semaphore, 1);
}

static void transfer_by_atomic(struct bank *b, const struct order *o)
{
    long *from = &b->accounts[o->from].balance;
    long seen = __atomic_load_n(from, __ATOMIC_RELAXED);
    /* Relaxed throughout: each balance stands for itself, and the audit comes after the joins. */
    do {
        if (seen < o->amount)
            return;
    } while (!__atomic_compare_exchange_n(from, &seen, seen - o->amount, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    __atomic_fetch_add(&b->accounts[o->to].balance, o->amount, __ATOMIC_RELAXED);
}

/* The clerk alone touches the books; clients hand in orders, which become the clerk's. */
static void transfer_by_queue(struct bank *b, const struct order *o)
{
    struct order *mine = malloc(sizeof(*mine));
    if (!mine)
        abort();
    *mine = *o;
    if (lhp_queue_put(&b->orders, mine) != LHP_OK)
        abort();
}

static int clerk(void *arg)
{
    struct bank *b = arg;
    void *o;
    while (lhp_queue_get(&b->orders, &o) == LHP_OK) {
        move(b, o);
        free(o);
    }
    return 0;
}

static int client(void *arg)
{
    struct bank *b = arg;
    unsigned dice = (unsigned)lhp_thread_native_id(lhp_thread_current());
    for (long i = 0; i < b->transfers; i++) {
        struct order o;
        dice = dice * 1664525 + 1013904223;
        o.from = dice >> 8 & (ACCOUNTS - 1);
        o.to = (o.from + 1 + (dice >> 16) % (ACCOUNTS - 1)) % ACCOUNTS;
        o.amount = (dice >> 24) + 1;
        b->transfer(b, &o);
    }
    return 0;
}

static struct lhp_thread *start(int (*fn)(void *), void *arg)
{
    struct lhp_thread *t = lhp_thread_new(fn, arg, NULL);
    if (!t || lhp_thread_start(t) != LHP_OK)
        exit(2);
    return t;
}

static void finish(struct lhp_thread *t)
{
    lhp_thread_join(t);
    lhp_thread_release(t);
}

static void open_bank(struct bank *b)
{
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        b->accounts[i].balance = OPENING;
        lhp_lock_init(&b->accounts[i].lock);
        if (lhp_semaphore_init(&b->accounts[i].semaphore, 1) != LHP_OK)
            exit(2);
    }
    if (lhp_queue_init(&b->orders, LHP_QUEUE_FIFO, 256, NULL, free) != LHP_OK)
        exit(2);
}

/* Returns: whether the books are right. */
static bool close_bank(struct bank *b)
{
    long sum = 0;
    bool negative = false;
    for (unsigned i = 0; i < ACCOUNTS; i++) {
        sum += b->accounts[i].balance;
        negative |= b->accounts[i].balance < 0;
        lhp_semaphore_destroy(&b->accounts[i].semaphore);
        lhp_lock_destroy(&b->accounts[i].lock);
    }
    lhp_queue_destroy(&b->orders);
    printf("sum %ld of %d%s\n", sum, ACCOUNTS * OPENING, negative ? ", an account is overdrawn" : "");
    return sum == ACCOUNTS * OPENING && !negative;
}

static const struct {
    const char *name;
    void (*transfer)(struct bank *b, const struct order *o);
} forms[] = {{"racy", transfer_racy},
             {"lock", transfer_by_lock},
             {"semaphore", transfer_by_semaphore},
             {"atomic", transfer_by_atomic},
             {"queue", transfer_by_queue}};

int main(int argc, char **argv)
{
    static struct bank bank;
    struct lhp_thread *clients[CLIENTS], *owner = NULL;
    bank.transfers = argc > 2 ? atol(argv[2]) : 50000;
    for (size_t i = 0; argc > 1 && i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(argv[1], forms[i].name) == 0)
            bank.transfer = forms[i].transfer;
    if (!bank.transfer) {
        fprintf(stderr, "usage: %s racy|lock|semaphore|atomic|queue [TRANSFERS]\n", argv[0]);
        return 2;
    }
    open_bank(&bank);
    if (bank.transfer == transfer_by_queue)
        owner = start(clerk, &bank);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = start(client, &bank);
    for (int i = 0; i < CLIENTS; i++)
        finish(clients[i]);
    lhp_queue_shutdown(&bank.orders, false);
    if (owner)
        finish(owner);
    return close_bank(&bank) ? 0 : 1;
}
