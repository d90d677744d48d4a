/* messages.c: System V's message queues and semaphores, and POSIX' message queues: what they order while accesses are checked.
 *
 *   msgsnd(id), mq_send(fd)   --> what the thread did is sent        msgrcv(id), mq_receive(fd)  <-- is received
 *   semop(id, +n)             --> sent                               semop(id, -n)               <-- received
 *   semop(id, -n)             --> sent to those who wait for zero    semop(id, 0)                <-- received
 *
 * Model:     all semaphores of a set count as one.  They do not count as locks: any thread may raise them.
 */
#include <mqueue.h>
#include <sys/msg.h>
#include <sys/sem.h>

#include "preload/intercept/blocking.h"
#include "preload/intercept/io.h"

/* ---- System V: messages ---------------------------------------------------------------------------------------------- */

HOOK_EXPORT int msgsnd(int id, const void *message, size_t size, int flags)
{
    CHECK_LOCKS("msgsnd", (flags & IPC_NOWAIT) == 0);
    if (hook_unlikely(weave_on))
        io_sends_named(CHANNEL_MESSAGES, (unsigned)id, message, sizeof(long) + size, CALLER());
    return real.msgsnd(id, message, size, flags);
}

HOOK_EXPORT ssize_t msgrcv(int id, void *message, size_t size, long type, int flags)
{
    CHECK_LOCKS("msgrcv", (flags & IPC_NOWAIT) == 0);
    ssize_t result = real.msgrcv(id, message, size, type, flags);
    if (hook_unlikely(weave_on) && result >= 0)
        io_received_named(CHANNEL_MESSAGES, (unsigned)id, message, sizeof(long) + (size_t)result, CALLER());
    return result;
}

/* ---- System V: semaphores -------------------------------------------------------------------------------------------- */

/* What a call does to some semaphore of its set. */
struct deeds {
    bool raises, lowers, awaits_zero;
};

static struct deeds deeds_of(const struct sembuf *operations, size_t count)
{
    struct deeds deeds = {false, false, false};
    for (size_t i = 0; i < count; i++) {
        deeds.raises |= operations[i].sem_op > 0;
        deeds.lowers |= operations[i].sem_op < 0;
        deeds.awaits_zero |= operations[i].sem_op == 0;
    }
    return deeds;
}

/* Returns: true when one of them may have to wait for another process or thread. */
static bool may_wait(const struct sembuf *operations, size_t count)
{
    bool result = false;
    for (size_t i = 0; i < count; i++)
        result |= operations[i].sem_op <= 0 && (operations[i].sem_flg & IPC_NOWAIT) == 0;
    return result;
}

static void begins(int id, const struct sembuf *operations, size_t count, struct caller caller)
{
    struct deeds deeds = deeds_of(operations, count);
    access_note(operations, count * sizeof *operations, 0, caller);
    if (deeds.raises)
        io_sends_named(CHANNEL_SEMAPHORES, (unsigned)id, NULL, 0, caller);
    if (deeds.lowers)
        io_sends_named(CHANNEL_SEMAPHORES_AT_ZERO, (unsigned)id, NULL, 0, caller);
}

static void ended(int id, const struct sembuf *operations, size_t count, struct caller caller)
{
    struct deeds deeds = deeds_of(operations, count);
    if (deeds.lowers)
        io_received_named(CHANNEL_SEMAPHORES, (unsigned)id, NULL, 0, caller);
    if (deeds.awaits_zero)
        io_received_named(CHANNEL_SEMAPHORES_AT_ZERO, (unsigned)id, NULL, 0, caller);
}

HOOK_EXPORT int semop(int id, struct sembuf *operations, size_t count)
{
    CHECK_LOCKS("semop", may_wait(operations, count));
    if (hook_unlikely(weave_on))
        begins(id, operations, count, CALLER());
    int result = real.semop(id, operations, count);
    if (hook_unlikely(weave_on) && result == 0)
        ended(id, operations, count, CALLER());
    return result;
}

HOOK_EXPORT int semtimedop(int id, struct sembuf *operations, size_t count, const struct timespec *timeout)
{
    CHECK_LOCKS("semtimedop", may_wait(operations, count));
    if (hook_unlikely(weave_on))
        begins(id, operations, count, CALLER());
    int result = real.semtimedop(id, operations, count, timeout);
    if (hook_unlikely(weave_on) && result == 0)
        ended(id, operations, count, CALLER());
    return result;
}

/* Under a C name of its own: it is variadic there, and takes one word more at most. */
HOOK_EXPORT int hook_semctl(int id, int number, int command, long argument) __asm__("semctl");

/* A value that is set raises or lowers; one that was looked at may have told of that. */
int hook_semctl(int id, int number, int command, long argument)
{
    if (hook_unlikely(weave_on)) {
        io_sends_named(CHANNEL_SEMAPHORES, (unsigned)id, NULL, 0, CALLER());
        io_sends_named(CHANNEL_SEMAPHORES_AT_ZERO, (unsigned)id, NULL, 0, CALLER());
    }
    int result = real.semctl(id, number, command, argument);
    if (hook_unlikely(weave_on) && result >= 0) {
        io_received_named(CHANNEL_SEMAPHORES, (unsigned)id, NULL, 0, CALLER());
        io_received_named(CHANNEL_SEMAPHORES_AT_ZERO, (unsigned)id, NULL, 0, CALLER());
    }
    return result;
}

/* ---- POSIX: messages, which go through a descriptor ------------------------------------------------------------------- */

HOOK_EXPORT int mq_send(mqd_t queue, const char *message, size_t size, unsigned priority)
{
    CHECK_LOCKS("mq_send", true);
    if (hook_unlikely(weave_on)) {
        io_sends(queue, message, size, CALLER());
        io_sets_timer(CALLER()); /* it may be what mq_notify() waits for */
    }
    return real.mq_send(queue, message, size, priority);
}

HOOK_EXPORT int mq_timedsend(mqd_t queue, const char *message, size_t size, unsigned priority,
                             const struct timespec *deadline)
{
    CHECK_LOCKS("mq_timedsend", true);
    if (hook_unlikely(weave_on)) {
        io_sends(queue, message, size, CALLER());
        io_sets_timer(CALLER()); /* it may be what mq_notify() waits for */
    }
    return real.mq_timedsend(queue, message, size, priority, deadline);
}

HOOK_EXPORT ssize_t mq_receive(mqd_t queue, char *message, size_t size, unsigned *priority)
{
    CHECK_LOCKS("mq_receive", true);
    IO_USES(queue);
    ssize_t result = real.mq_receive(queue, message, size, priority);
    if (hook_unlikely(weave_on) && result >= 0)
        io_received(queue, message, (size_t)result, CALLER());
    return result;
}

HOOK_EXPORT ssize_t mq_timedreceive(mqd_t queue, char *restrict message, size_t size, unsigned *restrict priority,
                                    const struct timespec *restrict deadline)
{
    CHECK_LOCKS("mq_timedreceive", true);
    IO_USES(queue);
    ssize_t result = real.mq_timedreceive(queue, message, size, priority, deadline);
    if (hook_unlikely(weave_on) && result >= 0)
        io_received(queue, message, (size_t)result, CALLER());
    return result;
}
