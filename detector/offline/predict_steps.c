/* predict_steps.c: events into the predictor's steps: what each needs, which locks it takes, and what it accesses. */
#include <stdlib.h>
#include <string.h>

#include "detector/offline/predict_model.h"

/* Of larger accesses the first bytes count. */
#define ACCESS_MOST UINT64_C(4096)

/* ---- memory ---------------------------------------------------------------------------------------------------------- */

void *grown_add(struct grown *array, size_t width)
{
    if (array->count == array->capacity) {
        size_t capacity = array->capacity ? 2 * array->capacity : 8;
        void *data = realloc(array->data, capacity * width);
        if (!data)
            return NULL;
        array->data = data;
        array->capacity = capacity;
    }
    return memset((char *)array->data + array->count++ * width, 0, width);
}

void model_init(struct model *model, const struct detector_host *host)
{
    *model = (struct model){.steps = {.count = 0}};
    hash_table_init(&model->by_label, host);
    hash_table_init(&model->by_object, host);
    hash_table_init(&model->by_cell, host);
}

void model_release(struct model *model)
{
    struct model_object **objects = model->objects.data;
    struct cell **cells = model->cells.data;
    for (size_t i = 0; i < model->threads.count; i++)
        free(model_thread(model, (uint32_t)i)->steps.data);
    for (size_t i = 0; i < model->objects.count; i++) {
        free(objects[i]->sends.data);
        free(objects[i]->holds.data);
        free(objects[i]);
    }
    for (size_t i = 0; i < model->cells.count; i++) {
        free(cells[i]->accesses.data);
        free(cells[i]);
    }
    free(model->steps.data);
    free(model->needs.data);
    free(model->threads.data);
    free(model->objects.data);
    free(model->cells.data);
    hash_table_release(&model->by_label);
    hash_table_release(&model->by_object);
    hash_table_release(&model->by_cell);
}

/* ---- threads, objects, cells ------------------------------------------------------------------------------------------ */

struct label_key {
    const struct model *model;
    uint32_t label;
};

/* The table's items are numbers of threads, plus one. */
static bool has_label(const void *item, const void *key)
{
    const struct label_key *wanted = key;
    return model_thread(wanted->model, (uint32_t)(uintptr_t)item - 1)->label == wanted->label;
}

/* Returns: the thread's number; PREDICT_NONE when there is no memory. */
static uint32_t thread_of(struct model *model, uint32_t label)
{
    const struct label_key key = {model, label};
    uint64_t hash = hash_mix(0, label);
    uintptr_t known = (uintptr_t)hash_table_find(&model->by_label, hash, has_label, &key);
    if (known != 0)
        return (uint32_t)known - 1;
    struct model_thread *thread = grown_add(&model->threads, sizeof *thread);
    if (!thread)
        return PREDICT_NONE;
    *thread = (struct model_thread){.label = label, .fork = PREDICT_NONE};
    uintptr_t number = model->threads.count;
    return hash_table_insert(&model->by_label, hash, (void *)number) ? (uint32_t)number - 1 : PREDICT_NONE;
}

/* Both kinds of items begin with their address. */
static bool has_address(const void *item, const void *key)
{
    return *(const uint64_t *)item == *(const uint64_t *)key;
}

/* Returns: the item of that address in the table, made and put into `all` when there is none; NULL without memory. */
static void *item_at(struct hash_table *table, struct grown *all, uint64_t address, size_t width)
{
    uint64_t hash = hash_mix(0, address);
    void *item = hash_table_find(table, hash, has_address, &address);
    if (item)
        return item;
    void **place = grown_add(all, sizeof *place);
    item = place ? calloc(1, width) : NULL;
    if (!item) {
        all->count -= place != NULL;
        return NULL;
    }
    *place = item;
    *(uint64_t *)item = address;
    return hash_table_insert(table, hash, item) ? item : NULL;
}

static struct model_object *object_at(struct model *model, uint64_t address)
{
    size_t known = model->objects.count;
    struct model_object *object = item_at(&model->by_object, &model->objects, address, sizeof *object);
    if (object && model->objects.count > known)
        object->number = (uint32_t)known;
    return object;
}

static struct cell *cell_at(struct model *model, uint64_t address)
{
    size_t known = model->cells.count;
    struct cell *cell = item_at(&model->by_cell, &model->cells, address, sizeof *cell);
    for (int i = 0; cell && model->cells.count > known && i < PREDICT_CELL; i++)
        cell->last_write[i] = PREDICT_NONE;
    return cell;
}

static void forget_cell(struct model *model, struct cell *cell)
{
    if (cell)
        hash_table_remove(&model->by_cell, hash_mix(0, cell->address), cell);
}

