#include "report/resolve.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "report/path.h"
#include "report/resolve_code.h"

void finding_visit_stacks(const struct run_finding *finding, void (*visit)(void *ctx, struct run_stack *stack),
                          void *ctx)
{
    for (size_t i = 0; i < finding->party_count; i++) {
        struct run_party *party = &finding->parties[i];
        visit(ctx, &party->stack);
        for (size_t k = 0; k < party->held_count; k++)
            visit(ctx, &party->held[k].stack);
        for (size_t k = 0; k < party->gone_count; k++)
            visit(ctx, &party->gone[k].stack);
    }
    for (size_t i = 0; i < finding->object_count; i++)
        visit(ctx, &finding->objects[i].init_stack);
    for (size_t i = 0; i < finding->thread_count; i++)
        visit(ctx, &finding->threads[i].created);
}

/* ---- stacks ----------------------------------------------------------------------------------------------------- */

struct resolver {
    const struct run_finding *finding; /* or NULL */
    struct pool *pool;
    struct symbols *symbols;
};

/* Returns: how many frames begin inside of libc's start of the program, whose caller is _start, also where it has no name. */
static size_t frames_of_main(const struct run_stack *stack)
{
    size_t count = stack->symbol_count;
    bool is_start = count > 1 && stack->symbols[count - 2].is_runtime && stack->symbols[count - 2].name &&
                    strcmp(stack->symbols[count - 2].name, "__libc_start_main") == 0;
    return is_start && !stack->symbols[count - 1].name ? count - 1 : count;
}

static void fold_runtime(struct run_stack *stack)
{
    size_t first = 0, end = frames_of_main(stack);
    while (first < end && stack->symbols[first].is_runtime)
        first++;
    while (end > first && stack->symbols[end - 1].is_runtime)
        end--;
    if (first == end) { /* all of it is the runtime's: better that than nothing */
        first = 0;
        end = stack->symbol_count;
    }
    stack->user_first = first;
    stack->user_end = end;
}

static bool is_own(const struct symbol_frame *frame)
{
    return frame->module && strncmp(path_base(frame->module->path), "liblockhound.so", strlen("liblockhound.so")) == 0;
}

bool stack_is_folded(const struct run_stack *stack, size_t i)
{
    bool is_whole = stack->user_first == 0 && stack->user_end == stack->symbol_count;
    if (!stack->symbols[i].is_runtime || (is_whole && stack->symbols[0].is_runtime))
        return false;
    if (!stack->symbols[i].function)
        return true;
    bool follows_own = false;
    for (size_t k = i; k > stack->user_first && stack->symbols[k].is_runtime; k--)
        follows_own |= is_own(&stack->symbols[k]);
    return follows_own;
}

bool stack_follows_handler(const struct run_stack *stack, size_t i)
{
    for (size_t k = i; k > 0; k--) {
        if (stack->symbols[k].is_interrupted)
            return true;
        if (k > stack->user_first && !stack_is_folded(stack, k - 1))
            return false;
    }
    return false;
}

/* A function whose head and rest the compiler has split, to inline the one or the other alone, is one frame as in the source. */
static bool is_rest_of(const struct symbol_frame *inner, const struct symbol_frame *outer)
{
    return outer->is_at_name && outer->module == inner->module && outer->name && inner->name &&
           strcmp(outer->name, inner->name) == 0;
}

static void add_symbols(struct run_stack *stack, const struct symbol_frame *frames, size_t count, bool is_interrupted)
{
    size_t first = stack->symbol_count;
    for (size_t i = 0; i < count; i++) {
        size_t known = stack->symbol_count;
        if (known > 0 && is_rest_of(&stack->symbols[known - 1], &frames[i]))
            stack->symbols[known - 1].is_inlined = frames[i].is_inlined;
        else
            stack->symbols[stack->symbol_count++] = frames[i];
    }
    if (is_interrupted && stack->symbol_count > first)
        stack->symbols[first].is_interrupted = true;
}

static void resolve_stack(void *ctx, struct run_stack *stack)
{
    struct resolver *r = ctx;
    const struct symbol_frame *frames;
    size_t total = 0;
    for (size_t i = 0; i < stack->frame_count; i++)
        total += symbols_find(r->symbols, &stack->frames[i], &frames);
    stack->symbols = pool_array(r->pool, total, sizeof *stack->symbols);
    for (size_t i = 0; i < stack->frame_count; i++) {
        size_t count = symbols_find(r->symbols, &stack->frames[i], &frames);
        add_symbols(stack, frames, count, i > 0 && stack->frames[i].is_exact);
    }
    fold_runtime(stack);
}

