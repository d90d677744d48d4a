#include "preload/modules.h"

#include <dlfcn.h>
#include <elf.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>

#include "preload/arena.h"
#include "preload/ranks.h"
#include "preload/raw.h"

enum { MODULES_MAX = 4096 };

/* Entries are never removed or moved; `count` is published last. */
static struct module *table[MODULES_MAX];
static atomic_uint count;

/* Where a module lies. */
struct extent {
    uintptr_t low, high;
    const struct link_map *map;
    const ElfW(Phdr) * phdr; /* NULL: its ELF header stands at `low` */
    uint16_t phdr_count;
};

/* The program itself, which the kernel has mapped.  Where its segments have holes between them, _dl_find_object() knows
 * one of them only, without the headers and the data.  All zero until modules_init(). */
static struct extent program;

static bool find_extent(uintptr_t address, struct extent *extent)
{
    struct dl_find_object found;
    if (address >= program.low && address < program.high) {
        *extent = program;
        return true;
    }
    if (_dl_find_object((void *)address, &found) != 0)
        return false;
    *extent = (struct extent){
        .low = (uintptr_t)found.dlfo_map_start, .high = (uintptr_t)found.dlfo_map_end, .map = found.dlfo_link_map};
    return true;
}

void modules_init(void)
{
    struct extent found;
    if (!find_extent(getauxval(AT_ENTRY), &found))
        return;
    found.phdr = (const void *)getauxval(AT_PHDR);
    found.phdr_count = (uint16_t)getauxval(AT_PHNUM);
    for (unsigned i = 0; i < found.phdr_count; i++) {
        if (found.phdr[i].p_type != PT_LOAD)
            continue;
        uintptr_t low = found.map->l_addr + found.phdr[i].p_vaddr, high = low + found.phdr[i].p_memsz;
        found.low = low < found.low ? low : found.low;
        found.high = high > found.high ? high : found.high;
    }
    program = found;
}

static void read_build_id(struct module *m, const ElfW(Phdr) * note)
{
    const char *at = (const char *)(m->bias + note->p_vaddr);
    const char *end = at + note->p_memsz;
    while (at + sizeof(ElfW(Nhdr)) <= end) {
        const ElfW(Nhdr) *header = (const void *)at;
        const char *name = at + sizeof *header;
        const char *payload = name + (header->n_namesz + 3u) / 4u * 4u;
        at = payload + (header->n_descsz + 3u) / 4u * 4u;
        if (at > end)
            return;
        if (header->n_type == NT_GNU_BUILD_ID && header->n_namesz == 4 && memcmp(name, "GNU", 4) == 0) {
            m->build_id_size = header->n_descsz < BUILD_ID_SIZE ? (uint8_t)header->n_descsz : BUILD_ID_SIZE;
            memcpy(m->build_id, payload, m->build_id_size);
            return;
        }
    }
}

