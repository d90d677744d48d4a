#include "report/scopes.h"

#include <dwarf.h>
#include <stdbool.h>

enum { NESTING_MAX = 256 }; /* of namespaces and types: debug information is never trusted to end */

struct descent {
    Dwarf_Addr address;
    bool is_thorough;  /* also into scopes that do not hold the address themselves */
    Dwarf_Die *scopes; /* outermost first */
    int count;
};

static bool holds_code(int tag)
{
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
           tag == DW_TAG_try_block || tag == DW_TAG_catch_block;
}

static bool holds_declarations(int tag)
{
    return tag == DW_TAG_namespace || tag == DW_TAG_module || tag == DW_TAG_structure_type ||
           tag == DW_TAG_class_type || tag == DW_TAG_union_type;
}

/* A class within a function, such as that of a lambda, has its functions there, with addresses of their own: also within the
 * abstract form of an inlined function, which has none.  Inlined calls repeat no classes. */
static bool may_hide_functions(int tag)
{
    return tag == DW_TAG_subprogram || tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
           tag == DW_TAG_catch_block;
}

/* Returns: true when a scope below `parent` holds the address; the chain to it has been noted. */
static bool descend(struct descent *d, Dwarf_Die *parent, int nesting)
{
    Dwarf_Die child;
    if (nesting == NESTING_MAX || dwarf_child(parent, &child) != 0)
        return false;
    do {
        int tag = dwarf_tag(&child);
        if (holds_code(tag) && dwarf_haspc(&child, d->address) > 0) {
            if (d->count < SCOPES_MAX) {
                d->scopes[d->count++] = child;
                descend(d, &child, nesting + 1);
            }
            return true;
        }
        bool is_entered = holds_declarations(tag) || (d->is_thorough && may_hide_functions(tag));
        if (is_entered && descend(d, &child, nesting + 1))
            return true;
    } while (dwarf_siblingof(&child, &child) == 0);
    return false;
}

int scopes_find(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die scopes[SCOPES_MAX])
{
    struct descent d = {.address = address, .scopes = scopes};
    if (!descend(&d, unit, 0)) { /* rare enough to look at the whole unit then */
        d.is_thorough = true;
        descend(&d, unit, 0);
    }
    for (int i = 0; i < d.count / 2; i++) {
        Dwarf_Die outer = scopes[i];
        scopes[i] = scopes[d.count - 1 - i];
        scopes[d.count - 1 - i] = outer;
    }
    return d.count;
}
