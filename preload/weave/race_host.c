#include "preload/weave/race_host.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "detector/object.h"
#include "preload/abi/ignored.h"
#include "preload/intercept/access.h"
#include "preload/intercept/descriptor_table.h"
#include "preload/intercept/static_state.h"
#include "preload/lockhound.h"
#include "preload/raw.h"
#include "preload/stacks.h"
#include "preload/unknown_code.h"
#include "preload/weave/blocks.h"
#include "preload/weave/callers.h"
#include "preload/weave/container_call.h"
#include "preload/weave/far_memory.h"
#include "preload/weave/obstacles.h"
#include "preload/weave/pc_map.h"
#include "preload/weave/plane_pool.h"
#include "preload/weave/scope.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* ---- memory ------------------------------------------------------------------------------------------------------- */

static void *host_reserve(void *ctx, size_t size)
{
    (void)ctx;
    void *memory = far_memory_reserve(size, PROT_READ | PROT_WRITE);
    if (memory != NULL)
        raw_syscall(SYS_madvise, (long)memory, (long)size, MADV_DONTDUMP, 0, 0, 0);
    return memory;
}

static void host_release(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    raw_syscall(SYS_munmap, (long)memory, (long)size, 0, 0, 0, 0);
}

static void host_discard(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    raw_syscall(SYS_madvise, (long)memory, (long)size, MADV_DONTNEED, 0, 0, 0);
}

/* What reads a page first, and writes to it then, costs a call of all processors.  Before Linux 5.14 it is so. */
static void host_populate(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    static _Atomic bool is_unknown;
    if (!atomic_load_explicit(&is_unknown, memory_order_relaxed) && /* relaxed: a hint */
        raw_syscall(SYS_madvise, (long)memory, (long)size, MADV_POPULATE_WRITE, 0, 0, 0) == -EINVAL)
        atomic_store_explicit(&is_unknown, true, memory_order_relaxed);
}

static void host_empty(void *ctx, struct race_plane *race)
{
    (void)ctx;
    plane_empty_windows(plane_of(race));
}

/* ---- stacks ------------------------------------------------------------------------------------------------------- */

/* Returns: the program's instruction at the site, on top of its callers; the callers alone when the site is gone. */
static struct stack_id stack_of_site(uintptr_t return_address, struct callers_id callers)
{
    const struct module *module = NULL;
    const struct image_site *site = pc_map_site(return_address, &module);
    struct frame frames[STACK_MAX_DEPTH + 1];
    uint32_t depth = 0;
    if (site != NULL)
        frames[depth++] = frame_of(module->bias + site->module, module->id, true);
    depth += callers_frames(callers, frames + depth, lockhound.options.stack_depth);
    if (depth > STACK_MAX_DEPTH)
        depth = STACK_MAX_DEPTH;
    return depth == 0 ? (struct stack_id){0} : stacks_id(stacks_intern(frames, depth));
}

/* What the entry of a site leaves out: the quick path of a miss notes no more than whether it writes, and of a run one element was
 * meant, that of `address`. */
static void recall_site(uintptr_t return_address, uint64_t address, struct race_recalled *recalled)
{
    const struct module *module = NULL;
    const struct image_site *site = pc_map_site(return_address, &module);
    if (site == NULL)
        return;
    recalled->flags |= pc_map_site_flags(site);
    if (site->size == 0 || recalled->size <= site->size)
        return;
    uint64_t ahead = address > recalled->address ? address - recalled->address : 0;
    recalled->address += ahead / site->size * site->size;
    recalled->size = site->size;
}

static struct stack_id host_stack_here(void *ctx)
{
    (void)ctx;
    const struct plane *plane = self_current->plane;
    return plane->site == 0 ? callers_stack(plane->here) : stack_of_site(plane->site, plane->history.context);
}

static uint64_t host_place(void *ctx, struct stack_id stack)
{
    (void)ctx;
    const struct interned_stack *interned = stacks_get(stack);
    return interned == NULL || interned->depth == 0 ? 0 : interned->frames[0].pc;
}

