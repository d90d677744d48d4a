#include "preload/weave/pc_map.h"

#include <stdatomic.h>

#include "preload/arena.h"
#include "preload/ranks.h"
#include "weaver/image_search.h"

struct image_list {
    size_t count;
    struct woven_image *images[];
};

static _Atomic(struct image_list *) list;

/* ---- the table ------------------------------------------------------------------------------------------------------ */

/* Returns: the present list with room for one more, copied; NULL without memory.  holds(OWN_RANK_MODULES) */
static struct image_list *copy_list(const struct image_list *old)
{
    size_t count = old == NULL ? 0 : old->count;
    struct image_list *copy = arena_alloc(sizeof *copy + (count + 1) * sizeof(struct woven_image *));
    if (copy == NULL)
        return NULL;
    copy->count = count;
    for (size_t i = 0; i < count; i++)
        copy->images[i] = old->images[i];
    return copy;
}

bool pc_map_add(struct woven_image *image)
{
    rank_enter(OWN_RANK_MODULES);
    struct image_list *copy = copy_list(atomic_load_explicit(&list, memory_order_relaxed)); /* changed under the rank */
    if (copy != NULL) {
        size_t i = copy->count++;
        for (; i > 0 && copy->images[i - 1]->code > image->code; i--)
            copy->images[i] = copy->images[i - 1];
        copy->images[i] = image;
        atomic_store_explicit(&list, copy, memory_order_release); /* pairs with the acquire in pc_map_image() */
    }
    rank_leave(OWN_RANK_MODULES);
    return copy != NULL;
}

static struct woven_image *find_of(const struct image_list *images, const struct module *module)
{
    for (size_t i = 0; images != NULL && i < images->count; i++)
        if (images->images[i]->module == module)
            return images->images[i];
    return NULL;
}

const struct woven_image *pc_map_image_of(const struct module *module)
{
    return find_of(atomic_load_explicit(&list, memory_order_acquire),
                   module); /* pairs with the release in pc_map_add() */
}

struct woven_image *pc_map_remove(const struct module *module)
{
    rank_enter(OWN_RANK_MODULES);
    const struct image_list *old = atomic_load_explicit(&list, memory_order_relaxed); /* changed under the rank */
    struct woven_image *gone = find_of(old, module);
    struct image_list *copy = gone == NULL ? NULL : copy_list(old);
    if (copy != NULL) {
        copy->count = 0;
        for (size_t i = 0; i < old->count; i++)
            if (old->images[i] != gone)
                copy->images[copy->count++] = old->images[i];
        atomic_store_explicit(&list, copy, memory_order_release); /* pairs with the acquire in pc_map_image() */
    }
    rank_leave(OWN_RANK_MODULES);
    return copy == NULL ? NULL : gone;
}

