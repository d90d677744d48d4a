/* resolve_code.c: names of objects that have none of their own, as the code calls them that touches them.
 *
 *   a lock     by the argument of the call that initialised it, took it or wants it
 *   memory     by the operand of the instruction of either side; a heap block by the pointer that received it
 */
#include <ctype.h>
#include <string.h>

#include "report/resolve.h"
#include "report/resolve_code.h"

static const struct {
    const char *kind;
    const char *types[4];
} lock_types[] = {
    {"mutex", {"pthread_mutex_t", "mtx_t", NULL}}, {"rwlock", {"pthread_rwlock_t", NULL}},
    {"spinlock", {"pthread_spinlock_t", NULL}},    {"semaphore", {"sem_t", NULL}},
    {"barrier", {"pthread_barrier_t", NULL}},      {"condition variable", {"pthread_cond_t", "cnd_t", NULL}}};

static const char *const *types_of(const char *kind)
{
    for (size_t i = 0; i < sizeof lock_types / sizeof lock_types[0]; i++)
        if (strcmp(kind, lock_types[i].kind) == 0)
            return lock_types[i].types;
    return NULL;
}

const char *resolve_without_internals(const char *name, bool is_of_library, struct pool *pool)
{
    for (const char *at = name; *at; at++) {
        bool begins = at == name || at[-1] == '*' ? is_of_library : at[-1] == '.' || at[-1] == '>';
        if (begins && *at == '_' && (at[1] == '_' || isupper((unsigned char)at[1]))) {
            size_t length = (size_t)(at - name);
            while (length > 0 && strchr(".->", name[length - 1]))
                length--;
            size_t stars = strspn(name, "*");
            bool is_this = length - stars == strlen("this") && strncmp(name + stars, "this", length - stars) == 0;
            return length <= stars || (is_this && is_of_library) ? NULL : pool_copy(pool, name, length);
        }
    }
    return name;
}

static bool is_of_library(const struct run_stack *stack)
{
    return stack->symbol_count && stack->symbols[0].is_runtime;
}

static const char *innermost(const struct run_stack *stack, size_t first)
{
    for (size_t i = first; i < stack->symbol_count; i++)
        if (stack->symbols[i].name)
            return stack->symbols[i].name;
    return NULL;
}

static bool name_by_call(struct run_object *object, const struct run_stack *stack, size_t size, struct pool *pool,
                         struct symbols *symbols)
{
    const char *const *types = types_of(object->kind);
    const char *name =
        types && stack->frame_count ? symbols_name_argument(symbols, stack->frames, size, types, pool) : NULL;
    name = name ? resolve_without_internals(name, is_of_library(stack), pool) : NULL;
    if (!name || *name == '*') /* "*lock" tells nothing that "mutex#5" does not */
        return false;
    object->name = name;
    object->named_by = innermost(stack, stack->user_first);
    return true;
}

bool resolve_lock_by_code(const struct run_finding *f, struct run_object *object, size_t size, struct pool *pool,
                          struct symbols *symbols)
{
    if (name_by_call(object, &object->init_stack, size, pool, symbols))
        return true;
    for (size_t i = 0; i < f->party_count; i++) {
        const struct run_party *party = &f->parties[i];
        if (party->object == object && name_by_call(object, &party->stack, size, pool, symbols))
            return true;
        for (size_t k = 0; k < party->held_count; k++)
            if (party->held[k].object == object && name_by_call(object, &party->held[k].stack, size, pool, symbols))
                return true;
    }
    return false;
}

/* Sets *identity as well, when it returns true. */
static bool name_by_access(struct run_object *memory, const struct run_party *party, struct pool *pool,
                           struct symbols *symbols, const char **identity)
{
    const struct run_access *access = &party->access;
    if (party->stack.frame_count == 0 || access->is_by_library || access->size == 0 ||
        memory->address < access->address || memory->address - access->address >= access->size)
        return false;
    int64_t delta = (int64_t)(memory->address - access->address);
    const char *type = NULL;
    const char *whole = symbols_name_access(symbols, party->stack.frames, delta, memory->size, pool, &type, identity);
    const char *name = whole ? resolve_without_internals(whole, is_of_library(&party->stack), pool) : NULL;
    if (!name)
        return false;
    memory->type = name == whole ? type : NULL;
    memory->name = name;
    memory->named_by = innermost(&party->stack, party->stack.user_first);
    return true;
}

const char *resolve_memory_identity(const struct run_finding *f, const struct run_object *memory, struct pool *pool,
                                    struct symbols *symbols)
{
    const char *first = NULL, *identity = NULL;
    for (size_t i = 0; i < f->party_count; i++) {
        struct run_object named = *memory;
        if (!name_by_access(&named, &f->parties[i], pool, symbols, &identity))
            continue;
        identity = resolve_without_internals(identity, false, pool);
        if (identity && (!first || strcmp(identity, first) < 0))
            first = identity;
    }
    return first;
}

/* The frame of who called the allocator; operator new hands on what malloc gave it. */
static size_t caller_of_allocator(const struct run_stack *stack)
{
    size_t i = 0;
    while (i + 1 < stack->frame_count && i < stack->symbol_count && stack->symbols[i].name &&
           strncmp(stack->symbols[i].name, "operator new", strlen("operator new")) == 0)
        i++;
    return i;
}

static bool name_by_allocation(struct run_object *memory, struct pool *pool, struct symbols *symbols)
{
    size_t caller = caller_of_allocator(&memory->init_stack);
    uint64_t elements;
    if (memory->where != WHERE_HEAP || memory->block_size == 0 || memory->init_stack.frame_count == 0 ||
        memory->address < memory->block)
        return false;
    const char *type = NULL;
    const char *whole =
        symbols_name_result(symbols, &memory->init_stack.frames[caller], memory->address - memory->block,
                            memory->block_size, memory->size, pool, &type, &elements);
    const char *name = whole ? resolve_without_internals(whole, is_of_library(&memory->init_stack), pool) : NULL;
    if (!name)
        return false;
    memory->type = name == whole ? type : NULL;
    memory->name = name;
    memory->named_by = innermost(&memory->init_stack, caller);
    memory->elements = elements > 1 ? elements : 0;
    return true;
}

bool resolve_memory_by_code(const struct run_finding *f, struct run_object *memory, struct pool *pool,
                            struct symbols *symbols)
{
    const char *identity;
    for (size_t i = 0; i < f->party_count; i++)
        if (name_by_access(memory, &f->parties[i], pool, symbols, &identity))
            return true;
    return name_by_allocation(memory, pool, symbols);
}
