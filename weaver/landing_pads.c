/* landing_pads.c: where the C++ run-time (and others that unwind) resume a function: call-site tables of .gcc_except_table. */
#include "weaver/entries.h"

static uint64_t address_in(const struct section *table, const struct bytes *bytes)
{
    return table->address + (uint64_t)(bytes->at - table->bytes);
}

static void mark_one(struct elf_module *module, const struct section *table, const struct fde *fde)
{
    struct bytes bytes = {table->bytes + (fde->lsda - table->address), table->bytes + table->size, false};
    uint8_t encoding = (uint8_t)bytes_unsigned(&bytes, 1);
    uint64_t start = eh_pointer(&bytes, encoding, address_in(table, &bytes));
    if (start == 0)
        start = fde->low;
    if ((uint8_t)bytes_unsigned(&bytes, 1) != 0xff) /* the types' encoding; 0xff: there are none */
        bytes_uleb(&bytes);
    uint8_t site_encoding = (uint8_t)bytes_unsigned(&bytes, 1) & 0xf;
    uint64_t size = bytes_uleb(&bytes);
    struct bytes sites = bytes;
    bytes_skip(&bytes, size);
    sites.end = bytes.at;
    while (sites.at < sites.end && !sites.bad) {
        eh_pointer(&sites, site_encoding, 0);
        eh_pointer(&sites, site_encoding, 0);
        uint64_t pad = eh_pointer(&sites, site_encoding, 0);
        bytes_uleb(&sites); /* the action */
        if (pad && !sites.bad)
            entry_mark(module, start + pad, ENTRY_LANDING_PAD);
    }
}

void landing_pads_mark(struct elf_module *module)
{
    const struct section *table = elf_section(module, ".gcc_except_table");
    if (!table || !table->bytes)
        return;
    for (size_t i = 0; i < module->own->fde_count; i++) {
        const struct fde *fde = &module->own->fdes[i];
        if (fde->lsda >= table->address && fde->lsda - table->address < table->size)
            mark_one(module, table, fde);
    }
}