const struct woven_image *pc_map_image(uintptr_t pc)
{
    /* acquire: pairs with the release in pc_map_add(), so that the list and its images are whole */
    const struct image_list *now = atomic_load_explicit(&list, memory_order_acquire);
    size_t low = 0, high = now == NULL ? 0 : now->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (now->images[middle]->code <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NULL;
    const struct woven_image *image = now->images[low - 1];
    return pc - image->code < image->header->code_size ? image : NULL;
}

/* ---- look-ups in one image ------------------------------------------------------------------------------------------ */

/* Returns: how many places begin at or below the offset `code`. */
static uint64_t places_up_to(const struct woven_image *image, uint64_t code)
{
    const struct image_place *places = image_table(image, &image->header->places);
    return image_count_below(places, image->header->places.count, sizeof *places, code + 1);
}

uintptr_t pc_map_original(uintptr_t pc)
{
    const struct woven_image *image = pc_map_image(pc);
    if (image == NULL)
        return 0;
    const struct image_place *places = image_table(image, &image->header->places);
    uint64_t count = places_up_to(image, pc - image->code);
    return count == 0 ? 0 : image->module->bias + places[count - 1].module;
}

bool pc_map_extent(const struct woven_image *image, uint64_t code, uint64_t *low, uint64_t *high)
{
    const struct image_place *places = image_table(image, &image->header->places);
    uint64_t count = places_up_to(image, code);
    if (count == 0 || code >= image->header->code_size)
        return false;
    *low = places[count - 1].code;
    *high = count == image->header->places.count ? image->header->code_size : places[count].code;
    return true;
}

const struct image_site *pc_map_site(uintptr_t return_address, const struct module **module)
{
    const struct woven_image *image = pc_map_image(return_address);
    if (image == NULL)
        return NULL;
    *module = image->module;
    return image_find(image_table(image, &image->header->sites), image->header->sites.count, sizeof(struct image_site),
                      return_address - image->code);
}

uintptr_t pc_map_site_address(uintptr_t return_address)
{
    const struct module *module = NULL;
    const struct image_site *site = pc_map_site(return_address, &module);
    return site == NULL ? 0 : module->bias + site->module;
}

const struct image_gate *pc_map_gate(uintptr_t return_address, const struct woven_image **image)
{
    *image = pc_map_image(return_address);
    if (*image == NULL)
        return NULL;
    return image_find(image_table(*image, &(*image)->header->gates), (*image)->header->gates.count,
                      sizeof(struct image_gate), return_address - (*image)->code);
}

/* Returns: true when the second byte of a short jump is the instruction at `offset`. */
static bool is_in_hop(const struct woven_image *image, uint64_t offset)
{
    const struct image_hop *hops = image_table(image, &image->header->hops);
    for (uint64_t i = 0; i < image->header->hops.count && hops[i].module < offset; i++)
        if (offset - hops[i].module < IMAGE_SHORT_JUMP)
            return true;
    return false;
}

/* Returns: true when the bytes of an entry's jump hold the instruction at `offset`, but not as the first. */
static bool is_overwritten(const struct woven_image *image, uint64_t offset)
{
    const struct image_entry *entries = image_table(image, &image->header->entries);
    uint64_t below = image_count_below(entries, image->header->entries.count, sizeof *entries, offset);
    return (below > 0 && offset - entries[below - 1].module < IMAGE_JUMP) || is_in_hop(image, offset);
}

/* What stands behind the instruction before it is passed over. */
static uintptr_t clone_of(const struct woven_image *image, uint64_t offset)
{
    const struct image_place *places = image_table(image, &image->header->places);
    uint64_t i = 0, count = image->header->places.count;
    while (i < count && places[i].module != offset)
        i++;
    while (i + 1 < count && places[i + 1].module == offset)
        i++;
    return i < count ? image->code + places[i].code : 0;
}

uintptr_t pc_map_resumable(uintptr_t pc)
{
    const struct image_list *now = atomic_load_explicit(&list, memory_order_acquire); /* as in pc_map_image() */
    for (size_t i = 0; now != NULL && i < now->count; i++) {
        const struct woven_image *image = now->images[i];
        if (pc < image->module->low || pc >= image->module->high)
            continue;
        uint64_t offset = pc - image->module->bias;
        uintptr_t clone = is_overwritten(image, offset) ? clone_of(image, offset) : 0;
        return clone == 0 ? pc : clone;
    }
    return pc;
}

static uintptr_t entry_of_pad(const struct woven_image *image, uint64_t offset)
{
    const struct image_pad *pad =
        image_find(image_table(image, &image->header->pads), image->header->pads.count, sizeof *pad, offset);
    return pad == NULL ? 0 : image->module->bias + pad->entry;
}

uintptr_t pc_map_hopping(uintptr_t pc)
{
    const struct image_list *now = atomic_load_explicit(&list, memory_order_acquire); /* as in pc_map_image() */
    for (size_t i = 0; now != NULL && i < now->count; i++) {
        const struct woven_image *image = now->images[i];
        if (pc >= image->module->low && pc < image->module->high)
            return entry_of_pad(image, pc - image->module->bias);
    }
    return 0;
}
