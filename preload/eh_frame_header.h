/* eh_frame_header.h: .eh_frame_hdr, the table by which the description of a function's frame is found.
 *
 * Source: Linux Standard Base 5.0, 10.6.2.
 */
#ifndef LOCKHOUND_PRELOAD_EH_FRAME_HEADER_H
#define LOCKHOUND_PRELOAD_EH_FRAME_HEADER_H

#include <stddef.h>

#include "preload/modules.h"

struct eh_frame_header {
    uint8_t version, frame_encoding, count_encoding, table_encoding;
    int32_t frame;
    uint32_t count;
    struct {
        int32_t start, description;
    } table[];
};

/* Returns: the table of the module; NULL when it has none of the kind that linkers write. */
static inline const struct eh_frame_header *eh_frame_header_of(const struct module *m)
{
    enum { COUNT_UDATA4 = 0x03, TABLE_DATAREL_SDATA4 = 0x3b };
    for (unsigned i = 0; i < m->phdr_count; i++) {
        if (m->phdr[i].p_type != PT_GNU_EH_FRAME)
            continue;
        const struct eh_frame_header *header = (const void *)(m->bias + m->phdr[i].p_vaddr);
        bool known = header->version == 1 && header->count_encoding == COUNT_UDATA4 &&
                     header->table_encoding == TABLE_DATAREL_SDATA4;
        return known ? header : NULL;
    }
    return NULL;
}

#endif
