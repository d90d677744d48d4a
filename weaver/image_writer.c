/* image_writer.c: a draft into a file. */
#include "weaver/image_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weaver/image_check.h"
#include "weaver/image_hash.h"

enum { PAGE_SIZE = 4096 };

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
    header->code_offset = round_up(sizeof *header, PAGE_SIZE);
    header->code_size = draft->code_size;
    uint64_t end = round_up(header->code_offset + header->code_size, PAGE_SIZE);
    header->entries = place_table(&draft->entries, &end);
    header->calls = place_table(&draft->calls, &end);
    header->fixups = place_table(&draft->fixups, &end);
    header->places = place_table(&draft->places, &end);
    header->sites = place_table(&draft->sites, &end);
    header->gates = place_table(&draft->gates, &end);
    header->left = place_table(&draft->left, &end);
    header->strings = place_table(&draft->strings, &end);
    header->file_size = end;
}

static void copy_table(uint8_t *image, const struct image_table *table, const struct draft_array *array)
{
    if (array->count) {
        memcpy(image + table->offset, array->data, array->count * array->width);
    }
}

uint64_t image_module_hash(const struct elf_module *module)
{
    uint64_t hash = IMAGE_HASH_START;
    for (size_t i = 0; i < module->segment_count; i++) {
        if (module->segments[i].executable) {
            hash = image_hash(hash, module->bytes + module->segments[i].file_offset, module->segments[i].file_size);
        }
    }
    return hash;
}

static void identify(struct image_header *header, const struct elf_module *module)
{
    memcpy(header->build_id, module->build_id, sizeof header->build_id);
    header->build_id_size = module->build_id_size;
    header->module_size = module->size;
    header->module_hash = image_module_hash(module);
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
    if (!image) {
        return NULL;
    }
    if (draft->code_size) {
        memcpy(image + header.code_offset, draft->code, draft->code_size);
    }
    copy_table(image, &header.entries, &draft->entries);
    copy_table(image, &header.calls, &draft->calls);
    copy_table(image, &header.fixups, &draft->fixups);
    copy_table(image, &header.places, &draft->places);
    copy_table(image, &header.sites, &draft->sites);
    copy_table(image, &header.gates, &draft->gates);
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
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return written < 0 ? -errno : -EIO;
        }
        bytes += written;
        size -= (size_t)written;
    }
    return 0;
}

static int write_renamed(const char *path, const uint8_t *bytes, size_t size)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
        return -ENOMEM;
    }
    int fd = mkostemp(temporary, O_CLOEXEC);
    int status = fd < 0 ? -errno : write_all(fd, bytes, size);
    if (fd >= 0) {
        if (close(fd) != 0 && status == 0) {
            status = -errno;
        }
        if (status == 0 && rename(temporary, path) != 0) {
            status = -errno;
        }
        if (status != 0) {
            unlink(temporary);
        }
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
    if (status != 0) {
        *message = wrong ? "was woven wrongly: its image is unsound" : "cannot be woven: its image cannot be written";
    }
    free(image);
    return status;
}
