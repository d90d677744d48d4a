#include "weaver/atomic_info.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weaver/atomic_code.h"

enum { ELEMENTS_MOST = 1024, DEPTH_MOST = 16 };

void atomic_ranges_add(struct atomic_info *info, struct atomic_ranges *ranges, uint64_t low, uint64_t high)
{
    if (low >= high)
        return;
    if (ranges->count && ranges->ranges[ranges->count - 1].high == low) {
        ranges->ranges[ranges->count - 1].high = high;
        return;
    }
    if (ranges->count == ranges->capacity) {
        size_t capacity = ranges->capacity ? 2 * ranges->capacity : 64;
        struct atomic_range *grown = realloc(ranges->ranges, capacity * sizeof *grown);
        if (!grown) {
            info->no_memory = true;
            return;
        }
        ranges->ranges = grown;
        ranges->capacity = capacity;
    }
    ranges->ranges[ranges->count++] = (struct atomic_range){low, high};
}

static int by_low(const void *left, const void *right)
{
    const struct atomic_range *a = left, *b = right;
    return a->low < b->low ? -1 : a->low > b->low;
}

/* Sorts, and joins what touches, so that a search by halves works. */
static void finish(struct atomic_ranges *ranges)
{
    size_t kept = 0;
    if (ranges->count == 0)
        return;
    qsort(ranges->ranges, ranges->count, sizeof *ranges->ranges, by_low);
    for (size_t i = 1; i < ranges->count; i++) {
        struct atomic_range *last = &ranges->ranges[kept];
        if (ranges->ranges[i].low > last->high)
            ranges->ranges[++kept] = ranges->ranges[i];
        else if (ranges->ranges[i].high > last->high)
            last->high = ranges->ranges[i].high;
    }
    ranges->count = kept + 1;
}

/* ---- variables ---------------------------------------------------------------------------------------------------- */

/* Returns: false when there is none. */
static bool type_of(Dwarf_Die *die, Dwarf_Die *type)
{
    Dwarf_Attribute attribute;
    return dwarf_attr_integrate(die, DW_AT_type, &attribute) && dwarf_formref_die(&attribute, type);
}

static void read_type(struct atomic_info *info, Dwarf_Die *type, uint64_t address, unsigned depth);

static void read_members(struct atomic_info *info, Dwarf_Die *structure, uint64_t address, unsigned depth)
{
    Dwarf_Die member, type;
    if (dwarf_child(structure, &member) != 0)
        return;
    do {
        Dwarf_Attribute attribute;
        Dwarf_Word offset = 0;
        if (dwarf_tag(&member) != DW_TAG_member || !type_of(&member, &type))
            continue;
        if (dwarf_attr(&member, DW_AT_data_member_location, &attribute) && dwarf_formudata(&attribute, &offset) != 0)
            continue;
        read_type(info, &type, address + offset, depth + 1);
    } while (dwarf_siblingof(&member, &member) == 0);
}

static void read_elements(struct atomic_info *info, Dwarf_Die *array, uint64_t address, unsigned depth)
{
    Dwarf_Die element;
    Dwarf_Word whole, one;
    if (!type_of(array, &element) || dwarf_aggregate_size(array, &whole) != 0 ||
        dwarf_aggregate_size(&element, &one) != 0 || one == 0)
        return;
    for (Dwarf_Word i = 0; i < whole / one && i < ELEMENTS_MOST; i++)
        read_type(info, &element, address + i * one, depth + 1);
}

static bool is_std_atomic(Dwarf_Die *structure)
{
    const char *name = dwarf_diename(structure);
    return name && (strncmp(name, "atomic<", 7) == 0 || strcmp(name, "atomic_flag") == 0);
}

/* Adds what is of an atomic type in a variable of this type. */
static void read_type(struct atomic_info *info, Dwarf_Die *type, uint64_t address, unsigned depth)
{
    Dwarf_Die inner;
    Dwarf_Word size;
    if (depth > DEPTH_MOST)
        return;
    switch (dwarf_tag(type)) {
    case DW_TAG_atomic_type:
        if (type_of(type, &inner) && dwarf_aggregate_size(&inner, &size) == 0)
            atomic_ranges_add(info, &info->data, address, address + size);
        break;
    case DW_TAG_typedef:
    case DW_TAG_const_type:
    case DW_TAG_volatile_type:
        if (type_of(type, &inner))
            read_type(info, &inner, address, depth + 1);
        break;
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
        if (is_std_atomic(type) && dwarf_aggregate_size(type, &size) == 0)
            atomic_ranges_add(info, &info->data, address, address + size);
        else
            read_members(info, type, address, depth);
        break;
    case DW_TAG_union_type:
        read_members(info, type, address, depth);
        break;
    case DW_TAG_array_type:
        read_elements(info, type, address, depth);
        break;
    default:
        break;
    }
}

