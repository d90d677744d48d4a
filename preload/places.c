#include "preload/places.h"

#include "preload/intercept/descriptor_table.h"
#include "preload/intercept/static_state.h"
#include "preload/mapping.h"
#include "preload/modules.h"
#include "preload/self.h"

static void describe_static(struct text *text, const struct module *m, uint64_t address)
{
    text_string(text, "{\"in\":\"static\",\"module\":");
    text_number(text, m->id);
    text_string(text, ",\"offset\":");
    text_number(text, address - m->bias);
    text_string(text, "}");
}

void place_describe(struct text *text, uint64_t address)
{
    if (descriptor_is_place(address)) {
        descriptor_describe(text, address);
        return;
    }
    if (static_state_is_place(address)) {
        static_state_describe(text, address);
        return;
    }
    const struct module *m = module_of((uintptr_t)address);
    if (m != NULL && module_data_contains((uintptr_t)address)) {
        describe_static(text, m, address);
        return;
    }
    struct mapping mapping;
    if (address == 0 || !mapping_find((uintptr_t)address, &mapping)) {
        text_string(text, "{\"in\":\"unknown\"}");
        return;
    }
    struct thread_id owner = self_with_stack_in(mapping.low, mapping.high);
    if (mapping.shared) {
        text_string(text, "{\"in\":\"shared\",\"path\":");
        text_json_string(text, mapping.path);
        text_string(text, "}");
    } else if (owner.v != 0) {
        text_string(text, "{\"in\":\"stack\",\"thread\":");
        text_number(text, owner.v);
        text_string(text, "}");
    } else {
        text_string(text, "{\"in\":\"heap\"}");
    }
}
