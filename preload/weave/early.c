#include "preload/weave/early.h"

#include <link.h>
#include <string.h>

#include "preload/lockhound.h"
#include "preload/modules.h"
#include "preload/weave/image_map.h"
#include "preload/weave/weave.h"

/* rol $3, $13, $61, $51, %rdi; xchg %rbx, %rbx: see weaver/accesses.c. */
static const char request[] = "\x48\xc1\xc7\x03\x48\xc1\xc7\x0d\x48\xc1\xc7\x3d\x48\xc1\xc7\x33\x48\x87\xdb";

static bool holds_request(const struct dl_phdr_info *info, const ElfW(Phdr) * segment)
{
    size_t size = segment->p_filesz < EARLY_BYTES_MOST ? segment->p_filesz : EARLY_BYTES_MOST;
    return segment->p_type == PT_LOAD && (segment->p_flags & (PF_R | PF_X)) == (PF_R | PF_X) &&
           memmem((const void *)(info->dlpi_addr + segment->p_vaddr), size, request, sizeof request - 1) != NULL;
}

/* Returns: true when an image that nobody has changed says whether the program makes requests. */
static bool image_tells(const struct dl_phdr_info *info, bool *found)
{
    struct woven_image image = {.module = module_of(info->dlpi_addr + info->dlpi_phdr[0].p_vaddr)};
    /* Without a build-id the image's name is what all of the code hashes to. */
    if (image.module == NULL || image.module->build_id_size == 0 || image_open(&image) != NULL)
        return false;
    *found = image.header->counts[IMAGE_REQUESTS] != 0;
    image_close(&image);
    return true;
}

/* The program itself comes first.  Ends the walk there. */
static int look_at_program(struct dl_phdr_info *info, size_t size, void *found)
{
    (void)size;
    if (image_tells(info, found))
        return 1;
    for (size_t i = 0; i < info->dlpi_phnum && !*(bool *)found; i++)
        *(bool *)found = holds_request(info, &info->dlpi_phdr[i]);
    return 1;
}

void weave_early(struct self *self)
{
    bool found = false;
    if (lockhound.options.memory != MEMORY_WEAVE)
        return;
    dl_iterate_phdr(look_at_program, &found);
    if (found)
        weave_begin(self);
}
