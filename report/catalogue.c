#include "report/catalogue.h"

#include <string.h>

#define NAME_ERROR   "error"
#define NAME_WARNING "warning"
#define NAME_NOTE    "note"

const struct catalogue_entry catalogue[] = {
#define FINDING(name, slug, severity, on, title, remedy) {slug, NAME_##severity, title, remedy},
#include "detector/findings.def"
#undef FINDING
};
const size_t catalogue_count = sizeof catalogue / sizeof catalogue[0];

const struct catalogue_entry *catalogue_find(const char *slug)
{
    for (size_t i = 0; i < catalogue_count; i++)
        if (strcmp(catalogue[i].slug, slug) == 0)
            return &catalogue[i];
    return NULL;
}
