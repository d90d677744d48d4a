/* symbol_module.h: one module's file, opened for look-ups; shared by symbols.c and the symbol_*.c alone. */
#ifndef LOCKHOUND_REPORT_SYMBOL_MODULE_H
#define LOCKHOUND_REPORT_SYMBOL_MODULE_H

#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>

#include "report/model.h"
#include "report/symbol_table.h"

/* The code of one compilation unit, for files without .debug_aranges (clang writes none). */
struct unit_range {
    Dwarf_Addr low, high;
    Dwarf_Off unit; /* offset of its DIE */
};

/* A variable of static storage that debug information describes. */
struct variable_entry {
    Dwarf_Addr address;
    Dwarf_Off die;
};

struct symbol_module {
    bool is_runtime;
    const char *gap; /* why there are no symbols, or NULL */
    Dwfl *dwfl;      /* NULL when no file fits */
    Dwfl_Module *module;
    GElf_Addr bias; /* address in dwfl = offset + bias */
    Dwarf *dwarf;   /* NULL: no debug information */
    Dwarf_Addr dwarf_bias;
    bool was_dwarf_tried;
    struct symbol_table symbols; /* names are in the module's file */
    bool were_symbols_built;
    struct unit_range *ranges;
    size_t range_count;
    bool were_ranges_built;
    struct variable_entry *variables;
    size_t variable_count;
    bool were_variables_built;
};

/* Opens the file that `module` names, or a debug file of the same build-id.  Fills m->gap on failure. */
void symbol_module_open(struct symbol_module *m, const struct run_module *module, struct pool *pool);
void symbol_module_close(struct symbol_module *m);

/* Returns: the debug information, or NULL. */
Dwarf *symbol_module_dwarf(struct symbol_module *m);
/* Sets *unit to the compilation unit that holds the code at `offset`.  Returns: false when none does. */
bool symbol_module_find_unit(struct symbol_module *m, uint64_t offset, Dwarf_Die *unit);
/* Sets *begin to where the symbol that covers `offset` begins.  Returns: its name, or NULL. */
const char *symbol_module_find_symbol(struct symbol_module *m, uint64_t offset, uint64_t *begin, uint64_t *size);

/* symbol_variable.c: adds ".member" and "[index]" steps from the variable at `begin` to `offset`.
 * Returns: the type's name, or NULL; *type_size is then its size, or 0 when that is not known. */
const char *symbol_variable_path(struct symbol_module *m, uint64_t begin, uint64_t offset, size_t size,
                                 struct buffer *path, uint64_t *type_size);
/* Sets *die to the variable that begins there. */
bool symbol_variable_find(struct symbol_module *m, uint64_t begin, Dwarf_Die *die);
/* Sets *type to the type of a variable, a member, a pointer's or an array's target. */
bool symbol_type_of(Dwarf_Die *die, Dwarf_Die *type);
/* Sets *number to a constant attribute of the DIE, or of the one that it is an instance of.  Returns: false when there is none. */
bool symbol_number_of(Dwarf_Die *die, unsigned name, Dwarf_Word *number);
/* Adds the steps from an object of *type to its byte *at, until what stands there is no larger than `size`; *type and *at
 * become those of where it ended.  Returns: true when the steps lead to the beginning of a part. */
bool symbol_type_descend(Dwarf_Die *type, uint64_t *at, size_t size, struct buffer *path);

#endif
