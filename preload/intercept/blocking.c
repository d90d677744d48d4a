/* blocking.c: calls that may last, for the opt-in check of locks held across them; see blocking.h. */
#include "preload/intercept/blocking.h"

#include "preload/intercept/ends.h"
#include "preload/intercept/touches.h"

void blocking_check(const char *name, uintptr_t pc, uintptr_t sp)
{
    int saved = errno;
    struct self *self = hook_enter();
    if (self != NULL) {
        if (thread_holds_any(self->thread))
            emit_blocking_call(self, name, stack_cache_take(&self->stacks, pc, sp));
        hook_leave(self);
    }
    errno = saved;
}

HOOK_EXPORT unsigned sleep(unsigned seconds)
{
    CHECK_LOCKS("sleep", true);
    return real.sleep(seconds);
}

HOOK_EXPORT int usleep(useconds_t us)
{
    CHECK_LOCKS("usleep", true);
    return real.usleep(us);
}

#define SLEEPS(time)                                                                                                   \
    do {                                                                                                               \
        if (hook_unlikely(weave_on))                                                                                   \
            access_note_far((time), sizeof *(time), 0, CALLER());                                                      \
    } while (0)

HOOK_EXPORT int nanosleep(const struct timespec *time, struct timespec *left)
{
    CHECK_LOCKS("nanosleep", true);
    SLEEPS(time);
    int result = real.nanosleep(time, left);
    if (hook_unlikely(weave_on) && result != 0 && errno == EINTR)
        access_note_far(left, sizeof *left, RACE_WRITE, CALLER());
    return result;
}

HOOK_EXPORT int clock_nanosleep(clockid_t clock, int flags, const struct timespec *time, struct timespec *left)
{
    CHECK_LOCKS("clock_nanosleep", true);
    SLEEPS(time);
    int error = real.clock_nanosleep(clock, flags, time, left);
    if (hook_unlikely(weave_on) && error == EINTR && (flags & TIMER_ABSTIME) == 0)
        access_note_far(left, sizeof *left, RACE_WRITE, CALLER());
    return error;
}

HOOK_EXPORT int poll(struct pollfd *fds, nfds_t count, int timeout)
{
    CHECK_LOCKS("poll", timeout != 0);
    if (hook_unlikely(weave_on))
        io_polls(fds, count, CALLER());
    bool is_told = timeout < 0 && count == 1 && ENDS_LOOKED_AT() && ends_begin(ends_of_descriptor(fds[0].fd), CALLER());
    int result = real.poll(fds, count, timeout);
    if (hook_unlikely(is_told))
        ends_over();
    if (hook_unlikely(weave_on) && result >= 0)
        io_polled(fds, count, CALLER());
    return result;
}

HOOK_EXPORT int select(int count, fd_set *restrict in, fd_set *restrict out, fd_set *restrict err,
                       struct timeval *restrict timeout)
{
    CHECK_LOCKS("select", timeout == NULL || timeout->tv_sec != 0 || timeout->tv_usec != 0);
    fd_set *const sets[] = {in, out, err};
    if (hook_unlikely(weave_on))
        io_selects(count, sets, CALLER());
    int result = real.select(count, in, out, err, timeout);
    if (hook_unlikely(weave_on) && result >= 0)
        io_selected(count, sets, CALLER());
    return result;
}

HOOK_EXPORT int epoll_wait(int epoll, struct epoll_event *events, int count, int timeout)
{
    CHECK_LOCKS("epoll_wait", timeout != 0);
    IO_USES(epoll);
    int result = real.epoll_wait(epoll, events, count, timeout);
    if (hook_unlikely(weave_on) && result > 0)
        io_received(epoll, events, (size_t)result * sizeof *events, CALLER());
    return result;
}

static void accepted(int listener, int fd, const struct sockaddr *address, const socklen_t *length,
                     struct caller caller)
{
    io_received(listener, NULL, 0, caller);
    WRITES_ADDRESS(address, length);
    io_opened(fd, caller);
}

HOOK_EXPORT int accept(int fd, struct sockaddr *restrict address, socklen_t *restrict length)
{
    CHECK_LOCKS("accept", true);
    IO_USES(fd);
    int result = real.accept(fd, address, length);
    if (hook_unlikely(weave_on) && result >= 0)
        accepted(fd, result, address, length, CALLER());
    return result;
}

HOOK_EXPORT int accept4(int fd, struct sockaddr *restrict address, socklen_t *restrict length, int flags)
{
    CHECK_LOCKS("accept4", true);
    IO_USES(fd);
    int result = real.accept4(fd, address, length, flags);
    if (hook_unlikely(weave_on) && result >= 0)
        accepted(fd, result, address, length, CALLER());
    return result;
}

HOOK_EXPORT int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    CHECK_LOCKS("connect", true);
    if (hook_unlikely(weave_on))
        io_sends(fd, address, address != NULL ? length : 0, CALLER());
    return real.connect(fd, address, length);
}

HOOK_EXPORT ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    CHECK_LOCKS("recv", (flags & MSG_DONTWAIT) == 0);
    IO_USES(fd);
    ssize_t result = real.recv(fd, buffer, size, flags);
    if (hook_unlikely(weave_on) && result >= 0)
        io_received(fd, buffer, (size_t)result < size ? (size_t)result : size, CALLER());
    return result;
}

HOOK_EXPORT ssize_t read(int fd, void *buffer, size_t size)
{
    CHECK_LOCKS("read", true);
    IO_USES(fd);
    ssize_t result = real.read(fd, buffer, size);
    if (hook_unlikely(weave_on) && result >= 0)
        io_received(fd, buffer, (size_t)result, CALLER());
    return result;
}

HOOK_EXPORT int fsync(int fd)
{
    CHECK_LOCKS("fsync", true);
    IO_USES(fd);
    return real.fsync(fd);
}

HOOK_EXPORT int system(const char *command)
{
    CHECK_LOCKS("system", command != NULL);
    int result = real.system(command);
    if (hook_unlikely(weave_on) && result == 0) /* else there may have been nothing to read */
        touches_text(command, 0, CALLER());
    return result;
}
