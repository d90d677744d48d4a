#include "preload/weave/container_call.h"

#include "preload/stacks.h"
#include "preload/weave/pc_map.h"
#include "weaver/image_search.h"

static bool is_in_container(const struct woven_image *image, uintptr_t pc)
{
    const struct image_range *ranges = image_table(image, &image->header->containers);
    uint64_t at = pc - image->module->bias;
    uint64_t count = image_count_below(ranges, image->header->containers.count, sizeof *ranges, at + 1);
    return count > 0 && at < ranges[count - 1].high;
}

bool container_call_is_doubtful(struct stack_id id)
{
    const struct interned_stack *stack = stacks_get(id);
    uint32_t depth = stack == NULL ? 0 : stack->depth;
    for (uint32_t i = 0; i < depth; i++) {
        const struct frame *frame = &stack->frames[i];
        const struct woven_image *image = pc_map_image_of(module_by_id(frame->module));
        if (image == NULL || !is_in_container(image, frame->pc - (i > 0))) /* others are where calls return to */
            return i > 0 && (image == NULL || (image->header->flags & IMAGE_DESCRIBED) == 0);
    }
    return depth > 0; /* who called is not among the frames that are kept */
}
