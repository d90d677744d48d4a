/* locked_memory.c: a program that keeps all of its memory in place does not fill the planes by that.
 *
 * Model:     the kernel would make every page of every mapping: 8 GiB a thread.  With MCL_ONFAULT it locks each page when it is
 *            first touched.  What is reserved later is taken out by itself (far_memory.h).
 * Source:    mlockall(2), Linux 4.4 and later.
 */
#include <sys/mman.h>

#include "preload/hook.h"
#include "preload/weave/switch.h"

HOOK_EXPORT int mlockall(int flags)
{
    return real.mlockall(hook_unlikely(weave_on) && (flags & MCL_CURRENT) != 0 ? flags | MCL_ONFAULT : flags);
}
