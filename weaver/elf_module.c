/* elf_module.c: an ELF file's headers: segments, sections, build-id, and reasons not to weave it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weaver/atomic_info.h"
#include "weaver/elf_private.h"

static bool in_file(const struct elf_module *module, uint64_t offset, uint64_t size)
{
    return offset <= module->size && size <= module->size - offset;
}

bool elf_next_relocation(const struct elf_module *module, struct relocation_walk *walk)
{
    for (; walk->section < module->own->section_count; walk->section++, walk->at = 0) {
        const struct section *section = &module->own->sections[walk->section];
        bool is_loaded = section->type == SHT_RELA && (section->flags & SHF_ALLOC) != 0;
        if (is_loaded && section->size - walk->at >= sizeof walk->entry) {
            memcpy(&walk->entry, section->bytes + walk->at, sizeof walk->entry);
            walk->at += sizeof walk->entry;
            return true;
        }
    }
    return false;
}

const struct section *elf_section(const struct elf_module *module, const char *name)
{
    for (size_t i = 0; i < module->own->section_count; i++)
        if (strcmp(module->own->sections[i].name, name) == 0)
            return &module->own->sections[i];
    return NULL;
}

const uint8_t *elf_bytes_at(const struct elf_module *module, uint64_t address, uint64_t size)
{
    for (size_t i = 0; i < module->segment_count; i++) {
        const struct elf_segment *segment = &module->segments[i];
        if (address >= segment->address && address - segment->address <= segment->file_size &&
            size <= segment->file_size - (address - segment->address))
            return module->bytes + segment->file_offset + (address - segment->address);
    }
    return NULL;
}

bool elf_is_text(const struct elf_module *module, uint64_t address)
{
    for (size_t i = 0; i < module->own->code_count; i++)
        if (address >= module->own->code[i].low && address < module->own->code[i].high)
            return true;
    return false;
}

static bool is_in_executable_segment(const struct elf_module *module, uint64_t low, uint64_t high)
{
    for (size_t i = 0; i < module->segment_count; i++) {
        const struct elf_segment *segment = &module->segments[i];
        if (segment->executable && low >= segment->address && low < high &&
            high - segment->address <= segment->file_size)
            return true;
    }
    return false;
}

/* Returns: false when there is no memory. */
static bool find_code(struct elf_module *module)
{
    struct elf_private *own = module->own;
    own->code = calloc(own->section_count + module->segment_count + 1, sizeof *own->code);
    if (!own->code)
        return false;
    for (size_t i = 0; i < own->section_count; i++) {
        const struct section *section = &own->sections[i];
        if ((section->flags & SHF_EXECINSTR) &&
            is_in_executable_segment(module, section->address, section->address + section->size))
            own->code[own->code_count++] = (struct code_range){section->address, section->address + section->size};
    }
    return true;
}

bool elf_module_is_readonly(const struct elf_module *module, uint64_t address, uint64_t size)
{
    /* RELRO: the loader writes it before anyone else can look. */
    if (address >= module->own->relro_low && address < module->own->relro_high &&
        size <= module->own->relro_high - address)
        return true;
    for (size_t i = 0; i < module->segment_count; i++) {
        const struct elf_segment *segment = &module->segments[i];
        if (!segment->writable && address >= segment->address && address - segment->address <= segment->memory_size &&
            size <= segment->memory_size - (address - segment->address))
            return true;
    }
    return false;
}

static int map_file(struct elf_module *module, const char *path, const char **message)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        int error = errno;
        if (fd >= 0)
            close(fd);
        *message = "cannot be opened";
        return -error;
    }
    module->size = (uint64_t)status.st_size;
    void *bytes = MAP_FAILED;
    if (S_ISREG(status.st_mode) && module->size >= sizeof(Elf64_Ehdr))
        bytes = mmap(NULL, module->size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (bytes == MAP_FAILED) {
        *message = "is not an ELF file";
        return -EINVAL;
    }
    module->bytes = bytes;
    return 0;
}

