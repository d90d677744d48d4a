#include "preload/frame_walk.h"

#include <stddef.h>

#include "preload/frame_rule.h"

enum { WORD = sizeof(uintptr_t), GUESSED_FRAME_MOST = 0x4000 }; /* units: bytes */

static bool holds_word(struct frame_walk *walk, uintptr_t address)
{
    return address >= walk->sp && stack_extent_holds(&walk->extent, address);
}

static uintptr_t word_at(uintptr_t address)
{
    return *(const uintptr_t *)address;
}

static enum frame_step go_to(struct frame_walk *walk, uintptr_t cfa, uintptr_t bp)
{
    walk->pc = word_at(cfa - WORD);
    walk->sp = cfa;
    walk->bp = bp;
    walk->is_innermost = false;
    return walk->pc == 0 ? FRAME_ENDED : FRAME_STEPPED;
}

static enum frame_step guess(struct frame_walk *walk)
{
    uintptr_t bp = walk->bp;
    bool leads_out = holds_word(walk, bp) && holds_word(walk, bp + WORD) && bp - walk->sp <= GUESSED_FRAME_MOST;
    return leads_out ? go_to(walk, bp + 2 * WORD, word_at(bp)) : FRAME_ENDED;
}

static enum frame_step follow_kept(struct frame_walk *walk, const struct frame_rule *rule)
{
    uintptr_t place = walk->bp + (uintptr_t)(intptr_t)rule->cfa;
    if (!holds_word(walk, place) || !holds_word(walk, walk->bp))
        return FRAME_UNABLE;
    uintptr_t cfa = word_at(place);
    return holds_word(walk, cfa - WORD) ? go_to(walk, cfa, word_at(walk->bp)) : FRAME_UNABLE;
}

static enum frame_step follow(struct frame_walk *walk, const struct frame_rule *rule)
{
    uintptr_t base = rule->kind == FRAME_FROM_RSP ? walk->sp : walk->bp;
    uintptr_t cfa = base + (uintptr_t)(intptr_t)rule->cfa, saved = cfa + (uintptr_t)(intptr_t)rule->rbp;
    if (!holds_word(walk, cfa - WORD) || (rule->rbp != 0 && !holds_word(walk, saved)))
        return FRAME_UNABLE;
    return go_to(walk, cfa, rule->rbp != 0 ? word_at(saved) : walk->bp);
}

static uintptr_t place_of(const struct frame_walk *walk)
{
    return walk->is_innermost ? walk->pc : walk->pc - 1;
}

/* By reference: it was just written field by field, and reading two fields at once would wait for that. */
static enum frame_step step_by(struct frame_walk *walk, const struct frame_rule *rule)
{
    walk->left = rule->module;
    switch (rule->kind) {
    case FRAME_UNTOLD:
        return guess(walk);
    case FRAME_OUTERMOST:
        return FRAME_ENDED;
    case FRAME_FROM_RSP:
    case FRAME_FROM_RBP:
        return follow(walk, rule);
    case FRAME_KEPT_AT_RBP:
        return follow_kept(walk, rule);
    case FRAME_OTHER:
        break;
    }
    return FRAME_UNABLE;
}

enum frame_step frame_walk_step(struct frame_walk *walk)
{
    const struct frame_rule rule = frame_rule_find(place_of(walk));
    return step_by(walk, &rule);
}

enum frame_step frame_walk_step_known(struct frame_walk *walk)
{
    struct frame_rule rule;
    return frame_rule_find_known(place_of(walk), &rule) ? step_by(walk, &rule) : FRAME_UNABLE;
}
