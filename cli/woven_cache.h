/* woven_cache.h: where woven images are kept, under which name, and whether one is there.
 *
 *   $LOCKHOUND_CACHE or $XDG_CACHE_HOME/lockhound or $HOME/.cache/lockhound --> folder woven-1 --> NAME.woven
 *                     or, where that cannot be written, /tmp/lockhound-UID --/
 *
 * Trust:  the folder must belong to the user and be writable by nobody else, for its images become code.
 * The library looks in the same place (preload/weave/image_map.c).
 */
#ifndef LOCKHOUND_CLI_WOVEN_CACHE_H
#define LOCKHOUND_CLI_WOVEN_CACHE_H

#include "report/memory.h"
#include "weaver/model.h"

/* Returns: the path of the module's image, the `narrow` one (IMAGE_NARROW) or the usual one, or NULL after a complaint.
 * `wants_folder`: makes the folders that lack. */
const char *woven_cache_path(struct pool *pool, const struct elf_module *module, bool narrow, bool wants_folder);

/* An image, read-only. */
struct woven_file {
    const struct image_header *header;
    size_t size;
};

/* Returns: NULL with the image of the module mapped and its file sealed, or what is wrong with it. */
const char *woven_file_open(struct woven_file *file, const char *path, const struct elf_module *module, bool narrow);
void woven_file_close(struct woven_file *file);

#endif
