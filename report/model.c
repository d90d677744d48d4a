#include "report/model.h"

#include <stdlib.h>
#include <string.h>

#include <uthash.h>

#define PROBLEMS_KEPT 20

struct finding_index {
    char fingerprint[17];
    struct run_finding *finding;
    UT_hash_handle hh;
};

struct run_process *run_find_process(struct run *run, const char *file, int64_t pid)
{
    struct run_process *found = NULL;
    for (struct run_process *p = run->processes; p; p = p->next)
        if (p->pid == pid && strcmp(p->file, file) == 0)
            found = p;
    return found;
}

struct run_process *run_add_process(struct run *run)
{
    struct run_process *process = pool_alloc(&run->pool, sizeof *process);
    if (run->last_process)
        run->last_process->next = process;
    else
        run->processes = process;
    run->last_process = process;
    run->process_count++;
    return process;
}

const struct run_module *process_find_module(const struct run_process *process, uint32_t id)
{
    const struct run_module *module = process->modules;
    while (module && module->id != id)
        module = module->next;
    return module;
}

const struct run_thread *finding_thread(const struct run_finding *finding, uint32_t id)
{
    for (size_t i = 0; i < finding->thread_count; i++)
        if (finding->threads[i].id == id)
            return &finding->threads[i];
    return NULL;
}

void finding_free(struct run_finding *finding)
{
    pool_free(&finding->pool);
    free(finding);
}

static struct run_finding *find_by(const struct run *run, const char *fingerprint)
{
    struct finding_index *known;
    HASH_FIND_STR(run->by_fingerprint, fingerprint, known);
    return known ? known->finding : NULL;
}

static void index_by(struct run *run, const char fingerprint[17], struct run_finding *finding)
{
    struct finding_index *entry = pool_alloc(&run->pool, sizeof *entry);
    memcpy(entry->fingerprint, fingerprint, sizeof entry->fingerprint);
    entry->finding = finding;
    HASH_ADD_STR(run->by_fingerprint, fingerprint, entry);
}

static void append(struct run *run, struct run_finding *finding)
{
    if (run->last_finding)
        run->last_finding->next = finding;
    else
        run->findings = finding;
    run->last_finding = finding;
}

/* Puts `finding` where `later` stands in the list. */
static void insert_before(struct run *run, struct run_finding *finding, struct run_finding *later)
{
    struct run_finding **at = &run->findings;
    while (*at != later)
        at = &(*at)->next;
    finding->next = later;
    *at = finding;
}

/* Returns: the other one of an inversion and the deadlock that it became, or NULL. */
static struct run_finding *find_same_circle(const struct run *run, const struct run_finding *finding)
{
    for (struct run_finding *f = run->findings; *finding->circle && f; f = f->next)
        if (strcmp(f->circle, finding->circle) == 0 && strcmp(f->kind, finding->kind) != 0)
            return f;
    return NULL;
}

static void add_to_list(struct run *run, struct run_finding *finding)
{
    struct run_finding *other = find_same_circle(run, finding);
    bool is_deadlock = strcmp(finding->kind, "deadlock") == 0;
    if (other && is_deadlock) {
        finding->foretold = other;
        other->came_true = finding;
        insert_before(run, finding, other);
        return;
    }
    if (other) {
        finding->came_true = other;
        other->foretold = finding;
    }
    append(run, finding);
}

bool run_merge_finding(struct run *run, struct run_finding *finding)
{
    struct run_finding *known = find_by(run, finding->fingerprint);
    if (!known && *finding->places)
        known = find_by(run, finding->places);
    if (known) {
        known->count++;
        finding_free(finding);
        return false;
    }
    index_by(run, finding->fingerprint, finding);
    if (*finding->places)
        index_by(run, finding->places, finding);
    finding->count = 1;
    finding->process->findings++;
    add_to_list(run, finding);
    run->finding_count++;
    return true;
}

void run_add_note(struct run *run, const char *code, const char *text)
{
    struct run_note **at = &run->notes;
    while (*at && (strcmp((*at)->code, code) != 0 || strcmp((*at)->text, text) != 0))
        at = &(*at)->next;
    if (!*at) {
        *at = pool_alloc(&run->pool, sizeof **at);
        (*at)->code = pool_string(&run->pool, code);
        (*at)->text = pool_string(&run->pool, text);
    }
    (*at)->count++;
}

void run_add_count(struct run *run, const char *name, uint64_t value)
{
    struct run_count **at = &run->counts;
    while (*at && strcmp((*at)->name, name) != 0)
        at = &(*at)->next;
    if (!*at) {
        *at = pool_alloc(&run->pool, sizeof **at);
        (*at)->name = pool_string(&run->pool, name);
    }
    if (__builtin_add_overflow((*at)->value, value, &(*at)->value))
        (*at)->value = UINT64_MAX;
}

uint64_t run_get_count(const struct run *run, const char *name)
{
    for (const struct run_count *c = run->counts; c; c = c->next)
        if (strcmp(c->name, name) == 0)
            return c->value;
    return 0;
}

void run_add_problem(struct run *run, const char *file, uint64_t offset, const char *format, ...)
{
    if (run->problem_count++ >= PROBLEMS_KEPT)
        return;
    struct buffer text = {0};
    va_list arguments;
    va_start(arguments, format);
    buffer_vprintf(&text, format, arguments);
    va_end(arguments);
    struct run_problem *problem = pool_alloc(&run->pool, sizeof *problem);
    problem->file = pool_string(&run->pool, file);
    problem->offset = offset;
    problem->text = pool_string(&run->pool, text.data);
    buffer_free(&text);
    if (run->last_problem)
        run->last_problem->next = problem;
    else
        run->problems = problem;
    run->last_problem = problem;
}

bool run_has_error(const struct run *run)
{
    for (const struct run_finding *f = run->findings; f; f = f->next)
        if (strcmp(f->severity, "error") == 0)
            return true;
    return false;
}

void run_free(struct run *run)
{
    HASH_CLEAR(hh, run->by_fingerprint);
    while (run->findings) {
        struct run_finding *next = run->findings->next;
        finding_free(run->findings);
        run->findings = next;
    }
    pool_free(&run->pool);
    *run = (struct run){0};
}
