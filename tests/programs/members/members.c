/* members.c: locks and memory that only code has names for: members of heap blocks, elements of one, a variable on a stack.
 * Each step of the two threads comes after the other's by a pipe that no tool sees, and nothing orders them. */
#include <pthread.h>
#include <stdlib.h>

#include "../races/unseen.h"

struct cache {
    int size;
    pthread_mutex_t lock;
    long hits;
};

struct db {
    pthread_mutex_t lock;
    struct cache *cache;
    long rows;
};

struct ticket {
    int number;
    long seats;
};

static struct db *other;
static void *box;
static int is_first = 1;

static struct db *db_new(void)
{
    struct db *db = calloc(1, sizeof *db);
    db->cache = calloc(1, sizeof *db->cache);
    pthread_mutex_init(&db->lock, NULL);
    pthread_mutex_init(&db->cache->lock, NULL);
    return db;
}

__attribute__((noinline)) static void store(struct db *db)
{
    pthread_mutex_lock(&db->lock);
    pthread_mutex_lock(&db->cache->lock);
    pthread_mutex_unlock(&db->cache->lock);
    pthread_mutex_unlock(&db->lock);
}

__attribute__((noinline)) static void look_up(struct db *db)
{
    pthread_mutex_lock(&db->cache->lock);
    pthread_mutex_lock(&db->lock);
    pthread_mutex_unlock(&db->lock);
    pthread_mutex_unlock(&db->cache->lock);
}

__attribute__((noinline, noclone)) static void count(struct db *db)
{
    db->rows++;
}

__attribute__((noinline, noclone)) static void hit(struct db *db)
{
    db->cache->hits++;
}

static void move(struct db *from, struct db *to)
{
    pthread_mutex_lock(&from->lock);
    pthread_mutex_lock(&to->lock);
    pthread_mutex_unlock(&to->lock);
    pthread_mutex_unlock(&from->lock);
}

/* What is touched is decided at run time: it is the rows. */
__attribute__((noinline, noclone)) static void either(struct db *db, int first)
{
    *(first ? (volatile long *)&db->rows : (volatile long *)&db->cache->hits) += 1;
}

static void *chooser(void *arg)
{
    either(arg, is_first);
    return NULL;
}

/* Code that does not say what it touches. */
__attribute__((noinline, noclone)) static void touch(void *place)
{
    *(volatile long *)place = 1;
}

static void *reader(void *arg)
{
    unseen_wait();
    look_up(arg);
    move(other, arg);
    count(arg);
    hit(arg);
    touch(*(void *volatile *)&box);
    return NULL;
}

static void *writer(void *arg)
{
    store(arg);
    move(arg, other);
    count(arg);
    hit(arg);
    struct ticket *tickets = malloc(4 * sizeof *tickets);
    box = &tickets[2].seats;
    touch(box);
    unseen_pass();
    return tickets;
}

static int choose(struct db *db)
{
    pthread_t threads[2];
    pthread_create(&threads[0], NULL, chooser, db);
    pthread_create(&threads[1], NULL, chooser, db);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    return 0;
}

int main(int argc, char **argv)
{
    pthread_t threads[2];
    pthread_mutex_t local;
    void *tickets;
    struct db *db = db_new();
    (void)argv;
    if (argc > 1)
        return choose(db);
    other = db_new();
    unseen_open();
    pthread_mutex_init(&local, NULL);
    pthread_create(&threads[0], NULL, reader, db);
    pthread_create(&threads[1], NULL, writer, db);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], &tickets);
    pthread_mutex_lock(&local);
    pthread_mutex_destroy(&local);
    free(tickets);
    return 0;
}
