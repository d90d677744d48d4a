/* event_threads.c: the life of threads in a trace, from label to struct thread. */
#include "detector/event_player.h"

static bool label_matches(const void *item, const void *key)
{
    return ((const struct player_thread *)item)->label == *(const uint32_t *)key;
}

static struct player_thread *find_label(const struct event_player *player, uint32_t label)
{
    return hash_table_find(&player->labels, hash_mix(0, label), label_matches, &label);
}

bool event_player_label(const struct event_player *player, struct thread_id thread, uint32_t *label)
{
    for (const struct player_thread *t = player->first; t; t = t->next) {
        if (t->id.v == thread.v) {
            *label = t->label;
            return true;
        }
    }
    return false;
}

void event_forget_thread(struct event_player *player, struct player_thread *t)
{
    if (!t->thread)
        return;
    t->past = thread_past(t->thread);
    detector_thread_forget(player->detector, t->thread);
    player->host->free(player->host->ctx, t->thread, thread_size());
    t->thread = NULL;
}

/* Adds a label, or gives an old one to a new thread.  Returns: NULL when there is no memory. */
static struct player_thread *new_thread(struct event_player *player, uint32_t label, struct thread *parent,
                                        bool is_detached, struct stack_id at)
{
    struct player_thread *t = pool_take(&player->threads);
    struct thread *thread = t ? player->host->alloc(player->host->ctx, thread_size()) : NULL;
    if (!thread)
        return NULL;
    struct player_thread *old = find_label(player, label);
    if (old)
        hash_table_remove(&player->labels, hash_mix(0, label), old);
    if (!hash_table_insert(&player->labels, hash_mix(0, label), t)) {
        player->host->free(player->host->ctx, thread, thread_size());
        return NULL;
    }
    detector_thread_create(player->detector, thread, parent, is_detached, at);
    *t = (struct player_thread){.label = label,
                                .id = thread_identity(thread),
                                .thread = thread,
                                .is_detached = is_detached,
                                .next = player->first};
    player->first = t;
    return t;
}

static void start_thread(struct event_player *player, struct player_thread *t)
{
    if (t->has_started)
        return;
    t->has_started = true;
    detector_thread_start(player->detector, t->thread);
}

void event_end_thread(struct event_player *player, struct player_thread *t, struct stack_id at)
{
    if (t->has_ended || !t->thread)
        return;
    start_thread(player, t);
    t->has_ended = true;
    detector_thread_end(player->detector, t->thread, at);
    if (t->is_detached)
        event_forget_thread(player, t);
}

static enum event_status fork_thread(struct act *act)
{
    const struct event *event = act->event;
    const struct player_thread *old = find_label(act->player, event->target);
    if (old && !old->has_ended)
        return EVENT_WRONG_THREAD;
    bool is_detached = event->flags & EVENT_DETACHED;
    return new_thread(act->player, event->target, act->thread, is_detached, act->at) ? EVENT_APPLIED
                                                                                     : EVENT_OUT_OF_MEMORY;
}

static void request_join(struct act *act, struct player_thread *target)
{
    bool is_timed = act->event->flags & EVENT_TIMED;
    if (act->actor->asks_to_join)
        return;
    if (target && !target->thread) {
        detector_stale_join(act->detector, act->thread, &target->past, act->at);
        return;
    }
    act->actor->asks_to_join = true;
    detector_join_request(act->detector, act->thread, target ? target->thread : NULL, is_timed, act->at);
}

static void finish_join(struct act *act, struct player_thread *target)
{
    act->actor->asks_to_join = false;
    if (!target || !target->thread || target == act->actor)
        return;
    event_end_thread(act->player, target, (struct stack_id){0});
    if (!target->thread)
        return;
    detector_joined(act->detector, act->thread, target->thread);
    event_forget_thread(act->player, target);
}

static void detach(struct act *act, struct player_thread *target)
{
    if (!target)
        return;
    if (!target->thread) {
        detector_stale_detach(act->detector, act->thread, &target->past, act->at);
        return;
    }
    detector_detach(act->detector, act->thread, target->thread, act->at);
    target->is_detached = true;
    if (target->has_ended)
        event_forget_thread(act->player, target);
}

void event_become_child(struct act *act)
{
    detector_fork_child(act->detector, act->thread);
    for (struct player_thread *t = act->player->first; t; t = t->next)
        t->has_ended = t != act->actor; /* and their labels may be used again */
}

enum event_status event_apply_to_thread(struct act *act)
{
    struct player_thread *target = find_label(act->player, act->event->target);
    switch (act->event->kind) {
    case EVENT_FORK:
        return fork_thread(act);
    case EVENT_JOIN_REQUEST:
        request_join(act, target);
        break;
    case EVENT_JOIN:
        request_join(act, target);
        finish_join(act, target);
        break;
    case EVENT_JOIN_FAILED:
        act->actor->asks_to_join = false;
        if (target && target->thread)
            detector_join_failed(act->detector, act->thread, target->thread);
        break;
    default:
        detach(act, target);
    }
    return EVENT_APPLIED;
}

struct player_thread *event_find_actor(struct event_player *player, const struct event *event,
                                       enum event_status *status)
{
    struct player_thread *actor = find_label(player, event->thread);
    if (!actor)
        actor = new_thread(player, event->thread, NULL, false, (struct stack_id){0});
    *status = !actor ? EVENT_OUT_OF_MEMORY : actor->has_ended ? EVENT_WRONG_THREAD : EVENT_APPLIED;
    if (*status != EVENT_APPLIED)
        return NULL;
    start_thread(player, actor);
    return actor;
}