/* A finding formats, unwinds and writes. */
static void host_apart(void *ctx, void (*work)(void *arg), void *arg)
{
    (void)ctx;
    vectors_apart(&self_current->plane->vectors, work, arg);
}

/* ---- history ------------------------------------------------------------------------------------------------------ */

/* A lock that is no longer the object that it was has been freed or destroyed.  Returns: how many locks were held then. */
static size_t recall_held(const struct history_found *found, struct held_lock *held)
{
    for (size_t i = 0; i < found->held_count; i++) {
        const struct history_hold *hold = &found->held[i];
        const struct object *object = (const struct object *)(uintptr_t)hold->object;
        bool is_gone = object_identity(object).v != hold->id;
        held[i] =
            (struct held_lock){.object = is_gone ? (struct object_ref){.id = {hold->id}} : object_reference(object),
                               .mode = hold->shared ? LOCK_SHARED : LOCK_EXCLUSIVE,
                               .stack = hold->stack,
                               .is_gone = is_gone};
    }
    return found->held_count;
}

/* The full address whose low 32 bits are `low`, near `address`. */
static uint64_t address_near(uint64_t address, uint32_t low)
{
    return address + (uint64_t)(int64_t)(int32_t)(low - (uint32_t)address);
}

static void host_recall(void *ctx, const struct race_plane *race, uint64_t epoch_low, uint64_t epoch_high,
                        uint64_t address, uint64_t size, bool write, struct race_recalled *recalled)
{
    (void)ctx;
    struct history_found found;
    struct plane *own = self_current->plane;
    *recalled = (struct race_recalled){0};
    history_recall(&plane_of(race)->history, epoch_low, epoch_high, (uint32_t)address, size, write, &found);
    if (!found.found)
        return;
    recalled->found = true;
    recalled->stack =
        found.is_site ? stack_of_site((uintptr_t)found.place, found.callers) : callers_stack(found.callers);
    recalled->position = found.position;
    recalled->until = found.until;
    recalled->flags = found.flags;
    recalled->address = address_near(address, found.low);
    recalled->size = found.size;
    if (found.is_site)
        recall_site((uintptr_t)found.place, address, recalled);
    recalled->held = own->recalled_held;
    recalled->held_count = recall_held(&found, own->recalled_held);
}

static void host_sent(void *ctx, const struct race_plane *race, struct thread_id thread, uint64_t epoch,
                      struct finding_heard *heard)
{
    (void)ctx;
    struct history_sent sent;
    history_sent(&plane_of(race)->history, thread.v, epoch, &sent);
    const struct object *object = (const struct object *)(uintptr_t)sent.what.object;
    heard->stack = sent.what.stack;
    switch (sent.kind) {
    case HISTORY_UNLOCK:
    case HISTORY_SENT:
        heard->how = HEARD_BY_GONE;
        if (object_identity(object).v == sent.what.id) {
            heard->how = HEARD_BY_OBJECT;
            heard->object = object_reference(object);
        }
        break;
    case HISTORY_CREATED:
        heard->how = HEARD_BY_CREATION;
        heard->created = (struct thread_id){sent.created};
        break;
    case HISTORY_EPOCH:
        heard->how = HEARD_BY_ATOMIC;
        heard->stack = stack_of_site((uintptr_t)sent.site, sent.callers);
        break;
    default:
        heard->how = HEARD_LOST;
    }
}

static void host_released(void *ctx, const struct race_plane *race, struct thread_id thread, uint64_t epoch,
                          struct race_recalled *recalled)
{
    (void)ctx;
    struct history_sent sent;
    history_sent(&plane_of(race)->history, thread.v, epoch, &sent);
    recalled->found = sent.kind == HISTORY_EPOCH;
    if (recalled->found) {
        recalled->stack = stack_of_site((uintptr_t)sent.site, sent.callers);
        recalled->position = sent.position;
    }
}

