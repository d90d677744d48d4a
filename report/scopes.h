/* scopes.h: which functions, inlined ones included, an address belongs to.
 *
 *   compile unit --> namespaces, types --> function that holds the address --> blocks and inlined calls within it
 *
 * dwarf_getscopes() of libdw does not enter a namespace that has no addresses of its own, in which clang puts the
 * functions of C++; hence this descent.  Where no function is found so, it enters functions that do not hold the address too:
 * GCC puts the function of a lambda, addresses and all, into the class within the abstract form of the constructor around it.
 */
#ifndef LOCKHOUND_REPORT_SCOPES_H
#define LOCKHOUND_REPORT_SCOPES_H

#include <elfutils/libdw.h>

enum { SCOPES_MAX = 64 };

/* Fills scopes[] innermost first.  Returns: how many there are, at most SCOPES_MAX; 0 when no function is known. */
int scopes_find(Dwarf_Die *unit, Dwarf_Addr address, Dwarf_Die scopes[SCOPES_MAX]);

#endif