/* Returns: 1 << size of the type; all bits when it is not known. */
static uint32_t size_bit(Dwarf_Die *type)
{
    enum { LARGEST = 16 };
    Dwarf_Word size = 0;
    if (dwarf_aggregate_size(type, &size) != 0)
        return ~(uint32_t)0;
    return size <= LARGEST ? (uint32_t)1 << size : 0;
}

/* Returns: the address of a variable with a fixed one; 0 for others. */
static uint64_t address_of(Dwarf_Die *variable)
{
    Dwarf_Attribute attribute, address;
    Dwarf_Op *operations;
    Dwarf_Addr value = 0;
    size_t count;
    if (!dwarf_attr(variable, DW_AT_location, &attribute) || dwarf_getlocation(&attribute, &operations, &count) != 0 ||
        count != 1)
        return 0;
    if (operations->atom == DW_OP_addr)
        return operations->number;
    bool is_indexed = operations->atom == DW_OP_addrx && /* as clang writes them */
                      dwarf_getlocation_attr(&attribute, operations, &address) == 0 &&
                      dwarf_formaddr(&address, &value) == 0;
    return is_indexed ? value : 0;
}

/* Returns: true with the C atomic type that this one is, or leads to. */
static bool find_atomic_type(Dwarf_Die *type)
{
    for (unsigned depth = 0; depth < DEPTH_MOST; depth++) {
        switch (dwarf_tag(type)) {
        case DW_TAG_atomic_type:
            return true;
        case DW_TAG_typedef:
        case DW_TAG_const_type:
        case DW_TAG_volatile_type:
        case DW_TAG_restrict_type:
        case DW_TAG_pointer_type:
        case DW_TAG_array_type:
            if (!type_of(type, type))
                return false;
            break;
        default:
            return false;
        }
    }
    return false;
}

/* What <stdatomic.h> gives names to, and nobody has a variable of, is no reason for doubt. */
static void read_uses(struct atomic_info *info, Dwarf_Die *parent, unsigned depth)
{
    Dwarf_Die die, type;
    if (depth > DEPTH_MOST || dwarf_child(parent, &die) != 0)
        return;
    do {
        int tag = dwarf_tag(&die);
        bool is_name = tag == DW_TAG_typedef || tag == DW_TAG_const_type || tag == DW_TAG_volatile_type;
        if (!is_name && type_of(&die, &type) && find_atomic_type(&type))
            info->c_atomic_sizes |= size_bit(&type);
        read_uses(info, &die, depth + 1);
    } while (dwarf_siblingof(&die, &die) == 0);
}

static bool has_atomic_type(Dwarf_Die *unit)
{
    Dwarf_Die die;
    if (dwarf_child(unit, &die) != 0)
        return false;
    do {
        if (dwarf_tag(&die) == DW_TAG_atomic_type)
            return true;
    } while (dwarf_siblingof(&die, &die) == 0);
    return false;
}

static void read_variables(struct atomic_info *info, Dwarf_Die *parent)
{
    Dwarf_Die die, type;
    if (dwarf_child(parent, &die) != 0)
        return;
    do {
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_subprogram || tag == DW_TAG_namespace) /* a function for its static variables */
            read_variables(info, &die);
        uint64_t address = tag == DW_TAG_variable ? address_of(&die) : 0;
        if (address && type_of(&die, &type))
            read_type(info, &type, address, 0);
    } while (dwarf_siblingof(&die, &die) == 0);
}

/* ---- all of it ---------------------------------------------------------------------------------------------------- */

static bool is_c(Dwarf_Die *unit)
{
    switch (dwarf_srclang(unit)) {
    case DW_LANG_C11:
    case DW_LANG_C99:
    case DW_LANG_C89:
    case DW_LANG_C:
        return true;
    default:
        return false;
    }
}

void atomic_info_read(struct atomic_info *info, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    Dwarf *dwarf = fd < 0 ? NULL : dwarf_begin(fd, DWARF_C_READ);
    struct atomic_sources sources = {0};
    Dwarf_Off next;
    size_t header_size;
    for (Dwarf_Off at = 0; dwarf && dwarf_nextcu(dwarf, at, &next, &header_size, NULL, NULL, NULL) == 0; at = next) {
        Dwarf_Die unit;
        if (!dwarf_offdie(dwarf, at + header_size, &unit))
            continue;
        if (atomic_code_read(info, &sources, &unit) || is_c(&unit))
            read_variables(info, &unit);
        if (has_atomic_type(&unit))
            read_uses(info, &unit, 0);
    }
    finish(&info->code);
    finish(&info->relaxed);
    finish(&info->data);
    finish(&info->plain);
    atomic_sources_free(&sources);
    dwarf_end(dwarf);
    if (fd >= 0)
        close(fd);
}

void atomic_info_free(struct atomic_info *info)
{
    free(info->code.ranges);
    free(info->relaxed.ranges);
    free(info->data.ranges);
    free(info->plain.ranges);
}
