#include "preload/intercept/touches.h"

enum { TEMPLATE_LETTERS = 6 };

void touches_text(const char *string, uint32_t flags, struct caller caller)
{
    if (access_is_far(string, caller))
        access_note(string, real.strlen(string) + 1, flags, caller);
}

/* Errors that tell of what a path leads to, for which the kernel had to have it.
 * Source: Linux, getname() in fs/namei.c: first of all in each call, but for flags that are wrong (EINVAL). */
bool touches_path_was_read(bool is_done)
{
    return is_done || errno == ENOENT || errno == ENOTDIR || errno == EEXIST || errno == EISDIR || errno == EACCES;
}

void touches_path(const char *path, bool was_read, struct caller caller)
{
    if (was_read)
        touches_text(path, 0, caller);
}

void touches_address(const struct sockaddr *address, const socklen_t *size, struct caller caller)
{
    if (address == NULL || size == NULL)
        return;
    access_note_far(size, sizeof *size, RACE_WRITE, caller);
    size_t filled = *size;
    access_note_far(address, filled < sizeof(struct sockaddr_storage) ? filled : sizeof(struct sockaddr_storage),
                    RACE_WRITE, caller);
}

void touches_template(const char *path, size_t suffix, struct caller caller)
{
    if (access_is_far(path, caller))
        access_note(path + real.strlen(path) - suffix - TEMPLATE_LETTERS, TEMPLATE_LETTERS, RACE_WRITE, caller);
}

void touches_parts(const struct iovec *parts, size_t count, size_t size, uint32_t flags, struct caller caller)
{
    for (size_t i = 0; i < count && size > 0; i++) {
        size_t touched = parts[i].iov_len < size ? parts[i].iov_len : size;
        access_note_far(parts[i].iov_base, touched, flags, caller);
        size -= touched;
    }
}

/* ---- entries --------------------------------------------------------------------------------------------------------- */

/* What is not in the room that was given is a constant of the service's: one for all threads. */
static bool is_in(struct room room, const void *memory)
{
    return (uintptr_t)memory - (uintptr_t)room.begin < room.size;
}

static void write_text(struct room room, const char *string, struct caller caller)
{
    if (is_in(room, string))
        WRITES_TEXT(string);
}

void touches_user(struct passwd *const *found, struct room room, struct caller caller)
{
    WRITES(found, sizeof *found);
    const struct passwd *entry = *found;
    if (entry == NULL)
        return;
    WRITES(entry, sizeof *entry);
    write_text(room, entry->pw_name, caller);
    write_text(room, entry->pw_passwd, caller);
    write_text(room, entry->pw_gecos, caller);
    write_text(room, entry->pw_dir, caller);
    write_text(room, entry->pw_shell, caller);
}

void touches_group(struct group *const *found, struct room room, struct caller caller)
{
    WRITES(found, sizeof *found);
    const struct group *entry = *found;
    if (entry == NULL)
        return;
    WRITES(entry, sizeof *entry);
    write_text(room, entry->gr_name, caller);
    write_text(room, entry->gr_passwd, caller);
    for (char **member = entry->gr_mem; is_in(room, member); member++) {
        WRITES(member, sizeof *member);
        if (*member == NULL)
            break;
        write_text(room, *member, caller);
    }
}
