#include "preload/weave/image_map.h"

#include <elf.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "preload/digits.h"
#include "preload/environment.h"
#include "preload/page.h"
#include "preload/raw.h"
#include "preload/weave/far_memory.h"
#include "weaver/image_check.h"
#include "weaver/image_hash.h"

enum { NAME_SIZE = 2 * IMAGE_BUILD_ID_SIZE + 64 };

/* Units: bytes. */
#define SEARCH_STEP  ((intptr_t)4 << 20)
#define LOWEST       ((intptr_t)0x100000)
#define LARGEST_FILE ((int64_t)1 << 31)

/* The folder with the images, absolute; "" when the environment names no place for one. */
static char cache[PATH_MAX];
static bool cache_is_only; /* LOCKHOUND_CACHE names it: no spare folder */

/* ---- the cache ------------------------------------------------------------------------------------------------------ */

static bool set_cache(const char *base, const char *below)
{
    static const char folder[] = "/" IMAGE_CACHE_FOLDER;
    if (base[0] != '/' || strlen(base) + strlen(below) + sizeof folder > sizeof cache)
        return false;
    stpcpy(stpcpy(stpcpy(cache, base), below), folder);
    return true;
}

void image_cache_init(char **envp)
{
    const char *own = environment_value(envp, "LOCKHOUND_CACHE");
    cache_is_only = own[0] != '\0';
    if (cache_is_only)
        set_cache(own, "");
    else if (!set_cache(environment_value(envp, "XDG_CACHE_HOME"), "/lockhound"))
        set_cache(environment_value(envp, "HOME"), "/.cache/lockhound");
}

/* ---- a module's identity -------------------------------------------------------------------------------------------- */

static uint64_t hash_code(const struct module *module)
{
    uint64_t hash = IMAGE_HASH_START;
    for (unsigned i = 0; i < module->phdr_count; i++) {
        const ElfW(Phdr) *segment = &module->phdr[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0)
            hash = image_hash(hash, (const void *)(module->bias + segment->p_vaddr), segment->p_filesz);
    }
    return hash;
}

static uint64_t size_of_file(const char *path)
{
    struct stat status;
    return raw_syscall(SYS_newfstatat, AT_FDCWD, (long)path, (long)&status, 0, 0, 0) == 0 ? (uint64_t)status.st_size
                                                                                          : 0;
}

static void write_name(char name[NAME_SIZE], const struct woven_image *image)
{
    const struct module *module = image->module;
    char *at = name;
    if (module->build_id_size > 0) {
        at = digits_write_bytes(at, module->build_id, module->build_id_size);
    } else {
        uint64_t hash = __builtin_bswap64(image->code_hash);
        at = digits_write_bytes(at, (const uint8_t *)&hash, sizeof hash);
        *at++ = '-';
        at = digits_write(at, size_of_file(module->path));
    }
    stpcpy(at, image->is_narrow ? IMAGE_NARROW_SUFFIX : IMAGE_SUFFIX);
}

static bool is_of_module(const struct woven_image *image)
{
    const struct image_header *header = image->header;
    const struct module *module = image->module;
    if (header->build_id_size != module->build_id_size || ((header->flags & IMAGE_NARROW) != 0) != image->is_narrow)
        return false;
    if (module->build_id_size > 0)
        return memcmp(header->build_id, module->build_id, module->build_id_size) == 0;
    return header->module_size == size_of_file(module->path) && header->module_hash == image->code_hash;
}

/* ---- the file ------------------------------------------------------------------------------------------------------- */

