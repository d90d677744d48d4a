#include "preload/libunwind_walk.h"

#include <fcntl.h>
#include <libunwind.h>
#include <string.h>

#include "preload/arena.h"
#include "preload/deferral.h"
#include "preload/eh_frame_header.h"
#include "preload/modules.h"
#include "preload/own_stack.h"
#include "preload/ranks.h"
#include "preload/raw.h"
#include "preload/self.h"
#include "preload/stack_extent.h"

/* libunwind is driven as for another process: modules and memory come through the callbacks below.  Left to itself it
 * would take the loader's lock (and could then wait for a thread that waits for this one) and ask the kernel about every
 * page.
 * Source: the way perf unwinds with libunwind, tools/perf/util/unwind-libunwind-local.c (the idea). */

#define dwarf_search_unwind_table UNW_OBJ(dwarf_search_unwind_table)
extern int dwarf_search_unwind_table(unw_addr_space_t space, unw_word_t ip, unw_dyn_info_t *info, unw_proc_info_t *proc,
                                     int need_info, void *arg);

/* What the callbacks know of the walk in progress. */
struct walk {
    uintptr_t registers[UNW_REG_LAST + 1];
    uintptr_t stack_low;
    struct stack_extent extent;
    uintptr_t segment_low, segment_high; /* last read: unwind tables are read byte by byte */
};

/* ---- callbacks ---------------------------------------------------------------------------------------------------- */

static int find_proc_info(unw_addr_space_t space, unw_word_t ip, unw_proc_info_t *proc, int need_info, void *arg)
{
    const struct module *m = module_of((uintptr_t)ip);
    const struct eh_frame_header *header = m == NULL ? NULL : eh_frame_header_of(m);
    if (header == NULL)
        return -UNW_ENOINFO;
    unw_dyn_info_t info = {
        .format = UNW_INFO_FORMAT_REMOTE_TABLE,
        .start_ip = m->low,
        .end_ip = m->high,
        .u.rti.segbase = (unw_word_t)header,
        .u.rti.table_data = (unw_word_t)header->table,
        .u.rti.table_len = header->count * sizeof header->table[0] / sizeof(unw_word_t),
    };
    return dwarf_search_unwind_table(space, ip, &info, proc, need_info, arg);
}

static void put_unwind_info(unw_addr_space_t space, unw_proc_info_t *proc, void *arg)
{
    (void)space;
    (void)proc;
    (void)arg;
}

static int get_dyn_info_list_addr(unw_addr_space_t space, unw_word_t *list, void *arg)
{
    (void)space;
    (void)list;
    (void)arg;
    return -UNW_ENOINFO;
}

static bool is_within(uintptr_t address, size_t size, uintptr_t low, uintptr_t high)
{
    return address >= low && address < high && high - address >= size;
}

/* Returns: true when [address, address + size) lies in a segment that the loader has mapped for reading. */
static bool is_readable_in_module(struct walk *walk, uintptr_t address, size_t size)
{
    if (is_within(address, size, walk->segment_low, walk->segment_high))
        return true;
    const struct module *m = module_of(address);
    for (unsigned i = 0; m != NULL && i < m->phdr_count; i++) {
        const ElfW(Phdr) *p = &m->phdr[i];
        uintptr_t low = m->bias + p->p_vaddr, high = low + p->p_memsz;
        if (p->p_type != PT_LOAD || (p->p_flags & PF_R) == 0 || !is_within(address, size, low, high))
            continue;
        walk->segment_low = low;
        walk->segment_high = high;
        return true;
    }
    return false;
}

static bool is_on_stack(struct walk *walk, uintptr_t address)
{
    return address >= walk->stack_low && stack_extent_holds(&walk->extent, address);
}

/* Reads the stack that is being walked, and modules; nothing else can be wanted by sound unwind information.  Where that
 * is wrong (hand-written assembly, frames of generated code) any address can be asked for. */
static int access_mem(unw_addr_space_t space, unw_word_t address, unw_word_t *value, int write, void *arg)
{
    (void)space;
    struct walk *walk = arg;
    bool is_known = is_within(address, sizeof *value, walk->stack_low, walk->extent.high) ||
                    is_readable_in_module(walk, (uintptr_t)address, sizeof *value);
    if (write || (!is_known && !is_on_stack(walk, (uintptr_t)address)))
        return -UNW_EINVAL;
    memcpy(value, (const void *)(uintptr_t)address, sizeof *value);
    return 0;
}

static int access_reg(unw_addr_space_t space, unw_regnum_t number, unw_word_t *value, int write, void *arg)
{
    (void)space;
    const struct walk *walk = arg;
    if (write || number < 0 || number > UNW_REG_LAST)
        return -UNW_EBADREG;
    *value = walk->registers[number];
    return 0;
}

