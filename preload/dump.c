#include "preload/dump.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "preload/deferral.h"
#include "preload/lockhound.h"
#include "preload/ranks.h"
#include "preload/raw.h"
#include "preload/real.h"
#include "preload/self.h"
#include "preload/sink.h"

#define WAIT_FOR_CLONES 0x80000000u /* __WCLONE, which the headers give with other names of the kernel's */

bool dump_is_wanted(void)
{
    return lockhound.options.dump_signal[0] != '\0';
}

/* The child of clone(): no thread but this one exists, and the ranks are as they were. */
static _Noreturn void draw_and_leave(void)
{
    ranks_reset_in_child();
    struct self *self = self_current;
    if ((uintptr_t)self > (uintptr_t)SELF_GONE)
        self->inside = true;
    sink_live_state();
    for (;;)
        raw_syscall(SYS_exit_group, 0, 0, 0, 0, 0, 0);
}

static void on_dump_signal(int number)
{
    (void)number;
    struct self *self = self_current;
    /* Inside of a hook this thread may hold a rank; elsewhere the others are waited for, and the copy is whole. */
    bool is_outside = (uintptr_t)self > (uintptr_t)SELF_GONE && !self->inside && !deferral_is_in_region();
    if (is_outside) {
        self->inside = true;
        ranks_take_all();
    }
    long child = raw_syscall(SYS_clone, 0, 0, 0, 0, 0, 0);
    if (child == 0)
        draw_and_leave();
    if (is_outside) {
        ranks_release_all();
        self->inside = false;
    }
    while (child > 0 && raw_syscall(SYS_wait4, child, 0, (long)WAIT_FOR_CLONES, 0, 0, 0) == -EINTR)
        continue;
}

/* "QUIT", "SIGQUIT", "3".  Returns: 0 for anything else. */
static int signal_number(const char *name)
{
    if (strncmp(name, "SIG", 3) == 0)
        name += 3;
    for (int number = 1; number < NSIG; number++) {
        const char *known = sigabbrev_np(number);
        if (known != NULL && strcmp(known, name) == 0)
            return number;
    }
    int number = 0;
    for (; *name >= '0' && *name <= '9' && number < NSIG; name++)
        number = 10 * number + (*name - '0');
    return *name == '\0' && number < NSIG ? number : 0;
}

void dump_init(void)
{
    const char *name = lockhound.options.dump_signal;
    if (!dump_is_wanted())
        return;
    int number = signal_number(name);
    struct sigaction action = {.sa_handler = on_dump_signal, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    if (number == 0 || real.sigaction(number, &action, NULL) != 0)
        sink_complain("is no signal that dump-signal can have; ignored", name, strlen(name));
}
