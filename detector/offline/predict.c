#include "detector/offline/predict.h"

#include <stdlib.h>

#include "detector/offline/predict_model.h"

/* Steps and pairs that are looked at before the search is given up, and pairs of sites that are told. */
#define WORK_MOST UINT64_C(100000000)
enum { RACES_MOST = 1000, HELD_MOST = 16 };

struct predict {
    struct model model;
};

struct search {
    const struct model *model;
    struct ideal ideal;
    struct grown told;            /* struct told */
    struct grown *reads, *writes; /* struct cell_access, of the cell that is looked at, by thread */
    uint64_t work;
    predicted_race_visit *visit;
    void *ctx;
};

struct told {
    uint32_t sites[2];
};

struct predict *predict_new(const struct detector_host *host)
{
    struct predict *predict = calloc(1, sizeof *predict);
    if (predict)
        model_init(&predict->model, host);
    return predict;
}

void predict_delete(struct predict *predict)
{
    if (!predict)
        return;
    model_release(&predict->model);
    free(predict);
}

bool predict_event(struct predict *predict, const struct event *event)
{
    return model_add(&predict->model, event);
}

/* ---- what is told --------------------------------------------------------------------------------------------------- */

/* Returns: whether it is the first time; when there is no memory it is not. */
static bool is_new(struct search *search, const struct step *first, const struct step *second)
{
    struct told *told = search->told.data;
    for (size_t i = 0; i < search->told.count; i++)
        if ((told[i].sites[0] == first->at.v && told[i].sites[1] == second->at.v) ||
            (told[i].sites[0] == second->at.v && told[i].sites[1] == first->at.v))
            return false;
    told = search->told.count == RACES_MOST ? NULL : grown_add(&search->told, sizeof *told);
    if (told)
        *told = (struct told){{first->at.v, second->at.v}};
    return told != NULL;
}

/* The acquisitions of the step's thread that have not ended before it. */
static size_t held_at(const struct model *model, const struct step *step, struct held_lock held[HELD_MOST])
{
    size_t count = 0;
    const uint32_t *steps = model_thread(model, step->thread)->steps.data;
    struct model_object *const *objects = model->objects.data;
    for (uint32_t i = 0; i < step->index && count < HELD_MOST; i++) {
        const struct step *acquire = model_step(model, steps[i]);
        bool is_held = acquire->kind == STEP_ACQUIRE &&
                       (acquire->release == PREDICT_NONE || model_step(model, acquire->release)->index > step->index);
        if (is_held)
            held[count++] =
                (struct held_lock){.object = {.address = objects[acquire->object]->address}, .stack = acquire->at};
    }
    return count;
}

static void tell(struct search *search, uint64_t address, const struct step *first, const struct step *second)
{
    struct held_lock held[2][HELD_MOST];
    const struct step *steps[2] = {second, first};
    struct predicted_race race = {.address = address};
    for (int i = 0; i < 2; i++)
        race.sides[i] = (struct predicted_access){.thread = model_thread(search->model, steps[i]->thread)->label,
                                                  .is_write = steps[i]->is_write,
                                                  .at = steps[i]->at,
                                                  .held = held[i],
                                                  .held_count = held_at(search->model, steps[i], held[i])};
    search->visit(search->ctx, &race);
}

/* ---- the search ------------------------------------------------------------------------------------------------------ */

/* Both can be about to happen when neither must have happened before the other. */
static bool can_meet(struct search *search, const struct step *first, const struct step *second)
{
    ideal_reach(&search->ideal, first);
    search->work += 1 + ideal_close(&search->ideal);
    return !ideal_has(&search->ideal, first) && !ideal_has(&search->ideal, second);
}

