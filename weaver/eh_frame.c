#include "weaver/eh_frame.h"

#include <errno.h>
#include <stdlib.h>

#include "weaver/elf_private.h"

/* DW_EH_PE: low four bits say the form, the next three what it is relative to. */
enum { FORM_ABSOLUTE = 0, FORM_ULEB, FORM_U2, FORM_U4, FORM_U8, FORM_SLEB = 9, FORM_S2, FORM_S4, FORM_S8 };
enum { RELATIVE_PC = 0x10, RELATIVE_MASK = 0x70, OMIT = 0xff };

struct cie {
    const uint8_t *at; /* where it begins: its identity */
    uint64_t code_alignment;
    int64_t data_alignment;
    struct bytes initial;
    uint8_t address_encoding, lsda_encoding;
    bool has_augmentation;
};

static uint64_t read_form(struct bytes *bytes, uint8_t form)
{
    switch (form) {
    case FORM_ABSOLUTE:
    case FORM_U8:
    case FORM_S8:
        return bytes_unsigned(bytes, 8);
    case FORM_ULEB:
        return bytes_uleb(bytes);
    case FORM_SLEB:
        return (uint64_t)bytes_sleb(bytes);
    case FORM_U2:
        return bytes_unsigned(bytes, 2);
    case FORM_U4:
        return bytes_unsigned(bytes, 4);
    case FORM_S2:
        return (uint64_t)bytes_signed(bytes, 2);
    case FORM_S4:
        return (uint64_t)bytes_signed(bytes, 4);
    default:
        bytes->bad = true;
        return 0;
    }
}

uint64_t eh_pointer(struct bytes *bytes, uint8_t encoding, uint64_t address)
{
    if (encoding == OMIT)
        return 0;
    uint64_t value = read_form(bytes, encoding & 0xf);
    if (value == 0)
        return 0;
    if ((encoding & RELATIVE_MASK) == RELATIVE_PC)
        return value + address;
    if (encoding & RELATIVE_MASK)
        bytes->bad = true;
    return value;
}

static void read_augmentation(struct cie *cie, const char *letters, struct bytes *bytes)
{
    for (; *letters; letters++) {
        switch (*letters) {
        case 'R':
            cie->address_encoding = (uint8_t)bytes_unsigned(bytes, 1);
            break;
        case 'L':
            cie->lsda_encoding = (uint8_t)bytes_unsigned(bytes, 1);
            break;
        case 'P':
            read_form(bytes, (uint8_t)bytes_unsigned(bytes, 1) & 0xf);
            break;
        case 'S': /* a signal frame */
        case 'B':
            break;
        default:
            return; /* the rest is skipped by its length */
        }
    }
}

static bool read_cie(struct cie *cie, const uint8_t *at, struct bytes bytes)
{
    *cie = (struct cie){.at = at, .lsda_encoding = OMIT};
    bytes_skip(&bytes, 4); /* the id, 0 */
    uint64_t version = bytes_unsigned(&bytes, 1);
    const char *letters = (const char *)bytes.at;
    while (bytes_unsigned(&bytes, 1))
        continue;
    if (bytes.bad || (version != 1 && version != 3))
        return false;
    cie->code_alignment = bytes_uleb(&bytes);
    cie->data_alignment = bytes_sleb(&bytes);
    if (version == 1)
        bytes_skip(&bytes, 1);
    else
        bytes_uleb(&bytes);
    if (letters[0] == 'z') {
        cie->has_augmentation = true;
        uint64_t size = bytes_uleb(&bytes);
        struct bytes augmentation = bytes;
        bytes_skip(&bytes, size);
        augmentation.end = bytes.at;
        read_augmentation(cie, letters + 1, &augmentation);
        if (augmentation.bad)
            return false;
    } else if (letters[0]) {
        return false;
    }
    cie->initial = bytes;
    return !bytes.bad;
}

static bool read_fde(const struct section *section, const struct cie *cie, struct bytes bytes, struct fde *fde)
{
    uint64_t address = section->address + (uint64_t)(bytes.at - section->bytes);
    *fde = (struct fde){.code_alignment = cie->code_alignment,
                        .data_alignment = cie->data_alignment,
                        .initial = cie->initial,
                        .address_encoding = cie->address_encoding};
    fde->low = eh_pointer(&bytes, cie->address_encoding, address);
    fde->high = fde->low + read_form(&bytes, cie->address_encoding & 0xf);
    if (cie->has_augmentation) {
        uint64_t size = bytes_uleb(&bytes);
        struct bytes augmentation = bytes;
        bytes_skip(&bytes, size);
        augmentation.end = bytes.at;
        if (size && cie->lsda_encoding != OMIT)
            fde->lsda = eh_pointer(&augmentation, cie->lsda_encoding,
                                   section->address + (uint64_t)(augmentation.at - section->bytes));
    }
    fde->program = bytes;
    return !bytes.bad;
}

static bool add_fde(struct fde **fdes, size_t *count, const struct fde *fde)
{
    if ((*count & (*count + 1)) == 0 || *count == 0) { /* full at 2^n - 1 */
        struct fde *grown = realloc(*fdes, (2 * *count + 1) * sizeof **fdes);
        if (!grown)
            return false;
        *fdes = grown;
    }
    (*fdes)[(*count)++] = *fde;
    return true;
}

int eh_frame_read(const struct section *section, struct fde **fdes, size_t *count)
{
    struct bytes bytes = {section->bytes, section->bytes + section->size, false};
    struct cie cie = {0};
    *fdes = NULL;
    *count = 0;
    while (bytes.at < bytes.end) {
        uint64_t length = bytes_unsigned(&bytes, 4);
        if (length == 0)
            continue; /* crtend's terminator; linkers leave it in the middle at times */
        if (length == UINT32_MAX)
            length = bytes_unsigned(&bytes, 8);
        struct bytes record = bytes;
        bytes_skip(&bytes, length);
        record.end = bytes.at;
        if (bytes.bad || length < 4)
            return -EINVAL;
        const uint8_t *at = record.at;
        uint64_t id = bytes_unsigned(&record, 4);
        if (id == 0)
            continue;
        const uint8_t *cie_at = at - id; /* its length field */
        if (id > (uint64_t)(at - section->bytes) - 0)
            return -EINVAL;
        if (cie.at != cie_at) {
            struct bytes cie_bytes = {cie_at, bytes.end, false};
            uint64_t cie_length = bytes_unsigned(&cie_bytes, 4);
            if (cie_length == UINT32_MAX || cie_length > (uint64_t)(cie_bytes.end - cie_bytes.at))
                return -EINVAL;
            cie_bytes.end = cie_bytes.at + cie_length;
            if (!read_cie(&cie, cie_at, cie_bytes))
                return -EINVAL;
        }
        struct fde fde;
        if (!read_fde(section, &cie, record, &fde))
            return -EINVAL;
        if (fde.low && fde.high > fde.low && !add_fde(fdes, count, &fde))
            return -ENOMEM;
    }
    return 0;
}
