#include <lhp/coroutine.h>

#include <stdlib.h>

#include "fiber.h"

enum { DEFAULT_STACK = 256 * 1024 };

enum generator_state { GENERATOR_NEW, GENERATOR_SUSPENDED, GENERATOR_RUNNING, GENERATOR_STOPPED };

struct lhp_generator {
    struct fiber fiber;
    enum generator_state state;
    lhp_generator_body *body;
    void *arg;
    void *out;              /* yielded or returned, from the body to its caller */
    void *in;               /* sent */
    enum lhp_status thrown; /* LHP_OK: nothing */
};

static void generator_main(void *arg)
{
    struct lhp_generator *g = arg;
    g->out = g->body(g, g->arg);
    g->state = GENERATOR_STOPPED;
}

struct lhp_generator *lhp_generator_new(lhp_generator_body *body, void *arg, size_t stack_size)
{
    struct lhp_generator *g = calloc(1, sizeof(*g));
    if (!g)
        return NULL;
    if (!lhp_fiber_init(&g->fiber, stack_size ? stack_size : DEFAULT_STACK, generator_main, g)) {
        free(g);
        return NULL;
    }
    g->body = body;
    g->arg = arg;
    return g;
}

void lhp_generator_release(struct lhp_generator *generator)
{
    lhp_generator_close(generator);
    lhp_fiber_destroy(&generator->fiber);
    free(generator);
}

static enum lhp_status generator_resume(struct lhp_generator *g, void *sent, enum lhp_status thrown, void **value)
{
    *value = NULL;
    if (g->state == GENERATOR_RUNNING)
        return LHP_BAD_STATE;
    if (g->state == GENERATOR_NEW && thrown != LHP_OK)
        g->state = GENERATOR_STOPPED;
    if (g->state == GENERATOR_STOPPED)
        return LHP_STOPPED;
    if (g->state == GENERATOR_NEW && sent)
        return LHP_INVALID;
    g->in = sent;
    g->thrown = thrown;
    g->state = GENERATOR_RUNNING;
    lhp_fiber_enter(&g->fiber);
    *value = g->out;
    return g->state == GENERATOR_STOPPED ? LHP_STOPPED : LHP_OK;
}

enum lhp_status lhp_generator_next(struct lhp_generator *generator, void **value)
{
    return generator_resume(generator, NULL, LHP_OK, value);
}

enum lhp_status lhp_generator_send(struct lhp_generator *generator, void *sent, void **value)
{
    return generator_resume(generator, sent, LHP_OK, value);
}

enum lhp_status lhp_generator_throw(struct lhp_generator *generator, enum lhp_status error, void **value)
{
    return generator_resume(generator, NULL, error, value);
}

enum lhp_status lhp_generator_close(struct lhp_generator *generator)
{
    void *value;
    enum lhp_status status = generator_resume(generator, NULL, LHP_CLOSED, &value);
    if (status == LHP_STOPPED)
        return LHP_OK;
    return status == LHP_OK ? LHP_FAILED : status;
}

enum lhp_status lhp_yield(struct lhp_generator *self, void *value, void **sent)
{
    self->out = value;
    self->state = GENERATOR_SUSPENDED;
    lhp_fiber_leave(&self->fiber, false);
    if (sent)
        *sent = self->in;
    return self->thrown;
}

enum lhp_status lhp_yield_from(struct lhp_generator *self, struct lhp_generator *other, void **result)
{
    enum lhp_status thrown = LHP_OK;
    void *sent = NULL, *value;
    for (;;) {
        enum lhp_status status = generator_resume(other, sent, thrown, &value);
        if (status != LHP_OK) {
            *result = value;
            return status == LHP_STOPPED ? thrown : status;
        }
        thrown = lhp_yield(self, value, &sent);
    }
}
