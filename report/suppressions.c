#include "report/suppressions.h"

#include <string.h>

#include "report/demangle.h"
#include "report/path.h"
#include "report/pattern.h"
#include "report/resolve.h"

/* ---- kinds ------------------------------------------------------------------------------------------------------ */

static bool kind_fits(const char *kinds, const char *kind)
{
    char one[64];
    while (*kinds) {
        size_t length = strcspn(kinds, ",");
        if (length < sizeof one) {
            memcpy(one, kinds, length);
            one[length] = '\0';
            if (pattern_glob(one, kind))
                return true;
        }
        kinds += length + (kinds[length] == ',');
    }
    return false;
}

/* ---- frames ----------------------------------------------------------------------------------------------------- */

static bool path_fits(bool (*matches)(const char *, const char *), const char *pattern, const char *path)
{
    return matches(pattern, path) || matches(pattern, path_base(path));
}

static bool frame_fits(bool (*matches)(const char *, const char *), enum term_field field, const char *pattern,
                       const struct symbol_frame *frame)
{
    bool is_any = field == TERM_ANY;
    if ((is_any || field == TERM_FRAME || field == TERM_FUNCTION) && frame->function &&
        (matches(pattern, frame->function) || matches(pattern, frame->name)))
        return true;
    if ((is_any || field == TERM_FILE) && frame->file && path_fits(matches, pattern, frame->file))
        return true;
    return (is_any || field == TERM_MODULE) && frame->module && path_fits(matches, pattern, frame->module->path);
}

/* Is some frame of the stack, or with `top_only` the innermost of the user's, such a one? */
static bool stack_has(bool (*matches)(const char *, const char *), const struct suppression_term *term, bool top_only,
                      const struct run_stack *stack)
{
    size_t first = top_only ? stack->user_first : 0;
    size_t end = top_only && stack->user_end > first ? first + 1 : top_only ? first : stack->symbol_count;
    for (size_t i = first; i < end; i++)
        if (frame_fits(matches, term->field, term->pattern, &stack->symbols[i]))
            return true;
    return false;
}

struct search {
    const struct suppression_rule *rule;
    const struct suppression_term *term;
    bool (*matches)(const char *pattern, const char *text);
    bool found;
};

static void search_stack(void *ctx, struct run_stack *stack)
{
    struct search *search = ctx;
    search->found = search->found || stack_has(search->matches, search->term, search->rule->is_top_only, stack);
}

static bool object_fits(bool (*matches)(const char *, const char *), const char *pattern, const struct run_finding *f)
{
    for (size_t i = 0; i < f->object_count; i++) {
        const struct run_object *object = &f->objects[i];
        if (matches(pattern, object->name) || (object->type && matches(pattern, object->type)))
            return true;
        if (object->where == WHERE_SHARED && path_fits(matches, pattern, object->path))
            return true;
    }
    return false;
}

/* Does each party's stack that is known begin with such a function, file or module? */
static bool all_begin_with(const struct suppression_term *term, bool (*matches)(const char *, const char *),
                           const struct run_finding *f)
{
    size_t known = 0;
    for (size_t i = 0; i < f->party_count; i++) {
        const struct run_stack *stack = &f->parties[i].stack;
        if (stack->symbol_count > 0 && !frame_fits(matches, TERM_ANY, term->pattern, &stack->symbols[0]))
            return false;
        known += stack->symbol_count > 0;
    }
    return known > 0;
}

/* ---- the styles ------------------------------------------------------------------------------------------------- */

static bool term_fits(const struct suppression_rule *rule, const struct suppression_term *term,
                      bool (*matches)(const char *, const char *), const struct run_finding *f)
{
    if (term->field == TERM_FINGERPRINT)
        return matches(term->pattern, f->fingerprint);
    if (term->field == TERM_INNERMOST)
        return all_begin_with(term, matches, f);
    if ((term->field == TERM_ANY || term->field == TERM_OBJECT) && object_fits(matches, term->pattern, f))
        return true;
    struct search search = {rule, term, matches, false};
    if (term->field != TERM_OBJECT)
        finding_visit_stacks(f, search_stack, &search);
    return search.found;
}