static int access_fpreg(unw_addr_space_t space, unw_regnum_t number, unw_fpreg_t *value, int write, void *arg)
{
    (void)space;
    (void)number;
    (void)value;
    (void)write;
    (void)arg;
    return -UNW_EBADREG;
}

static int resume(unw_addr_space_t space, unw_cursor_t *cursor, void *arg)
{
    (void)space;
    (void)cursor;
    (void)arg;
    return -UNW_EINVAL;
}

static int get_proc_name(unw_addr_space_t space, unw_word_t ip, char *name, size_t size, unw_word_t *offset, void *arg)
{
    (void)space;
    (void)ip;
    (void)name;
    (void)size;
    (void)offset;
    (void)arg;
    return -UNW_EINVAL;
}

/* ---- the walk ----------------------------------------------------------------------------------------------------- */

static unw_addr_space_t space;

/* libunwind opens a pipe, with which it would test addresses that it reads by itself, when it is first used.  It reads
 * none: access_mem() does.  So the program gets back the two lowest free descriptors, which it may count on. */
static void start_libunwind(unw_addr_space_t made)
{
    int lowest[2];
    unw_cursor_t cursor;
    struct walk walk;
    memset(&walk, 0, sizeof walk);
    bool known = raw_syscall(SYS_pipe2, (long)lowest, O_CLOEXEC, 0, 0, 0, 0) == 0;
    if (known) {
        raw_syscall(SYS_close, lowest[0], 0, 0, 0, 0, 0);
        raw_syscall(SYS_close, lowest[1], 0, 0, 0, 0, 0);
    }
    unw_set_caching_policy(made, UNW_CACHE_GLOBAL);
    (void)unw_init_remote(&cursor, made, &walk);
    for (int i = 0; known && i < 2; i++)
        raw_syscall(SYS_close, lowest[i], 0, 0, 0, 0, 0);
}

void libunwind_walk_init(void)
{
    static unw_accessors_t accessors = {
        .find_proc_info = find_proc_info,
        .put_unwind_info = put_unwind_info,
        .get_dyn_info_list_addr = get_dyn_info_list_addr,
        .access_mem = access_mem,
        .access_reg = access_reg,
        .access_fpreg = access_fpreg,
        .resume = resume,
        .get_proc_name = get_proc_name,
    };
    struct self *self = self_current > SELF_GONE ? self_current : NULL;
    unw_addr_space_t made = unw_create_addr_space(&accessors, 0);
    if (made == NULL || self == NULL)
        return;
    self->inside = true; /* libunwind's own locks are not the program's */
    self->inside_frame = (uintptr_t)__builtin_frame_address(0);
    start_libunwind(made);
    space = made;
    self->inside = false;
    deferral_check();
}

/* Leaves our own frames, or the frame that the walk starts from.  Returns: the stack pointer in the program's caller, whose
 * return address is *pc, or becomes it when it is 0; 0 when it was not met. */
static uintptr_t skip_own_frames(unw_cursor_t *cursor, uintptr_t *pc)
{
    for (int i = 0; i < UNWIND_OWN_FRAMES_MAX; i++) {
        unw_word_t ip = 0, sp = 0;
        if (unw_step(cursor) <= 0 || unw_get_reg(cursor, UNW_REG_IP, &ip) != 0 || ip == 0)
            return 0;
        if (*pc == 0)
            *pc = (uintptr_t)ip;
        if (ip == *pc)
            return unw_get_reg(cursor, UNW_REG_SP, &sp) == 0 ? (uintptr_t)sp : 0;
    }
    return 0;
}

/* The outer frames are mostly those of the thread's walk before: where the newest frame stood there too, and everything
 * further out is still in its place, the rest is copied (the same argument as in stack_layout.h). */
static bool take_rest(const struct unwound *last, struct walk *walk, uint32_t max_depth, struct unwound *result)
{
    uint32_t newest = result->depth - 1, at = 1;
    while (at < last->depth && last->places[at] < result->places[newest])
        at++;
    if (at >= last->depth || last->places[at] != result->places[newest] ||
        last->frames[at].pc != result->frames[newest].pc || (!last->complete && newest < at))
        return false;
    for (uint32_t i = at + 1; i < last->depth; i++)
        if (!is_on_stack(walk, last->places[i]) || *(const uintptr_t *)last->places[i] != last->frames[i].pc)
            return false;
    uint32_t i = at + 1;
    for (; i < last->depth && result->depth < max_depth; i++) {
        result->frames[result->depth] = last->frames[i];
        result->places[result->depth++] = last->places[i];
    }
    result->complete = last->complete && i == last->depth;
    return true;
}

