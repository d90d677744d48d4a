#include "report/symbol_function.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "report/demangle.h"
#include "report/symbol_module.h"

enum {
    REFERENCES_MAX = 8, /* from a call inlined to its function, from there to its declaration */
    NESTING_MAX = 16    /* of functions in classes in functions: debug information is never trusted to end */
};

/* DW_LANG_* that elfutils' header has not got. */
enum { LANGUAGE_CXX_17 = 0x2b, LANGUAGE_CXX_20 = 0x2c, LANGUAGE_CXX_23 = 0x3a };

static const char *mangled_name(Dwarf_Die *function)
{
    Dwarf_Attribute attribute;
    if (dwarf_attr_integrate(function, DW_AT_linkage_name, &attribute) ||
        dwarf_attr_integrate(function, DW_AT_MIPS_linkage_name, &attribute))
        return dwarf_formstring(&attribute);
    return NULL;
}

static bool is_class(Dwarf_Die *die)
{
    int tag = dwarf_tag(die);
    return tag == DW_TAG_structure_type || tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

/* Newer versions of GCC make up a name for a class that has none. */
static const char *class_name(Dwarf_Die *class)
{
    const char *name = dwarf_diename(class);
    return name && *name != '.' && *name != '<' ? name : NULL;
}

static bool is_of_cxx(Dwarf_Die *die)
{
    Dwarf_Die unit;
    if (!dwarf_diecu(die, &unit, NULL, NULL))
        return false;
    switch (dwarf_srclang(&unit)) {
    case DW_LANG_C_plus_plus:
    case DW_LANG_C_plus_plus_03:
    case DW_LANG_C_plus_plus_11:
    case DW_LANG_C_plus_plus_14:
    case LANGUAGE_CXX_17:
    case LANGUAGE_CXX_20:
    case LANGUAGE_CXX_23:
        return true;
    default:
        return false;
    }
}

/* Follows a call inlined, or a definition, to where the function stands among its like. */
static Dwarf_Die declaration_of(Dwarf_Die *function)
{
    Dwarf_Die die = *function;
    for (int i = 0; i < REFERENCES_MAX; i++) {
        Dwarf_Attribute attribute;
        Dwarf_Die next;
        if ((!dwarf_attr(&die, DW_AT_abstract_origin, &attribute) &&
             !dwarf_attr(&die, DW_AT_specification, &attribute)) ||
            !dwarf_formref_die(&attribute, &next))
            break;
        die = next;
    }
    return die;
}

/* Counts the classes without a name in `scope` that stand before `class`, also those in its blocks. */
static size_t nameless_before(Dwarf_Die *scope, Dwarf_Die *class, int nesting)
{
    Dwarf_Die child;
    size_t count = 0;
    if (nesting == NESTING_MAX || dwarf_child(scope, &child) != 0)
        return 0;
    do {
        if (dwarf_dieoffset(&child) >= dwarf_dieoffset(class))
            break;
        if (is_class(&child))
            count += class_name(&child) == NULL;
        else if (dwarf_tag(&child) == DW_TAG_lexical_block)
            count += nameless_before(&child, class, nesting + 1);
    } while (dwarf_siblingof(&child, &child) == 0);
    return count;
}

static const char *name_within(struct pool *pool, Dwarf_Die *function, int nesting);

/* Adds what `scopes[at]` puts before the names within it. */
static void add_scope(struct pool *pool, struct buffer *out, Dwarf_Die *scopes, int at, int count, int nesting)
{
    Dwarf_Die *scope = &scopes[at];
    const char *name = NULL;
    if (dwarf_tag(scope) == DW_TAG_subprogram) {
        name = name_within(pool, scope, nesting + 1);
        name = name ? demangle_without_parameters(pool, demangle(pool, name)) : "?";
    } else if (dwarf_tag(scope) == DW_TAG_namespace) {
        name = dwarf_diename(scope);
        name = name ? name : "(anonymous namespace)";
    } else if (is_class(scope)) {
        int around = at + 1;
        while (around + 1 < count && dwarf_tag(&scopes[around]) == DW_TAG_lexical_block)
            around++;
        name = class_name(scope);
        name = name             ? name
               : around < count ? pool_format(pool, "{lambda#%zu}", nameless_before(&scopes[around], scope, 0) + 1)
                                : "{lambda}";
    }
    if (name)
        buffer_printf(out, "%s::", name);
}

/* Returns: how many of the scopes give the function its name: up to the function that it stands in, which has its own. */
static int naming_scopes(Dwarf_Die *scopes, int count)
{
    bool is_hidden = false;
    int end = 1;
    for (; end < count; end++) {
        int tag = dwarf_tag(&scopes[end]);
        is_hidden |= tag == DW_TAG_subprogram || (is_class(&scopes[end]) && !class_name(&scopes[end]));
        if (tag == DW_TAG_subprogram) {
            end++;
            break;
        }
    }
    return is_hidden ? end : 1;
}

static const char *name_within(struct pool *pool, Dwarf_Die *function, int nesting)
{
    const char *mangled = mangled_name(function), *own = dwarf_diename(function);
    if (mangled || !own || nesting == NESTING_MAX || !is_of_cxx(function))
        return mangled ? mangled : own;
    Dwarf_Die declaration = declaration_of(function), *scopes = NULL;
    int count = dwarf_getscopes_die(&declaration, &scopes);
    struct buffer name = {0};
    for (int i = naming_scopes(scopes, count) - 1; i > 0; i--)
        add_scope(pool, &name, scopes, i, count, nesting);
    buffer_string(&name, own);
    const char *whole = pool_string(pool, name.data);
    buffer_free(&name);
    free(scopes);
    return whole;
}

const char *symbol_function_name(struct pool *pool, Dwarf_Die *function)
{
    return name_within(pool, function, 0);
}

bool symbol_function_begins_at(Dwarf_Die *function, uint32_t line, uint32_t column)
{
    Dwarf_Word own_line, own_column;
    return line && column && symbol_number_of(function, DW_AT_decl_line, &own_line) && own_line == line &&
           symbol_number_of(function, DW_AT_decl_column, &own_column) && own_column == column;
}
