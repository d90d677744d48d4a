#include "detector/event.h"

const struct event_rule event_rules[EVENT_KIND_COUNT] = {
#define EVENT(name, word, operand, flags, help) {word, OPERAND_##operand, (uint32_t)(flags)},
#include "detector/events.def"
#undef EVENT
};
