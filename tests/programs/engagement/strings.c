/* What libc does with bytes and strings: while accesses are not checked the hooks only pass on. */
#include "engage.h"

#include <stdlib.h>

/* All are found by name, and called nowhere: what they return is compared in tests/unit/test_plain.c and seen by every
 * program that runs under the library. */
#define BOUND_ENGAGEMENT(name)                                                                                         \
    ENGAGE(name, #name, "bound")                                                                                       \
    {                                                                                                                  \
        if (engage_find(#name, NULL) == NULL)                                                                          \
            abort();                                                                                                   \
    }

BOUND_ENGAGEMENT(memmove)
BOUND_ENGAGEMENT(memcpy)
BOUND_ENGAGEMENT(mempcpy)
BOUND_ENGAGEMENT(bcopy)
BOUND_ENGAGEMENT(memset)
BOUND_ENGAGEMENT(bzero)
BOUND_ENGAGEMENT(memcmp)
BOUND_ENGAGEMENT(bcmp)
BOUND_ENGAGEMENT(memchr)
BOUND_ENGAGEMENT(memrchr)
BOUND_ENGAGEMENT(strnlen)
BOUND_ENGAGEMENT(strlen)
BOUND_ENGAGEMENT(stpcpy)
BOUND_ENGAGEMENT(strcpy)
BOUND_ENGAGEMENT(stpncpy)
BOUND_ENGAGEMENT(strncpy)
BOUND_ENGAGEMENT(strcat)
BOUND_ENGAGEMENT(strncat)
BOUND_ENGAGEMENT(strncmp)
BOUND_ENGAGEMENT(strcmp)
BOUND_ENGAGEMENT(strchrnul)
BOUND_ENGAGEMENT(strchr)
BOUND_ENGAGEMENT(strrchr)
BOUND_ENGAGEMENT(strstr)
BOUND_ENGAGEMENT(wcslen)
BOUND_ENGAGEMENT(wmemcpy)
BOUND_ENGAGEMENT(wmemset)
BOUND_ENGAGEMENT(__memcpy_chk)
BOUND_ENGAGEMENT(__memmove_chk)
BOUND_ENGAGEMENT(__mempcpy_chk)
BOUND_ENGAGEMENT(__memset_chk)
BOUND_ENGAGEMENT(__strcpy_chk)
BOUND_ENGAGEMENT(__stpcpy_chk)
BOUND_ENGAGEMENT(__strncpy_chk)
BOUND_ENGAGEMENT(__strcat_chk)
BOUND_ENGAGEMENT(__strncat_chk)
BOUND_ENGAGEMENT(strdup)
BOUND_ENGAGEMENT(__strdup)
BOUND_ENGAGEMENT(strndup)
BOUND_ENGAGEMENT(__strndup)
