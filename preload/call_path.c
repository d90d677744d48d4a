#include "preload/call_path.h"

#include "preload/call_tree.h"

/* Not memmove(), which uses vector registers. */
static void move_outwards(struct call_path *path, uint32_t to, uint32_t from, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        path->frames[to + i] = path->frames[from + i];
}

static void move_inwards(struct call_path *path, uint32_t to, uint32_t from, uint32_t count)
{
    while (count-- > 0)
        path->frames[to + count] = path->frames[from + count];
}

/* Frames of functions that have returned. */
static void drop_inside(struct call_path *path, uintptr_t sp)
{
    while (path->depth > 0 && path->frames[path->depth - 1].sp < sp)
        path->depth--;
}

static bool has_come_to(const struct frame_walk *walk, const struct call_path_frame *frame)
{
    return walk->sp == frame->sp && walk->pc == frame->pc && walk->bp == frame->bp;
}

/* Returns: false when of the innermost `certain` frames only those from number `from` on are known to stand. */
static bool stands(const struct call_path *path, struct stack_extent *extent, uint32_t certain, uint32_t *from)
{
    uint32_t least = path->depth > certain ? path->depth - certain : 0;
    bool is_within = path->frames[least].sp <= extent->high; /* and so are all further in */
    for (*from = path->depth - 1; *from > least; --*from) {
        const struct call_path_frame *caller = &path->frames[*from - 1];
        uintptr_t place = caller->sp - sizeof caller->pc;
        if ((!is_within && !stack_extent_holds(extent, place)) || *(const uintptr_t *)place != caller->pc)
            return false;
    }
    return path->is_whole || path->depth >= certain;
}

/* Of the frames before, the outer half is forgotten when there is no room.  Returns: false when there is none to forget. */
static bool make_room(struct call_path *path, uint32_t fresh)
{
    if (path->depth + fresh < CALL_PATH_MOST)
        return true;
    uint32_t kept = path->depth / 2;
    move_outwards(path, 0, path->depth - kept, kept);
    path->depth = kept;
    path->is_whole = false;
    return fresh < CALL_PATH_MOST;
}

/* The frames from number `from` on stand; of what is outside them it is not known. */
static void take_inner(struct call_path *path, uint32_t from, uint32_t *fresh)
{
    uint32_t count = path->depth - from;
    *fresh += count;
    move_inwards(path, CALL_PATH_MOST - *fresh, from, count);
    path->depth = from == 0 ? 0 : from - 1;
}

/* Goes on behind what stands of the path at the walk's place.  Returns: true when all of it does. */
static bool meet(struct call_path *path, struct frame_walk *walk, uint32_t certain, uint32_t *fresh)
{
    uint32_t from;
    if (stands(path, &walk->extent, certain > *fresh ? certain - *fresh : 0, &from))
        return true;
    walk->pc = path->frames[from].pc;
    walk->sp = path->frames[from].sp;
    walk->bp = path->frames[from].bp;
    take_inner(path, from, fresh);
    return false;
}

static void add_fresh(struct call_path *path, const struct frame_walk *walk, uint32_t *fresh)
{
    ++*fresh;
    path->frames[CALL_PATH_MOST - *fresh] = (struct call_path_frame){.pc = walk->pc, .sp = walk->sp, .bp = walk->bp};
}

/* Walks outwards to where the path stands.  Returns: false where `step` is unable to. */
static bool walk_out(struct call_path *path, struct frame_walk *walk, enum frame_step (*step)(struct frame_walk *),
                     uint32_t certain, uint32_t *fresh)
{
    for (enum frame_step done = FRAME_STEPPED; done == FRAME_STEPPED;) {
        drop_inside(path, walk->sp);
        struct call_path_frame *known = path->depth > 0 ? &path->frames[path->depth - 1] : NULL;
        if (known != NULL && has_come_to(walk, known)) {
            if (meet(path, walk, certain, fresh))
                return true;
        } else {
            if (known != NULL && known->sp == walk->sp)
                path->depth--;
            if (!make_room(path, *fresh))
                return true;
            add_fresh(path, walk, fresh);
        }
        done = step(walk);
        path->frames[CALL_PATH_MOST - *fresh].module = walk->left;
        if (done == FRAME_UNABLE)
            return false;
    }
    path->depth = 0;
    path->is_whole = true;
    return true;
}

/* Where a frame stood last time that was called from the same place of the same chain, its node serves again. */
static void append_fresh(struct call_path *path, uint32_t fresh)
{
    uint32_t caller = path->depth == 0 ? 0 : path->frames[path->depth - 1].node;
    for (; fresh > 0; fresh--) {
        struct call_path_frame *frame = &path->frames[path->depth++], new = path->frames[CALL_PATH_MOST - fresh];
        bool is_same =
            frame->node != 0 && frame->pc == new.pc && frame->caller == caller && frame->module == new.module;
        new.caller = caller;
        new.node = is_same ? frame->node : call_tree_add(caller, frame_of(new.pc, new.module, false));
        *frame = new;
        caller = new.node;
    }
}

bool call_path_take(struct call_path *path, struct frame_walk *walk, enum frame_step (*step)(struct frame_walk *),
                    uint32_t certain, uint32_t *node)
{
    uint32_t fresh = 0;
    if (path->is_changing)
        path->depth = 0;
    path->is_changing = true;
    bool is_able = walk_out(path, walk, step, certain, &fresh);
    if (is_able)
        append_fresh(path, fresh);
    else
        path->depth = 0;
    path->is_changing = false;
    *node = path->depth == 0 ? 0 : path->frames[path->depth - 1].node;
    return is_able;
}
