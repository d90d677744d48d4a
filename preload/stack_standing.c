#include "preload/stack_standing.h"

#include "preload/stack_layout.h"

bool stack_standing_look(struct stack_standing *standing, const struct stack_layout *layout, uintptr_t sp)
{
    if (standing->entered == NULL)
        return stack_layout_stands(layout, sp);
    const struct stack_place *places = layout->places;
    uint32_t looked = 0, others = layout->others;
    for (; looked < others; looked++) {
        uintptr_t place = sp + places[looked].distance;
        if (stack_standing_has(standing, others - 1 - looked, place, places[looked].outside))
            break;
        if (!stack_place_stands(&places[looked], sp))
            return false;
    }
    for (uint32_t i = 0; i < looked; i++) {
        standing->frames[others - 1 - i].place = sp + places[i].distance;
        standing->frames[others - 1 - i].stack = places[i].outside;
    }
    return true;
}
