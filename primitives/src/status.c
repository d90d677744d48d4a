#include <lhp/status.h>

static const char *const texts[] = {
    [LHP_OK] = "success",
    [LHP_TIMEOUT] = "timed out",
    [LHP_NOT_HELD] = "the lock is not held",
    [LHP_NOT_OWNER] = "the caller does not own the lock",
    [LHP_OVER_BOUND] = "released more often than allowed",
    [LHP_DEADLOCK] = "the caller would wait for itself",
    [LHP_BROKEN] = "broken by another participant",
    [LHP_EMPTY] = "the queue is empty",
    [LHP_FULL] = "the queue is full",
    [LHP_SHUT_DOWN] = "shut down",
    [LHP_CANCELLED] = "cancelled",
    [LHP_FAILED] = "the function failed",
    [LHP_BAD_STATE] = "not possible in this state",
    [LHP_INVALID] = "invalid argument",
    [LHP_NO_MEMORY] = "out of memory",
    [LHP_SYSTEM] = "refused by the system",
    [LHP_OWNER_DIED] = "the previous holder died",
    [LHP_WORKER_DIED] = "the worker process died",
    [LHP_EOF] = "the other end is closed",
    [LHP_TOO_LONG] = "the message is too long",
    [LHP_STOPPED] = "the generator has returned",
    [LHP_CLOSED] = "the generator is being closed",
};

const char *lhp_status_text(enum lhp_status status)
{
    if ((size_t)status >= sizeof(texts) / sizeof(texts[0]))
        return "unknown status";
    return texts[status];
}
