#include "preload/weave/routines.h"

#include "preload/deferral.h"
#include "preload/nesting.h"
#include "preload/weave/access_trace.h"
#include "preload/weave/lanes.h"
#include "preload/weave/miss.h"
#include "preload/weave/plane.h"

/* From the GS base. */
#define FIELD(field) ((long)offsetof(struct plane, field) - PLANE_SKEW)

/* The routines with a quick path for chunks of one's own, those with one for what has been acquired already, and those without
 * any; each as a label that C can name. */
#define QUICK_ROUTINES(X)                                                                                              \
    X(PLANE_READ_1, plane_read_1)                                                                                      \
    X(PLANE_READ_2, plane_read_2)                                                                                      \
    X(PLANE_READ_4, plane_read_4)                                                                                      \
    X(PLANE_READ_8, plane_read_8)                                                                                      \
    X(PLANE_READ_16, plane_read_16)                                                                                    \
    X(PLANE_READ_32, plane_read_32)                                                                                    \
    X(PLANE_READ_64, plane_read_64)                                                                                    \
    X(PLANE_WRITE_1, plane_write_1)                                                                                    \
    X(PLANE_WRITE_2, plane_write_2)                                                                                    \
    X(PLANE_WRITE_4, plane_write_4)                                                                                    \
    X(PLANE_WRITE_8, plane_write_8)                                                                                    \
    X(PLANE_WRITE_16, plane_write_16)                                                                                  \
    X(PLANE_WRITE_32, plane_write_32)                                                                                  \
    X(PLANE_WRITE_64, plane_write_64)
#define TAKEN_ROUTINES(X)                                                                                              \
    X(PLANE_ATOMIC_AFTER, plane_atomic_after)                                                                          \
    X(PLANE_ATOMIC_LOAD, plane_atomic_load)                                                                            \
    X(PLANE_RELAXED_LOAD, plane_relaxed_load)
#define SLOW_ROUTINES(X)                                                                                               \
    X(PLANE_READ_RANGE, plane_read_range)                                                                              \
    X(PLANE_WRITE_RANGE, plane_write_range)                                                                            \
    X(PLANE_READ_GAPS, plane_read_gaps)                                                                                \
    X(PLANE_READ_LANES, plane_read_lanes)                                                                              \
    X(PLANE_WRITE_LANES, plane_write_lanes)                                                                            \
    X(PLANE_READ_RUN, plane_read_run)                                                                                  \
    X(PLANE_WRITE_RUN, plane_write_run)                                                                                \
    X(PLANE_ATOMIC_BEFORE, plane_atomic_before)                                                                        \
    X(PLANE_ATOMIC_STORE, plane_atomic_store)                                                                          \
    X(PLANE_RELAXED_STORE, plane_relaxed_store)                                                                        \
    X(PLANE_FENCE, plane_fence)                                                                                        \
    X(PLANE_REQUEST, plane_request)

#define DECLARE(number, label) extern const char label[];
QUICK_ROUTINES(DECLARE)
TAKEN_ROUTINES(DECLARE)
SLOW_ROUTINES(DECLARE)
#define DECLARE_TOLD(number, label) extern const char told_##label[]; /* the same without its quick path */
QUICK_ROUTINES(DECLARE_TOLD)
TAKEN_ROUTINES(DECLARE_TOLD)
extern const char plane_nothing[], plane_gate[], plane_thread[];

