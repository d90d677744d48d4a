/* image_check.c: whether the bytes of a woven image may be believed.  Compiled into the preloaded library too: no libc. */
#include "weaver/image_check.h"

#include <stdbool.h>

#include "weaver/image_hash.h"
#include "weaver/image_search.h"

enum { BACKWARD = 128, FORWARD = 127 };

static bool is_range_in(uint64_t offset, uint64_t size, uint64_t limit)
{
    return offset <= limit && size <= limit - offset;
}

static bool is_table_in(const struct image_table *table, uint64_t width, uint64_t file_size)
{
    return table->offset % 8 == 0 && table->offset >= sizeof(struct image_header) && table->offset <= file_size &&
           table->count <= (file_size - table->offset) / width && table->count <= UINT32_MAX;
}

static const char *check_header(const struct image_header *header, size_t size)
{
    if (size < sizeof *header || header->magic != IMAGE_MAGIC)
        return "is no woven image";
    if (header->version != IMAGE_VERSION || header->header_size != sizeof *header)
        return "is of another version";
    if (header->file_size != size || size % 8 != 0)
        return "has another size than its header says";
    if (header->build_id_size > IMAGE_BUILD_ID_SIZE ||
        header->flags & ~(uint32_t)(IMAGE_EMPTY | IMAGE_REFUSED | IMAGE_NARROW | IMAGE_USES_GS | IMAGE_DESCRIBED))
        return "has an unsound header";
    return NULL;
}

static const char *check_bounds(const struct image_header *header)
{
    uint64_t size = header->file_size;
    if (header->home % IMAGE_PAGE != 0 || header->home > IMAGE_REACH || header->home < -IMAGE_REACH)
        return "has a home out of reach";
    if (header->code_offset % IMAGE_PAGE != 0 || header->code_size > INT32_MAX ||
        header->code_offset < sizeof *header || !is_range_in(header->code_offset, header->code_size, size))
        return "has its code out of bounds";
    if (!is_table_in(&header->entries, sizeof(struct image_entry), size) ||
        !is_table_in(&header->calls, sizeof(struct image_call), size) ||
        !is_table_in(&header->hops, sizeof(struct image_hop), size) ||
        !is_table_in(&header->pads, sizeof(struct image_pad), size) ||
        !is_table_in(&header->fixups, sizeof(uint32_t), size) ||
        !is_table_in(&header->places, sizeof(struct image_place), size) ||
        !is_table_in(&header->sites, sizeof(struct image_site), size) ||
        !is_table_in(&header->gates, sizeof(struct image_gate), size) ||
        !is_table_in(&header->containers, sizeof(struct image_range), size) ||
        !is_table_in(&header->left, sizeof(struct image_left), size) || !is_table_in(&header->strings, 1, size))
        return "has a table out of bounds";
    return NULL;
}

static const void *table_of(const struct image_header *header, const struct image_table *table)
{
    return (const char *)header + table->offset;
}

/* Patches must not overlap, and lead into the code. */
static bool are_entries_sound(const struct image_header *header)
{
    const struct image_entry *entries = table_of(header, &header->entries);
    for (uint64_t i = 0; i < header->entries.count; i++)
        if (entries[i].code >= header->code_size ||
            (i && (uint64_t)entries[i - 1].module + IMAGE_JUMP > entries[i].module))
            return false;
    return true;
}

static bool are_calls_sound(const struct image_header *header)
{
    const struct image_call *calls = table_of(header, &header->calls);
    for (uint64_t i = 0; i < header->calls.count; i++)
        if (calls[i].code >= header->code_size || (i && (uint64_t)calls[i - 1].module + IMAGE_JUMP > calls[i].module))
            return false;
    return true;
}

static bool are_pads_sound(const struct image_header *header)
{
    const struct image_pad *pads = table_of(header, &header->pads);
    for (uint64_t i = 0; i < header->pads.count; i++)
        if (pads[i].code >= header->code_size || (i && (uint64_t)pads[i - 1].module + IMAGE_JUMP > pads[i].module))
            return false;
    return true;
}

static const struct image_pad *pad_at(const struct image_header *header, uint32_t module)
{
    return image_find(table_of(header, &header->pads), header->pads.count, sizeof(struct image_pad), module);
}