/* What is accessed there from now on is something else. */
static void forget_range(struct model *model, uint64_t low, uint64_t size)
{
    uint64_t first = low - low % PREDICT_CELL;
    if (size / PREDICT_CELL < model->cells.count) {
        for (uint64_t at = first; at - first < size + (low - first); at += PREDICT_CELL)
            forget_cell(model, hash_table_find(&model->by_cell, hash_mix(0, at), has_address, &at));
        return;
    }
    struct cell **cells = model->cells.data;
    for (size_t i = 0; i < model->cells.count; i++)
        if (cells[i]->address - first < size + (low - first))
            forget_cell(model, cells[i]);
}

/* ---- steps ------------------------------------------------------------------------------------------------------------ */

/* One event on its way into the model. */
struct adding {
    struct model *model;
    const struct event *event;
    uint32_t thread;
    struct step *step; /* the last one made; valid until the next */
    uint32_t number;
    bool has_failed;
};

/* The needs of the step that was made last. */
static void need(struct adding *a, uint32_t number)
{
    if (number == PREDICT_NONE || a->has_failed || model_step(a->model, number)->thread == a->thread)
        return;
    uint32_t *place = grown_add(&a->model->needs, sizeof *place);
    if (place) {
        *place = number;
        a->step->need_count++;
    } else {
        a->has_failed = true;
    }
}

static bool add_step(struct adding *a, enum step_kind kind)
{
    struct model *model = a->model;
    struct step *step = grown_add(&model->steps, sizeof *step);
    struct grown *steps = &model_thread(model, a->thread)->steps;
    uint32_t *place = step ? grown_add(steps, sizeof *place) : NULL;
    if (!place) {
        a->has_failed = true;
        return false;
    }
    a->step = step;
    a->number = *place = (uint32_t)(model->steps.count - 1);
    *step = (struct step){.kind = kind,
                          .thread = a->thread,
                          .index = (uint32_t)(steps->count - 1),
                          .release = PREDICT_NONE,
                          .needs = (uint32_t)model->needs.count,
                          .at = a->event->at};
    if (step->index == 0)
        need(a, model_thread(model, a->thread)->fork);
    return true;
}

/* ---- what orders ------------------------------------------------------------------------------------------------------ */

static void send(struct adding *a, uint64_t address)
{
    struct model_object *object = object_at(a->model, address);
    while (object && object->sends.count <= a->thread) {
        uint32_t *place = grown_add(&object->sends, sizeof *place);
        if (place)
            *place = PREDICT_NONE;
        else
            object = NULL;
    }
    if (object)
        ((uint32_t *)object->sends.data)[a->thread] = a->number;
    else
        a->has_failed = true;
}

static void receive(struct adding *a, uint64_t address)
{
    struct model_object *object = object_at(a->model, address);
    a->has_failed |= !object;
    for (size_t i = 0; object && i < object->sends.count; i++)
        need(a, ((const uint32_t *)object->sends.data)[i]);
}

static struct model_hold *hold_of(const struct model_object *object, uint32_t thread)
{
    struct model_hold *holds = object->holds.data;
    for (size_t i = 0; i < object->holds.count; i++)
        if (holds[i].thread == thread)
            return &holds[i];
    return NULL;
}

/* The outermost of several acquisitions by one thread. */
static void acquire(struct adding *a, uint64_t address, bool is_shared)
{
    struct model_object *object = object_at(a->model, address);
    struct model_hold *hold = object ? hold_of(object, a->thread) : NULL;
    if (!hold && object) {
        hold = grown_add(&object->holds, sizeof *hold);
        if (hold)
            *hold = (struct model_hold){.thread = a->thread};
    }
    if (!hold) {
        a->has_failed = true;
    } else if (hold->depth++ == 0 && add_step(a, STEP_ACQUIRE)) {
        a->step->object = object->number;
        a->step->is_shared = is_shared;
        hold->acquire = a->number;
    }
}

/* By whom it was not taken, it is handed over. */
static void release(struct adding *a, uint64_t address, bool is_whole)
{
    struct model_object *object = object_at(a->model, address);
    struct model_hold *hold = object ? hold_of(object, a->thread) : NULL;
    if (!object) {
        a->has_failed = true;
    } else if (!hold || hold->depth == 0) {
        if (add_step(a, STEP_OTHER))
            send(a, address);
    } else if (is_whole || hold->depth == 1) {
        if (add_step(a, STEP_RELEASE))
            model_step(a->model, hold->acquire)->release = a->number;
        hold->depth = 0;
    } else {
        hold->depth--;
    }
}

/* ---- accesses ---------------------------------------------------------------------------------------------------------- */