/* Where accesses are traced, each miss is to be seen. */
void routines_set(struct plane_header *header, bool recording)
{
    bool is_told = access_trace_is_on();
#define SET(number, label) header->routine[number] = (uint64_t)(uintptr_t)(recording ? label : plane_nothing);
#define SET_QUICK(number, label)                                                                                       \
    header->routine[number] = (uint64_t)(uintptr_t)(!recording ? plane_nothing : is_told ? told_##label : label);
    QUICK_ROUTINES(SET_QUICK)
    TAKEN_ROUTINES(SET_QUICK)
    SLOW_ROUTINES(SET)
    SET(PLANE_GATE, plane_gate)
    header->routine[PLANE_THREAD] = (uint64_t)(uintptr_t)plane_thread;
}

/* Sections, so that a signal can tell where it came.  What is pushed in the one is no more pushed in the other. */
#define QUICK_SECTION ".pushsection lockhound_quick,\"ax\",@progbits\n"
#define SLOW_SECTION  ".pushsection lockhound_slow,\"ax\",@progbits\n"

/* RDI: the address.  Has the callers taken when they may be others.  Leaves for the slow path unless this thread owns the
 * chunks of the first and of the last byte, and the next entry of the history begins no part; then RCX is where that entry
 * goes and RAX the write tags. */
#define QUICK_BEGIN(label, size)                                                                                       \
    ".globl " label "\n.hidden " label "\n.type " label ",@function\n.p2align 4\n" label ":\n\t"                       \
    "cmpb $0, %%gs:%c[changed]\n\t"                                                                                    \
    "jne 7f\n"                                                                                                         \
    "1:\n\t"                                                                                                           \
    "pushq %%rax\n\t"                                                                                                  \
    "pushq %%rcx\n\t"                                                                                                  \
    "pushq %%rdx\n\t"                                                                                                  \
    "movl %%edi, %%eax\n\t"                                                                                            \
    "leal " size "-1(%%rdi), %%ecx\n\t"                                                                                \
    "andl %%gs:%c[window], %%eax\n\t"                                                                                  \
    "andl %%gs:%c[window], %%ecx\n\t"                                                                                  \
    "shrl $%c[shift], %%eax\n\t"                                                                                       \
    "shrl $%c[shift], %%ecx\n\t"                                                                                       \
    "movq %%gs:%c[chunks], %%rdx\n\t"                                                                                  \
    "movl (%%rdx,%%rax,8), %%eax\n\t"                                                                                  \
    "cmpl (%%rdx,%%rcx,8), %%eax\n\t"                                                                                  \
    "jne 8f\n\t"                                                                                                       \
    "movq %%rdi, %%rcx\n\t"                                                                                            \
    "shrq $%c[high_shift], %%rcx\n\t"                                                                                  \
    "andl %%gs:%c[high], %%ecx\n\t"                                                                                    \
    "orl %%gs:%c[number], %%ecx\n\t"                                                                                   \
    "cmpl %%eax, %%ecx\n\t"                                                                                            \
    "jne 8f\n\t"                                                                                                       \
    "movq %%gs:%c[written], %%rcx\n\t"                                                                                 \
    "movl %%gs:%c[part], %%eax\n\t"                                                                                    \
    "decl %%eax\n\t"                                                                                                   \
    "testl %%eax, %%ecx\n\t"                                                                                           \
    "je 8f\n\t"                                                                                                        \
    "movl %%gs:%c[capacity], %%eax\n\t"                                                                                \
    "decl %%eax\n\t"                                                                                                   \
    "andl %%eax, %%ecx\n\t"                                                                                            \
    "shlq $4, %%rcx\n\t"                                                                                               \
    "addq %%gs:%c[ring], %%rcx\n\t"                                                                                    \
    "movq %%gs:%c[tag], %%rax\n\t"

/* The entry comes before the tags: whoever meets those finds it.  RCX is the place in the windows then. */
#define QUICK_NOTE(what)                                                                                               \
    "movq 24(%%rsp), %%rdx\n\t"                                                                                        \
    "movq %%rdx, (%%rcx)\n\t"                                                                                          \
    "movl %%edi, 8(%%rcx)\n\t"                                                                                         \
    "movl $" what ", 12(%%rcx)\n\t"                                                                                    \
    "movl %%edi, %%ecx\n\t"                                                                                            \
    "andl %%gs:%c[window], %%ecx\n\t"                                                                                  \
    "incq %%gs:%c[written]\n\t"                                                                                        \
    "movb $1, %%gs:%c[accessed]\n\t"

/* The chunk may have been taken from it meanwhile by one who has not seen the tags: the slow path looks at those of others then. */
#define QUICK_END(number)                                                                                              \
    "movq %%gs:%c[chunks], %%rdx\n\t"                                                                                  \
    "shrl $%c[shift], %%ecx\n\t"                                                                                       \
    "movl (%%rdx,%%rcx,8), %%ecx\n\t"                                                                                  \
    "movl %%gs:%c[high], %%edx\n\t"                                                                                    \
    "notl %%edx\n\t"                                                                                                   \
    "xorl %%gs:%c[number], %%ecx\n\t"                                                                                  \
    "testl %%edx, %%ecx\n\t"                                                                                           \
    "jne 8f\n\t"                                                                                                       \
    "popq %%rdx\n\t"                                                                                                   \
    "popq %%rcx\n\t"                                                                                                   \
    "popq %%rax\n\t"                                                                                                   \
    "ret\n"                                                                                                            \
    "8:\n\t"                                                                                                           \
    "popq %%rdx\n\t"                                                                                                   \
    "popq %%rcx\n\t"                                                                                                   \
    "popq %%rax\n\t"                                                                                                   \
    "jmp 9f\n\t" SLOW_SECTION "9:\n\t"                                                                                 \
    "pushq $%c[" number "]\n\t"                                                                                        \
    "jmp plane_slow\n\t"                                                                                               \
    ".popsection\n"                                                                                                    \
    "7:\n\t"                                                                                                           \
    "call plane_callers\n\t"                                                                                           \
    "cmpb $0, %%gs:%c[changed]\n\t"                                                                                    \
    "je 1b\n\t"                                                                                                        \
    "jmp 9b\n"

/* Stores the tags in RAX, or as much of them as `reg`, at each of the places. */
#define QUICK_TAG(reg, at)      "mov %%" reg ", %%gs:" at "(%%ecx)\n\t"
#define QUICK_TAG_BOTH(reg, at) QUICK_TAG(reg, at) "mov %%" reg ", " at "(%%rdx,%%rcx)\n\t"
#define QUICK_1(X, reg)         X(reg, "0")
#define QUICK_2(X, reg)         X(reg, "0") X(reg, "8")
#define QUICK_4(X, reg)         QUICK_2(X, reg) X(reg, "16") X(reg, "24")
#define QUICK_8(X, reg)         QUICK_4(X, reg) X(reg, "32") X(reg, "40") X(reg, "48") X(reg, "56")

#define QUICK_WRITE(name, size, reg, times)                                                                            \
    QUICK_BEGIN("plane_write_" size, size)                                                                             \
    QUICK_NOTE("%c[write_what]+" size)                                                                                 \
    "movq %%gs:%c[writes], %%rdx\n\t" times(QUICK_TAG_BOTH, reg) QUICK_END(name)

#define QUICK_READ(name, size, reg, times)                                                                             \
    QUICK_BEGIN("plane_read_" size, size)                                                                              \
    QUICK_NOTE("%c[read_what]+" size)                                                                                  \
    "movq %%gs:%c[read_tag], %%rax\n\t" times(QUICK_TAG, reg) QUICK_END(name)

/* Operands that every quick path names. */
#define QUICK_OPERANDS                                                                                                 \
    [window] "i"(FIELD(header.window)), [high] "i"(FIELD(high)), [high_shift] "i"(RACE_HIGH_SHIFT),                    \
        [changed] "i"(FIELD(header.context_changed)), [shift] "i"(PLANE_CHUNK_SHIFT), [chunks] "i"(FIELD(chunks)),     \
        [number] "i"(FIELD(number)), [written] "i"(FIELD(history.written)), [part] "i"(FIELD(history.part_size)),      \
        [capacity] "i"(FIELD(history.capacity)), [ring] "i"(FIELD(history.ring)), [tag] "i"(FIELD(header.write_tag)),  \
        [read_tag] "i"(FIELD(header.read_tag)), [accessed] "i"(FIELD(race.accessed)),                                  \
        [writes] "i"(FIELD(race.writes)), [write_what] "i"((int32_t)HISTORY_WHAT(HISTORY_ACCESS, RACE_WRITE, 0)),      \
        [read_what] "i"((int32_t)HISTORY_WHAT(HISTORY_ACCESS, 0, 0))

/* Never called: only a function's assembly can name offsets of structures. */
__attribute__((used)) static void quick_writes(void)
{
    __asm__ volatile(QUICK_SECTION QUICK_WRITE("w1", "1", "al", QUICK_1) QUICK_WRITE("w2", "2", "ax", QUICK_1)
                         QUICK_WRITE("w4", "4", "eax", QUICK_1) QUICK_WRITE("w8", "8", "rax", QUICK_1) ".popsection"
                     :
                     : QUICK_OPERANDS, [w1] "i"(PLANE_WRITE_1), [w2] "i"(PLANE_WRITE_2), [w4] "i"(PLANE_WRITE_4),
                       [w8] "i"(PLANE_WRITE_8));
    __asm__ volatile(QUICK_SECTION QUICK_WRITE("w16", "16", "rax", QUICK_2) QUICK_WRITE("w32", "32", "rax", QUICK_4)
                         QUICK_WRITE("w64", "64", "rax", QUICK_8) ".popsection"
                     :
                     : QUICK_OPERANDS, [w16] "i"(PLANE_WRITE_16), [w32] "i"(PLANE_WRITE_32), [w64] "i"(PLANE_WRITE_64));
}

__attribute__((used)) static void quick_reads(void)
{
    __asm__ volatile(QUICK_SECTION QUICK_READ("r1", "1", "al", QUICK_1) QUICK_READ("r2", "2", "ax", QUICK_1)
                         QUICK_READ("r4", "4", "eax", QUICK_1) QUICK_READ("r8", "8", "rax", QUICK_1) ".popsection"
                     :
                     : QUICK_OPERANDS, [r1] "i"(PLANE_READ_1), [r2] "i"(PLANE_READ_2), [r4] "i"(PLANE_READ_4),
                       [r8] "i"(PLANE_READ_8));
    __asm__ volatile(QUICK_SECTION QUICK_READ("r16", "16", "rax", QUICK_2) QUICK_READ("r32", "32", "rax", QUICK_4)
                         QUICK_READ("r64", "64", "rax", QUICK_8) ".popsection"
                     :
                     : QUICK_OPERANDS, [r16] "i"(PLANE_READ_16), [r32] "i"(PLANE_READ_32), [r64] "i"(PLANE_READ_64));
}

/* The bits of an address that choose its struct race_taken. */
enum { TAKEN_PLACES = (RACE_TAKEN - 1) * RACE_TAKEN_BYTES };

/* RDI: the address of an atomic load.  Nothing is to be done while struct race_taken of it holds. */
#define QUICK_TAKEN(number, label)                                                                                     \
    __asm__ volatile(QUICK_SECTION ".globl " #label "\n.hidden " #label "\n.type " #label                              \
                                   ",@function\n.p2align 4\n" #label ":\n\t"                                           \
                                   "pushq %%rax\n\t"                                                                   \
                                   "pushq %%rcx\n\t"                                                                   \
                                   "movl %%edi, %%eax\n\t"                                                             \
                                   "andl $%c[places], %%eax\n\t"                                                       \
                                   "shll $3, %%eax\n\t"                                                                \
                                   "movq %%gs:%c[version](%%rax), %%rcx\n\t"                                           \
                                   "testq %%rcx, %%rcx\n\t"                                                            \
                                   "je 8f\n\t"                                                                         \
                                   "movl (%%rcx), %%ecx\n\t"                                                           \
                                   "cmpl %%gs:%c[taken](%%rax), %%ecx\n\t"                                             \
                                   "jne 8f\n\t"                                                                        \
                                   "cmpq %%gs:%c[address](%%rax), %%rdi\n\t"                                           \
                                   "jne 8f\n\t"                                                                        \
                                   "popq %%rcx\n\t"                                                                    \
                                   "popq %%rax\n\t"                                                                    \
                                   "ret\n"                                                                             \
                                   "8:\n\t"                                                                            \
                                   "popq %%rcx\n\t"                                                                    \
                                   "popq %%rax\n\t"                                                                    \
                                   "jmp 9f\n\t" SLOW_SECTION "9:\n\t"                                                  \
                                   "pushq $%c[routine]\n\t"                                                            \
                                   "jmp plane_slow\n\t"                                                                \
                                   ".popsection\n.popsection"                                                          \
                     :                                                                                                 \
                     : [routine] "i"(number), [places] "i"(TAKEN_PLACES), [version] "i"(FIELD(race.taken[0].version)), \
                       [taken] "i"(FIELD(race.taken[0].taken)), [address] "i"(FIELD(race.taken[0].address)));

__attribute__((used)) static void quick_atomic_loads(void)
{
    TAKEN_ROUTINES(QUICK_TAKEN)
}

/* Calls a C function with struct routine_frame in RSI: what lies above it was pushed.  The direction flag is clear: no function
 * that sets it is woven. */
#define WITH_FRAME(function)                                                                                           \
    "pushq %%rbp\n\tmovq %%rsp, %%rbp\n\t"                                                                             \
    "pushq %%rax\n\tpushq %%rcx\n\tpushq %%rdx\n\tpushq %%rsi\n\tpushq %%rdi\n\t"                                      \
    "pushq %%r8\n\tpushq %%r9\n\tpushq %%r10\n\tpushq %%r11\n\t"                                                       \
    "pushq %%rbx\n\tpushq %%r12\n\tpushq %%r13\n\tpushq %%r14\n\tpushq %%r15\n\t"                                      \
    "movq %%rsp, %%rsi\n\tmovq %%rsp, %%rbx\n\tmovq %%gs:%c[plane], %%rdx\n\t"                                         \
    "andq $-16, %%rsp\n\tcall " function "\n\tmovq %%rbx, %%rsp\n\t"                                                   \
    "popq %%r15\n\tpopq %%r14\n\tpopq %%r13\n\tpopq %%r12\n\tpopq %%rbx\n\t"                                           \
    "popq %%r11\n\tpopq %%r10\n\tpopq %%r9\n\tpopq %%r8\n\t"                                                           \
    "popq %%rdi\n\tpopq %%rsi\n\tpopq %%rdx\n\tpopq %%rcx\n\tpopq %%rax\n\tpopq %%rbp\n\t"

/* plane_slow: the number of the routine is pushed.  plane_callers: called by a routine, so that an address stands in the
 * number's place; the routine sees by context_changed whether they were taken. */
__attribute__((used)) static void slow_path(void)
{
#define SLOW_LABEL(number, label)                                                                                      \
    __asm__ volatile(SLOW_SECTION ".globl " #label "\n.hidden " #label "\n.type " #label                               \
                                  ",@function\n.p2align 4\n" #label                                                    \
                                  ":\n\tpushq $%c[routine]\n\tjmp plane_slow\n.popsection"                             \
                     :                                                                                                 \
                     : [routine] "i"(number));
    SLOW_ROUTINES(SLOW_LABEL)
#define TOLD_LABEL(number, label) SLOW_LABEL(number, told_##label)
    QUICK_ROUTINES(TOLD_LABEL)
    TAKEN_ROUTINES(TOLD_LABEL)
    __asm__ volatile(SLOW_SECTION ".type plane_slow,@function\n.p2align 4\nplane_slow:\n\t" WITH_FRAME(
                         "routine_miss") "leaq 8(%%rsp), %%rsp\n\tret\n"
                                         ".type plane_callers,@function\n.p2align 4\nplane_callers:\n\t" WITH_FRAME(
                                             "routine_callers") "ret\n"
                                                                ".globl plane_nothing\n.hidden plane_nothing\n.type "
                                                                "plane_nothing,@function\n"
                                                                "plane_nothing:\n\tret\n.popsection"
                     :
                     : [plane] "i"(FIELD(header.own)));
}

/* Of the linker, which names the two ends of such a section. */
extern const char __start_lockhound_quick[] __attribute__((visibility("hidden")));
extern const char __stop_lockhound_quick[] __attribute__((visibility("hidden")));
extern const char __start_lockhound_slow[] __attribute__((visibility("hidden")));
extern const char __stop_lockhound_slow[] __attribute__((visibility("hidden")));

bool routines_are_quick(uintptr_t pc)
{
    return pc >= (uintptr_t)__start_lockhound_quick && pc < (uintptr_t)__stop_lockhound_quick;
}

bool routines_are_slow(uintptr_t pc)
{
    return pc >= (uintptr_t)__start_lockhound_slow && pc < (uintptr_t)__stop_lockhound_slow;
}

/* Returns: the thread; NULL when it is inside already: a signal handler interrupted it.  A thread that is not known yet has its
 * creator's GS base. */
static struct self *find_self(const struct plane *plane, const struct routine_frame *frame)
{
    struct self *self = plane->self;
    if (self == NULL || self != self_current)
        return NULL;
    return self->inside && nesting_is_inside(self, (uintptr_t)frame) ? NULL : self;
}

/* The thread is inside from now on, and no signal comes while it is: a handler would count as unseen, or leave it so.  One
 * that has waited comes at the end of the region, and sees the program's registers by plane->frame; before and behind that
 * it is told by the section. */
static inline struct routine_frame *begin_region(struct self *self, struct plane *plane, struct routine_frame *frame)
{
    deferral_begin();
    self->inside = true;
    self->inside_frame = (uintptr_t)frame;
    plane->vectors.are_kept = false;
    struct routine_frame *outer = plane->frame;
    plane->frame = frame;
    return outer;
}

static inline void end_region(struct self *self, struct plane *plane, struct routine_frame *outer)
{
    self_leave(self);
    deferral_end();
    plane->frame = outer;
}

__attribute__((section("lockhound_slow"))) void routine_miss(uint64_t address, struct routine_frame *frame,
                                                             struct plane *plane)
{
    bool has_lanes = frame->routine == PLANE_READ_LANES || frame->routine == PLANE_WRITE_LANES;
    if (has_lanes && !access_trace_is_on() && lanes_are_known(&plane->header, address, frame))
        return;
    struct self *self = find_self(plane, frame);
    if (self == NULL)
        return;
    struct routine_frame *outer = begin_region(self, plane, frame);
    miss(address, frame, plane);
    end_region(self, plane, outer);
}

__attribute__((section("lockhound_slow"))) void routine_callers(uint64_t address, struct routine_frame *frame,
                                                                struct plane *plane)
{
    (void)address;
    struct self *self = find_self(plane, frame);
    if (self == NULL)
        return;
    struct routine_frame *outer = begin_region(self, plane, frame);
    miss_callers(frame, plane);
    end_region(self, plane, outer);
}
