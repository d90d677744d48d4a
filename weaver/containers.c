#include "weaver/containers.h"

#include <stddef.h>
#include <string.h>

/* How they begin, behind what says that they are const. */
static const char *const beginnings[] = {
    "St7__cxx1112basic_stringI",         /* std::string, and those of other characters */
    "St8__detail15_List_node_base",      /* std::list */
    "St8__detail20_Prime_rehash_policy", /* std::unordered_map and its like */
    "St3__112basic_stringI",             /* libc++'s std::string */
};
/* std::map, std::set: functions of no class; the length of a name stands before it. */
static const char tree[] = "_Rb_tree_";

bool container_has_function(const char *name)
{
    if (name == NULL || strncmp(name, "_Z", 2) != 0)
        return false;
    if (strncmp(name, "_ZSt", 4) == 0)
        return strncmp(name + 4 + strspn(name + 4, "0123456789"), tree, sizeof tree - 1) == 0;
    size_t nested = strncmp(name, "_ZNK", 4) == 0 ? 4 : strncmp(name, "_ZN", 3) == 0 ? 3 : 0;
    for (size_t i = 0; nested > 0 && i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(name + nested, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}