/* The frame terms are met in order, with any frames between them. */
static void search_sequence(void *ctx, struct run_stack *stack)
{
    struct search *search = ctx;
    size_t at = search->rule->is_top_only ? stack->user_first : 0;
    for (const struct suppression_term *term = search->rule->terms; term; term = term->next) {
        if (term->field != TERM_FRAME)
            continue;
        while (at < stack->symbol_count && !frame_fits(pattern_glob, TERM_FRAME, term->pattern, &stack->symbols[at]))
            at++;
        if (at++ >= stack->symbol_count)
            return;
    }
    search->found = true;
}

static bool block_fits(const struct suppression_rule *rule, const struct run_finding *f)
{
    bool has_frames = false;
    for (const struct suppression_term *term = rule->terms; term; term = term->next)
        if (term->field == TERM_FRAME)
            has_frames = true;
        else if (!term_fits(rule, term, pattern_glob, f))
            return false;
    struct search search = {.rule = rule};
    if (has_frames)
        finding_visit_stacks(f, search_sequence, &search);
    return !has_frames || search.found;
}

/* Valgrind's stacks begin in its own wrappers (mutex_lock_WRK, vgpreload_*.so), which ours have not. */
static bool is_valgrind_wrapper(const struct suppression_term *term)
{
    static const char *const wrappers[] = {"pthread_*", "sem_*", "*_WRK", "*_intercept", "*vgpreload*"};
    for (size_t i = 0; i < sizeof wrappers / sizeof wrappers[0]; i++)
        if (term->field != TERM_ELLIPSIS && pattern_glob(wrappers[i], term->pattern))
            return true;
    return false;
}

/* From frame `at` on, every term takes one frame and "..." any number of them. */
static bool valgrind_fits_at(const struct suppression_term *term, const struct run_stack *stack, size_t at)
{
    const struct suppression_term *after_gap = NULL;
    size_t retry = 0;
    while (term) {
        if (term->field == TERM_ELLIPSIS) {
            after_gap = term = term->next;
            retry = at;
        } else if (at < stack->symbol_count &&
                   frame_fits(pattern_glob, term->field, term->pattern, &stack->symbols[at])) {
            term = term->next;
            at++;
        } else if (after_gap && retry < stack->symbol_count) {
            term = after_gap;
            at = ++retry;
        } else {
            return false;
        }
    }
    return true;
}

static void search_valgrind(void *ctx, struct run_stack *stack)
{
    struct search *search = ctx;
    const struct suppression_term *term = search->rule->terms;
    while (term && is_valgrind_wrapper(term))
        term = term->next;
    if (stack->symbol_count && term) {
        search->found =
            search->found || valgrind_fits_at(term, stack, 0) || valgrind_fits_at(term, stack, stack->user_first);
    }
}

static bool rule_fits(const struct suppression_rule *rule, const struct run_finding *f)
{
    if (!kind_fits(rule->kinds, f->kind))
        return false;
    if (rule->style == RULE_LINE)
        return term_fits(rule, rule->terms, pattern_within, f);
    if (rule->style == RULE_BLOCK)
        return block_fits(rule, f);
    struct search search = {.rule = rule};
    finding_visit_stacks(f, search_valgrind, &search);
    return search.found;
}

const struct suppression_rule *suppressions_match(struct suppressions *s, const struct run_finding *finding)
{
    for (struct suppression_rule *rule = s->rules; rule; rule = rule->next) {
        if (rule_fits(rule, finding)) {
            rule->used++;
            return rule;
        }
    }
    return NULL;
}

static bool is_broad(const struct suppression_rule *rule)
{
    for (const struct suppression_term *term = rule->terms; term; term = term->next)
        if (term->field != TERM_ELLIPSIS && !pattern_is_broad(term->pattern))
            return false;
    return true;
}

void suppressions_review(const struct suppressions *s, struct buffer *out)
{
    for (const struct suppression_rule *rule = s->rules; rule; rule = rule->next) {
        if (is_broad(rule)) {
            buffer_printf(out, "%s:%u: suppression '%s' matches everything of its kind\n", rule->file, rule->line,
                          rule->text);
        } else if (!rule->used && !rule->is_for_other_kind && !rule->is_compiled_in) {
            buffer_printf(out, "%s:%u: suppression '%s' matched nothing\n", rule->file, rule->line, rule->text);
        }
    }
}

void suppressions_free(struct suppressions *s)
{
    pool_free(&s->pool);
    *s = (struct suppressions){0};
}
