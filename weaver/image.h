/* image.h: the format of a woven image, written by weaver/ and mapped by preload/weave/.
 *
 *   header | code (page-aligned; mapped executable) | tables, each an array of one of the structures below
 *
 * An image belongs to one module (ELF file).  Its code holds a clone of every function of the module that touches memory
 * another thread could see, with checks in line (plane.h).  It is position-independent but for the fix-ups, which are those
 * of its home: an address that is as far from the module in every process.  Where that is free the code is mapped there from the
 * file, shared and read as it is needed; else within 2 GiB of the module, and each fix-up is changed by how far that is from home.
 *
 * Addresses:  `module` offsets are addresses as in the ELF file (relative to the bias); `code` offsets count from the
 *             first byte of the code section.
 * Trust:      nothing in the file is believed before image_check() has said so: sizes, order, ranges, checksum; unless the file
 *             has not changed since its maker looked (image_check.h).  The file
 *             must belong to the user (or root) and not be writable by others.
 * Byte order: the machine's.
 */
#ifndef LOCKHOUND_WEAVER_IMAGE_H
#define LOCKHOUND_WEAVER_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#define IMAGE_MAGIC   UINT64_C(0x314556414557484c) /* "LHWEAVE1" */
#define IMAGE_VERSION 69                           /* of this format and of what plane.h says; raise it with either */

enum { IMAGE_BUILD_ID_SIZE = 32, IMAGE_PAGE = 4096 /* its code begins and ends with whole ones */ };

/* How far the first byte of the code and the last of the module, or the other way round, may lie apart: as far as a disp32
 * reaches, less what code sequences add.  Units: bytes. */
#define IMAGE_REACH INT64_C(0x7f000000)

/* A table: `count` elements from byte `offset` of the file. */
struct image_table {
    uint64_t offset;
    uint64_t count;
};

enum image_count {
    IMAGE_FUNCTIONS, /* in the module */
    IMAGE_FUNCTIONS_WOVEN,
    IMAGE_INSTRUCTIONS,
    IMAGE_ACCESSES,      /* candidates: memory operands that another thread could see */
    IMAGE_CHECKS,        /* emitted, after merging */
    IMAGE_STACK_SKIPPED, /* operands skipped: stack slots that cannot escape */
    IMAGE_READONLY_SKIPPED,
    IMAGE_ATOMICS,
    IMAGE_SPIN_LOOPS,
    IMAGE_LEFT_ACCESSES, /* candidates in what was left alone */
    IMAGE_SPILLED_REGISTERS,
    IMAGE_SAVED_FLAGS,
    IMAGE_REQUESTS,   /* of Valgrind's clients */
    IMAGE_GATES_LEFT, /* functions of an allocator that the library is not told of when they are called from elsewhere */
    IMAGE_UNDESCRIBED,  /* bytes of code of which nothing says where its functions are */
    IMAGE_ATOMICS_LEFT, /* atomic operations there and in functions left alone; counting ends after some */
    IMAGE_COUNTED_LOOPS,
    IMAGE_COUNTS
};

struct image_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_size;
    uint64_t file_size; /* of the image */
    uint64_t checksum;  /* FNV-1a over 64-bit words of all that follows the header (file padded to 8 bytes) */
    uint8_t build_id[IMAGE_BUILD_ID_SIZE];
    uint32_t build_id_size;          /* 0: the module has none, module_hash and size identify it */
    uint32_t flags;                  /* enum image_flag */
    uint64_t module_size;            /* of the ELF file; units: bytes */
    uint64_t module_hash;            /* FNV-1a over 64-bit words of the module's executable segments' bytes */
    uint64_t code_offset, code_size; /* page-aligned in the file */
    int64_t home; /* of the code, less the module's bias: whole pages, within IMAGE_REACH; 0: it has none */
    struct image_table entries;    /* struct image_entry, by module address */
    struct image_table calls;      /* struct image_call, by module address */
    struct image_table hops;       /* struct image_hop, by module address */
    struct image_table pads;       /* struct image_pad, by module address */
    struct image_table fixups;     /* uint32_t code offsets of disp32 fields, ascending; they hold for the home */
    struct image_table places;     /* struct image_place, by code offset */
    struct image_table sites;      /* struct image_site, by return offset */
    struct image_table gates;      /* struct image_gate, by return offset */
    struct image_table containers; /* struct image_range, by address: functions of containers (containers.h) */
    struct image_table left;       /* struct image_left: what was left alone, for --verbose and --explain */
    struct image_table strings;    /* bytes; names that image_left refers to, NUL-terminated */
    uint64_t counts[IMAGE_COUNTS]; /* enum image_count */
};

