/* image_writer.c: a draft into a file. */
#include "weaver/image_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "weaver/image_check.h"
#include "weaver/image_hash.h"

/* Units: bytes.  Modules that are loaded together, and what a heap grows by at first, fit into the nearest; the data of a module
 * and what the mapping is rounded up by, into the margin. */
enum { HOME_NEAREST = 384 << 20, HOME_MARGIN = 64 << 20, LARGE_CODE = 64 << 20 };

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* Takes room for an array at *end.  Returns: where. */
static struct image_table place_table(const struct draft_array *array, uint64_t *end)
{
    struct image_table table = {*end, array->count};
    *end = round_up(*end + array->count * array->width, 8);
    return table;
}

static void lay_out(struct image_header *header, const struct image_draft *draft)
{
    header->code_offset = round_up(sizeof *header, IMAGE_PAGE);
    header->code_size = draft->code_size;
    uint64_t end = round_up(header->code_offset + header->code_size, IMAGE_PAGE);
    header->entries = place_table(&draft->entries, &end);
    header->calls = place_table(&draft->calls, &end);
    header->hops = place_table(&draft->hops, &end);
    header->pads = place_table(&draft->pads, &end);
    header->fixups = place_table(&draft->fixups, &end);
    header->places = place_table(&draft->places, &end);
    header->sites = place_table(&draft->sites, &end);
    header->gates = place_table(&draft->gates, &end);
    header->containers = place_table(&draft->containers, &end);
    header->left = place_table(&draft->left, &end);
    header->strings = place_table(&draft->strings, &end);
    header->file_size = end;
}

static void copy_table(uint8_t *image, const struct image_table *table, const struct draft_array *array)
{
    if (array->count)
        memcpy(image + table->offset, array->data, array->count * array->width);
}

uint64_t image_module_hash(const struct elf_module *module)
{
    uint64_t hash = IMAGE_HASH_START;
    for (size_t i = 0; i < module->segment_count; i++)
        if (module->segments[i].executable)
            hash = image_hash(hash, module->bytes + module->segments[i].file_offset, module->segments[i].file_size);
    return hash;
}

static void identify(struct image_header *header, const struct elf_module *module)
{
    memcpy(header->build_id, module->build_id, sizeof header->build_id);
    header->build_id_size = module->build_id_size;
    header->module_size = module->size;
    header->module_hash = image_module_hash(module);
}

/* Below a module nothing grows, but other modules are near.  A program that stands where it was linked has nothing below it,
 * and its heap above.  Above the libraries is the gap below the stack's place, which is larger than homes reach but where
 * addresses are not random: half of the large ones go there, for two of those have no room on one side. */
static bool belongs_above(const struct elf_module *module, uint64_t size, uint64_t spread)
{
    bool is_library = module->is_pie && !module->is_program;
    return !module->is_pie || (is_library && size >= LARGE_CODE && spread >> 63 != 0);
}

/* Modules that are used together must not have one home: the build-id, or what the code hashes to, spreads them.
 * Returns: 0 when there is no room. */
static int64_t choose_home(const struct image_header *header, const struct elf_module *module)
{
    uint64_t spread = image_hash(header->module_hash, header->build_id, sizeof header->build_id);
    int64_t size = (int64_t)round_up(header->code_size, IMAGE_PAGE);
    int64_t module_low = (int64_t)module->text_low, module_high = (int64_t)module->text_high;
    int64_t low = module_high + HOME_MARGIN - IMAGE_REACH, high = module_low - HOME_NEAREST - size;
    if (belongs_above(module, header->code_size, spread)) {
        low = module_high + HOME_NEAREST;
        high = module_low + IMAGE_REACH - HOME_MARGIN - size;
    }
    if (high <= low)
        return 0;
    return (low + (int64_t)(spread % (uint64_t)(high - low))) & -(int64_t)IMAGE_PAGE;
}

/* The fix-ups count from a bias of 0 and code at 0. */
static void move_home(uint8_t *code, const struct image_draft *draft, int64_t home)
{
    const uint32_t *fixups = draft->fixups.data;
    for (size_t i = 0; i < draft->fixups.count; i++) {
        uint32_t displacement;
        memcpy(&displacement, code + fixups[i], sizeof displacement);
        displacement -= (uint32_t)home;
        memcpy(code + fixups[i], &displacement, sizeof displacement);
    }
}

/* Returns: the bytes of the whole file, or NULL.  Owns: the caller frees. */
static uint8_t *make(const struct image_draft *draft, const struct elf_module *module, uint32_t flags, size_t *size)
{
    struct image_header header = {.magic = IMAGE_MAGIC, .version = IMAGE_VERSION, .header_size = sizeof header};
    header.flags = flags;
    memcpy(header.counts, draft->counts, sizeof header.counts);
    identify(&header, module);
    lay_out(&header, draft);
    uint8_t *image = calloc(1, header.file_size);
    if (!image)
        return NULL;
    if (draft->code_size) {
        memcpy(image + header.code_offset, draft->code, draft->code_size);
        header.home = choose_home(&header, module);
        move_home(image + header.code_offset, draft, header.home);
    }
    copy_table(image, &header.entries, &draft->entries);
    copy_table(image, &header.calls, &draft->calls);
    copy_table(image, &header.hops, &draft->hops);
    copy_table(image, &header.pads, &draft->pads);
    copy_table(image, &header.fixups, &draft->fixups);
    copy_table(image, &header.places, &draft->places);
    copy_table(image, &header.sites, &draft->sites);
    copy_table(image, &header.gates, &draft->gates);
    copy_table(image, &header.containers, &draft->containers);
    copy_table(image, &header.left, &draft->left);
    copy_table(image, &header.strings, &draft->strings);
    header.checksum = image_hash(IMAGE_HASH_START, image + sizeof header, header.file_size - sizeof header);
    memcpy(image, &header, sizeof header);
    *size = header.file_size;
    return image;
}

static int write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return written < 0 ? -errno : -EIO;
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

void image_seal_file(int fd, const struct image_header *header)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = time(NULL), .tv_nsec = image_seal(header)}};
    (void)futimens(fd, times);
}

static int write_renamed(const char *path, const uint8_t *bytes, size_t size)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return -ENOMEM;
    int fd = mkostemp(temporary, O_CLOEXEC);
    int status = fd < 0 ? -errno : write_all(fd, bytes, size);
    if (fd >= 0) {
        image_seal_file(fd, (const void *)bytes);
        if (close(fd) != 0 && status == 0)
            status = -errno;
        if (status == 0 && rename(temporary, path) != 0)
            status = -errno;
        if (status != 0)
            unlink(temporary);
    }
    free(temporary);
    return status;
}

int image_write(const struct image_draft *draft, const struct elf_module *module, const char *path, uint32_t flags,
                const char **message)
{
    size_t size = 0;
    uint8_t *image = draft->has_failed ? NULL : make(draft, module, flags, &size);
    if (!image) {
        *message = "is too large: no memory for its image";
        return -ENOMEM;
    }
    const char *wrong = image_check(image, size);
    int status = wrong ? -EPROTO : write_renamed(path, image, size);
    if (status != 0)
        *message = wrong ? "was woven wrongly: its image is unsound" : "cannot be woven: its image cannot be written";
    free(image);
    return status;
}
