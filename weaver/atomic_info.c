#include "weaver/atomic_info.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ELEMENTS_MOST = 1024, DEPTH_MOST = 16 };

static void add(struct atomic_info *info, struct atomic_ranges *ranges, uint64_t low, uint64_t high)
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

/* ---- code --------------------------------------------------------------------------------------------------------- */

static bool is_atomic_file(const char *path)
{
    const char *name = strrchr(path, '/');
    if (!name)
        return false;
    if (strstr(path, "/__atomic/"))
        return true;
    return strcmp(name, "/atomic_base.h") == 0 || strcmp(name, "/atomic") == 0 ||
           (strcmp(name, "/atomic.rs") == 0 && strstr(path, "/sync/"));
}

/* Returns: what the line says; a relative path counts from where the unit was compiled. */
static enum source_line source_line_of(struct atomic_sources *sources, Dwarf_Die *unit, const char *file, int line)
{
    char path[PATH_MAX];
    Dwarf_Attribute attribute;
    const char *folder = file[0] == '/' ? NULL : dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
    if (folder && snprintf(path, sizeof path, "%s/%s", folder, file) < (int)sizeof path)
        return atomic_source_line(sources, path, line);
    return atomic_source_line(sources, file, line);
}

/* Returns: where code of this line belongs; NULL: it is known to be plain. */
static struct atomic_ranges *ranges_of_line(struct atomic_info *info, enum source_line line)
{
    switch (line) {
    case SOURCE_ATOMIC:
        return &info->code;
    case SOURCE_RELAXED:
        return &info->relaxed;
    case SOURCE_UNREAD:
        return &info->unread;
    case SOURCE_PLAIN:
        break;
    }
    return NULL;
}

static void read_lines(struct atomic_info *info, struct atomic_sources *sources, Dwarf_Die *unit)
{
    Dwarf_Lines *lines;
    size_t count;
    const char *known = NULL; /* the file name of the line before: few change */
    bool is_atomic = false;
    if (dwarf_getsrclines(unit, &lines, &count) != 0)
        return;
    for (size_t i = 0; i + 1 < count; i++) {
        Dwarf_Line *line = dwarf_onesrcline(lines, i), *next = dwarf_onesrcline(lines, i + 1);
        Dwarf_Addr low, high;
        bool is_end = false;
        int number = 0;
        const char *file = dwarf_linesrc(line, NULL, NULL);
        if (file != known)
            is_atomic = file && is_atomic_file(file);
        known = file;
        if (!file || dwarf_lineendsequence(line, &is_end) != 0 || is_end || dwarf_lineaddr(line, &low) != 0 ||
            dwarf_lineaddr(next, &high) != 0 || dwarf_lineno(line, &number) != 0)
            continue;
        struct atomic_ranges *ranges =
            is_atomic ? &info->code : ranges_of_line(info, source_line_of(sources, unit, file, number));
        if (ranges)
            add(info, ranges, low, high);
    }
}

/* Returns: whether some file of the unit is such a one. */
static bool has_atomic_file(Dwarf_Die *unit)
{
    Dwarf_Files *files;
    size_t count;
    if (dwarf_getsrcfiles(unit, &files, &count) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *file = dwarf_filesrc(files, i, NULL, NULL);
        if (file && is_atomic_file(file))
            return true;
    }
    return false;
}

/* Returns: whether the parameter is known to be 0, as a constant or by a location that is the value itself. */
static bool is_zero(Dwarf_Die *parameter)
{
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    Dwarf_Addr base, low, high;
    Dwarf_Op *operations;
    size_t count;
    if (dwarf_attr(parameter, DW_AT_const_value, &attribute))
        return dwarf_formudata(&attribute, &value) == 0 && value == 0;
    if (!dwarf_attr(parameter, DW_AT_location, &attribute) ||
        dwarf_getlocations(&attribute, 0, &base, &low, &high, &operations, &count) <= 0)
        return false;
    return count == 2 && operations[0].atom == DW_OP_lit0 && operations[1].atom == DW_OP_stack_value;
}

/* Returns: whether the order of the inlined call, `__m` in libstdc++ and libc++, is memory_order_relaxed. */
static bool is_relaxed(Dwarf_Die *call)
{
    Dwarf_Die child;
    if (dwarf_child(call, &child) != 0)
        return false;
    do {
        const char *name = dwarf_tag(&child) == DW_TAG_formal_parameter ? dwarf_diename(&child) : NULL;
        if (name && strcmp(name, "__m") == 0)
            return is_zero(&child);
    } while (dwarf_siblingof(&child, &child) == 0);
    return false;
}

/* Reference counts of std::shared_ptr: the library's own loads of them. */
static bool counts_references(const char *file, const char *name)
{
    static const char *const names[] = {"_M_release", "_M_weak_release", "_M_get_use_count", "_M_add_ref_lock_nothrow"};
    const char *base = strrchr(file, '/');
    for (size_t i = 0; base && name && strcmp(base, "/shared_ptr_base.h") == 0 && i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* A call that was inlined, or a function. */
static void read_code(struct atomic_info *info, Dwarf_Die *call)
{
    const char *file = dwarf_decl_file(call);
    Dwarf_Addr base, low, high;
    if (!file || !(is_atomic_file(file) || counts_references(file, dwarf_diename(call))))
        return;
    struct atomic_ranges *ranges = is_relaxed(call) ? &info->relaxed : &info->code;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(call, at, &base, &low, &high)) > 0;)
        add(info, ranges, low, high);
}

static void read_inlined(struct atomic_info *info, Dwarf_Die *parent, unsigned depth)
{
    Dwarf_Die die;
    if (depth > DEPTH_MOST || dwarf_child(parent, &die) != 0)
        return;
    do {
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram)
            read_code(info, &die);
        if (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block ||
            tag == DW_TAG_namespace)
            read_inlined(info, &die, depth + 1);
    } while (dwarf_siblingof(&die, &die) == 0);
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
            add(info, &info->data, address, address + size);
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
            add(info, &info->data, address, address + size);
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

static void read_variables(struct atomic_info *info, Dwarf_Die *parent)
{
    Dwarf_Die die, type;
    if (dwarf_child(parent, &die) != 0)
        return;
    do {
        int tag = dwarf_tag(&die);
        if (tag == DW_TAG_atomic_type)
            info->c_atomic_sizes |= size_bit(&die);
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
        bool uses_atomic = !is_c(&unit) && has_atomic_file(&unit);
        read_lines(info, &sources, &unit);
        if (uses_atomic)
            read_inlined(info, &unit, 0);
        if (uses_atomic || is_c(&unit))
            read_variables(info, &unit);
    }
    finish(&info->code);
    finish(&info->relaxed);
    finish(&info->data);
    finish(&info->unread);
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
    free(info->unread.ranges);
}
