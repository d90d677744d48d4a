/* fuzz_module.c: any bytes are woven as a module: headers, symbols, .eh_frame, .gcc_except_table, code; what comes out is sound.
 *
 * Debug information is left to libdw, whose parser is not ours to test: a file that has some is passed over.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "tests/weaver/image_audit.h"
#include "weaver/image_check.h"
#include "weaver/model.h"

/* Returns: the name of a file that holds the input. */
static const char *file_with(const uint8_t *data, size_t size)
{
    static int fd = -1;
    static char path[32];
    if (fd < 0) {
        fd = memfd_create("fuzz.module", MFD_CLOEXEC);
        FUZZ_CHECK(fd >= 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    FUZZ_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
    return path;
}

static const char *output_path(void)
{
    static char folder[] = "/dev/shm/lockhound-fuzz-XXXXXX", path[64];
    if (path[0] == '\0') {
        FUZZ_CHECK(mkdtemp(folder) != NULL);
        snprintf(path, sizeof path, "%s/module.woven", folder);
    }
    return path;
}

static void audit(const struct elf_module *module, const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && fstat(fd, &status) == 0);
    const struct image_header *image = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    FUZZ_CHECK(image != MAP_FAILED && image_check(image, (size_t)status.st_size) == NULL);
    if (!(image->flags & IMAGE_REFUSED)) {
        struct audit result = image_audit(image, module);
        if (result.wrong)
            fprintf(stderr, "%s at %#llx\n", result.wrong, (unsigned long long)result.code);
        FUZZ_CHECK(result.wrong == NULL);
    }
    munmap((void *)(uintptr_t)image, (size_t)status.st_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct elf_module module;
    const char *message = NULL;
    if (size == 0 || memmem(data, size, ".debug", 6) != NULL ||
        elf_module_open(&module, file_with(data, size), &message) != 0)
        return 0;
    if (weave_open_module(&module, output_path(), NULL, &message) == 0)
        audit(&module, output_path());
    else
        FUZZ_CHECK(strstr(message, "no memory") != NULL);
    elf_module_close(&module);
    return 0;
}