/* What the ideal of a pair holds, those of later accesses hold as well: it grows, and what is in it is passed over for good. */
static void search_pair(struct search *search, const struct cell *cell, const struct grown *firsts,
                        const struct grown *seconds)
{
    const struct cell_access *first = firsts->data, *second = seconds->data;
    size_t from = 0;
    ideal_clear(&search->ideal);
    search->work += search->model->threads.count;
    for (size_t k = 0; k < seconds->count; k++) {
        const struct step *later = model_step(search->model, second[k].step);
        ideal_reach(&search->ideal, later);
        search->work += ideal_close(&search->ideal);
        for (size_t i = from; i < firsts->count && first[i].step < second[k].step && search->work < WORK_MOST; i++) {
            const struct step *earlier = model_step(search->model, first[i].step);
            uint32_t common = first[i].bytes & second[k].bytes & (uint32_t)~cell->atomic;
            bool is_over = ideal_has(&search->ideal, earlier);
            search->work++;
            from += is_over && i == from;
            if (is_over || common == 0 || !can_meet(search, earlier, later))
                continue;
            if (is_new(search, earlier, later))
                tell(search, cell->address + (uint32_t)__builtin_ctz(common), earlier, later);
            return;
        }
    }
}

/* Sorts the cell's accesses by thread and way.  Returns: false when there is no memory. */
static bool sort_accesses(struct search *search, const struct cell *cell)
{
    const struct cell_access *accesses = cell->accesses.data;
    for (uint32_t t = 0; t < search->model->threads.count; t++)
        search->reads[t].count = search->writes[t].count = 0;
    for (size_t i = 0; i < cell->accesses.count; i++) {
        uint32_t thread = model_step(search->model, accesses[i].step)->thread;
        struct grown *list = accesses[i].is_write ? &search->writes[thread] : &search->reads[thread];
        struct cell_access *place = grown_add(list, sizeof *place);
        if (!place)
            return false;
        *place = accesses[i];
    }
    return true;
}

static bool search_cell(struct search *search, const struct cell *cell)
{
    uint32_t threads = (uint32_t)search->model->threads.count;
    const struct grown *reads = search->reads, *writes = search->writes;
    if (!sort_accesses(search, cell))
        return false;
    for (uint32_t a = 0; a < threads; a++)
        for (uint32_t b = 0; b < threads && writes[a].count != 0; b++) {
            if (a == b || (reads[b].count == 0 && writes[b].count == 0))
                continue;
            search_pair(search, cell, &writes[a], &writes[b]);
            search_pair(search, cell, &writes[a], &reads[b]);
            search_pair(search, cell, &reads[b], &writes[a]);
        }
    search->work += threads + cell->accesses.count;
    return true;
}

static bool is_shared(const struct model *model, const struct cell *cell)
{
    const struct cell_access *accesses = cell->accesses.data;
    for (size_t i = 1; i < cell->accesses.count; i++)
        if (model_step(model, accesses[i].step)->thread != model_step(model, accesses[0].step)->thread)
            return true;
    return false;
}

static bool begin_search(struct search *search)
{
    size_t threads = search->model->threads.count + 1;
    search->reads = calloc(threads, sizeof *search->reads);
    search->writes = calloc(threads, sizeof *search->writes);
    return ideal_init(&search->ideal, search->model) && search->reads && search->writes;
}

static void end_search(struct search *search)
{
    for (size_t t = 0; t < search->model->threads.count; t++) {
        free(search->reads ? search->reads[t].data : NULL);
        free(search->writes ? search->writes[t].data : NULL);
    }
    free(search->reads);
    free(search->writes);
    free(search->told.data);
    ideal_release(&search->ideal);
}

bool predict_run(struct predict *predict, predicted_race_visit *visit, void *ctx)
{
    struct search search = {.model = &predict->model, .visit = visit, .ctx = ctx};
    struct cell *const *cells = predict->model.cells.data;
    bool is_complete = begin_search(&search);
    for (size_t i = 0; is_complete && i < predict->model.cells.count && search.work < WORK_MOST; i++)
        if (is_shared(&predict->model, cells[i]))
            is_complete = search_cell(&search, cells[i]);
    is_complete &= search.work < WORK_MOST && !search.ideal.has_failed;
    end_search(&search);
    return is_complete;
}
