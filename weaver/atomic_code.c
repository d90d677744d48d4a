#include "weaver/atomic_code.h"

#include <dwarf.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MOST = 16 };

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

/* The library's own fences are not the program's. */
static bool is_library_file(const char *path)
{
    const char *include = strstr(path, "/include/");
    return (include && strstr(include, "/c++/")) || strstr(path, "/lib/gcc/");
}

/* Returns: the file's path, in `path` when it is a relative one, which counts from where the unit was compiled. */
static const char *whole_path(Dwarf_Die *unit, const char *file, char path[static PATH_MAX])
{
    Dwarf_Attribute attribute;
    const char *folder = file[0] == '/' ? NULL : dwarf_formstring(dwarf_attr(unit, DW_AT_comp_dir, &attribute));
    return folder && snprintf(path, PATH_MAX, "%s/%s", folder, file) < PATH_MAX ? path : file;
}

/* Returns: what is known of the file's lines. */
static const struct atomic_source *source_of(struct atomic_sources *sources, Dwarf_Die *unit, const char *file)
{
    char path[PATH_MAX];
    return atomic_source_find(sources, whole_path(unit, file, path));
}

static void read_macros(struct atomic_sources *sources, Dwarf_Die *unit)
{
    Dwarf_Files *files;
    size_t count;
    char path[PATH_MAX];
    if (dwarf_getsrcfiles(unit, &files, &count) != 0)
        return;
    for (size_t i = 0; i < count; i++) {
        const char *file = dwarf_filesrc(files, i, NULL, NULL);
        if (file)
            atomic_headers_read(&sources->headers, whole_path(unit, file, path));
    }
}

/* Returns: where code of this line belongs; NULL: nothing is known of it. */
static struct atomic_ranges *ranges_of_line(struct atomic_info *info, enum source_line line)
{
    switch (line) {
    case SOURCE_ATOMIC:
        return &info->code;
    case SOURCE_RELAXED:
        return &info->relaxed;
    case SOURCE_PLAIN:
        return &info->plain;
    case SOURCE_UNREAD:
        break;
    }
    return NULL;
}

/* Returns: whether no file that the unit is made of calls an atomic operation, so that none of its code is one.  What is in angle
 * brackets is no file, but the compiler's own. */
static bool is_plain_unit(struct atomic_sources *sources, Dwarf_Die *unit)
{
    Dwarf_Files *files;
    size_t count;
    if (!atomic_sources_are_plain(sources) || dwarf_getsrcfiles(unit, &files, &count) != 0)
        return false;
    for (size_t i = 0; i < count; i++) {
        const char *file = dwarf_filesrc(files, i, NULL, NULL);
        if (!file || strchr(file, '<'))
            continue;
        const struct atomic_source *source = source_of(sources, unit, file);
        if (!source || !source->is_plain)
            return false;
    }
    return true;
}

/* `is_plain`: nothing in the unit is atomic, and so neither is the code without a line, which clang has merged of several. */
static void read_lines(struct atomic_info *info, struct atomic_sources *sources, Dwarf_Die *unit, bool is_plain)
{
    Dwarf_Lines *lines;
    size_t count;
    const char *known = NULL; /* the file name of the line before: few change */
    const struct atomic_source *source = NULL;
    bool is_atomic = false;
    if (dwarf_getsrclines(unit, &lines, &count) != 0)
        return;
    for (size_t i = 0; i + 1 < count; i++) {
        Dwarf_Line *line = dwarf_onesrcline(lines, i), *next = dwarf_onesrcline(lines, i + 1);
        Dwarf_Addr low, high;
        bool is_end = false;
        int number = 0;
        const char *file = dwarf_linesrc(line, NULL, NULL);
        if (file && file != known) {
            is_atomic = is_atomic_file(file);
            source = source_of(sources, unit, file);
            info->calls_fences |= source && source->calls_fences && !is_library_file(file);
        }
        known = file;
        if (!file || dwarf_lineendsequence(line, &is_end) != 0 || is_end || dwarf_lineaddr(line, &low) != 0 ||
            dwarf_lineaddr(next, &high) != 0 || dwarf_lineno(line, &number) != 0)
            continue;
        enum source_line kind = number == 0 && is_plain ? SOURCE_PLAIN : atomic_source_line(source, number);
        struct atomic_ranges *ranges = is_atomic ? &info->code : ranges_of_line(info, kind);
        if (ranges)
            atomic_ranges_add(info, ranges, low, high);
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

/* Returns: whether it is the fence of <atomic>, used: of one that is not there is nothing but its declaration. */
static bool is_fence(Dwarf_Die *function)
{
    const char *name = dwarf_diename(function);
    return name && strcmp(name, "atomic_thread_fence") == 0 && !dwarf_hasattr(function, DW_AT_declaration);
}

/* A call that was inlined, or a function. */
static void read_code(struct atomic_info *info, Dwarf_Die *call)
{
    const char *file = dwarf_decl_file(call);
    info->calls_fences |= is_fence(call);
    Dwarf_Addr base, low, high;
    if (!file || !(is_atomic_file(file) || counts_references(file, dwarf_diename(call))))
        return;
    struct atomic_ranges *ranges = is_relaxed(call) ? &info->relaxed : &info->code;
    for (ptrdiff_t at = 0; (at = dwarf_ranges(call, at, &base, &low, &high)) > 0;)
        atomic_ranges_add(info, ranges, low, high);
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

bool atomic_code_read(struct atomic_info *info, struct atomic_sources *sources, Dwarf_Die *unit)
{
    bool uses_atomic = has_atomic_file(unit);
    read_macros(sources, unit);
    read_lines(info, sources, unit, !uses_atomic && is_plain_unit(sources, unit));
    if (uses_atomic)
        read_inlined(info, unit, 0);
    return uses_atomic;
}
