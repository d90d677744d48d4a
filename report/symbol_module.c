#include "report/symbol_module.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <elfutils/libdwelf.h>

#include "report/debuginfod.h"
#include "weaver/sorted.h"

#define DEBUG_ROOT "/usr/lib/debug/.build-id"

/* ---- finding the file ------------------------------------------------------------------------------------------- */

static void hex_string(char *out, const unsigned char *bytes, size_t length)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * length] = '\0';
}

/* Returns: true when the ELF file `fd` has the build-id `wanted`; without a recorded one, any ELF file fits. */
static bool has_build_id(int fd, const char *wanted)
{
    elf_version(EV_CURRENT);
    Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
    bool fits = false;
    if (elf && elf_kind(elf) == ELF_K_ELF) {
        const void *bytes = NULL;
        char found[2 * 64 + 1];
        ssize_t length = dwelf_elf_gnu_build_id(elf, &bytes);
        if (!*wanted) {
            fits = true;
        } else if (length > 0 && length <= 64) {
            hex_string(found, bytes, (size_t)length);
            fits = strcmp(found, wanted) == 0;
        }
    }
    elf_end(elf);
    return fits;
}

/* Returns: a descriptor of `path` when it is the file wanted, or -1. */
static int open_fitting(const char *path, const char *build_id)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && !has_build_id(fd, build_id)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int open_debug_file(const char *build_id, struct pool *pool, const char **path)
{
    if (strlen(build_id) < 4 || strspn(build_id, "0123456789abcdef") != strlen(build_id))
        return -1;
    *path = pool_format(pool, DEBUG_ROOT "/%.2s/%s.debug", build_id, build_id + 2);
    int fd = open_fitting(*path, build_id);
    return fd >= 0 ? fd : debuginfod_open(build_id);
}

static const char *why_unfit(const char *path, const char *build_id, struct pool *pool)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return pool_format(pool, "%s; no debug file of build-id %s either", strerror(errno),
                           *build_id ? build_id : "(none)");
    }
    close(fd);
    return pool_format(pool, "the file is not the one that ran (build-id %s): was it rebuilt since?", build_id);
}

/* ---- opening it ------------------------------------------------------------------------------------------------- */

static int find_no_debuginfo(Dwfl_Module *mod, void **userdata, const char *modname, Dwarf_Addr base,
                             const char *file_name, const char *debuglink_file, GElf_Word debuglink_crc,
                             char **debuginfo_file_name)
{
    (void)mod, (void)userdata, (void)modname, (void)base;
    (void)file_name, (void)debuglink_file, (void)debuglink_crc, (void)debuginfo_file_name;
    return -1;
}

void symbol_module_open(struct symbol_module *m, const struct run_module *module, struct pool *pool)
{
    /* The frames of the runtime are folded: their names suffice, and a download of libc's debug file does not pay. */
    static const Dwfl_Callbacks runtime = {.find_elf = dwfl_build_id_find_elf,
                                           .find_debuginfo = find_no_debuginfo,
                                           .section_address = dwfl_offline_section_address};
    static const Dwfl_Callbacks user = {.find_elf = dwfl_build_id_find_elf,
                                        .find_debuginfo = dwfl_standard_find_debuginfo,
                                        .section_address = dwfl_offline_section_address};
    const char *path = module->path;
    int fd = *path == '/' ? open_fitting(path, module->build_id) : -1;
    if (fd < 0)
        fd = open_debug_file(module->build_id, pool, &path);
    if (fd < 0) {
        m->gap = *module->path == '/' ? why_unfit(module->path, module->build_id, pool) : NULL;
        return;
    }
    m->dwfl = dwfl_begin(m->is_runtime ? &runtime : &user);
    m->module = m->dwfl ? dwfl_report_offline(m->dwfl, module->path, path, fd) : NULL;
    if (!m->module) {
        m->gap = pool_format(pool, "%s", dwfl_errmsg(-1));
        close(fd);
        symbol_module_close(m);
        return;
    }
    dwfl_report_end(m->dwfl, NULL, NULL);
    dwfl_module_getelf(m->module, &m->bias);
}

void symbol_module_close(struct symbol_module *m)
{
    if (m->dwfl)
        dwfl_end(m->dwfl);
    free(m->ranges);
    free(m->variables);
    symbol_table_free(&m->symbols);
    m->dwfl = NULL;
    m->module = NULL;
    m->ranges = NULL;
    m->variables = NULL;
}