static void access_cell(struct adding *a, uint64_t address, uint8_t bytes, bool is_write, bool is_atomic)
{
    struct cell *cell = cell_at(a->model, address);
    struct cell_access *access = cell && !is_atomic ? grown_add(&cell->accesses, sizeof *access) : NULL;
    if (!cell || (!is_atomic && !access)) {
        a->has_failed = true;
        return;
    }
    if (access)
        *access = (struct cell_access){a->number, bytes, is_write};
    else
        cell->atomic |= bytes;
    for (int i = 0; i < PREDICT_CELL; i++) {
        if ((bytes >> i & 1) == 0)
            continue;
        if (!is_write)
            need(a, cell->last_write[i]);
        else
            cell->last_write[i] = a->number;
    }
}

static void access(struct adding *a, bool is_write, bool is_atomic)
{
    uint64_t at = a->event->object, size = (a->event->flags & EVENT_HAS_SIZE) != 0 ? a->event->size : 1;
    uint64_t end = at + (size < ACCESS_MOST ? size : ACCESS_MOST);
    while (at < end && !a->has_failed) {
        uint64_t first = at % PREDICT_CELL, base = at - first;
        uint64_t count = end - at < PREDICT_CELL - first ? end - at : PREDICT_CELL - first;
        access_cell(a, base, (uint8_t)(((UINT32_C(1) << count) - 1) << first), is_write, is_atomic);
        at += count;
    }
}

/* What is stored there comes before what is loaded later. */
static void access_atomically(struct adding *a)
{
    bool reads = a->event->kind != EVENT_ATOMIC_STORE, writes = a->event->kind != EVENT_ATOMIC_LOAD;
    if (!add_step(a, STEP_OTHER))
        return;
    if (reads)
        receive(a, a->event->object);
    access(a, false, true);
    if (writes) {
        access(a, true, true);
        send(a, a->event->object);
    }
}

/* ---- events ------------------------------------------------------------------------------------------------------------ */

static void add_thread_event(struct adding *a)
{
    uint32_t target = thread_of(a->model, a->event->target);
    if (target == PREDICT_NONE || !add_step(a, STEP_OTHER)) {
        a->has_failed = true;
        return;
    }
    struct model_thread *thread = model_thread(a->model, target);
    if (a->event->kind == EVENT_FORK)
        thread->fork = a->number;
    else if (thread->steps.count > 0)
        need(a, ((const uint32_t *)thread->steps.data)[thread->steps.count - 1]);
}

static void add_lock_event(struct adding *a)
{
    const struct event *event = a->event;
    switch (event->kind) {
    case EVENT_ACQUIRE:
        acquire(a, event->object, (event->flags & EVENT_SHARED) != 0);
        break;
    case EVENT_RELEASE:
        release(a, event->object, false);
        break;
    case EVENT_COND_WAIT:
        release(a, event->mutex, true);
        break;
    default:
        if ((event->flags & EVENT_TIMEOUT) == 0 && add_step(a, STEP_OTHER))
            receive(a, event->object);
        acquire(a, event->mutex, false);
    }
}

static void add_access_event(struct adding *a)
{
    if (!add_step(a, STEP_ACCESS))
        return;
    a->step->is_write = a->event->kind == EVENT_WRITE;
    access(a, a->step->is_write, false);
}

bool model_add(struct model *model, const struct event *event)
{
    struct adding a = {.model = model, .event = event, .thread = thread_of(model, event->thread)};
    if (a.thread == PREDICT_NONE)
        return false;
    switch (event->kind) {
    case EVENT_FORK:
    case EVENT_JOIN:
        add_thread_event(&a);
        break;
    case EVENT_ACQUIRE:
    case EVENT_RELEASE:
    case EVENT_COND_WAIT:
    case EVENT_COND_WOKEN:
        add_lock_event(&a);
        break;
    case EVENT_SEM_POST:
    case EVENT_COND_SIGNAL:
    case EVENT_COND_BROADCAST:
    case EVENT_BARRIER_ARRIVE:
    case EVENT_ONCE_DONE:
    case EVENT_CHANNEL_SEND:
        if (add_step(&a, STEP_OTHER))
            send(&a, event->object);
        break;
    case EVENT_SEM_ACQUIRE:
    case EVENT_BARRIER_LEAVE:
    case EVENT_ONCE_PASSED:
    case EVENT_CHANNEL_RECEIVE:
        if (add_step(&a, STEP_OTHER))
            receive(&a, event->object);
        break;
    case EVENT_READ:
    case EVENT_WRITE:
        add_access_event(&a);
        break;
    case EVENT_ATOMIC_LOAD:
    case EVENT_ATOMIC_STORE:
    case EVENT_ATOMIC_RMW:
        access_atomically(&a);
        break;
    case EVENT_ALLOCATE:
    case EVENT_FREE:
    case EVENT_UNMAP:
        forget_range(model, event->object, event->size);
        break;
    default:
        break; /* it orders nothing */
    }
    return !a.has_failed;
}
