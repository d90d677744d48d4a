#include "preload/weave/patch.h"

#include <elf.h>
#include <string.h>
#include <sys/mman.h>

#include "preload/page.h"
#include "preload/raw.h"

enum { OPCODE_CALL = 0xe8, OPCODE_JUMP = 0xe9, OPCODE_SHORT_JUMP = 0xeb };

struct patches {
    const struct woven_image *image;
    const struct image_entry *entries;
    const struct image_call *calls;
    const struct image_hop *hops;
    const struct image_pad *pads;
    uint64_t entry_count, call_count, hop_count, pad_count;
};

/* One of their lists while all are gone through together, by module address. */
struct patch_list {
    const char *elements; /* each begins with its module address */
    size_t width;
    uint64_t left;
    uint32_t size; /* of a patch; units: bytes */
};

static bool is_code(const ElfW(Phdr) * segment)
{
    return segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0;
}

/* ---- checks --------------------------------------------------------------------------------------------------------- */

static bool lies_in_code(const struct module *module, uint32_t offset, uint32_t size)
{
    for (unsigned i = 0; i < module->phdr_count; i++) {
        const ElfW(Phdr) *segment = &module->phdr[i];
        if (is_code(segment) && offset >= segment->p_vaddr &&
            (uint64_t)offset + size <= segment->p_vaddr + segment->p_filesz)
            return true;
    }
    return false;
}

static uint32_t module_address(const struct patch_list *list)
{
    uint32_t address;
    memcpy(&address, list->elements, sizeof address);
    return address;
}

/* Returns: the list with the lowest patch that is left; NULL when none is. */
static struct patch_list *lowest(struct patch_list *lists, size_t count)
{
    struct patch_list *low = NULL;
    for (size_t i = 0; i < count; i++)
        if (lists[i].left != 0 && (low == NULL || module_address(&lists[i]) < module_address(low)))
            low = &lists[i];
    return low;
}

static const char *check_places(const struct patches *patches)
{
    struct patch_list lists[] = {
        {(const char *)patches->entries, sizeof *patches->entries, patches->entry_count, IMAGE_JUMP},
        {(const char *)patches->calls, sizeof *patches->calls, patches->call_count, IMAGE_JUMP},
        {(const char *)patches->hops, sizeof *patches->hops, patches->hop_count, IMAGE_SHORT_JUMP},
        {(const char *)patches->pads, sizeof *patches->pads, patches->pad_count, IMAGE_JUMP},
    };
    uint64_t free_from = 0;
    for (struct patch_list *list; (list = lowest(lists, sizeof lists / sizeof lists[0])) != NULL;) {
        uint32_t at = module_address(list);
        if (at < free_from)
            return "its image patches one place twice";
        if (!lies_in_code(patches->image->module, at, list->size))
            return "its image patches what is no code";
        free_from = (uint64_t)at + list->size;
        list->elements += list->width;
        list->left--;
    }
    return NULL;
}

static const char *check_calls(const struct patches *patches)
{
    for (uint64_t i = 0; i < patches->call_count; i++) {
        uint8_t opcode = *(const uint8_t *)(patches->image->module->bias + patches->calls[i].module);
        if (opcode != OPCODE_CALL && opcode != OPCODE_JUMP)
            return "its image was made for other code";
    }
    return NULL;
}

static const char *check_patches(const struct patches *patches)
{
    const char *wrong = patches->image->is_sealed ? NULL : check_places(patches);
    return wrong != NULL ? wrong : check_calls(patches);
}

/* ---- writing -------------------------------------------------------------------------------------------------------- */

static void write_branch(uint8_t *at, uint8_t opcode, uintptr_t target)
{
    int32_t distance = (int32_t)(target - ((uintptr_t)at + IMAGE_JUMP));
    at[0] = opcode;
    memcpy(at + 1, &distance, sizeof distance);
}

/* The pad first: the two are one patch. */
static void write_hops(const struct patches *patches)
{
    const struct woven_image *image = patches->image;
    uintptr_t bias = image->module->bias;
    for (uint64_t i = 0; i < patches->pad_count; i++)
        write_branch((uint8_t *)(bias + patches->pads[i].module), OPCODE_JUMP, image->code + patches->pads[i].code);
    for (uint64_t i = 0; i < patches->hop_count; i++) {
        uint8_t *at = (uint8_t *)(bias + patches->hops[i].module);
        at[0] = OPCODE_SHORT_JUMP;
        at[1] = (uint8_t)(patches->hops[i].pad - (patches->hops[i].module + IMAGE_SHORT_JUMP));
    }
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
    write_hops(patches);
    for (uint64_t i = 0; i < patches->call_count; i++) {
        uint8_t *at = (uint8_t *)(bias + patches->calls[i].module);
        write_branch(at, *at, image->code + patches->calls[i].code);
    }
}

static long protect(const struct module *module, const ElfW(Phdr) * segment, long protection)
{
    uintptr_t low = page_of(module->bias + segment->p_vaddr);
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
        .hops = image_table(image, &header->hops),
        .pads = image_table(image, &header->pads),
        .entry_count = header->entries.count,
        .hop_count = header->hops.count,
        .pad_count = header->pads.count,
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