/* Returns: true when the next frame outwards was appended. */
static bool follow_one(unw_cursor_t *cursor, struct walk *walk, struct unwound *result)
{
    unw_word_t pc = 0, sp = 0;
    if (unw_step(cursor) <= 0 || unw_get_reg(cursor, UNW_REG_IP, &pc) != 0 ||
        unw_get_reg(cursor, UNW_REG_SP, &sp) != 0 || pc == 0)
        return false;
    uintptr_t place = (uintptr_t)sp - sizeof(uintptr_t);
    bool from_signal = unw_is_signal_frame(cursor) > 0; /* libunwind says so of the frame that was interrupted */
    /* The kernel's frame keeps the interrupted address elsewhere: exact, but not to be compared at a place. */
    if (from_signal || !is_on_stack(walk, place) || *(const uintptr_t *)place != (uintptr_t)pc)
        result->exact = false;
    unwound_append(result, (uintptr_t)pc, place, from_signal);
    return true;
}

static void follow(unw_cursor_t *cursor, struct walk *walk, const struct unwound *last, uint32_t max_depth,
                   struct unwound *result)
{
    while (result->depth < max_depth) {
        if (!follow_one(cursor, walk, result)) {
            result->complete = true;
            return;
        }
        if (last != NULL && last->exact && result->exact && take_rest(last, walk, max_depth, result))
            return;
    }
}

/* Keeps an exact walk for the next one of this thread. */
static void remember(struct self *self, const struct unwound *result)
{
    if (self->last_walk == NULL)
        self->last_walk = arena_alloc(sizeof *self->last_walk);
    struct unwound *last = self->last_walk;
    if (last == NULL)
        return;
    last->depth = result->depth;
    last->exact = result->exact;
    last->complete = result->complete;
    memcpy(last->frames, result->frames, result->depth * sizeof *result->frames);
    memcpy(last->places, result->places, result->depth * sizeof *result->places);
}

/* What is asked for: libunwind takes some KiB of stack. */
struct inquiry {
    struct walk *walk;
    const struct unwound *last;
    uintptr_t pc, sp;
    uint32_t max_depth;
    struct unwound *result;
};

static void inquire(void *arg)
{
    struct inquiry *inquiry = arg;
    unw_cursor_t cursor;
    if (unw_init_remote(&cursor, space, inquiry->walk) == 0)
        inquiry->sp = skip_own_frames(&cursor, &inquiry->pc);
    if (inquiry->pc != 0)
        unwound_append(inquiry->result, inquiry->pc, 0, false);
    if (inquiry->sp != 0)
        follow(&cursor, inquiry->walk, inquiry->last, inquiry->max_depth, inquiry->result);
}

static struct own_stack own_stack; /* goes with OWN_RANK_UNWIND, while which signals wait */

bool libunwind_walk_is_at(const void *frame)
{
    return (uintptr_t)frame - (uintptr_t)&own_stack < sizeof own_stack;
}

/* libunwind takes locks: from there, too, hooks must know that they are inside. */
static void inquire_apart(struct self *self, struct inquiry *inquiry)
{
    uintptr_t frame = self == NULL ? 0 : self->inside_frame;
    if (self != NULL)
        self->inside_frame = UINTPTR_MAX;
    own_stack_call(&own_stack, inquire, inquiry);
    if (self != NULL)
        self->inside_frame = frame;
}

static void set_registers(struct walk *walk, const struct unwind_start *start)
{
    memset(walk, 0, sizeof *walk);
    uintptr_t *r = walk->registers;
    r[UNW_X86_64_RIP] = start->rip;
    r[UNW_X86_64_RSP] = start->rsp;
    r[UNW_X86_64_RBP] = start->rbp;
    r[UNW_X86_64_RBX] = start->rbx;
    r[UNW_X86_64_R12] = start->r12;
    r[UNW_X86_64_R13] = start->r13;
    r[UNW_X86_64_R14] = start->r14;
    r[UNW_X86_64_R15] = start->r15;
}

uintptr_t libunwind_walk(const struct unwind_start *start, uintptr_t pc, uint32_t max_depth, struct unwound *result)
{
    if (space == NULL) {
        if (pc != 0)
            unwound_append(result, pc, 0, false);
        return 0;
    }
    struct self *self = self_current > SELF_GONE ? self_current : NULL;
    struct walk walk;
    set_registers(&walk, start);
    struct inquiry inquiry = {.walk = &walk,
                              .last = self == NULL ? NULL : self->last_walk,
                              .pc = pc,
                              .max_depth = max_depth,
                              .result = result};
    walk.stack_low = start->rsp;
    walk.extent = self == NULL ? stack_extent_at(0, 0, start->rsp)
                               : stack_extent_at(self->stack_low, self->stack_high, start->rsp);
    rank_enter(OWN_RANK_UNWIND);
    inquire_apart(self, &inquiry);
    rank_leave(OWN_RANK_UNWIND);
    if (self != NULL && result->exact && result->depth > 0)
        remember(self, result);
    return inquiry.sp;
}
