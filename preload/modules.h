/* modules.h: the executable and the libraries of this process, found without the loader's lock.
 *
 *   pc --> _dl_find_object (lock-free, glibc 2.35) --> link map --> [table: path, bias, build-id, data range]
 *
 * Model:     an entry is one mapping of one file; a library that is closed and loaded again gets a new entry, so that
 *            (module, offset) in an old stack keeps its meaning.
 * Threads:   look-ups read an append-only table; insertion takes OWN_RANK_MODULES.
 */
#ifndef LOCKHOUND_PRELOAD_MODULES_H
#define LOCKHOUND_PRELOAD_MODULES_H

#include <link.h>
#include <stdbool.h>
#include <stdint.h>

enum { BUILD_ID_SIZE = 32, MODULE_PATH_SIZE = 512 };

struct module {
    uint32_t id; /* from 1 */
    uintptr_t low, high;
    uintptr_t bias;
    uintptr_t data_low, data_high; /* writable segments */
    const ElfW(Phdr) * phdr;
    uint16_t phdr_count;
    uint8_t build_id[BUILD_ID_SIZE];
    uint8_t build_id_size;
    bool announced; /* a "module" record was written; under OWN_RANK_SINK */
    char path[MODULE_PATH_SIZE];
};

/* Learns where the program itself lies.  Context: early. */
void modules_init(void);
/* Returns: the module whose mapping holds `address`, or NULL.  Context: signal, loader-lock, in-malloc. */
const struct module *module_of(uintptr_t address);
/* Returns: true when a module lies where this one did; its headers are not looked at.
 * Context: signal, loader-lock, in-malloc. */
bool module_is_loaded(const struct module *module);
/* Returns: the module numbered `id`, loaded or not any more; NULL for 0.  Context: signal, loader-lock, in-malloc. */
struct module *module_by_id(uint32_t id);
/* Returns: true when `address` is in the data of a loaded module, so that it is never anything else.
 * Context: signal, loader-lock, in-malloc. */
bool module_data_contains(uintptr_t address);
/* A module was loaded or is about to go: look again.  Context: signal, loader-lock. */
void modules_changed(void);
/* Returns: how often that was.  Context: signal, in-malloc, loader-lock. */
unsigned modules_generation(void);

#endif
