/* draft.h: a woven image while it is made: code, and the tables that speak of it.
 *
 *   emit.c, relocate.c, check.c --bytes, fix-ups, places, sites--> [draft] --image_writer.c--> file
 *
 * Offsets:  code offsets count from the first byte of the code, module addresses are those of the ELF file.
 * Fix-ups:  a disp32 or rel32 field that refers to the module holds  target - (code offset of the next instruction).
 *           The library adds (module bias - address of the code), modulo 2^32: that is right wherever both are mapped,
 *           as long as they are less than 2 GiB apart.
 * Errors:   when memory runs out `has_failed` is set, and what is added later is lost; image_write() refuses a draft that
 *           has failed, so nobody else needs to look.  A module whose code meets the limit will always do so: its image
 *           says that it is not woven.
 */
#ifndef LOCKHOUND_WEAVER_DRAFT_H
#define LOCKHOUND_WEAVER_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weaver/image.h"

/* More code would not fit beside the module.  Units: bytes. */
#define DRAFT_CODE_LIMIT ((size_t)1 << 30)

/* An array that grows; `data` holds `count` elements of one type, of `width` bytes each. */
struct draft_array {
    void *data;
    size_t count, capacity, width;
};

/* Where the clone of an instruction begins: what a branch from another function needs. */
struct draft_clone {
    uint64_t module;
    uint32_t code;
};

/* A rel32 field that leads out of its function, or a direct call in original code. */
struct draft_branch {
    uint64_t target;
    uint32_t field; /* code offset of the rel32; of a call its module address */
};

struct image_draft {
    uint8_t *code;
    size_t code_size, code_capacity, code_limit;
    struct draft_array entries, calls, hops, pads, fixups, places, sites, gates, containers,
        left;                        /* of the structures of image.h */
    struct draft_array strings;      /* bytes */
    struct draft_array clones;       /* struct draft_clone, by module address, for functions come in that order */
    struct draft_array branches;     /* struct draft_branch */
    struct draft_array direct_calls; /* struct draft_branch */
    uint64_t end; /* of the last instruction of the function before, when control does not go on from there; 0 */
    uint64_t counts[IMAGE_COUNTS];
    uint8_t spilled_last; /* scratch.h: the register that was spilled last */
    bool is_narrow;       /* IMAGE_NARROW */
    bool has_failed;
    bool is_too_large; /* the code's limit was met; what is added later is lost as well */
};

void draft_begin(struct image_draft *draft);
void draft_end(struct image_draft *draft);

/* Adds one element to an array of the draft.  Returns: its memory, zeroed; NULL when memory ran out. */
void *draft_add(struct image_draft *draft, struct draft_array *array);
/* Adds a NUL-terminated string.  Returns: its offset in strings. */
uint32_t draft_string(struct image_draft *draft, const char *string);
/* Says that what is at `module` was left alone. */
void draft_leave(struct image_draft *draft, uint64_t module, uint32_t accesses, const char *name, const char *reason);

void draft_bytes(struct image_draft *draft, const void *bytes, size_t size);
void draft_byte(struct image_draft *draft, unsigned byte);
void draft_u32(struct image_draft *draft, uint32_t value);
/* Overwrites the four bytes at code offset `field`. */
void draft_set_u32(struct image_draft *draft, size_t field, uint32_t value);
/* Makes the four bytes at `field`, of an instruction that ends at `next`, refer to the module's `target`. */
void draft_refer(struct image_draft *draft, size_t field, size_t next, uint64_t target);
uint32_t draft_offset(const struct image_draft *draft);
/* Fills up to a multiple of `alignment` with INT3. */
void draft_align(struct image_draft *draft, size_t alignment);

/* Returns: the code offset of the clone of the instruction at `module`, or UINT32_MAX. */
uint32_t draft_find_clone(const struct image_draft *draft, uint64_t module);
/* Settles what could not be known before every function was emitted: branches between functions and direct calls; sorts. */
void draft_settle(struct image_draft *draft);

#endif
