/* event_player.h: what event.c and event_threads.c share: the player, its threads, and one event being applied.
 *
 *   event_apply() --event_find_actor()--> act --+--> event_apply_to_thread(), event_end_thread(), ...  event_threads.c
 *                                               +--> objects, locks and the rest                       event.c
 *
 * Invariant: a label stands for the latest thread that was forked under it; a thread whose struct is NULL was joined or
 *            detached and has ended.
 */
#ifndef LOCKHOUND_DETECTOR_EVENT_PLAYER_H
#define LOCKHOUND_DETECTOR_EVENT_PLAYER_H

#include "detector/event.h"
#include "detector/hash_table.h"
#include "detector/pool.h"

/* What a label stands for. */
struct player_thread {
    uint32_t label;
    struct thread_id id;
    struct thread *thread; /* NULL: joined or detached and gone */
    bool has_started, has_ended;
    bool is_detached;
    struct thread_past past; /* once `thread` is NULL */
    bool asks_to_join;
    bool is_asleep;
    uint64_t requested; /* address of the object it asked for, or 0 */
    struct player_thread *next;
};

struct event_player {
    struct detector *detector;
    const struct detector_host *host;
    struct hash_table labels;
    struct hash_table destroyed; /* addresses of static objects that were destroyed and not initialised again */
    struct pool threads;
    struct player_thread *first;
};

/* One event being applied: who does it and where. */
struct act {
    struct event_player *player;
    struct detector *detector;
    const struct event *event;
    struct player_thread *actor;
    struct thread *thread; /* of the actor */
    struct stack_id at;
};

/* Returns: who does what `event` says, started, and made when the label is new; NULL with *status set otherwise. */
struct player_thread *event_find_actor(struct event_player *player, const struct event *event,
                                       enum event_status *status);
void event_end_thread(struct event_player *player, struct player_thread *t, struct stack_id at);
/* Lets go of a thread that no event can concern any more. */
void event_forget_thread(struct event_player *player, struct player_thread *t);
/* fork, join, detach and their requests. */
enum event_status event_apply_to_thread(struct act *act);
/* The process goes on as the child of a fork, with the actor alone. */
void event_become_child(struct act *act);

#endif
