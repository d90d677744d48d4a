/* predict_model.h: what the files of the predictor share: the trace as steps, and the set of them that a schedule must have.
 *
 *   predict_steps.c: events --> steps, needs, places        predict_ideal.c: what must have happened before a pair
 *   predict.c:       pairs of a place --> ideal --> race
 *
 * Invariant: a step's needs, and what it reads, come before it in `steps`; an ideal holds a prefix of each thread.
 */
#ifndef LOCKHOUND_DETECTOR_OFFLINE_PREDICT_MODEL_H
#define LOCKHOUND_DETECTOR_OFFLINE_PREDICT_MODEL_H

#include "detector/hash_table.h"
#include "detector/offline/predict.h"

enum { PREDICT_NONE = UINT32_MAX, PREDICT_CELL = 8 /* units: bytes */ };

enum step_kind { STEP_OTHER, STEP_ACQUIRE, STEP_RELEASE, STEP_ACCESS };

struct step {
    enum step_kind kind;
    uint32_t thread, index;     /* its place in the thread */
    uint32_t object;            /* of locks: their number */
    uint32_t release;           /* of STEP_ACQUIRE: the step that ends it, or PREDICT_NONE */
    uint32_t needs, need_count; /* steps that come before it in each schedule, in model->needs */
    bool is_shared, is_write;
    struct stack_id at;
};

/* An array that grows. */
struct grown {
    void *data;
    size_t count, capacity;
};

struct model_thread {
    uint32_t label;
    uint32_t fork;      /* the step that created it, or PREDICT_NONE */
    struct grown steps; /* uint32_t: numbers of its steps */
};

/* A lock, condition, channel, ... or a place that is accessed atomically. */
struct model_object {
    uint64_t address;
    uint32_t number;
    struct grown sends; /* uint32_t: the last step of each thread that others hear of; PREDICT_NONE */
    struct grown holds; /* struct model_hold */
};

struct model_hold {
    uint32_t thread, depth, acquire;
};

struct cell_access {
    uint32_t step;
    uint8_t bytes; /* a bit for each */
    bool is_write;
};

/* Eight bytes, from when they were allocated until they are freed. */
struct cell {
    uint64_t address;
    uint8_t atomic; /* a bit for each byte that some access is atomic on */
    uint32_t last_write[PREDICT_CELL];
    struct grown accesses; /* struct cell_access, in their order */
};

struct model {
    struct grown steps;   /* struct step */
    struct grown needs;   /* uint32_t */
    struct grown threads; /* struct model_thread */
    struct grown objects; /* struct model_object * */
    struct grown cells;   /* struct cell * */
    struct hash_table by_label, by_object, by_cell;
};

/* Returns: a new last element, zeroed; NULL when there is no memory. */
void *grown_add(struct grown *array, size_t width);

static inline struct step *model_step(const struct model *model, uint32_t number)
{
    return (struct step *)model->steps.data + number;
}
static inline struct model_thread *model_thread(const struct model *model, uint32_t number)
{
    return (struct model_thread *)model->threads.data + number;
}

void model_init(struct model *model, const struct detector_host *host);
void model_release(struct model *model);
bool model_add(struct model *model, const struct event *event);

/* What must have happened. */
struct ideal {
    const struct model *model;
    uint32_t *included; /* by thread: how many of its steps */
    uint32_t *seen;     /* of these, those whose needs are included as well */
    uint32_t *acquired; /* by lock and thread: the last acquisition that is included; PREDICT_NONE */
    struct grown taken; /* uint32_t: indices of `acquired` that are set */
    bool has_failed;    /* there was no memory */
};

/* Returns: false when there is no memory for so many locks and threads; release it all the same. */
bool ideal_init(struct ideal *ideal, const struct model *model);
void ideal_release(struct ideal *ideal);
void ideal_clear(struct ideal *ideal);
/* Includes the first `count` steps of the thread. */
void ideal_include(struct ideal *ideal, uint32_t thread, uint32_t count);
/* Includes what its thread does before the step, with that thread's creation. */
void ideal_reach(struct ideal *ideal, const struct step *step);
/* Includes all that what is there needs.  Returns: how many steps were looked at. */
uint64_t ideal_close(struct ideal *ideal);

static inline bool ideal_has(const struct ideal *ideal, const struct step *step)
{
    return step->index < ideal->included[step->thread];
}

#endif