static void find_headers(struct module *m, const struct extent *extent)
{
    const ElfW(Ehdr) *header = (const void *)m->low;
    m->phdr = extent->phdr;
    m->phdr_count = extent->phdr_count;
    /* The vDSO and every file the loader maps begin with their ELF header; anything else is left without segments. */
    if (m->phdr != NULL || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return;
    m->phdr = (const void *)(m->low + header->e_phoff);
    m->phdr_count = header->e_phnum;
}

static void read_headers(struct module *m)
{
    if (m->phdr_count == 0)
        return;
    m->data_low = UINTPTR_MAX;
    for (unsigned i = 0; i < m->phdr_count; i++) {
        const ElfW(Phdr) *p = &m->phdr[i];
        if (p->p_type == PT_NOTE && m->build_id_size == 0)
            read_build_id(m, p);
        if (p->p_type != PT_LOAD || (p->p_flags & PF_W) == 0)
            continue;
        uintptr_t low = m->bias + p->p_vaddr, high = low + p->p_memsz;
        m->data_low = low < m->data_low ? low : m->data_low;
        m->data_high = high > m->data_high ? high : m->data_high;
    }
}

static void read_path(struct module *m, const struct link_map *map)
{
    if (map->l_name != NULL && map->l_name[0] != '\0') {
        size_t length = strnlen(map->l_name, MODULE_PATH_SIZE - 1);
        memcpy(m->path, map->l_name, length);
        return;
    }
    long length = raw_syscall(SYS_readlink, (long)"/proc/self/exe", (long)m->path, MODULE_PATH_SIZE - 1, 0, 0, 0);
    m->path[length > 0 ? length : 0] = '\0';
}

/* Returns: the newest entry for this mapping, or NULL. */
static struct module *known(uintptr_t low, uintptr_t bias)
{
    /* acquire: pairs with the release in add(), so that the entry is whole */
    for (unsigned i = atomic_load_explicit(&count, memory_order_acquire); i-- > 0;)
        if (table[i]->low == low && table[i]->bias == bias)
            return table[i];
    return NULL;
}

static struct module *add(const struct extent *found)
{
    struct module *m = arena_alloc(sizeof *m);
    if (m == NULL)
        return NULL;
    m->low = found->low;
    m->high = found->high;
    m->bias = found->map->l_addr;
    find_headers(m, found);
    read_headers(m);
    read_path(m, found->map);

    rank_enter(OWN_RANK_MODULES);
    struct module *other = known(m->low, m->bias);
    unsigned n = atomic_load_explicit(&count, memory_order_relaxed);
    if (other != NULL && strcmp(other->path, m->path) == 0) {
        arena_free(m, sizeof *m);
        m = other;
    } else if (n == MODULES_MAX) {
        arena_free(m, sizeof *m);
        m = NULL;
    } else {
        m->id = n + 1;
        table[n] = m;
        atomic_store_explicit(&count, n + 1, memory_order_release); /* pairs with the acquire in known() */
    }
    rank_leave(OWN_RANK_MODULES);
    return m;
}

/* Bumped by modules_changed(); an entry checked in an older generation has its path compared again. */
static atomic_uint generation;
static atomic_uint checked_generation[MODULES_MAX];

/* Only the name is looked at, not the headers: another thread may be unmapping the module. */
static bool is_of_file(const struct module *m, const struct link_map *map)
{
    bool is_named = map->l_name != NULL && map->l_name[0] != '\0';
    return is_named ? strncmp(m->path, map->l_name, MODULE_PATH_SIZE - 1) == 0 : m->low == program.low;
}

const struct module *module_of(uintptr_t address)
{
    struct extent found;
    if (!find_extent(address, &found))
        return NULL;
    struct module *m = known(found.low, found.map->l_addr);
    unsigned now = atomic_load_explicit(&generation, memory_order_relaxed);
    if (m != NULL && atomic_load_explicit(&checked_generation[m->id - 1], memory_order_relaxed) == now)
        return m;
    if (m == NULL || !is_of_file(m, found.map))
        m = add(&found);
    if (m != NULL)
        atomic_store_explicit(&checked_generation[m->id - 1], now, memory_order_relaxed);
    return m;
}

bool module_is_loaded(const struct module *module)
{
    struct extent found;
    return find_extent(module->low, &found) && found.low == module->low && found.map->l_addr == module->bias;
}

struct module *module_by_id(uint32_t id)
{
    /* acquire: as in known() */
    return id == 0 || id > atomic_load_explicit(&count, memory_order_acquire) ? NULL : table[id - 1];
}

bool module_data_contains(uintptr_t address)
{
    const struct module *m = module_of(address);
    return m != NULL && address >= m->data_low && address < m->data_high;
}

unsigned modules_generation(void)
{
    return atomic_load_explicit(&generation, memory_order_relaxed); /* a look-up that is late is made again */
}

void modules_changed(void)
{
    atomic_fetch_add_explicit(&generation, 1, memory_order_relaxed);
}
