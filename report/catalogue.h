/* catalogue.h: what is known of each kind of finding: its title, its remedy, its usual severity.
 *
 *   detector/findings.def --> catalogue_find("deadlock") --> texts of every format
 *
 * A run file of a newer writer may name a kind that is not here; reports then show its slug alone.
 */
#ifndef LOCKHOUND_REPORT_CATALOGUE_H
#define LOCKHOUND_REPORT_CATALOGUE_H

#include <stddef.h>

struct catalogue_entry {
    const char *slug;
    const char *severity; /* "error", "warning" */
    const char *title;    /* completes "lockhound found ..." */
    const char *remedy;
};

extern const struct catalogue_entry catalogue[];
extern const size_t catalogue_count;

/* Returns: the entry of `slug`, or NULL when this version does not know it. */
const struct catalogue_entry *catalogue_find(const char *slug);

#endif
