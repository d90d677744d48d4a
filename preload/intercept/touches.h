/* touches.h: the words by which tables and hooks say what a call has read and written of its caller's memory.
 *
 *   HOOK_TOUCHES(int, statfs, ..., (path, status), (void)0, READS_PATH(outcome == 0, path); ...)
 *                                                     \-- behind libc's own: what it got, and what it has filled in
 *
 * Model:     a text is looked for its end only when the call itself has got to it, which a path that the kernel has been given
 *            may be too bad for: see READS_PATH().  What has a size is noted without being looked at.
 * Left out:  room in the caller's own frame or a little above it, as in access_note_far().
 *
 * All need a variable `caller`; errno stays as it was.  Context of all: signal.
 */
#ifndef LOCKHOUND_PRELOAD_INTERCEPT_TOUCHES_H
#define LOCKHOUND_PRELOAD_INTERCEPT_TOUCHES_H

#include <grp.h>
#include <pwd.h>
#include <sys/uio.h>

#include "preload/intercept/io.h"

#define READS(memory, size)  access_note_far((memory), (size), 0, caller)
#define WRITES(memory, size) access_note_far((memory), (size), RACE_WRITE, caller)

/* With their ends; a string is NULL where the program gave none. */
#define READS_TEXT(string)  touches_text((string), 0, caller)
#define WRITES_TEXT(string) touches_text((string), RACE_WRITE, caller)

/* A path that the kernel has been given: it was read when the call was done, or failed for what the path names.  Of two the second
 * is certain only when the first was found. */
#define READS_PATH(is_done, path)          touches_path((path), touches_path_was_read(is_done), caller)
#define READS_SECOND_PATH(is_done, second) touches_path((second), (is_done) || errno == EEXIST, caller)

/* An address that came from the kernel, and its size. */
#define WRITES_ADDRESS(address, size) touches_address((address), (size), caller)

#define USES(fd) io_uses((fd), caller)

void touches_text(const char *string, uint32_t flags, struct caller caller);
bool touches_path_was_read(bool is_done);
void touches_path(const char *path, bool was_read, struct caller caller);
void touches_address(const struct sockaddr *address, const socklen_t *size, struct caller caller);
/* The six letters of mkstemp() and its like, before a suffix. */
void touches_template(const char *path, size_t suffix, struct caller caller);
/* `size` bytes over all parts. */
void touches_parts(const struct iovec *parts, size_t count, size_t size, uint32_t flags, struct caller caller);

struct room {
    const char *begin;
    size_t size;
};
/* `found` of getpwnam_r() and its like, and what it leads to: the entry, and its texts as far as they are in the room. */
void touches_user(struct passwd *const *found, struct room room, struct caller caller);
void touches_group(struct group *const *found, struct room room, struct caller caller);

/* What libc's own is surrounded by while accesses are checked; `before` may declare what `after` needs.  Under a C name of its own,
 * for headers define some inline. */
#define DEFINE_TOUCHING(result, name, parameters, arguments, before, after)                                            \
    HOOK_EXPORT result touches_of_##name parameters __asm__(#name);                                                    \
    result touches_of_##name parameters                                                                                \
    {                                                                                                                  \
        if (hook_likely(!weave_on))                                                                                    \
            return real.name arguments;                                                                                \
        struct caller caller = CALLER();                                                                               \
        before;                                                                                                        \
        result outcome = real.name arguments;                                                                          \
        after;                                                                                                         \
        return outcome;                                                                                                \
    }

#endif
