/* woven_cache.c: where woven images are kept. */
#include "cli/woven_cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weaver/image_check.h"
#include "weaver/image_writer.h"

static const char *below(struct pool *pool, const char *variable, const char *folder)
{
    const char *base = getenv(variable);
    return base && base[0] == '/' ? pool_format(pool, "%s%s/" IMAGE_CACHE_FOLDER, base, folder) : NULL;
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);
    return value && value[0];
}

/* A relative path is no place, as the XDG rules say; LOCKHOUND_CACHE, once set, is the only one asked. */
static const char *find_folder(struct pool *pool)
{
    if (is_set("LOCKHOUND_CACHE"))
        return below(pool, "LOCKHOUND_CACHE", "");
    const char *folder = below(pool, "XDG_CACHE_HOME", "/lockhound");
    return folder ? folder : below(pool, "HOME", "/.cache/lockhound");
}

static bool make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        bool is_made = mkdir(path, 0700) == 0 || errno == EEXIST || errno == EROFS || errno == EACCES;
        *slash = '/';
        if (!is_made)
            return false;
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

static bool is_folder_trusted(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == geteuid() &&
           (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static const char *name_of(struct pool *pool, const struct elf_module *module, bool narrow)
{
    const char *suffix = narrow ? IMAGE_NARROW_SUFFIX : IMAGE_SUFFIX;
    if (!module->build_id_size)
        return pool_format(pool, "%016" PRIx64 "-%" PRIu64 "%s", image_module_hash(module), module->size, suffix);
    char name[2 * IMAGE_BUILD_ID_SIZE + 1];
    for (size_t i = 0; i < module->build_id_size; i++)
        snprintf(name + 2 * i, 3, "%02x", module->build_id[i]);
    return pool_format(pool, "%s%s", name, suffix);
}

/* Returns: false when the folder cannot be made or written. */
static bool is_writable(struct pool *pool, const char *folder)
{
    return make_folders(pool_string(pool, folder)) && access(folder, W_OK | X_OK) == 0;
}

static bool check_trusted(const char *folder)
{
    bool is_trusted = is_folder_trusted(folder);
    if (!is_trusted)
        fprintf(stderr, "lockhound: %s must be a folder that belongs to you and that nobody else may write\n", folder);
    return is_trusted;
}

/* Returns: the folder below one that is the user's own, for others may write where that lies; or NULL after a complaint. */
static const char *spare_folder(struct pool *pool)
{
    const char *own = pool_format(pool, IMAGE_SPARE_FOLDER "%u", (unsigned)geteuid());
    if (mkdir(own, 0700) != 0 && errno != EEXIST) {
        fprintf(stderr, "lockhound: cannot make the folder %s: %s\n", own, strerror(errno));
        return NULL;
    }
    return check_trusted(own) ? pool_format(pool, "%s/" IMAGE_CACHE_FOLDER, own) : NULL;
}

/* Returns: the folder, made; or NULL after a complaint. */
static const char *make_folder(struct pool *pool, const char *wanted)
{
    bool may_spare = !is_set("LOCKHOUND_CACHE");
    const char *folder = may_spare && (!wanted || !is_writable(pool, wanted)) ? spare_folder(pool) : wanted;
    if (!folder) {
        if (!may_spare)
            fputs("lockhound: LOCKHOUND_CACHE must be the absolute path of a folder\n", stderr);
        return NULL;
    }
    if (!is_writable(pool, folder)) {
        fprintf(stderr, "lockhound: cannot make the folder %s: %s\n", folder, strerror(errno));
        return NULL;
    }
    return check_trusted(folder) ? folder : NULL;
}

const char *woven_cache_path(struct pool *pool, const struct elf_module *module, bool narrow, bool wants_folder)
{
    const char *folder = find_folder(pool);
    if (wants_folder)
        folder = make_folder(pool, folder);
    else if (!folder)
        fputs("lockhound: no place for woven images: set LOCKHOUND_CACHE to the absolute path of a folder\n", stderr);
    return folder ? pool_format(pool, "%s/%s", folder, name_of(pool, module, narrow)) : NULL;
}

static bool is_of_module(const struct image_header *header, const struct elf_module *module)
{
    if (header->build_id_size != module->build_id_size)
        return false;
    if (module->build_id_size)
        return memcmp(header->build_id, module->build_id, module->build_id_size) == 0;
    return header->module_size == module->size && header->module_hash == image_module_hash(module);
}

static const char *map_file(struct woven_file *file, int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size < (off_t)sizeof *file->header)
        return "is no woven image";
    if ((status.st_uid != geteuid() && status.st_uid != 0) || (status.st_mode & (S_IWGRP | S_IWOTH)))
        return "belongs to someone else or may be written by others";
    file->size = (size_t)status.st_size;
    void *bytes = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0);
    file->header = bytes == MAP_FAILED ? NULL : bytes;
    return bytes == MAP_FAILED ? "cannot be mapped" : NULL;
}

const char *woven_file_open(struct woven_file *file, const char *path, const struct elf_module *module, bool narrow)
{
    *file = (struct woven_file){NULL, 0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return errno == ENOENT ? "does not exist" : "cannot be opened";
    const char *wrong = map_file(file, fd);
    if (!wrong)
        wrong = image_check(file->header, file->size);
    if (!wrong)
        image_seal_file(fd, file->header); /* it may have been copied here */
    close(fd);
    if (!wrong && narrow != ((file->header->flags & IMAGE_NARROW) != 0))
        wrong = narrow ? "is not a narrow one" : "is a narrow one";
    if (!wrong && !is_of_module(file->header, module))
        wrong = "is of another module";
    if (wrong)
        woven_file_close(file);
    return wrong;
}

void woven_file_close(struct woven_file *file)
{
    if (file->header)
        munmap((void *)(uintptr_t)file->header, file->size);
    *file = (struct woven_file){NULL, 0};
}
