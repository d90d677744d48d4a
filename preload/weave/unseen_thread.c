#include "preload/weave/unseen_thread.h"

#include <errno.h>
#include <linux/sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "preload/raw.h"
#include "preload/self.h"
#include "preload/weave/plane.h"
#include "preload/weave/plane_pool.h"

static _Atomic pid_t owners[PLANE_UNSEEN_MAX];
static atomic_bool has_come;

bool unseen_thread_has_come(void)
{
    return atomic_load_explicit(&has_come, memory_order_relaxed); /* to be said, and nothing else */
}

/* Returns: whether the header of number `i` is the thread's from now on. */
static bool take(unsigned i, pid_t tid)
{
    /* acquire, release: what the thread before left there stands before; partner: the same of that one */
    pid_t owner = atomic_load_explicit(&owners[i], memory_order_acquire);
    bool is_free = owner == 0 || raw_syscall(SYS_tkill, owner, 0, 0, 0, 0, 0) == -ESRCH;
    return is_free &&
           atomic_compare_exchange_strong_explicit(&owners[i], &owner, tid, memory_order_acq_rel, memory_order_relaxed);
}

/* Of the maker's thread-local storage: its calls pass through from now on, for they may be of either. */
__attribute__((noinline)) static void share_storage(void)
{
    struct self *self = self_current;
    if (self <= SELF_GONE)
        return;
    self->is_shared = true;
    self->inside = true;
    self->inside_frame = 0; /* of none: see self_leave() */
}

__attribute__((no_stack_protector)) void unseen_thread_begin(uint64_t given, uint64_t number)
{
    uint64_t flags = number == SYS_clone3 ? ((const struct clone_args *)given)->flags : given;
    if ((flags & CLONE_VM) == 0 || (flags & CLONE_VFORK) != 0)
        return;
    pid_t tid = (pid_t)raw_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
    for (unsigned i = 0; i < PLANE_UNSEEN_MAX; i++)
        if (take(i, tid)) {
            plane_enter_raw(plane_pool_unseen(i));
            break;
        }
    atomic_store_explicit(&has_come, true, memory_order_relaxed);
    race_unseen_begin(plane_engine()); /* for good: nobody tells of its end */
    if ((flags & CLONE_SETTLS) == 0)
        share_storage();
}

/* Keeps what the program has: all but RCX, R11 and what lies below its stack. */
__attribute__((used)) static void entrance(void)
{
    __asm__ volatile(".pushsection .text\n.globl plane_thread\n.hidden plane_thread\n"
                     ".type plane_thread,@function\n.p2align 4\nplane_thread:\n\t"
                     "pushq %%rbp\n\tmovq %%rsp, %%rbp\n\tpushfq\n\tcld\n\t"
                     "pushq %%rax\n\tpushq %%rdx\n\tpushq %%rsi\n\tpushq %%rdi\n\t"
                     "pushq %%r8\n\tpushq %%r9\n\tpushq %%r10\n\tpushq %%rbx\n\t"
                     "movq %%rsp, %%rbx\n\tandq $-16, %%rsp\n\tmovq %%rcx, %%rsi\n\t"
                     "call unseen_thread_begin\n\tmovq %%rbx, %%rsp\n\t"
                     "popq %%rbx\n\tpopq %%r10\n\tpopq %%r9\n\tpopq %%r8\n\t"
                     "popq %%rdi\n\tpopq %%rsi\n\tpopq %%rdx\n\tpopq %%rax\n\tpopfq\n\tpopq %%rbp\n\tret\n"
                     ".popsection" ::);
}