enum image_flag {
    IMAGE_EMPTY = 1 << 0,    /* nothing in the module needs weaving */
    IMAGE_REFUSED = 1 << 1,  /* the module must not be woven; the one image_left says why */
    IMAGE_NARROW = 1 << 2,   /* its checks are for windows of any size (plane.h) */
    IMAGE_USES_GS = 1 << 3,  /* refused, for the GS base is its own: no other module must be woven either */
    IMAGE_DESCRIBED = 1 << 4 /* debug information told which of its accesses are atomic */
};

/* Units: bytes. */
enum { IMAGE_JUMP = 5, IMAGE_SHORT_JUMP = 2 };

/* The five bytes at `module` become a jump to `code`. */
struct image_entry {
    uint32_t module;
    uint32_t code;
};

/* An entry without room for that: the two bytes at `module` become a short jump to the pad. */
struct image_hop {
    uint32_t module;
    uint32_t pad; /* module address, of one of the pads */
};

/* Five bytes that nobody runs: those at `module` become a jump to `code`, for the one entry that hops there. */
struct image_pad {
    uint32_t module;
    uint32_t code;
    uint32_t entry; /* module address */
};

/* The rel32 of the 5-byte direct call (E8) or jump at `module` is changed to lead to `code`. */
struct image_call {
    uint32_t module;
    uint32_t code;
};

/* The clone's instruction (with the checks before it) that begins at `code` stands for the one at `module`; so do the checks
 * behind the one before.  Looked up with the last one at or below a program counter. */
struct image_place {
    uint32_t code;
    uint32_t module;
};

/* A function of the module; they do not overlap. */
struct image_range {
    uint32_t low, high; /* [low, high) */
};

/* How the canonical frame address is found at a site: register + offset. */
enum image_cfa { IMAGE_CFA_UNKNOWN, IMAGE_CFA_RSP, IMAGE_CFA_RBP, IMAGE_CFA_OTHER };

enum image_site_flag {
    IMAGE_SITE_WRITE = 1 << 0,
    IMAGE_SITE_ATOMIC = 1 << 1,
    /* Nothing tells whether it is atomic: a plain naturally aligned move of 1 to 8 bytes, which may be.  In a library that
     * makes locks of its own also any other instruction on so many bytes. */
    IMAGE_SITE_GUESS = 1 << 2,
    /* One instruction reads and writes: add, inc, ... (never a plain C11 atomic move). */
    IMAGE_SITE_READ_MODIFY = 1 << 3,
    /* And its thread learns nothing of what was there; of an atomic one, then, it says nothing after it. */
    IMAGE_SITE_UNTOLD = 1 << 4,
    /* A load whose value decides where the code goes or what it reads: a guess, or one that a loop waits for. */
    IMAGE_SITE_DECIDES = 1 << 5,
    /* Atomic, and it adds something to what is there, whatever that is. */
    IMAGE_SITE_ADDS = 1 << 6,
    /* A plain load, as debug information says, whose value decides: not what a loop waits for. */
    IMAGE_SITE_LOOKS = 1 << 7
};

struct image_site {
    uint32_t code;   /* return address of the call of the routine */
    uint32_t module; /* the program's instruction */
    uint32_t size;   /* of the access; 0 for a range. Units: bytes */
    uint8_t flags;   /* enum image_site_flag */
    uint8_t cfa;     /* enum image_cfa; RSP as the program's, before any adjustment of the stub */
    int16_t cfa_offset;
};

/* Where the call of a routine returns to stands an instruction that does nothing, nop dword [rax + mark]: what a miss needs to
 * know of the site, so that nobody has to look it up.  Units: bytes. */
#define IMAGE_MARK_OPCODE "\x0f\x1f\x80"
enum { IMAGE_MARK_AT = 3, IMAGE_MARK_LENGTH = 7, IMAGE_MARK_SIZE_MAX = 63 /* stands for 64 */ };

static inline uint32_t image_mark(const struct image_site *site)
{
    uint32_t size = site->size > IMAGE_MARK_SIZE_MAX ? IMAGE_MARK_SIZE_MAX : site->size;
    return site->flags | (uint32_t)site->cfa << 8 | size << 10 | (uint32_t)(uint16_t)site->cfa_offset << 16;
}

/* Returns: the site with that mark, without its two addresses. */
static inline struct image_site image_mark_read(uint32_t mark)
{
    uint32_t size = mark >> 10 & IMAGE_MARK_SIZE_MAX;
    return (struct image_site){.flags = (uint8_t)mark,
                               .cfa = mark >> 8 & 3,
                               .size = size + (size == IMAGE_MARK_SIZE_MAX),
                               .cfa_offset = (int16_t)(mark >> 16)};
}

/* Of a run of a counted loop, in a second mark: how far it moves each round (units: bytes), and how many of its rounds, the last or,
 * negative, the first, are to be looked at; IMAGE_RUN_ALL: all of them. */
