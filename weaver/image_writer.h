/* image_writer.h: a draft, laid out as image.h says, into a file.
 *
 * The file is written under a temporary name beside and renamed: whoever reads it finds a whole one, and of several
 * processes that write the same the last one wins.
 */
#ifndef LOCKHOUND_WEAVER_IMAGE_WRITER_H
#define LOCKHOUND_WEAVER_IMAGE_WRITER_H

#include "weaver/draft.h"
#include "weaver/model.h"

/* Returns: 0, or -errno with *message set. */
int image_write(const struct image_draft *draft, const struct elf_module *module, const char *path, uint32_t flags,
                const char **message);

/* Returns: the hash that identifies a module without a build-id. */
uint64_t image_module_hash(const struct elf_module *module);

/* Seals the file of an image that image_check() has found sound (image_check.h).  Without a file system that keeps nanoseconds it is
 * not sealed, which costs time and nothing else. */
void image_seal_file(int fd, const struct image_header *header);

#endif
