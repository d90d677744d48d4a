#include "preload/weave/patch.h"

#include <elf.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/raw.h"

enum { JUMP_SIZE = 5, OPCODE_CALL = 0xe8, OPCODE_JUMP = 0xe9, PAGE = 4096 };

struct patches {
    const struct woven_image *image;
    const struct image_entry *entries;
    const struct image_call *calls;
    uint64_t entry_count, call_count;
};

static bool is_code(const ElfW(Phdr) * segment)
{
    return segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0;
}

/* ---- checks --------------------------------------------------------------------------------------------------------- */

static bool lies_in_code(const struct module *module, uint32_t offset)
{
    for (unsigned i = 0; i < module->phdr_count; i++) {
        const ElfW(Phdr) *segment = &module->phdr[i];
        if (is_code(segment) && offset >= segment->p_vaddr &&
            (uint64_t)offset + JUMP_SIZE <= segment->p_vaddr + segment->p_filesz)
            return true;
    }
    return false;
}

/* Both lists are ascending: they are gone through together. */
static const char *check_patches(const struct patches *patches)
{
    const struct module *module = patches->image->module;
    uint64_t free_from = 0, entry = 0, call = 0;
    while (entry < patches->entry_count || call < patches->call_count) {
        bool is_entry = call == patches->call_count ||
                        (entry < patches->entry_count && patches->entries[entry].module < patches->calls[call].module);
        uint32_t at = is_entry ? patches->entries[entry++].module : patches->calls[call++].module;
        if (at < free_from)
            return "its image patches one place twice";
        free_from = (uint64_t)at + JUMP_SIZE;
        if (!lies_in_code(module, at))
            return "its image patches what is no code";
        uint8_t opcode = *(const uint8_t *)(module->bias + at);
        if (!is_entry && opcode != OPCODE_CALL && opcode != OPCODE_JUMP)
            return "its image was made for other code";
    }
    return NULL;
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static void write_branch(uint8_t *at, uint8_t opcode, uintptr_t target)
{
    int32_t distance = (int32_t)(target - ((uintptr_t)at + JUMP_SIZE));
    at[0] = opcode;
    memcpy(at + 1, &distance, sizeof distance);
}

/* Returns: true when the entry leads to a gate behind which blocks come and go. */
static bool is_gate(const struct woven_image *image, const struct image_entry *entry)
{
    const struct image_gate *gates = image_table(image, &image->header->gates);
    for (uint64_t i = 0; i < image->header->gates.count; i++)
        if (gates[i].code == entry->code + IMAGE_GATE_CALL)
            return gates[i].kind != IMAGE_GATE_INSIDE;
    return false;
}

static void write_patches(const struct patches *patches, bool gates_alone)
{
    const struct woven_image *image = patches->image;
    uintptr_t bias = image->module->bias;
    for (uint64_t i = 0; i < patches->entry_count; i++)
        if (!gates_alone || is_gate(image, &patches->entries[i]))
            write_branch((uint8_t *)(bias + patches->entries[i].module), OPCODE_JUMP,
                         image->code + patches->entries[i].code);
    if (gates_alone)
        return;
    for (uint64_t i = 0; i < patches->call_count; i++) {
        uint8_t *at = (uint8_t *)(bias + patches->calls[i].module);
        write_branch(at, *at, image->code + patches->calls[i].code);
    }
}

static long protect(const struct module *module, const ElfW(Phdr) * segment, long protection)
{
    uintptr_t low = (module->bias + segment->p_vaddr) & ~(uintptr_t)(PAGE - 1);
    uintptr_t high = module->bias + segment->p_vaddr + segment->p_memsz;
    return raw_syscall(SYS_mprotect, (long)low, (long)(high - low), protection, 0, 0, 0);
}

static long own_protection(const ElfW(Phdr) * segment)
{
    return ((segment->p_flags & PF_R) != 0 ? PROT_READ : 0) | ((segment->p_flags & PF_W) != 0 ? PROT_WRITE : 0) |
           PROT_EXEC;
}

/* The first `count` segments.  Returns: how many were done before one failed. */
static unsigned protect_all(const struct module *module, unsigned count, bool writable)
{
    for (unsigned i = 0; i < count; i++) {
        const ElfW(Phdr) *segment = &module->phdr[i];
        long own = own_protection(segment);
        if (is_code(segment) && protect(module, segment, writable ? own | PROT_READ | PROT_WRITE : own) != 0)
            return i;
    }
    return count;
}

const char *patch_module(const struct woven_image *image, bool gates_alone)
{
    const struct image_header *header = image->header;
    const struct module *module = image->module;
    const struct patches patches = {
        .image = image,
        .entries = image_table(image, &header->entries),
        .calls = image_table(image, &header->calls),
        .entry_count = header->entries.count,
        .call_count = header->calls.count,
    };
    const char *wrong = check_patches(&patches);
    if (wrong != NULL)
        return wrong;
    unsigned writable = protect_all(module, module->phdr_count, true);
    if (writable == module->phdr_count)
        write_patches(&patches, gates_alone);
    protect_all(module, writable, false);
    return writable == module->phdr_count ? NULL : "the system does not let its code be changed";
}