struct image_run {
    int16_t stride, uncovered;
};
enum { IMAGE_RUN_ALL = INT16_MAX };

static inline uint32_t image_run_mark(struct image_run run)
{
    return (uint16_t)run.stride | (uint32_t)(uint16_t)run.uncovered << 16;
}

static inline struct image_run image_run_read(uint32_t mark)
{
    return (struct image_run){(int16_t)mark, (int16_t)(mark >> 16)};
}

/* Of a load with gaps the second mark says which bytes are used, as bits, and a third one of those beyond so many.  They are gone
 * through stretch by stretch.  Units: bytes. */
enum { IMAGE_GAPS_SIZE = 32 };
struct image_stretch {
    uint32_t at, size;
};

/* Returns: false when there is none left in *used; else the lowest stretch, which is taken out of it. */
static inline bool image_stretch_next(uint64_t *used, struct image_stretch *stretch)
{
    if (*used == 0)
        return false;
    stretch->at = (uint32_t)__builtin_ctzll(*used);
    uint64_t from_there = *used >> stretch->at;
    stretch->size = (uint32_t)__builtin_ctzll(~from_there);
    *used = ((from_there + 1) & from_there) << stretch->at;
    return true;
}

/* Of an access element by element, in a second mark: how the plane's header tells which (plane.h: lanes). */
enum image_lanes_kind {
    IMAGE_LANES_MASKED,   /* side by side; where fewer than `count` are, they stand for several bits of the mask each */
    IMAGE_LANES_PACKED,   /* side by side, as many as bits are set */
    IMAGE_LANES_GATHERED, /* each where its index says */
    /* Side by side, in any order; `index` is that of the mask's elements.  The upper half of the mark has a bit for each bit of the mask
     * that counts, and two marks behind it, for each, four bits for which element it stands for. */
    IMAGE_LANES_CHOSEN
};
struct image_lanes {
    uint8_t kind;         /* enum image_lanes_kind */
    uint8_t count;        /* 1 to 64 */
    uint8_t element;      /* log2 of the size; units: bytes */
    uint8_t index, scale; /* likewise, of an index and of what it is multiplied by */
    bool has_signs;       /* the mask is a vector of such elements, of which the signs count; else of bits */
};

static inline uint32_t image_lanes_mark(struct image_lanes lanes)
{
    return lanes.kind | (uint32_t)lanes.count << 2 | (uint32_t)lanes.element << 9 | (uint32_t)lanes.index << 11 |
           (uint32_t)lanes.scale << 13 | (uint32_t)lanes.has_signs << 15;
}

static inline struct image_lanes image_lanes_read(uint32_t mark)
{
    return (struct image_lanes){.kind = mark & 3,
                                .count = mark >> 2 & 0x7f,
                                .element = mark >> 9 & 3,
                                .index = mark >> 11 & 3,
                                .scale = mark >> 13 & 3,
                                .has_signs = mark >> 15 & 1};
}

/* What a function of an allocator does, and with which of its arguments. */
enum image_gate_kind {
    IMAGE_GATE_NONE,
    IMAGE_GATE_GIVES,         /* (size) returns a block */
    IMAGE_GATE_GIVES_MANY,    /* (count, size) */
    IMAGE_GATE_GIVES_ALIGNED, /* (alignment, size) */
    IMAGE_GATE_GIVES_TO,      /* (place of the pointer, alignment, size) returns 0 */
    IMAGE_GATE_RESIZES,       /* (block, size) returns a block */
    IMAGE_GATE_RESIZES_MANY,  /* (block, count, size) */
    IMAGE_GATE_TAKES,         /* (block) */
    IMAGE_GATE_INSIDE         /* nothing that the program would see */
};

struct image_gate {
    uint32_t code; /* return address of the call of PLANE_GATE; the call begins IMAGE_GATE_CALL bytes before */
    uint32_t kind; /* enum image_gate_kind */
};

enum { IMAGE_GATE_CALL = 8 };

struct image_left {
    uint32_t module; /* address; 0 for the module as a whole */
    uint32_t accesses;
    uint32_t name;   /* in strings */
    uint32_t reason; /* in strings */
};

/* Where an image is kept: $LOCKHOUND_CACHE or $XDG_CACHE_HOME/lockhound or $HOME/.cache/lockhound, then this folder,
 * then "<build-id in hex or hash-size>.woven", or ".narrow.woven".  Unless the first is set: where the folder cannot be written, as by a server
 * that has become another user, IMAGE_SPARE_FOLDER and the user's number stand before this folder. */
#define IMAGE_CACHE_FOLDER  "woven-1"
#define IMAGE_SPARE_FOLDER  "/tmp/lockhound-"
#define IMAGE_SUFFIX        ".woven"
#define IMAGE_NARROW_SUFFIX ".narrow.woven"

#endif
