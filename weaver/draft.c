/* draft.c: a woven image while it is made. */
#include "weaver/draft.h"

#include <stdlib.h>
#include <string.h>

#include "weaver/sorted.h"

/* The arrays of a draft, and which are sorted in the end. */
#define ARRAY(name, element, is_sorted)                                                                                \
    {                                                                                                                  \
        offsetof(struct image_draft, name), sizeof(element), is_sorted                                                 \
    }
static const struct {
    size_t offset, width;
    bool is_sorted; /* by the uint32_t that each element begins with */
} arrays[] = {
    ARRAY(entries, struct image_entry, true),
    ARRAY(calls, struct image_call, true),
    ARRAY(hops, struct image_hop, true),
    ARRAY(pads, struct image_pad, true),
    ARRAY(fixups, uint32_t, true),
    ARRAY(places, struct image_place, true),
    ARRAY(sites, struct image_site, true),
    ARRAY(gates, struct image_gate, true),
    ARRAY(containers, struct image_range, true),
    ARRAY(left, struct image_left, false),
    ARRAY(strings, char, false),
    ARRAY(clones, struct draft_clone, false),
    ARRAY(branches, struct draft_branch, false),
    ARRAY(direct_calls, struct draft_branch, false),
};
enum { ARRAYS = sizeof arrays / sizeof *arrays };

static struct draft_array *array_of(struct image_draft *draft, size_t i)
{
    return (struct draft_array *)((char *)draft + arrays[i].offset);
}

void draft_begin(struct image_draft *draft)
{
    memset(draft, 0, sizeof *draft);
    draft->code_limit = DRAFT_CODE_LIMIT;
    for (size_t i = 0; i < ARRAYS; i++)
        array_of(draft, i)->width = arrays[i].width;
}

void draft_end(struct image_draft *draft)
{
    free(draft->code);
    for (size_t i = 0; i < ARRAYS; i++)
        free(array_of(draft, i)->data);
}

/* Makes room for `more` elements.  Returns: false when memory ran out. */
static bool reserve(struct image_draft *draft, struct draft_array *array, size_t more)
{
    if (array->capacity - array->count >= more)
        return true;
    size_t capacity = (array->count + more) * 2 + 64;
    void *data = realloc(array->data, capacity * array->width);
    if (!data) {
        draft->has_failed = true;
        return false;
    }
    array->data = data;
    array->capacity = capacity;
    return true;
}

void *draft_add(struct image_draft *draft, struct draft_array *array)
{
    if (!reserve(draft, array, 1))
        return NULL;
    uint8_t *element = (uint8_t *)array->data + array->count++ * array->width;
    memset(element, 0, array->width);
    return element;
}

uint32_t draft_string(struct image_draft *draft, const char *string)
{
    size_t size = strlen(string) + 1;
    uint32_t offset = (uint32_t)draft->strings.count;
    if (reserve(draft, &draft->strings, size)) {
        memcpy((char *)draft->strings.data + offset, string, size);
        draft->strings.count += size;
    }
    return offset;
}

void draft_leave(struct image_draft *draft, uint64_t module, uint32_t accesses, const char *name, const char *reason)
{
    struct image_left *left = draft_add(draft, &draft->left);
    if (left) {
        left->module = (uint32_t)module;
        left->accesses = accesses;
        left->name = draft_string(draft, name ? name : "");
        left->reason = draft_string(draft, reason);
    }
}

void draft_bytes(struct image_draft *draft, const void *bytes, size_t size)
{
    if (draft->code_capacity - draft->code_size < size) {
        size_t needed = draft->code_size + size, capacity = draft->code_capacity * 2 + size + 4096;
        if (needed > draft->code_limit) {
            draft->is_too_large = true;
            return;
        }
        capacity = capacity < draft->code_limit ? capacity : draft->code_limit;
        uint8_t *code = realloc(draft->code, capacity);
        if (!code) {
            draft->has_failed = true;
            return;
        }
        draft->code = code;
        draft->code_capacity = capacity;
    }
    memcpy(draft->code + draft->code_size, bytes, size);
    draft->code_size += size;
}

void draft_byte(struct image_draft *draft, unsigned byte)
{
    uint8_t one = (uint8_t)byte;
    draft_bytes(draft, &one, 1);
}

void draft_u32(struct image_draft *draft, uint32_t value)
{
    draft_bytes(draft, &value, sizeof value);
}

void draft_set_u32(struct image_draft *draft, size_t field, uint32_t value)
{
    if (!draft->has_failed)
        memcpy(draft->code + field, &value, sizeof value);
}

void draft_refer(struct image_draft *draft, size_t field, size_t next, uint64_t target)
{
    draft_set_u32(draft, field, (uint32_t)(target - next));
    uint32_t *fixup = draft_add(draft, &draft->fixups);
    if (fixup)
        *fixup = (uint32_t)field;
}

uint32_t draft_offset(const struct image_draft *draft)
{
    return (uint32_t)draft->code_size;
}

void draft_align(struct image_draft *draft, size_t alignment)
{
    while (draft->code_size % alignment != 0 && !draft->has_failed && !draft->is_too_large)
        draft_byte(draft, 0xcc);
}

uint32_t draft_find_clone(const struct image_draft *draft, uint64_t module)
{
    const struct draft_clone *clones = draft->clones.data;
    size_t at = SORTED_BELOW(clones, draft->clones.count, module, module);
    return at < draft->clones.count && clones[at].module == module ? clones[at].code : UINT32_MAX;
}

static int compare_first_u32(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static void sort(struct draft_array *array)
{
    if (array->count > 1)
        qsort(array->data, array->count, array->width, compare_first_u32);
}

static void settle_branches(struct image_draft *draft)
{
    const struct draft_branch *branches = draft->branches.data;
    for (size_t i = 0; i < draft->branches.count; i++) {
        uint32_t field = branches[i].field, clone = draft_find_clone(draft, branches[i].target);
        if (clone != UINT32_MAX)
            draft_set_u32(draft, field, clone - (field + 4));
        else
            draft_refer(draft, field, field + 4, branches[i].target);
    }
}

static void settle_calls(struct image_draft *draft)
{
    const struct draft_branch *calls = draft->direct_calls.data;
    for (size_t i = 0; i < draft->direct_calls.count; i++) {
        uint32_t clone = draft_find_clone(draft, calls[i].target);
        struct image_call *call = clone == UINT32_MAX ? NULL : draft_add(draft, &draft->calls);
        if (call) {
            call->module = calls[i].field;
            call->code = clone;
        }
    }
}

void draft_settle(struct image_draft *draft)
{
    settle_branches(draft);
    settle_calls(draft);
    for (size_t i = 0; i < ARRAYS; i++)
        if (arrays[i].is_sorted)
            sort(array_of(draft, i));
}
