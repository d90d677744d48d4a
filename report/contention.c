#include "report/contention.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/resolve.h"

uint64_t contention_percentile(const struct contention_times *times, unsigned percent)
{
    uint64_t count = 0, seen = 0;
    for (unsigned i = 0; i < CONTENTION_BUCKETS; i++)
        count += times->below[i];
    for (unsigned i = 0; i < CONTENTION_BUCKETS; i++) {
        seen += times->below[i];
        if (seen > 0 && (double)seen * 100 >= (double)count * percent) {
            uint64_t end = UINT64_C(1) << i;
            return end < times->max_ns && i + 1 < CONTENTION_BUCKETS ? end : times->max_ns;
        }
    }
    return 0;
}

const struct symbol_frame *contention_place(const struct contention_site *site)
{
    const struct run_stack *stack = &site->stack;
    return stack->user_first < stack->user_end ? &stack->symbols[stack->user_first] : NULL;
}

/* ---- sums ------------------------------------------------------------------------------------------------------- */

/* A run file is not trusted to stay within 64 bits. */
static void add_number(uint64_t *sum, uint64_t number)
{
    if (__builtin_add_overflow(*sum, number, sum))
        *sum = UINT64_MAX;
}

static void add_times(struct contention_times *sum, const struct contention_times *times)
{
    add_number(&sum->total_ns, times->total_ns);
    sum->max_ns = times->max_ns > sum->max_ns ? times->max_ns : sum->max_ns;
    for (unsigned i = 0; i < CONTENTION_BUCKETS; i++)
        add_number(&sum->below[i], times->below[i]);
}

static void add_numbers(struct contention_numbers *sum, const struct contention_numbers *numbers)
{
    add_number(&sum->acquisitions, numbers->acquisitions);
    add_number(&sum->contended, numbers->contended);
    add_times(&sum->wait, &numbers->wait);
    add_times(&sum->hold, &numbers->hold);
}

static bool is_same_frame(const struct symbol_frame *a, const struct symbol_frame *b)
{
    const char *left = a->name ? a->name : "", *right = b->name ? b->name : "";
    return a->line == b->line && (a->line != 0 || a->offset == b->offset) && strcmp(left, right) == 0;
}

static bool is_same_site(const struct contention_site *a, const struct contention_site *b)
{
    size_t depth = a->stack.user_end - a->stack.user_first;
    bool is_same = a->is_shared == b->is_shared && depth == b->stack.user_end - b->stack.user_first;
    for (size_t i = 0; is_same && i < depth; i++)
        is_same = is_same_frame(&a->stack.symbols[a->stack.user_first + i], &b->stack.symbols[b->stack.user_first + i]);
    return is_same;
}

static void add_site(struct contention_lock *lock, struct contention_site *site)
{
    struct contention_site **at = &lock->sites;
    while (*at && !is_same_site(*at, site))
        at = &(*at)->next;
    if (*at) {
        add_numbers(&(*at)->numbers, &site->numbers);
    } else {
        site->next = NULL;
        *at = site;
    }
}

/* ---- order ------------------------------------------------------------------------------------------------------ */

static bool is_heavier(const struct contention_numbers *a, const struct contention_numbers *b)
{
    return a->wait.total_ns != b->wait.total_ns ? a->wait.total_ns > b->wait.total_ns
                                                : a->acquisitions > b->acquisitions;
}

static struct contention_site *sort_sites(struct contention_site *sites)
{
    struct contention_site *sorted = NULL, *next;
    for (struct contention_site *site = sites; site; site = next) {
        struct contention_site **at = &sorted;
        next = site->next;
        while (*at && !is_heavier(&site->numbers, &(*at)->numbers))
            at = &(*at)->next;
        site->next = *at;
        *at = site;
    }
    return sorted;
}

static bool is_same_place(const struct contention_site *a, const struct contention_site *b)
{
    const struct symbol_frame *left = contention_place(a), *right = contention_place(b);
    return a->is_shared == b->is_shared && (left && right ? is_same_frame(left, right) : left == right);
}

const struct contention_site *contention_places(const struct contention_lock *lock, struct pool *pool)
{
    struct contention_site *places = NULL;
    for (const struct contention_site *site = lock->sites; site; site = site->next) {
        struct contention_site *place = places;
        while (place && !is_same_place(place, site))
            place = place->next;
        if (place) {
            add_numbers(&place->numbers, &site->numbers);
        } else {
            place = pool_alloc(pool, sizeof *place);
            *place = *site;
            place->next = places;
            places = place;
        }
    }
    return sort_sites(places);
}

static void sort_locks(struct run *run)
{
    struct contention_lock *sorted = NULL, *next;
    for (struct contention_lock *lock = run->contended; lock; lock = next) {
        struct contention_lock **at = &sorted;
        next = lock->next;
        while (*at && !is_heavier(&lock->numbers, &(*at)->numbers))
            at = &(*at)->next;
        lock->next = *at;
        *at = lock;
        lock->sites = sort_sites(lock->sites);
    }
    run->contended = sorted;
}

/* ---- names ------------------------------------------------------------------------------------------------------ */

static const char *name_of(struct run *run, const struct run_object *object)
{
    for (size_t i = object->init_stack.user_first; object->where != WHERE_STATIC && i < object->init_stack.user_end;
         i++)
        if (object->init_stack.symbols[i].name)
            return pool_format(&run->pool, "%s of %s", object->kind, object->init_stack.symbols[i].name);
    return object->name;
}

static void resolve(struct run *run, struct contention_lock *lock, struct symbols *symbols)
{
    object_resolve(&lock->object, &run->pool, symbols);
    for (struct contention_site *site = lock->sites; site; site = site->next)
        stack_resolve(&site->stack, &run->pool, symbols);
    lock->name = name_of(run, &lock->object);
}

void contention_merge(struct run *run, struct symbols *symbols)
{
    struct contention_lock *lock = run->contention, *next_lock;
    run->contention = NULL;
    for (; lock; lock = next_lock) {
        struct contention_lock **at = &run->contended;
        next_lock = lock->next;
        resolve(run, lock, symbols);
        while (*at && strcmp((*at)->name, lock->name) != 0)
            at = &(*at)->next;
        struct contention_site *sites = lock->sites, *next;
        if (!*at) {
            *at = lock;
            lock->next = NULL;
            lock->sites = NULL;
        }
        (*at)->locks += lock->object.where != WHERE_STATIC || (*at)->locks == 0;
        for (; sites; sites = next) {
            next = sites->next;
            add_numbers(&(*at)->numbers, &sites->numbers);
            add_site(*at, sites);
        }
    }
    sort_locks(run);
}
