/* trace_words.h: the words of the trace format beyond the operations: flags, object kinds and memory orders.
 *
 * Shared by trace_read.c and trace_write.c, so that what one writes the other reads.
 */
#ifndef LOCKHOUND_DETECTOR_TRACE_WORDS_H
#define LOCKHOUND_DETECTOR_TRACE_WORDS_H

#include "detector/event.h"

struct trace_flag_word {
    const char *word;
    uint32_t flag;
};

#define TRACE_FLAG_WORD_COUNT 16

extern const struct trace_flag_word trace_flag_words[TRACE_FLAG_WORD_COUNT];
extern const char *const trace_kind_words[OBJECT_KIND_COUNT];
extern const char *const trace_order_words[ORDER_COUNT];

/* Words before a number. */
#define TRACE_SIZE_KEY  "size="
#define TRACE_COUNT_KEY "count="

#endif
