/* rights.c: calls by which a process gives up what it may do: files that it can read before them may be out of its reach after.
 *
 *   setuid, seteuid, setreuid, setresuid, chroot --> weave_prepare(), libc's own
 */
#include <errno.h>
#include <unistd.h>

#include "preload/hook.h"
#include "preload/weave/weave.h"

static void prepare(void)
{
    int saved = errno;
    struct self *self = hook_enter();
    if (self != NULL) {
        weave_prepare();
        hook_leave(self);
    }
    errno = saved;
}

/* Without privileges nobody becomes somebody else but by what the file's bits have given, and such a process is not watched. */
static void prepare_to_become(uid_t user)
{
    if (user != 0 && user != (uid_t)-1 && geteuid() == 0)
        prepare();
}

HOOK_EXPORT int setuid(uid_t user)
{
    prepare_to_become(user);
    return real.setuid(user);
}

HOOK_EXPORT int seteuid(uid_t effective)
{
    prepare_to_become(effective);
    return real.seteuid(effective);
}

HOOK_EXPORT int setreuid(uid_t user, uid_t effective)
{
    prepare_to_become(effective);
    return real.setreuid(user, effective);
}

HOOK_EXPORT int setresuid(uid_t user, uid_t effective, uid_t saved)
{
    prepare_to_become(effective);
    return real.setresuid(user, effective, saved);
}

HOOK_EXPORT int chroot(const char *path)
{
    prepare();
    return real.chroot(path);
}
