#include "preload/weave/debugger.h"

#include <elf.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "preload/page.h"
#include "preload/raw.h"

enum { INT3 = 0xcc };

/* Returns: whether memory has an INT3 that the file, mapped at `file`, has not. */
static bool has_other_int3(const struct module *module, const ElfW(Phdr) * segment, const uint8_t *file)
{
    const uint8_t *memory = (const uint8_t *)(module->bias + segment->p_vaddr);
    for (size_t i = 0; i < segment->p_filesz; i++)
        if (memory[i] == INT3 && file[i] != INT3)
            return true;
    return false;
}

static bool has_breakpoints(const struct module *module, const ElfW(Phdr) * segment, long fd)
{
    size_t before = segment->p_offset % PAGE_SIZE, size = before + segment->p_filesz;
    long mapped = raw_syscall(SYS_mmap, 0, (long)size, PROT_READ, MAP_PRIVATE, fd, (long)(segment->p_offset - before));
    if (mapped < 0)
        return true; /* better unwoven than spoilt */
    bool found = has_other_int3(module, segment, (const uint8_t *)mapped + before);
    raw_syscall(SYS_munmap, mapped, (long)size, 0, 0, 0, 0);
    return found;
}

bool debugger_is_in(const struct module *module)
{
    long fd = raw_syscall(SYS_openat, AT_FDCWD, (long)module->path, O_RDONLY | O_CLOEXEC, 0, 0, 0);
    bool found = fd < 0;
    for (unsigned i = 0; i < module->phdr_count && !found; i++) {
        const ElfW(Phdr) *segment = &module->phdr[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) != 0)
            found = has_breakpoints(module, segment, fd);
    }
    if (fd >= 0)
        raw_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
    return found;
}