/* ---- objects ---------------------------------------------------------------------------------------------------- */

/* Units: bytes, on x86-64 Linux; glibc's ABI fixes them. */
static size_t object_size(const char *kind)
{
    static const struct {
        const char *kind;
        size_t size;
    } sizes[] = {{"mutex", 40},   {"rwlock", 56}, {"semaphore", 32}, {"condition variable", 48},
                 {"barrier", 32}, {"spinlock", 4}};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        if (strcmp(kind, sizes[i].kind) == 0)
            return sizes[i].size;
    return sizeof(int);
}

/* "accounts[12].lock" -> "accounts[].lock": which element took part is chance. */
static const char *without_indices(struct pool *pool, const char *name)
{
    char *out = pool_string(pool, name);
    char *to = out;
    for (const char *from = out; *from; from++) {
        *to++ = *from;
        if (*from == '[')
            while (isdigit((unsigned char)from[1]))
                from++;
    }
    *to = '\0';
    return out;
}

/* "table+24" -> "table": without debug information nobody knows whether this is a member or chance. */
static const char *without_offset(struct pool *pool, const char *name)
{
    const char *plus = strrchr(name, '+');
    bool is_offset = plus && plus > name && plus[1] && plus[1 + strspn(plus + 1, "0123456789")] == '\0';
    return is_offset ? pool_copy(pool, name, (size_t)(plus - name)) : name;
}

static bool is_memory(const struct resolver *r, const struct run_object *object)
{
    return r->finding && object == r->finding->memory;
}

static void name_static(struct resolver *r, struct run_object *object)
{
    struct pool *pool = r->pool;
    size_t size = is_memory(r, object) ? object->size : object_size(object->kind);
    uint64_t type_size;
    object->name =
        symbols_name_variable(r->symbols, object->module, object->offset, size, pool, &object->type, &type_size);
    if (is_memory(r, object) && type_size != size)
        object->type = NULL; /* of a part, or of the first of several members: not of all that is touched */
    object->is_nameless = !object->name;
    if (object->is_nameless)
        object->name = pool_format(pool, "%s+0x%" PRIx64, path_base(object->module->path), object->offset);
    const char *whole = object->name;
    object->name = resolve_without_internals(whole, false, pool);
    object->stable = without_indices(pool, object->name);
    object->type = object->name == whole ? object->type : NULL;
}

/* Returns: the innermost function of the user's code, by module and offset where it has no name; "" when there is none. */
static const char *top_function(struct pool *pool, const struct run_stack *stack)
{
    if (stack->user_first == stack->user_end)
        return "";
    const struct symbol_frame *frame = &stack->symbols[stack->user_first];
    if (frame->name)
        return frame->name;
    return frame->module ? pool_format(pool, "%s+0x%" PRIx64, path_base(frame->module->path), frame->offset) : "";
}

/* Memory that no variable names: by its place, and a heap block by who allocated it. */
static void name_memory(struct resolver *r, struct run_object *memory)
{
    struct pool *pool = r->pool;
    const char *maker = top_function(pool, &memory->init_stack);
    switch (memory->where) {
    case WHERE_STATIC:
        name_static(r, memory);
        memory->stable = without_offset(pool, memory->stable);
        return;
    case WHERE_STACK:
        memory->stable = "stack variable";
        memory->name = pool_format(pool, "stack variable of T%" PRIu32, memory->stack_thread);
        return;
    case WHERE_SHARED:
        memory->stable = memory->name = pool_format(pool, "shared memory %s", path_base(memory->path));
        return;
    case WHERE_DESCRIPTOR:
        memory->name = pool_format(pool, "descriptor %" PRIu64, memory->number);
        memory->stable = pool_format(pool, "%s descriptor of %s", memory->what, maker);
        return;
    case WHERE_LIBC:
        memory->stable = memory->name = pool_format(pool, "static state of %s", memory->what);
        return;
    case WHERE_HEAP:
    case WHERE_UNKNOWN:
        break;
    }
    memory->stable = !*maker ? "heap block" : pool_format(pool, "heap block of %s", maker);
    memory->name = !memory->block_size
                       ? pool_format(pool, "memory at 0x%" PRIx64, memory->address)
                       : pool_format(pool, "%s[%" PRIu64 "]", memory->stable, memory->address - memory->block);
}