static const char *check_owner(const struct stat *status)
{
    if (!S_ISREG(status->st_mode))
        return "its image is no file";
    uid_t user = (uid_t)raw_syscall(SYS_geteuid, 0, 0, 0, 0, 0, 0);
    if ((status->st_uid != user && status->st_uid != 0) || (status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return "its image belongs to someone else or may be written by others";
    if (status->st_size < (int64_t)sizeof(struct image_header) || status->st_size > LARGEST_FILE)
        return "its image is cut off";
    return NULL;
}

static long open_in(const char *folder, const struct woven_image *image)
{
    char path[PATH_MAX + NAME_SIZE + 1];
    char *at = stpcpy(path, folder);
    *at++ = '/';
    write_name(at, image);
    return raw_syscall(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0, 0, 0);
}

/* The spare folder of whoever the process is by now. */
static long open_in_spare(const struct woven_image *image)
{
    char folder[sizeof IMAGE_SPARE_FOLDER + 24 + sizeof IMAGE_CACHE_FOLDER];
    char *at = stpcpy(folder, IMAGE_SPARE_FOLDER);
    at = digits_write(at, (uint32_t)raw_syscall(SYS_geteuid, 0, 0, 0, 0, 0, 0));
    stpcpy(stpcpy(at, "/"), IMAGE_CACHE_FOLDER);
    return open_in(folder, image);
}

static long open_image(const struct woven_image *image)
{
    long fd = cache[0] == '\0' ? -1 : open_in(cache, image);
    return fd < 0 && !cache_is_only ? open_in_spare(image) : fd;
}

static const char *check_content(const struct woven_image *image)
{
    if ((image->is_sealed ? image_check_header : image_check)(image->header, image->size) != NULL)
        return "its image is damaged or of another version";
    return is_of_module(image) ? NULL : "its image is another module's";
}

static const char *map_file(struct woven_image *image, const struct stat *status)
{
    image->size = (size_t)status->st_size;
    long memory = raw_syscall(SYS_mmap, (long)far_memory_hint(image->size), (long)image->size, PROT_READ, MAP_PRIVATE,
                              image->fd, 0);
    if (memory < 0)
        return "its image cannot be mapped";
    image->header = (const struct image_header *)memory;
    image->is_sealed = status->st_mtim.tv_nsec == image_seal(image->header);
    return NULL;
}

const char *image_open(struct woven_image *image)
{
    image->header = NULL;
    image->code = 0;
    image->code_hash = image->module->build_id_size > 0 ? 0 : hash_code(image->module);
    image->fd = open_image(image);
    if (image->fd < 0)
        return "it has no woven image";
    struct stat status = {0};
    raw_syscall(SYS_fstat, image->fd, (long)&status, 0, 0, 0, 0);
    const char *wrong = check_owner(&status);
    if (wrong == NULL)
        wrong = map_file(image, &status);
    if (wrong == NULL)
        wrong = check_content(image);
    if (wrong != NULL)
        image_close(image);
    return wrong;
}

bool image_uses_gs(const struct woven_image *image)
{
    return (image->header->flags & IMAGE_USES_GS) != 0;
}

const char *image_refusal(const struct woven_image *image)
{
    const struct image_header *header = image->header;
    if ((header->flags & IMAGE_REFUSED) != 0) {
        const struct image_left *left = image_table(image, &header->left);
        const char *strings = image_table(image, &header->strings);
        return header->left.count > 0 ? strings + left->reason : "the weaver refuses it";
    }
    return (header->flags & IMAGE_EMPTY) != 0 || header->entries.count == 0 ? "nothing in it needs weaving" : NULL;
}

/* ---- the code ------------------------------------------------------------------------------------------------------- */

static bool take_place(intptr_t address, size_t size)
{
    long got = raw_syscall(SYS_mmap, address, (long)size, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == address)
        return true;
    if (got > 0) /* before Linux 4.17 the address is but a hint */
        raw_syscall(SYS_munmap, got, (long)size, 0, 0, 0, 0);
    return false;
}

static bool is_in_reach(const struct module *module, intptr_t at, intptr_t size)
{
    return at >= LOWEST && at > (intptr_t)module->high - IMAGE_REACH && at + size < (intptr_t)module->low + IMAGE_REACH;
}

/* From `at` downwards.  Returns: the place, or 0. */
static intptr_t search_below(const struct module *module, intptr_t at, intptr_t size)
{
    for (; is_in_reach(module, at, size); at -= SEARCH_STEP)
        if (take_place(at, (size_t)size))
            return at;
    return 0;
}

/* Returns: memory from which the whole module can be reached, and the other way round; or 0. */
static uintptr_t find_place(const struct module *module, intptr_t size)
{
    static intptr_t last; /* above it there is little room left */
    intptr_t low = (intptr_t)page_of(module->low);
    intptr_t found = last < low ? search_below(module, last - size, size) : 0;
    if (found == 0)
        found = search_below(module, low - SEARCH_STEP - size, size);
    if (found != 0) {
        last = found;
        return (uintptr_t)found;
    }
    for (intptr_t at = (low + IMAGE_REACH - size - PAGE_SIZE) & -PAGE_SIZE; at > (intptr_t)module->high;
         at -= SEARCH_STEP)
        if (take_place(at, (size_t)size))
            return (uintptr_t)at;
    return 0;
}

/* The code is not at home. */
static void apply_fixups(const struct woven_image *image)
{
    /* modulo 2^32: all is within reach */
    uint32_t difference = (uint32_t)(image->module->bias + (uintptr_t)image->header->home - image->code);
    const uint32_t *offsets = image_table(image, &image->header->fixups);
    for (uint64_t i = 0; i < image->header->fixups.count; i++) {
        char *at = (char *)image->code + offsets[i];
        uint32_t displacement;
        memcpy(&displacement, at, sizeof displacement);
        displacement += difference;
        memcpy(at, &displacement, sizeof displacement);
    }
}

/* Returns: units of bytes, whole pages. */
static long code_mapping_size(const struct woven_image *image)
{
    return (long)page_round_up(image->header->code_size);
}

static void close_file(struct woven_image *image)
{
    if (image->fd >= 0)
        raw_syscall(SYS_close, image->fd, 0, 0, 0, 0, 0);
    image->fd = -1;
}

static void unmap_code(struct woven_image *image)
{
    if (image->code != 0)
        raw_syscall(SYS_munmap, (long)image->code, code_mapping_size(image), 0, 0, 0, 0);
    image->code = 0;
}

/* Maps the code's pages from the file, or copies them: a file system may allow no code in its files.
 * Returns: true when it may be run. */
static bool place_code(struct woven_image *image, bool copies)
{
    long size = code_mapping_size(image);
    /* Nearly every page has a fixup: to take them all at once spares a fault for each. */
    int flags = MAP_PRIVATE | MAP_FIXED | MAP_POPULATE | (copies ? MAP_ANONYMOUS : 0);
    long mapped = raw_syscall(SYS_mmap, (long)image->code, size, PROT_READ | PROT_WRITE, flags, copies ? -1 : image->fd,
                              copies ? 0 : (long)image->header->code_offset);
    if (mapped != (long)image->code)
        return false;
    if (copies)
        memcpy((void *)image->code, (const char *)image->header + image->header->code_offset, image->header->code_size);
    apply_fixups(image);
    return raw_syscall(SYS_mprotect, mapped, size, PROT_READ | PROT_EXEC, 0, 0, 0) == 0;
}

/* Returns: true when the home was free and the file system allows code in its files. */
static bool map_at_home(struct woven_image *image)
{
    const struct image_header *header = image->header;
    long home = (long)(image->module->bias + (uintptr_t)header->home), size = code_mapping_size(image);
    if (image->fd < 0 || header->home == 0 || !is_in_reach(image->module, home, size))
        return false;
    long got = raw_syscall(SYS_mmap, home, size, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED_NOREPLACE, image->fd,
                           (long)header->code_offset);
    if (got == home)
        image->code = (uintptr_t)home;
    else if (got > 0) /* before Linux 4.17 the address is but a hint */
        raw_syscall(SYS_munmap, got, size, 0, 0, 0, 0);
    return got == home;
}

static const char *map_elsewhere(struct woven_image *image)
{
    image->code = find_place(image->module, code_mapping_size(image));
    if (image->code == 0)
        return "no memory within 2 GiB of it is free";
    if ((image->fd >= 0 && place_code(image, false)) || place_code(image, true))
        return NULL;
    unmap_code(image);
    return "the system allows no code to be made";
}

void image_keep(struct woven_image *image)
{
    close_file(image);
}

const char *image_map_code(struct woven_image *image)
{
    const char *wrong = map_at_home(image) ? NULL : map_elsewhere(image);
    close_file(image);
    return wrong;
}

void image_settle(const struct woven_image *image)
{
    raw_syscall(SYS_madvise, (long)image->header, (long)image->size, MADV_DONTNEED, 0, 0, 0);
}

void image_close(struct woven_image *image)
{
    unmap_code(image);
    close_file(image);
    if (image->header != NULL)
        raw_syscall(SYS_munmap, (long)image->header, (long)image->size, 0, 0, 0, 0);
    image->header = NULL;
}
