/* fuzz_image.c: any bytes are taken for a woven image; one that is believed is mapped, patched in, looked up and closed.
 *
 * The input is an image without the gap between its header and its code.  What no mutation would hit is made right: the
 * magic, the sizes, the checksum.  The module is a page of calls and jumps, so that patches find what they ask for.
 */
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "preload/arena.h"
#include "preload/ranks.h"
#include "preload/weave/image_map.h"
#include "preload/weave/patch.h"
#include "preload/weave/pc_map.h"
#include "preload/weave/window.h"
#include "weaver/image_check.h"
#include "weaver/image_hash.h"

enum { GAP_END = 4096, TEXT_SIZE = 65536, OPCODE_CALL = 0xe8 };

/* Tables that pc_map.c replaces stay readable, as it says; a few are enough here. */
void *arena_alloc(size_t size)
{
    static _Alignas(16) char room[1 << 16];
    static size_t used;
    size = (size + 15) & ~(size_t)15;
    used = used + size > sizeof room ? 0 : used;
    void *at = room + used;
    used += size;
    return size > sizeof room ? NULL : memset(at, 0, size);
}

void rank_enter(unsigned rank)
{
    (void)rank;
}

void rank_leave(unsigned rank)
{
    (void)rank;
}

bool window_is_narrow(void)
{
    return false;
}

static struct module *make_module(void)
{
    static struct module module;
    static ElfW(Phdr) segment;
    if (module.low == 0) {
        uint8_t *text = mmap(NULL, TEXT_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        FUZZ_CHECK(text != MAP_FAILED);
        memset(text, OPCODE_CALL, TEXT_SIZE);
        segment = (ElfW(Phdr)){.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = TEXT_SIZE, .p_memsz = TEXT_SIZE};
        module = (struct module){.id = 1, .phdr = &segment, .phdr_count = 1};
        module.bias = module.low = (uintptr_t)text;
        module.high = module.low + TEXT_SIZE;
    }
    return &module;
}

/* Returns: the image's bytes, *size of them, in a block of their own.  Owns: the caller. */
static struct image_header *make_image(const uint8_t *data, size_t size, size_t *image_size)
{
    size_t payload = size - sizeof(struct image_header);
    *image_size = (GAP_END + payload + 7) & ~(size_t)7;
    struct image_header *header = calloc(1, *image_size);
    FUZZ_CHECK(header != NULL);
    memcpy(header, data, sizeof *header);
    memcpy((char *)header + GAP_END, data + sizeof *header, payload);
    header->magic = IMAGE_MAGIC;
    header->version = IMAGE_VERSION;
    header->header_size = sizeof *header;
    header->file_size = *image_size;
    header->checksum = image_hash(IMAGE_HASH_START, header + 1, *image_size - sizeof *header);
    return header;
}

static void look_up(const struct woven_image *image)
{
    uintptr_t end = image->code + image->header->code_size;
    for (uintptr_t pc = image->code; pc <= end && pc < image->code + 64; pc++) {
        const struct module *module = NULL;
        pc_map_site(pc, &module);
        uintptr_t original = pc_map_original(pc);
        pc_map_resumable(original == 0 ? image->module->low : original);
    }
    FUZZ_CHECK(pc_map_original(end) == 0);
}

static void use(struct woven_image *image)
{
    const char *refusal = image_refusal(image);
    if (refusal != NULL) {
        FUZZ_CHECK(strlen(refusal) < image->size);
        return;
    }
    if (image_map_code(image) != NULL || !pc_map_add(image))
        return;
    look_up(image);
    patch_module(image, false);
    pc_map_remove(image->module);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < sizeof(struct image_header))
        return 0;
    size_t image_size;
    struct image_header *bytes = make_image(data, size, &image_size);
    struct woven_image image = {.module = make_module(), .size = image_size, .fd = -1};
    if (image_check(bytes, image_size) == NULL) {
        image.fd = memfd_create("image", MFD_CLOEXEC);
        FUZZ_CHECK(image.fd >= 0 && write((int)image.fd, bytes, image_size) == (ssize_t)image_size);
        image.header = mmap(NULL, image_size, PROT_READ, MAP_PRIVATE, (int)image.fd, 0);
        FUZZ_CHECK(image.header != MAP_FAILED);
        use(&image);
        image_close(&image);
    }
    free(bytes);
    return 0;
}
