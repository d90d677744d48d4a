#include "cli/preflight.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/exits.h"

#define SCRIPT_DEPTH  5
#define SEGMENTS_READ 256

/* ---- finding it ------------------------------------------------------------------------------------------------- */

/* Returns: 0, or why `path` cannot be executed. */
static int why_not_executable(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return errno;
    if (S_ISDIR(st.st_mode))
        return EISDIR;
    return access(path, X_OK) == 0 ? 0 : EACCES;
}

const char *preflight_find(struct pool *pool, const char *name, int *status)
{
    const char *path = getenv("PATH");
    bool was_seen = false;
    *status = EXIT_NOT_FOUND;
    if (strchr(name, '/') || !*name) {
        int why = *name ? why_not_executable(name) : ENOENT;
        if (why != 0 && why != ENOENT && why != ENOTDIR)
            *status = EXIT_CANNOT_EXECUTE;
        errno = why;
        return why == 0 ? pool_string(pool, name) : NULL;
    }
    if (!path)
        path = "/bin:/usr/bin";
    for (;;) {
        size_t length = strcspn(path, ":");
        const char *candidate =
            length ? pool_format(pool, "%.*s/%s", (int)length, path, name) : pool_format(pool, "./%s", name);
        int why = why_not_executable(candidate);
        if (why == 0)
            return candidate;
        was_seen |= why == EACCES;
        if (!path[length])
            break;
        path += length + 1;
    }
    *status = was_seen ? EXIT_CANNOT_EXECUTE : EXIT_NOT_FOUND;
    errno = was_seen ? EACCES : ENOENT;
    return NULL;
}

/* ---- looking at it ---------------------------------------------------------------------------------------------- */

static const char *check_privileges(struct pool *pool, const char *path, int fd)
{
    static const char advice[] = "the loader then ignores preloaded libraries: run lockhound as that user, or check a "
                                 "copy without the privilege";
    struct stat st;
    struct statvfs volume;
    if (fstat(fd, &st) != 0 || (fstatvfs(fd, &volume) == 0 && (volume.f_flag & ST_NOSUID)))
        return NULL;
    if ((st.st_mode & S_ISUID) && st.st_uid != geteuid())
        return pool_format(pool, "%s is set-user-ID; %s", path, advice);
    if ((st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) && st.st_gid != getegid())
        return pool_format(pool, "%s is set-group-ID; %s", path, advice);
    if (geteuid() != 0 && fgetxattr(fd, "security.capability", NULL, 0) > 0)
        return pool_format(pool, "%s has file capabilities; %s", path, advice);
    return NULL;
}

static const char *check_header(struct pool *pool, const char *path, const Elf64_Ehdr *header)
{
    if (header->e_ident[EI_CLASS] != ELFCLASS64)
        return pool_format(pool, "%s is a 32-bit program; lockhound checks 64-bit ones: build it without -m32", path);
    if (header->e_machine != EM_X86_64) {
        return pool_format(pool, "%s is for another machine (ELF machine %u); run lockhound where it runs", path,
                           header->e_machine);
    }
    if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
        return pool_format(pool, "%s is no program but an object or a core file", path);
    return NULL;
}

static const char *check_elf(struct pool *pool, const char *path, int fd)
{
    Elf64_Ehdr header;
    Elf64_Phdr segment;
    if (pread(fd, &header, sizeof header, 0) != (ssize_t)sizeof header)
        return pool_format(pool, "%s is cut off after a few bytes", path);
    const char *why = check_header(pool, path, &header);
    if (why)
        return why;
    for (unsigned i = 0; i < header.e_phnum && i < SEGMENTS_READ; i++) {
        off_t at = (off_t)(header.e_phoff + (uint64_t)i * sizeof segment);
        if (pread(fd, &segment, sizeof segment, at) == (ssize_t)sizeof segment && segment.p_type == PT_INTERP)
            return check_privileges(pool, path, fd);
    }
    return pool_format(pool,
                       "%s is statically linked: no library can be preloaded into it; link it dynamically (without "
                       "-static) to check it",
                       path);
}

static const char *check_depth(struct pool *pool, const char *path, int depth);

/* The program that a script's first line names; behind env(1), the one that env will look up. */
static const char *check_script(struct pool *pool, const char *line, const char *path, int depth)
{
    char *words = pool_string(pool, line + 2);
    words[strcspn(words, "\r\n")] = '\0';
    char *rest;
    char *interpreter = strtok_r(words, " \t", &rest);
    if (!interpreter)
        return pool_format(pool, "%s begins with #! and names no interpreter", path);
    const char *why = check_depth(pool, interpreter, depth);
    const char *base = strrchr(interpreter, '/');
    char *argument = strtok_r(NULL, " \t", &rest);
    if (argument && strcmp(argument, "-S") == 0)
        argument = strtok_r(NULL, " \t", &rest);
    if (!why && base && strcmp(base, "/env") == 0 && argument && *argument != '-' && !strchr(argument, '=')) {
        int status;
        const char *meant = preflight_find(pool, argument, &status);
        why = meant ? check_depth(pool, meant, depth) : NULL;
    }
    return why;
}

static const char *check_depth(struct pool *pool, const char *path, int depth)
{
    char start[256] = {0};
    int fd = depth == 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL; /* unreadable: the kernel decides whether it runs */
    const char *why = NULL;
    ssize_t n = pread(fd, start, sizeof start - 1, 0);
    if (n >= 4 && memcmp(start, ELFMAG, SELFMAG) == 0) {
        why = check_elf(pool, path, fd);
    } else if (n >= 2 && start[0] == '#' && start[1] == '!') {
        why = check_script(pool, start, path, depth - 1);
    } else {
        why = pool_format(pool,
                          "%s is neither an ELF program nor a script with #!; name its interpreter: lockhound sh %s",
                          path, path);
    }
    close(fd);
    return why;
}

const char *preflight_check(struct pool *pool, const char *path)
{
    return check_depth(pool, path, SCRIPT_DEPTH);
}
