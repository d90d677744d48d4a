/* files.c PATH KIND bug|ok: two processes lock two files, in "bug" in opposite orders; see pair.h.
 *
 *   flock, setlkw, ofd, lockf    two files                 ranges   two ranges of one file
 *   closed                       in opposite orders, but the first file is closed, and so released, before the second
 */
#include <fcntl.h>
#include <sys/file.h>

#include "pair.h"

static const char *kind, *plan;
static char paths[2][512];

static bool is_kind(const char *name)
{
    return strcmp(kind, name) == 0;
}

static void set_range(int fd, int command, short type, int start)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = 8};
    check(fcntl(fd, command, &lock) == 0, "fcntl");
}

__attribute__((noinline)) static void take(int fd, int number)
{
    if (is_kind("flock") || is_kind("closed"))
        check(flock(fd, LOCK_EX) == 0, "flock");
    else if (is_kind("lockf"))
        check(lockf(fd, F_LOCK, 0) == 0, "lockf");
    else if (is_kind("ofd"))
        set_range(fd, F_OFD_SETLKW, F_WRLCK, 0);
    else
        set_range(fd, F_SETLKW, F_WRLCK, is_kind("ranges") ? 8 * number : 0);
}

static void give(int fd, int number)
{
    if (is_kind("flock"))
        check(flock(fd, LOCK_UN) == 0, "flock");
    else if (is_kind("lockf"))
        check(lockf(fd, F_ULOCK, 0) == 0, "lockf");
    else if (is_kind("ofd"))
        set_range(fd, F_OFD_SETLK, F_UNLCK, 0);
    else
        set_range(fd, F_SETLK, F_UNLCK, is_kind("ranges") ? 8 * number : 0);
}

static int open_file(int number)
{
    int fd = open(paths[is_kind("ranges") ? 0 : number], O_RDWR | O_CREAT, 0600);
    check(fd >= 0, "open");
    return fd;
}

static void side(int number)
{
    int outer = number == 1 && strcmp(plan, "bug") == 0, inner = 1 - outer;
    int outer_file = open_file(outer), inner_file = open_file(inner);
    take(outer_file, outer);
    if (is_kind("closed")) {
        close(outer_file);
        take(inner_file, inner);
        close(inner_file);
        return;
    }
    take(inner_file, inner);
    give(inner_file, inner);
    give(outer_file, outer);
}

int main(int argc, char **argv)
{
    check(argc == 4, "arguments");
    kind = argv[2];
    plan = argv[3];
    for (int number = 0; number < 2; number++)
        snprintf(paths[number], sizeof paths[number], "%s.%d", argv[1], number);
    run_both(side, false);
    for (int number = 0; number < 2; number++)
        unlink(paths[number]);
    return 0;
}
