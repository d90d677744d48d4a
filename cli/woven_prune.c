#include "cli/woven_prune.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weaver/image.h"

#define DEFAULT_LIMIT ((uint64_t)4 << 30)

struct kept_image {
    char *name;
    uint64_t size;
    time_t used;
};

struct kept_images {
    struct kept_image *images;
    size_t count, capacity;
    uint64_t size; /* of all */
};

/* Returns: false when it is no size. */
static bool read_size(const char *text, uint64_t *size)
{
    static const char units[] = "KMGT";
    char *end = NULL;
    errno = 0;
    *size = strtoull(text, &end, 10);
    if (errno != 0 || end == text || !isdigit((unsigned char)*text))
        return false;
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    unsigned shift = unit ? 10 * (unsigned)(unit - units + 1) : 0;
    if (*size > UINT64_MAX >> shift)
        return false;
    *size <<= shift;
    return *end == '\0' || (unit && end[1] == '\0');
}

uint64_t woven_prune_limit(void)
{
    const char *text = getenv("LOCKHOUND_CACHE_SIZE");
    uint64_t size = 0;
    if (!text || !*text)
        return DEFAULT_LIMIT;
    if (!read_size(text, &size)) {
        fprintf(stderr, "lockhound: LOCKHOUND_CACHE_SIZE is no size (as 500M or 4G): %s\n", text);
        return DEFAULT_LIMIT;
    }
    return size ? size : UINT64_MAX;
}

static bool is_image(const char *name)
{
    size_t length = strlen(name), suffix = strlen(IMAGE_SUFFIX);
    return length > suffix && strcmp(name + length - suffix, IMAGE_SUFFIX) == 0;
}

/* Without memory it is left out, and stays. */
static void add(struct kept_images *kept, const char *name, const struct stat *status)
{
    if (kept->count == kept->capacity) {
        size_t capacity = kept->capacity ? 2 * kept->capacity : 64;
        struct kept_image *images = realloc(kept->images, capacity * sizeof *images);
        if (!images)
            return;
        kept->images = images;
        kept->capacity = capacity;
    }
    char *copy = strdup(name);
    if (!copy)
        return;
    time_t used = status->st_atime > status->st_mtime ? status->st_atime : status->st_mtime;
    kept->images[kept->count++] = (struct kept_image){copy, (uint64_t)status->st_size, used};
    kept->size += (uint64_t)status->st_size;
}

static void read_folder(struct kept_images *kept, DIR *folder)
{
    const struct dirent *entry;
    struct stat status;
    while ((entry = readdir(folder)) != NULL)
        if (is_image(entry->d_name) && fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode))
            add(kept, entry->d_name, &status);
}

static int by_use(const void *a, const void *b)
{
    const struct kept_image *one = a, *two = b;
    return (one->used > two->used) - (one->used < two->used);
}

void woven_prune(const char *path, uint64_t limit, time_t start)
{
    DIR *folder = opendir(path);
    if (!folder)
        return;
    struct kept_images kept = {0};
    read_folder(&kept, folder);
    if (kept.count)
        qsort(kept.images, kept.count, sizeof *kept.images, by_use);
    for (size_t i = 0; i < kept.count && kept.size > limit && kept.images[i].used < start; i++)
        if (unlinkat(dirfd(folder), kept.images[i].name, 0) == 0)
            kept.size -= kept.images[i].size;
    for (size_t i = 0; i < kept.count; i++)
        free(kept.images[i].name);
    free(kept.images);
    closedir(folder);
}