Dwarf *symbol_module_dwarf(struct symbol_module *m)
{
    if (!m->was_dwarf_tried && m->module && !m->is_runtime) {
        debuginfod_begin_wait();
        m->dwarf = dwfl_module_getdwarf(m->module, &m->dwarf_bias);
        debuginfod_end_wait(m->dwarf != NULL);
    }
    m->was_dwarf_tried = true;
    return m->dwarf;
}

/* ---- symbols ---------------------------------------------------------------------------------------------------- */

/* What other files see is what an address is known by. */
static unsigned symbol_rank(const GElf_Sym *symbol)
{
    switch (GELF_ST_BIND(symbol->st_info)) {
    case STB_GLOBAL:
        return 3;
    case STB_WEAK:
        return 2;
    case STB_LOCAL:
        return 1;
    default:
        return 0;
    }
}

/* Marks of the linker (__TMC_END__, __bss_start) and labels of assembly have no size, and cover nothing. */
static bool covers_memory(const GElf_Sym *symbol)
{
    int type = GELF_ST_TYPE(symbol->st_info);
    return symbol->st_size > 0 && symbol->st_shndx != SHN_UNDEF && type != STT_TLS && type != STT_SECTION &&
           type != STT_FILE;
}

static void build_symbols(struct symbol_module *m)
{
    debuginfod_begin_wait();
    int count = dwfl_module_getsymtab(m->module);
    debuginfod_end_wait(count > 0);
    for (int i = 1; i < count; i++) {
        GElf_Sym symbol;
        GElf_Addr value = 0;
        const char *name = dwfl_module_getsym_info(m->module, i, &symbol, &value, NULL, NULL, NULL);
        if (name && *name && covers_memory(&symbol))
            symbol_table_add(&m->symbols, (struct symbol){value, symbol.st_size, name, symbol_rank(&symbol), 0});
    }
    symbol_table_sort(&m->symbols);
    m->were_symbols_built = true;
}

const char *symbol_module_find_symbol(struct symbol_module *m, uint64_t offset, uint64_t *begin, uint64_t *size)
{
    if (!m->module)
        return NULL;
    if (!m->were_symbols_built)
        build_symbols(m);
    const struct symbol *symbol = symbol_table_find(&m->symbols, offset + m->bias);
    if (!symbol)
        return NULL;
    *begin = symbol->begin - m->bias;
    *size = symbol->size;
    return symbol->name;
}

/* ---- compilation units ------------------------------------------------------------------------------------------ */

static int compare_ranges(const void *a, const void *b)
{
    const struct unit_range *x = a, *y = b;
    return x->low < y->low ? -1 : x->low > y->low;
}

static void add_unit_ranges(struct symbol_module *m, Dwarf_Die *unit, size_t *capacity)
{
    Dwarf_Addr base, low, high;
    ptrdiff_t at = 0;
    while ((at = dwarf_ranges(unit, at, &base, &low, &high)) > 0) {
        if (m->range_count == *capacity) {
            *capacity = *capacity ? *capacity * 2 : 64;
            m->ranges = memory_grow(m->ranges, *capacity, sizeof *m->ranges);
        }
        m->ranges[m->range_count++] = (struct unit_range){low, high, dwarf_dieoffset(unit)};
    }
}

static void build_ranges(struct symbol_module *m)
{
    Dwarf_CU *cu = NULL;
    Dwarf_Die unit;
    size_t capacity = 0;
    while (dwarf_get_units(m->dwarf, cu, &cu, NULL, NULL, &unit, NULL) == 0)
        add_unit_ranges(m, &unit, &capacity);
    if (m->range_count)
        qsort(m->ranges, m->range_count, sizeof *m->ranges, compare_ranges);
    m->were_ranges_built = true;
}

bool symbol_module_find_unit(struct symbol_module *m, uint64_t offset, Dwarf_Die *unit)
{
    if (!symbol_module_dwarf(m))
        return false;
    Dwarf_Addr address = offset + m->bias - m->dwarf_bias;
    if (dwarf_addrdie(m->dwarf, address, unit))
        return true;
    if (!m->were_ranges_built)
        build_ranges(m);
    size_t above = SORTED_UP_TO(m->ranges, m->range_count, low, address);
    return above > 0 && address < m->ranges[above - 1].high && dwarf_offdie(m->dwarf, m->ranges[above - 1].unit, unit);
}