static bool read_segments(struct elf_module *module, const Elf64_Ehdr *header)
{
    if (header->e_phentsize != sizeof(Elf64_Phdr) ||
        !in_file(module, header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr)))
        return false;
    module->segments = calloc(header->e_phnum + 1u, sizeof *module->segments);
    if (!module->segments)
        return false;
    module->text_low = UINT64_MAX;
    for (size_t i = 0; i < header->e_phnum; i++) {
        Elf64_Phdr program;
        memcpy(&program, module->bytes + header->e_phoff + i * sizeof program, sizeof program);
        module->is_program |= program.p_type == PT_INTERP;
        if (program.p_type == PT_GNU_RELRO) {
            module->own->relro_low = program.p_vaddr;
            module->own->relro_high = program.p_vaddr + program.p_memsz;
        }
        if (program.p_type != PT_LOAD)
            continue;
        if (!in_file(module, program.p_offset, program.p_filesz) || program.p_vaddr + program.p_memsz < program.p_vaddr)
            return false;
        module->segments[module->segment_count++] = (struct elf_segment){.address = program.p_vaddr,
                                                                         .file_offset = program.p_offset,
                                                                         .file_size = program.p_filesz,
                                                                         .memory_size = program.p_memsz,
                                                                         .readable = program.p_flags & PF_R,
                                                                         .writable = program.p_flags & PF_W,
                                                                         .executable = program.p_flags & PF_X};
        if (!(program.p_flags & PF_X) || program.p_filesz == 0)
            continue;
        if (program.p_vaddr < module->text_low)
            module->text_low = program.p_vaddr;
        if (program.p_vaddr + program.p_filesz > module->text_high)
            module->text_high = program.p_vaddr + program.p_filesz;
    }
    return true;
}

static bool read_sections(struct elf_module *module, const Elf64_Ehdr *header)
{
    struct elf_private *own = module->own;
    if (header->e_shnum == 0)
        return true;
    if (header->e_shentsize != sizeof(Elf64_Shdr) || header->e_shstrndx >= header->e_shnum ||
        !in_file(module, header->e_shoff, (uint64_t)header->e_shnum * sizeof(Elf64_Shdr)))
        return false;
    own->sections = calloc(header->e_shnum, sizeof *own->sections);
    if (!own->sections)
        return false;
    Elf64_Shdr names, raw;
    memcpy(&names, module->bytes + header->e_shoff + header->e_shstrndx * sizeof names, sizeof names);
    if (!in_file(module, names.sh_offset, names.sh_size) || names.sh_size == 0 ||
        module->bytes[names.sh_offset + names.sh_size - 1] != 0)
        return false;
    for (size_t i = 0; i < header->e_shnum; i++) {
        memcpy(&raw, module->bytes + header->e_shoff + i * sizeof raw, sizeof raw);
        bool has_bytes = raw.sh_type != SHT_NOBITS && raw.sh_type != SHT_NULL;
        if (raw.sh_name >= names.sh_size || (has_bytes && !in_file(module, raw.sh_offset, raw.sh_size)))
            return false;
        own->sections[own->section_count++] =
            (struct section){.name = (const char *)module->bytes + names.sh_offset + raw.sh_name,
                             .bytes = has_bytes ? module->bytes + raw.sh_offset : NULL,
                             .address = raw.sh_addr,
                             .size = raw.sh_size,
                             .type = raw.sh_type,
                             .flags = raw.sh_flags,
                             .link = raw.sh_link};
    }
    return true;
}

static void read_build_id(struct elf_module *module)
{
    const struct section *section = elf_section(module, ".note.gnu.build-id");
    if (!section || !section->bytes)
        return;
    struct bytes note = {section->bytes, section->bytes + section->size, false};
    uint64_t name_size = bytes_unsigned(&note, 4), size = bytes_unsigned(&note, 4), type = bytes_unsigned(&note, 4);
    bytes_skip(&note, (name_size + 3) & ~UINT64_C(3));
    if (note.bad || type != NT_GNU_BUILD_ID || size > IMAGE_BUILD_ID_SIZE || size > (uint64_t)(note.end - note.at))
        return;
    memcpy(module->build_id, note.at, size);
    module->build_id_size = (uint32_t)size;
}

enum { DEBUG_PATH_SIZE = sizeof "/usr/lib/debug/.build-id//.debug" + 2 * IMAGE_BUILD_ID_SIZE };

/* Separate debug information that counts is the one the build-id leads to. */
static bool find_separate_debug_file(const struct elf_module *module, char path[DEBUG_PATH_SIZE])
{
    static const char digits[] = "0123456789abcdef", folder[] = "/usr/lib/debug/.build-id/";
    memcpy(path, folder, sizeof folder);
    char *to = path + strlen(path);
    for (size_t i = 0; i < module->build_id_size; i++) {
        *to++ = digits[module->build_id[i] >> 4];
        *to++ = digits[module->build_id[i] & 15];
        if (i == 0)
            *to++ = '/';
    }
    memcpy(to, ".debug", sizeof ".debug");
    return module->build_id_size > 1 && access(path, R_OK) == 0;
}

