#include <stdlib.h>

#include "detector/offline/predict_model.h"

/* Acquisitions, by lock and thread. */
enum { TABLE_MOST = 1 << 26 };

bool ideal_init(struct ideal *ideal, const struct model *model)
{
    size_t threads = model->threads.count, locks = model->objects.count;
    *ideal = (struct ideal){.model = model};
    if (locks != 0 && threads > TABLE_MOST / locks)
        return false;
    ideal->included = calloc(threads + 1, sizeof *ideal->included);
    ideal->seen = calloc(threads + 1, sizeof *ideal->seen);
    ideal->acquired = calloc(threads * locks + 1, sizeof *ideal->acquired);
    if (!ideal->included || !ideal->seen || !ideal->acquired)
        return false;
    for (size_t i = 0; i < threads * locks; i++)
        ideal->acquired[i] = PREDICT_NONE;
    return true;
}

void ideal_release(struct ideal *ideal)
{
    free(ideal->included);
    free(ideal->seen);
    free(ideal->acquired);
    free(ideal->taken.data);
}

void ideal_clear(struct ideal *ideal)
{
    for (size_t i = 0; i < ideal->model->threads.count; i++)
        ideal->included[i] = ideal->seen[i] = 0;
    const uint32_t *taken = ideal->taken.data;
    for (size_t i = 0; i < ideal->taken.count; i++)
        ideal->acquired[taken[i]] = PREDICT_NONE;
    ideal->taken.count = 0;
}

void ideal_include(struct ideal *ideal, uint32_t thread, uint32_t count)
{
    if (ideal->included[thread] < count)
        ideal->included[thread] = count;
}

static void include_step(struct ideal *ideal, uint32_t number)
{
    const struct step *step = model_step(ideal->model, number);
    ideal_include(ideal, step->thread, step->index + 1);
}

void ideal_reach(struct ideal *ideal, const struct step *step)
{
    uint32_t fork = model_thread(ideal->model, step->thread)->fork;
    ideal_include(ideal, step->thread, step->index);
    if (fork != PREDICT_NONE)
        include_step(ideal, fork);
}

/* Of two critical sections of one lock the one that came first has ended. */
static void order_sections(struct ideal *ideal, uint32_t a, uint32_t b)
{
    const struct step *first = model_step(ideal->model, a < b ? a : b),
                      *second = model_step(ideal->model, a < b ? b : a);
    if (first->is_shared && second->is_shared)
        return;
    if (first->release == PREDICT_NONE)
        ideal_include(ideal, first->thread, (uint32_t)model_thread(ideal->model, first->thread)->steps.count);
    else
        include_step(ideal, first->release);
}

static void take_lock(struct ideal *ideal, uint32_t number)
{
    const struct step *step = model_step(ideal->model, number);
    size_t threads = ideal->model->threads.count, row = step->object * threads;
    uint32_t *acquired = &ideal->acquired[row + step->thread];
    if (*acquired == PREDICT_NONE) {
        uint32_t *taken = grown_add(&ideal->taken, sizeof *taken);
        if (!taken) {
            ideal->has_failed = true;
            return;
        }
        *taken = (uint32_t)(row + step->thread);
    }
    *acquired = number;
    for (size_t other = 0; other < threads; other++)
        if (other != step->thread && ideal->acquired[row + other] != PREDICT_NONE)
            order_sections(ideal, number, ideal->acquired[row + other]);
}

static void see(struct ideal *ideal, uint32_t number)
{
    const struct step *step = model_step(ideal->model, number);
    const uint32_t *needs = ideal->model->needs.data; /* NULL while no step needs another */
    for (uint32_t i = 0; i < step->need_count; i++)
        include_step(ideal, needs[step->needs + i]);
    if (step->kind == STEP_ACQUIRE)
        take_lock(ideal, number);
}

uint64_t ideal_close(struct ideal *ideal)
{
    uint64_t work = 0;
    for (bool has_changed = true; has_changed;) {
        has_changed = false;
        for (uint32_t t = 0; t < ideal->model->threads.count; t++) {
            const uint32_t *steps = model_thread(ideal->model, t)->steps.data;
            for (; ideal->seen[t] < ideal->included[t]; ideal->seen[t]++, work++) {
                see(ideal, steps[ideal->seen[t]]);
                has_changed = true;
            }
        }
    }
    return work;
}