/* Each hops to the pad that is its own, as far as a short jump reaches. */
static bool are_hops_sound(const struct image_header *header)
{
    const struct image_hop *hops = table_of(header, &header->hops);
    for (uint64_t i = 0; i < header->hops.count; i++) {
        const struct image_pad *pad = pad_at(header, hops[i].pad);
        int64_t distance = (int64_t)hops[i].pad - ((int64_t)hops[i].module + IMAGE_SHORT_JUMP);
        if (pad == NULL || pad->entry != hops[i].module || distance < -BACKWARD || distance > FORWARD ||
            (i && (uint64_t)hops[i - 1].module + IMAGE_SHORT_JUMP > hops[i].module))
            return false;
    }
    return true;
}

static bool are_fixups_sound(const struct image_header *header)
{
    const uint32_t *fixups = table_of(header, &header->fixups);
    for (uint64_t i = 0; i < header->fixups.count; i++)
        if (!is_range_in(fixups[i], 4, header->code_size) || (i && (uint64_t)fixups[i - 1] + 4 > fixups[i]))
            return false;
    return true;
}

static bool are_places_sound(const struct image_header *header)
{
    const struct image_place *places = table_of(header, &header->places);
    for (uint64_t i = 0; i < header->places.count; i++)
        if (places[i].code >= header->code_size || (i && places[i - 1].code >= places[i].code))
            return false;
    return true;
}

/* A miss believes the mark. */
static bool has_mark(const struct image_header *header, const struct image_site *site)
{
    const char *code = (const char *)header + header->code_offset + site->code;
    uint32_t mark = image_mark(site);
    bool is_there = site->code + (uint64_t)IMAGE_MARK_LENGTH <= header->code_size;
    for (int i = 0; i < IMAGE_MARK_LENGTH && is_there; i++)
        is_there = code[i] == (i < IMAGE_MARK_AT ? IMAGE_MARK_OPCODE[i] : (char)(mark >> 8 * (i - IMAGE_MARK_AT)));
    return is_there;
}

static bool are_sites_sound(const struct image_header *header)
{
    const uint8_t known = IMAGE_SITE_WRITE | IMAGE_SITE_ATOMIC | IMAGE_SITE_GUESS | IMAGE_SITE_READ_MODIFY |
                          IMAGE_SITE_UNTOLD | IMAGE_SITE_DECIDES | IMAGE_SITE_ADDS | IMAGE_SITE_LOOKS;
    const struct image_site *sites = table_of(header, &header->sites);
    for (uint64_t i = 0; i < header->sites.count; i++)
        if (!has_mark(header, &sites[i]) || (i && sites[i - 1].code >= sites[i].code) || sites[i].flags & ~known ||
            sites[i].cfa > IMAGE_CFA_OTHER)
            return false;
    return true;
}

static bool are_gates_sound(const struct image_header *header)
{
    const struct image_gate *gates = table_of(header, &header->gates);
    for (uint64_t i = 0; i < header->gates.count; i++)
        if (gates[i].code < IMAGE_GATE_CALL || gates[i].code >= header->code_size ||
            gates[i].kind > IMAGE_GATE_INSIDE || (i && gates[i - 1].code >= gates[i].code))
            return false;
    return true;
}

static bool are_containers_sound(const struct image_header *header)
{
    const struct image_range *ranges = table_of(header, &header->containers);
    for (uint64_t i = 0; i < header->containers.count; i++)
        if (ranges[i].low >= ranges[i].high || (i && ranges[i - 1].high > ranges[i].low))
            return false;
    return true;
}

static bool is_left_sound(const struct image_header *header)
{
    const struct image_left *left = table_of(header, &header->left);
    const char *strings = table_of(header, &header->strings);
    if (header->strings.count && strings[header->strings.count - 1] != '\0')
        return false;
    for (uint64_t i = 0; i < header->left.count; i++)
        if (left[i].name >= header->strings.count || left[i].reason >= header->strings.count)
            return false;
    return true;
}

const char *image_check_header(const void *image, size_t size)
{
    const struct image_header *header = image;
    const char *wrong = check_header(header, size);
    return wrong ? wrong : check_bounds(header);
}

const char *image_check(const void *image, size_t size)
{
    const struct image_header *header = image;
    const char *wrong = image_check_header(image, size);
    if (wrong)
        return wrong;
    if (header->checksum != image_hash(IMAGE_HASH_START, header + 1, size - sizeof *header))
        return "has a wrong checksum";
    if (!are_entries_sound(header) || !are_calls_sound(header) || !are_pads_sound(header) || !are_hops_sound(header) ||
        !are_fixups_sound(header))
        return "patches what it must not";
    if (!are_places_sound(header) || !are_sites_sound(header) || !are_gates_sound(header) ||
        !are_containers_sound(header) || !is_left_sound(header))
        return "has an unsound table";
    return NULL;
}
