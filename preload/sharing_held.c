#include "preload/sharing_held.h"

#include <string.h>
#include <sys/stat.h>

#include "detector/held.h"
#include "preload/arena.h"
#include "preload/commons_file.h"
#include "preload/raw.h"

enum { NO_FILE = -1, RELEASE_COUNTS = 256 };

/* Releases of locks on files whose hash is the index: a lock is its process's, and any thread may release it. */
static _Atomic uint32_t file_releases[RELEASE_COUNTS];

struct sharing_thread *sharing_held_of(struct self *self)
{
    if (self->sharing == NULL)
        self->sharing = arena_alloc(sizeof *self->sharing);
    return self->sharing;
}

void sharing_forget_thread(struct self *self)
{
    if (self->sharing == NULL)
        return;
    arena_free(self->sharing, sizeof *self->sharing);
    self->sharing = NULL;
}

struct shared_hold *sharing_held_find(struct sharing_thread *s, uint32_t identity)
{
    for (uint32_t i = s->held_count; i > 0; i--)
        if (s->held[i - 1].identity == identity)
            return &s->held[i - 1];
    return NULL;
}

static void drop_hold(struct sharing_thread *s, struct shared_hold *hold)
{
    size_t place = (size_t)(hold - s->held);
    s->held_count--;
    memmove(hold, hold + 1, (s->held_count - place) * sizeof *hold);
}

void sharing_acquired(struct self *self, uint32_t identity, enum lock_mode mode, struct stack_id at)
{
    struct sharing_thread *s = sharing_held_of(self);
    struct commons *c = commons_file_open();
    if (s == NULL || c == NULL)
        return;
    uint32_t generation = commons_generation(c, identity);
    struct shared_hold *hold = sharing_held_find(s, identity);
    if (hold != NULL && hold->generation == generation) {
        hold->count++;
        return;
    }
    if (hold != NULL)
        drop_hold(s, hold);
    if (s->held_count == COMMONS_HELD_MAX)
        return; /* deeper nestings are evidence of the outer ones only */
    s->held[s->held_count++] = (struct shared_hold){
        .identity = identity, .generation = generation, .count = 1, .mode = mode, .at = at, .fd = NO_FILE};
}

void sharing_released(struct self *self, uint32_t identity)
{
    struct shared_hold *hold = self->sharing == NULL ? NULL : sharing_held_find(self->sharing, identity);
    if (hold != NULL && --hold->count == 0)
        drop_hold(self->sharing, hold);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static _Atomic uint32_t *releases_of(const struct sharing_range *range)
{
    return &file_releases[chain_next(range->device, (uint32_t)range->inode, LOCK_EXCLUSIVE) % RELEASE_COUNTS];
}

void sharing_acquired_range(struct self *self, uint32_t identity, const struct sharing_range *range, int fd,
                            enum lock_mode mode, struct stack_id at)
{
    sharing_acquired(self, identity, mode, at);
    struct shared_hold *hold = self->sharing == NULL ? NULL : sharing_held_find(self->sharing, identity);
    if (hold == NULL)
        return;
    hold->count = 1; /* one release ends it, however often it was taken */
    hold->mode = mode;
    hold->fd = fd;
    hold->range = *range;
    hold->releases = relaxed_load(releases_of(range));
}

void sharing_released_range(struct self *self, const struct sharing_range *range, uint64_t high)
{
    struct sharing_thread *s = self->sharing;
    uint32_t releases = atomic_fetch_add_explicit(releases_of(range), 1, memory_order_relaxed) + 1;
    for (uint32_t i = s == NULL ? 0 : s->held_count; i > 0; i--) {
        struct shared_hold *hold = &s->held[i - 1];
        if (hold->fd == NO_FILE || hold->range.kind != range->kind || hold->range.device != range->device ||
            hold->range.inode != range->inode)
            continue;
        hold->releases = releases;
        if (hold->range.low >= range->low && hold->range.low < high)
            drop_hold(s, hold);
    }
}

static bool is_still_held(const struct shared_hold *hold)
{
    struct stat status;
    return hold->fd == NO_FILE || (hold->releases == relaxed_load(releases_of(&hold->range)) &&
                                   raw_syscall(SYS_fstat, hold->fd, (long)&status, 0, 0, 0, 0) == 0 &&
                                   status.st_dev == hold->range.device && status.st_ino == hold->range.inode);
}

void sharing_held_drop_closed(struct sharing_thread *s)
{
    for (uint32_t i = s->held_count; i > 0; i--)
        if (!is_still_held(&s->held[i - 1]))
            drop_hold(s, &s->held[i - 1]);
}
