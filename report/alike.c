/* alike.c: what of a finding was made at the same place, so that its stack is shown once. */
#include <string.h>

#include "report/resolve.h"

bool finding_shows_object(const struct run_finding *f, const struct run_object *object)
{
    for (size_t i = 0; i < f->party_count; i++)
        if (f->parties[i].object == object)
            return strcmp(object->kind, "thread") != 0 && strcmp(object->kind, "process") != 0;
    return false;
}

static bool is_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_same_stack(const struct run_stack *a, const struct run_stack *b)
{
    if (a->frame_count != b->frame_count)
        return false;
    for (size_t i = 0; i < a->frame_count; i++) {
        const struct run_frame *x = &a->frames[i], *y = &b->frames[i];
        if (x->module != y->module || x->offset != y->offset || x->line != y->line ||
            !is_same_text(x->function, y->function) || !is_same_text(x->file, y->file))
            return false;
    }
    return true;
}

const struct run_object *object_made_alike(const struct run_finding *f, const struct run_object *object)
{
    for (const struct run_object *o = f->objects; o < object; o++)
        if (finding_shows_object(f, o) && o->init_thread == object->init_thread &&
            is_same_stack(&o->init_stack, &object->init_stack))
            return o;
    return NULL;
}

const struct run_thread *thread_created_alike(const struct run_finding *f, const struct run_thread *thread)
{
    for (const struct run_thread *t = f->threads; t < thread; t++)
        if (t->creator == thread->creator && is_same_stack(&t->created, &thread->created))
            return t;
    return NULL;
}