static void set_origin(struct finding_memory *memory, const struct block *block)
{
    memory->block = block->address;
    memory->block_size = block->size;
    memory->alloc_stack = callers_stack(block->allocated_at);
    memory->alloc_thread = block->thread;
}

static void host_block(void *ctx, struct finding_memory *memory)
{
    (void)ctx;
    struct block block;
    if (descriptor_is_place(memory->address)) {
        descriptor_tell_opening(memory);
        return;
    }
    if (blocks_find_containing(memory->address, &block))
        set_origin(memory, &block);
}

static void host_freed_block(void *ctx, struct finding_memory *memory)
{
    (void)ctx;
    struct block block;
    if (blocks_find_freed(memory->block, &block))
        set_origin(memory, &block);
}

/* By the kernel, which does not fault where another thread has just unmapped it. */
static bool host_value(void *ctx, uint64_t address, uint64_t size, uint64_t *value)
{
    (void)ctx;
    *value = 0;
    if (descriptor_is_place(address) || static_state_is_place(address))
        return false;
    const struct iovec to = {value, size}, from = {(void *)(uintptr_t)address, size};
    long pid = raw_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
    return raw_syscall(SYS_process_vm_readv, pid, (long)&to, 1, (long)&from, 1, 0) == (long)size;
}

static bool host_is_ignored(void *ctx, const struct finding_memory *memory)
{
    (void)ctx;
    return ignored_has_any() && ignored_holds(memory->address);
}

/* What an allocator does of itself, by woven code of others too: at the end of a thread, say. */
static bool is_of_allocator(struct stack_id id)
{
    const struct interned_stack *stack = stacks_get(id);
    for (uint32_t i = 0; stack != NULL && i < stack->depth; i++) {
        bool is_our_own = access_is_our_own(stack->frames[i].pc); /* below a handler of signals */
        const struct module *module = is_our_own ? NULL : module_by_id(stack->frames[i].module);
        if (module != NULL && scope_is_gates_alone(module))
            return true;
    }
    return false;
}

static bool host_is_unsure(void *ctx, struct stack_id stack)
{
    (void)ctx;
    return container_call_is_doubtful(stack);
}

static const char *host_doubt(void *ctx)
{
    (void)ctx;
    if (unknown_code_has_run())
        return "code made at run time takes part, whose synchronisation is not seen";
    return obstacles_hide_order() ? "code that is not woven takes part, whose atomic operations are not seen" : NULL;
}

/* Code made at run time, whose atomic operations nobody sees. */
static bool is_of_code_unknown(struct stack_id id)
{
    const struct interned_stack *stack = stacks_get(id);
    for (uint32_t i = 0; stack != NULL && i < stack->depth; i++)
        if (stack->frames[i].module == 0)
            return true;
    return false;
}

static bool host_is_followed(void *ctx, const struct finding *finding)
{
    (void)ctx;
    const struct finding_memory *memory = &finding->memory;
    bool is_of_libc = descriptor_is_place(memory->address) || static_state_is_place(memory->address);
    for (size_t i = 0; i < finding->party_count; i++)
        if (is_of_allocator(finding->parties[i].stack) || (is_of_libc && is_of_code_unknown(finding->parties[i].stack)))
            return false;
    return !blocks_are_hidden() || memory->block != 0 || module_of((uintptr_t)memory->address) != NULL;
}

const struct race_host race_host = {.reserve = host_reserve,
                                    .release = host_release,
                                    .discard = host_discard,
                                    .populate = host_populate,
                                    .empty = host_empty,
                                    .recall = host_recall,
                                    .sent = host_sent,
                                    .released = host_released,
                                    .stack_here = host_stack_here,
                                    .place = host_place,
                                    .apart = host_apart,
                                    .block = host_block,
                                    .freed_block = host_freed_block,
                                    .value = host_value,
                                    .is_ignored = host_is_ignored,
                                    .is_unsure = host_is_unsure,
                                    .doubt = host_doubt,
                                    .is_followed = host_is_followed};