/* Returns: false when there is no memory. */
static bool read_debug_info(struct elf_module *module)
{
    char separate[DEBUG_PATH_SIZE];
    bool is_inside = elf_section(module, ".debug_info") != NULL;
    module->has_debug_info = is_inside || find_separate_debug_file(module, separate);
    if (!module->has_debug_info)
        return true;
    module->own->atomics = calloc(1, sizeof *module->own->atomics);
    if (!module->own->atomics)
        return false;
    atomic_info_read(module->own->atomics, is_inside ? module->path : separate);
    return !module->own->atomics->no_memory;
}

static bool is_libatomic(const char *path)
{
    static const char name[] = "libatomic.so";
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, name, sizeof name - 1) == 0;
}

static void read_dynamic(struct elf_module *module)
{
    const struct section *section = elf_section(module, ".dynamic");
    if (!section || !section->bytes) {
        module->refusal = "is linked statically";
        return;
    }
    for (size_t i = 0; i < section->size / sizeof(Elf64_Dyn); i++) {
        Elf64_Dyn entry;
        memcpy(&entry, section->bytes + i * sizeof entry, sizeof entry);
        if (entry.d_tag == DT_NULL)
            break;
        if (entry.d_tag == DT_TEXTREL || (entry.d_tag == DT_FLAGS && (entry.d_un.d_val & DF_TEXTREL)))
            module->refusal = "has relocations in its text";
        if (entry.d_tag == DT_INIT)
            module->own->init = entry.d_un.d_ptr;
        if (entry.d_tag == DT_FINI)
            module->own->fini = entry.d_un.d_ptr;
    }
}

static void check_segments(struct elf_module *module)
{
    if (module->text_low >= module->text_high)
        module->refusal = "has no text";
    for (size_t i = 0; i < module->segment_count; i++)
        if (module->segments[i].executable && module->segments[i].writable)
            module->refusal = "has text that is writable";
    if (module->text_high > (UINT64_C(1) << 31) && module->is_pie)
        module->refusal = "is larger than 2 GiB";
}

/* Returns: 0, or -errno; a module that must not be woven has its refusal set. */
static int read_headers(struct elf_module *module, const char **message)
{
    Elf64_Ehdr header;
    memcpy(&header, module->bytes, sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
        *message = "is not an ELF file";
        return -EINVAL;
    }
    if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_machine != EM_X86_64) {
        module->refusal = "is not for x86-64";
        return 0;
    }
    if (header.e_type != ET_DYN && header.e_type != ET_EXEC) {
        *message = "is neither a program nor a shared library";
        return -EINVAL;
    }
    module->is_pie = header.e_type == ET_DYN;
    module->own->start = header.e_entry;
    if (!read_segments(module, &header) || !read_sections(module, &header)) {
        *message = "has headers that make no sense";
        return -EINVAL;
    }
    read_build_id(module);
    read_dynamic(module);
    module->makes_atomics = is_libatomic(module->path);
    check_segments(module);
    return 0;
}

static int read_frames(struct elf_module *module)
{
    const struct section *section = elf_section(module, ".eh_frame");
    if (!section || !section->bytes) {
        module->refusal = "has no .eh_frame";
        return 0;
    }
    int status = eh_frame_read(section, &module->own->fdes, &module->own->fde_count);
    if (status == -EINVAL) {
        module->refusal = "has an .eh_frame that is not understood";
        return 0;
    }
    return status;
}

int elf_module_open(struct elf_module *module, const char *path, const char **message)
{
    *module = (struct elf_module){.path = path};
    *message = "needs more memory than there is";
    module->own = calloc(1, sizeof *module->own);
    if (!module->own)
        return -ENOMEM;
    int status = map_file(module, path, message);
    if (status == 0)
        status = read_headers(module, message);
    if (status == 0 && !module->refusal)
        status = read_frames(module);
    if (status == 0 && !module->refusal && !find_code(module))
        status = -ENOMEM;
    if (status == 0 && !module->refusal) {
        module->entry_kinds = calloc(1, module->text_high - module->text_low);
        if (!module->entry_kinds || !symbols_read(module) || !import_slots_read(module) || !functions_find(module) ||
            !entries_find(module) || !read_debug_info(module))
            status = -ENOMEM;
        gates_find(module);
    }
    if (status != 0)
        elf_module_close(module);
    return status;
}

void elf_module_close(struct elf_module *module)
{
    if (module->bytes)
        munmap((void *)(uintptr_t)module->bytes, module->size);
    if (module->own) {
        free(module->own->sections);
        free(module->own->code);
        free(module->own->fdes);
        free(module->own->symbols);
        free(module->own->slots);
    }
    if (module->own && module->own->atomics) {
        atomic_info_free(module->own->atomics);
        free(module->own->atomics);
    }
    free(module->own);
    free(module->segments);
    free(module->functions);
    free(module->entry_kinds);
    *module = (struct elf_module){0};
}
