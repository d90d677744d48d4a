/* formats_checked.c: formats.c as _FORTIFY_SOURCE compiles it. */
#include "formats.c"