/* Two locks that the same code makes are told apart by their numbers. */
static void tell_apart(struct run_finding *finding)
{
    for (size_t i = 0; i < finding->object_count; i++) {
        struct run_object *object = &finding->objects[i];
        const char *name = object->name;
        bool is_shared = false;
        for (size_t k = 0; object->named_by && k < finding->object_count && !is_shared; k++)
            is_shared = k != i && strcmp(finding->objects[k].name, name) == 0;
        for (size_t k = i; is_shared && k < finding->object_count; k++) {
            struct run_object *other = &finding->objects[k];
            if (other->named_by && other != finding->memory && strcmp(other->name, name) == 0)
                other->name = pool_format(&finding->pool, "%s#%" PRIu32, other->name, other->id);
        }
    }
}

/* Returns: false when it has a name of its own. */
static bool has_code_name(const struct run_object *object)
{
    return object->where == WHERE_STACK || object->where == WHERE_HEAP || object->where == WHERE_UNKNOWN;
}

/* Returns: true for a type that the C++ library has for itself, and that users know nothing of. */
static bool is_internal_type(const char *type)
{
    static const char *const of_c[] = {"_Bool", "_Complex", "_Float", "_Imaginary", "_Decimal"};
    for (size_t i = 0; i < sizeof of_c / sizeof of_c[0]; i++)
        if (strncmp(type, of_c[i], strlen(of_c[i])) == 0)
            return false;
    return type[0] == '_' && (isupper((unsigned char)type[1]) || (type[1] == '_' && strchr(type, '<')));
}

/* What the code has there, without whose pointer it is: members of one block, and variables on one stack, are objects of their own. */
static void add_identity(struct resolver *r, struct run_object *memory)
{
    const char *identity = resolve_memory_identity(r->finding, memory, r->pool, r->symbols);
    if (identity && *identity)
        memory->stable = pool_format(r->pool, "%s %s", memory->stable, without_indices(r->pool, identity));
}

static void name_object(struct resolver *r, struct run_object *object)
{
    static const char *const places[] = {"unknown", "static", "stack", "heap", "shared", "descriptor", "libc"};
    struct pool *pool = r->pool;
    if (is_memory(r, object)) {
        name_memory(r, object);
    } else if (object->where == WHERE_STATIC) {
        name_static(r, object);
        if (strcmp(object->kind, "futex") == 0 && strncmp(object->name, "std::", strlen("std::")) == 0)
            object->name = pool_format(pool, "futex#%" PRIu32, object->id); /* the library's own, whatever it is for */
    } else if (strcmp(object->kind, "thread") == 0) {
        const struct run_thread *thread = r->finding ? finding_thread(r->finding, object->init_thread) : NULL;
        object->name = pool_format(pool, "T%" PRIu32, object->init_thread);
        object->stable = pool_format(pool, "thread@%s", thread ? top_function(pool, &thread->created) : "");
    } else if (strcmp(object->kind, "process") == 0) {
        object->name = object->address == 0
                           ? "any child"
                           : pool_format(pool, "process %" PRIu64 " (%s)", object->address, object->path);
        object->stable = pool_format(pool, "process %s", object->path);
    } else {
        object->name = pool_format(pool, "%s#%" PRIu32, object->kind, object->id);
        object->stable =
            pool_format(pool, "%s@%s@%s", object->kind, places[object->where], top_function(pool, &object->init_stack));
    }
    /* What code calls a lock differs from one piece of code to the next: no part of what is stable. */
    if (r->finding && has_code_name(object)) {
        if (is_memory(r, object)) {
            add_identity(r, object);
            resolve_memory_by_code(r->finding, object, pool, r->symbols);
        } else {
            resolve_lock_by_code(r->finding, object, object_size(object->kind), pool, r->symbols);
        }
    }
    if (object->type && is_internal_type(object->type))
        object->type = NULL;
}

void finding_resolve(struct run_finding *finding, struct symbols *symbols)
{
    struct resolver r = {finding, &finding->pool, symbols};
    finding_visit_stacks(finding, resolve_stack, &r);
    resolve_stack(&r, &finding->heard.stack);
    for (size_t i = 0; i < finding->object_count; i++)
        name_object(&r, &finding->objects[i]);
    tell_apart(finding);
    finding->message = finding_message(finding);
    finding->heard.message = finding_heard_message(finding);
    finding_fingerprint(finding);
}

void stack_resolve(struct run_stack *stack, struct pool *pool, struct symbols *symbols)
{
    struct resolver r = {NULL, pool, symbols};
    resolve_stack(&r, stack);
}

void object_resolve(struct run_object *object, struct pool *pool, struct symbols *symbols)
{
    struct resolver r = {NULL, pool, symbols};
    resolve_stack(&r, &object->init_stack);
    name_object(&r, object);
}
