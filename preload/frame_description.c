#include "preload/frame_description.h"

#include "preload/eh_frame_header.h"
#include "weaver/cfi_opcodes.h"

/* ---- where it is ---------------------------------------------------------------------------------------------------- */

/* Returns: from `address` to the end of the readable segment that holds it; none when there is no such segment. */
static struct bytes readable_from(const struct module *m, uintptr_t address)
{
    for (unsigned i = 0; i < m->phdr_count; i++) {
        const ElfW(Phdr) *p = &m->phdr[i];
        uintptr_t low = m->bias + p->p_vaddr;
        if (p->p_type == PT_LOAD && (p->p_flags & PF_R) != 0 && address - low < p->p_filesz)
            return (struct bytes){(const uint8_t *)address, (const uint8_t *)(low + p->p_filesz), false};
    }
    return (struct bytes){NULL, NULL, true};
}

/* Returns: the content of the record at `address`, behind its length. */
static struct bytes record_at(const struct module *m, uintptr_t address)
{
    struct bytes bytes = readable_from(m, address);
    uint64_t length = bytes_unsigned(&bytes, 4);
    if (length < 4 || length > (uint64_t)(bytes.end - bytes.at))
        bytes.bad = true;
    else
        bytes.end = bytes.at + length;
    return bytes;
}

/* Returns: the address of the description that begins last at or below `pc`, and in *start where its code begins; or 0. */
static uintptr_t description_of(const struct eh_frame_header *header, uintptr_t pc, uintptr_t *start)
{
    uintptr_t base = (uintptr_t)header;
    uint32_t low = 0, high = header->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (base + (uintptr_t)(intptr_t)header->table[middle].start <= pc)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return 0;
    *start = base + (uintptr_t)(intptr_t)header->table[low - 1].start;
    return base + (uintptr_t)(intptr_t)header->table[low - 1].description;
}

/* ---- what it says --------------------------------------------------------------------------------------------------- */

struct common {
    uint64_t code_factor;
    int64_t data_factor;
    uint8_t address_encoding;
    bool has_augmentation, is_signal, is_known;
    struct bytes initial;
};

/* Units: bytes; 0: of a length that depends on its content. */
static size_t size_of_encoded(uint8_t encoding)
{
    static const uint8_t sizes[8] = {8, 0, 2, 4, 8, 0, 0, 0};
    return sizes[encoding & 7];
}

static void read_augmentation(struct common *common, const char *letters, struct bytes *bytes)
{
    for (; *letters != '\0'; letters++) {
        uint8_t encoding = *letters == 'S' ? 0 : (uint8_t)bytes_unsigned(bytes, 1);
        if (*letters == 'S')
            common->is_signal = true;
        else if (*letters == 'R')
            common->address_encoding = encoding;
        else if (*letters == 'P')
            bytes_skip(bytes, size_of_encoded(encoding));
        else if (*letters != 'L')
            bytes->bad = true;
    }
}

static struct common read_common(struct bytes bytes)
{
    struct common common = {0};
    bool is_common = bytes_unsigned(&bytes, 4) == 0;
    uint64_t version = bytes_unsigned(&bytes, 1);
    const char *letters = (const char *)bytes.at;
    while (bytes_unsigned(&bytes, 1) != 0)
        continue;
    if (bytes.bad || !is_common || (version != 1 && version != 3) || (letters[0] != 'z' && letters[0] != '\0'))
        return common;
    common.code_factor = bytes_uleb(&bytes);
    common.data_factor = bytes_sleb(&bytes);
    uint64_t return_register = version == 1 ? bytes_unsigned(&bytes, 1) : bytes_uleb(&bytes);
    common.has_augmentation = letters[0] == 'z';
    if (common.has_augmentation) {
        uint64_t size = bytes_uleb(&bytes);
        struct bytes augmentation = bytes;
        bytes_skip(&bytes, size);
        augmentation.end = bytes.at;
        read_augmentation(&common, letters + 1, &augmentation);
        bytes.bad |= augmentation.bad;
    }
    common.initial = bytes;
    common.is_known = !bytes.bad && return_register == DWARF_RIP;
    return common;
}

enum frame_description_kind frame_description_read(const struct module *m, uintptr_t pc,
                                                   struct frame_description *description)
{
    const struct eh_frame_header *header = eh_frame_header_of(m);
    uintptr_t start = 0, at = header == NULL ? 0 : description_of(header, pc, &start);
    if (at == 0)
        return DESCRIPTION_NONE;
    struct bytes bytes = record_at(m, at);
    uint64_t back = bytes_unsigned(&bytes, 4);
    struct common common = read_common(record_at(m, at + 4 - back));
    size_t width = size_of_encoded(common.address_encoding);
    bytes_skip(&bytes, width);
    uint64_t length = bytes_unsigned(&bytes, width);
    if (!common.is_known || common.is_signal || width == 0 || bytes.bad)
        return DESCRIPTION_UNUSUAL;
    if (pc - start >= length)
        return DESCRIPTION_NONE;
    if (common.has_augmentation)
        bytes_skip(&bytes, bytes_uleb(&bytes));
    *description = (struct frame_description){.start = start,
                                              .code_factor = common.code_factor,
                                              .data_factor = common.data_factor,
                                              .initial = common.initial,
                                              .program = bytes};
    return DESCRIPTION_READ;
}
