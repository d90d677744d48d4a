/* io_waits.c: waits for many descriptors at once: each is used, and the arrays are read and written; see io.h.
 *
 * Invariant: what a wait has said of a descriptor orders nothing by itself: the read or accept() that follows does.
 */
#include "preload/intercept/descriptor_table.h"
#include "preload/intercept/io.h"

enum { SETS = 3, BITS_A_WORD = 64 };

void io_polls(const struct pollfd *fds, size_t count, struct caller caller)
{
    int saved = errno;
    struct self *self = count > 0 ? access_enter_watched(caller) : NULL;
    if (self != NULL) {
        struct stack_id at = access_stack(self, caller);
        memory_access(self, fds, count * sizeof *fds, 0, callers_of(at));
        for (size_t i = 0; i < count; i++)
            descriptor_uses(self, fds[i].fd, at);
        access_leave(self);
    }
    errno = saved;
}

void io_polled(const struct pollfd *fds, size_t count, struct caller caller)
{
    int saved = errno;
    struct self *self = count > 0 ? access_enter_watched(caller) : NULL;
    if (self != NULL) {
        struct stack_id at = access_stack(self, caller);
        for (size_t i = 0; i < count; i++)
            memory_access(self, &fds[i].revents, sizeof fds[i].revents, RACE_WRITE, callers_of(at));
        access_leave(self);
    }
    errno = saved;
}

/* ---- sets ---------------------------------------------------------------------------------------------------------- */

/* Whole words, as the kernel has it.  Units: bytes */
static size_t set_size(int count)
{
    return ((size_t)count + BITS_A_WORD - 1) / BITS_A_WORD * sizeof(fd_mask);
}

static void use_set(struct self *self, int count, const fd_set *set, struct stack_id at)
{
    for (int word = 0; word * BITS_A_WORD < count; word++)
        for (uint64_t bits = (uint64_t)set->fds_bits[word]; bits != 0; bits &= bits - 1) {
            int fd = word * BITS_A_WORD + __builtin_ctzll(bits);
            if (fd < count)
                descriptor_uses(self, fd, at);
        }
}

static void access_sets(int count, fd_set *const sets[SETS], uint32_t flags, struct caller caller)
{
    int saved = errno;
    struct self *self = count > 0 && count <= FD_SETSIZE ? access_enter_watched(caller) : NULL;
    if (self != NULL) {
        struct stack_id at = access_stack(self, caller);
        for (int i = 0; i < SETS; i++) {
            if (sets[i] == NULL)
                continue;
            memory_access(self, sets[i], set_size(count), flags, callers_of(at));
            if ((flags & RACE_WRITE) == 0)
                use_set(self, count, sets[i], at);
        }
        access_leave(self);
    }
    errno = saved;
}

void io_selects(int count, fd_set *const sets[SETS], struct caller caller)
{
    access_sets(count, sets, 0, caller);
}

void io_selected(int count, fd_set *const sets[SETS], struct caller caller)
{
    access_sets(count, sets, RACE_WRITE, caller);
}
