/* plane.h: what woven code and the library agree on: the tag plane of a thread and the routines behind a miss.
 *
 *   mapping: [ struct plane_header | tags: one byte for each byte of the program, modulo the window | guard | writes | guard ]
 *                                  ^ GS base
 *
 *   check in woven code:   tag at gs:[low 32 bits of the address]  ==  the thread's present tag ?  --no--> routine
 *
 * Addressing: the check is the instruction's own memory operand with a GS and an address-size prefix (65 67): the CPU
 *             computes the effective address, keeps its low 32 bits and adds the GS base.  So a window of 4 GiB serves any
 *             address, no address can fault, and the base is a plain positive one that arch_prctl(ARCH_SET_GS) accepts:
 *             one system call a thread, FSGSBASE is not needed.  The header lies below, at gs:[negative disp32] without
 *             the address-size prefix.
 * Narrow:     where there is little address space windows are smaller.  Images made for that (IMAGE_NARROW) compute the address
 *             in a register and AND it with the mask in the header: two instructions more a check.
 * Tags:       (generation << 1) | written.  Generation 0 is "never".  A thread's generation is raised after a release, if
 *             it has recorded anything since it was raised last.  A write is known when the tag equals the present write
 *             tag; a read also when it equals the present read tag (the write tag with bit 0 clear).
 * Writes:     a second window, as large, that woven code never looks at: the generation of the last *write* of each byte
 *             (tag format, bit 0 set), for a read that comes later overwrites the first window's tag.
 * Skew:       the GS base is no multiple of a page: aliasing of cache sets between a byte and its tag costs up to 40 %.
 * Blind:      a thread without a plane of its own uses one that is all zero, with tag 0: every check hits.
 */
#ifndef LOCKHOUND_WEAVER_PLANE_H
#define LOCKHOUND_WEAVER_PLANE_H

#include <stddef.h>
#include <stdint.h>

/* Units: bytes. */
#define PLANE_SKEW              0x3840                  /* GS base - start of the mapping; size of the header */
#define PLANE_GUARD             0x10000                 /* past each window: the widest access, and the skews */
#define PLANE_WINDOW(bits)      (UINT64_C(1) << (bits)) /* of program addresses */
#define PLANE_WINDOW_MASK(bits) ((uint32_t)(PLANE_WINDOW(bits) - 1))
#define PLANE_WRITES_AT(bits)   (PLANE_WINDOW(bits) + 0x10000 + 0x1c40) /* of the second window, from the GS base */
#define PLANE_MAPPING(bits)     (PLANE_SKEW + PLANE_WRITES_AT(bits) + PLANE_WINDOW(bits) + PLANE_GUARD)
#define PLANE_WIDE              32 /* bits of a window where there is room: that of every image that is not narrow */

enum { PLANE_CHUNK_SHIFT = 8 };

#define PLANE_GENERATION_BITS UINT64_C(0xfe) /* of a tag; the bit below says "written" */

/* What a routine is called for.  Woven code calls gs:[PLANE_ROUTINE(n)] with the effective address (64 bits) in RDI, after
 * it has saved RDI in gs:[PLANE_SAVED_RDI] and moved RSP below the red zone (lea rsp,[rsp-128]).  Every routine keeps all
 * registers (vector registers too), but for RSI where a run is refused; the arithmetic flags are lost, and the direction flag is
 * clear.  The return address of the call identifies the site (struct image_site).  RANGE routines take the length in RSI, saved in
 * gs:[PLANE_SAVED_RSI]. */
enum plane_routine {
    PLANE_READ_1,
    PLANE_READ_2,
    PLANE_READ_4,
    PLANE_READ_8,
    PLANE_READ_16,
    PLANE_READ_32,
    PLANE_READ_64,
    PLANE_WRITE_1,
    PLANE_WRITE_2,
    PLANE_WRITE_4,
    PLANE_WRITE_8,
    PLANE_WRITE_16,
    PLANE_WRITE_32,
    PLANE_WRITE_64,
    PLANE_READ_RANGE,
    PLANE_WRITE_RANGE,
    /* All rounds of an access of a counted loop, before the first: RDI is its address then, RSI how many there are; a second mark behind
     * the site's says by how much it moves each round.  In RSI comes back 0 when that cannot be said beforehand. */
    PLANE_READ_RUN,
    PLANE_WRITE_RUN,
    /* A load of which some bytes are used: a second mark behind the site's says which. */
    PLANE_READ_GAPS,
    /* What only a vector or a mask tells: a second mark behind the site's, and what it says of the header's lanes. */
    PLANE_READ_LANES,
    PLANE_WRITE_LANES,
    /* Around an instruction that is atomic on its address (LOCK prefix, XCHG with memory); before releases, after acquires.  Of one with
     * IMAGE_SITE_UNTOLD there is no call after it. */
    PLANE_ATOMIC_BEFORE,
    PLANE_ATOMIC_AFTER,
    /* A plain move that debug information, or a spin loop, shows to be an atomic load or store: called after a load
     * (PLANE_ATOMIC_LOAD; order acquire) and before a store (PLANE_ATOMIC_STORE; order release), or for relaxed ones. */
    PLANE_ATOMIC_LOAD,
    PLANE_ATOMIC_STORE,
    PLANE_RELAXED_LOAD,
    PLANE_RELAXED_STORE,
    /* MFENCE, or a LOCK-prefixed instruction on the stack's top that serves as one.  RDI is not an address. */
    PLANE_FENCE,
    /* A client request, as Valgrind has them: RAX points to six words, the request and its arguments.  RDI is nothing. */
    PLANE_REQUEST,
    /* First thing in the clone of an allocator's function (struct image_gate): called with all registers as the function got
     * them, RDI too, and RSP as it was.  It returns to the function's body, or calls it. */
    PLANE_GATE,
    /* In a thread that a SYSCALL of the program's own has made, first thing: RDI as it was given to the system call, of which RCX
     * is the number.  Keeps all registers but RCX and R11, and the flags, and spills nothing: the GS base is the maker's still. */
    PLANE_THREAD,
    PLANE_ROUTINE_COUNT
};

/* The mask and the indices of an access element by element, as the program's registers have them. */
struct plane_lanes {
    uint8_t mask[32], index[64];
};

struct plane_header {
    /* -- read by every check -- */
    uint64_t write_tag;   /* the present write tag, eight times */
    uint64_t read_tag;    /* the present read tag, eight times */
    uint64_t generations; /* PLANE_GENERATION_BITS eight times: what of a tag is no "written" */
    uint32_t window;      /* PLANE_WINDOW_MASK() */
    uint32_t room;
    uint64_t spill[6];       /* scratch of woven code: registers and flags of a check that finds none free */
    uint8_t context_changed; /* set to 1 by woven code at each function entry and after each call: whoever wants to
                              * know the callers must look again */
    uint8_t padding[7];
    uint64_t saved_rdi, saved_rsi;
    /* The highest stack pointer with which woven code has entered a function since this was 0.  While it is not, context_changed
     * is 1. */
    uint64_t entered;
    struct plane_lanes lanes;
    uint64_t routine[PLANE_ROUTINE_COUNT];
    /* -- the library's own; woven code knows nothing of it -- */
    uint64_t own[1];
};

/* What functions that tell when they are entered begin with: cmp rsp, gs:[PLANE_ENTERED], up to the displacement. */
#define PLANE_ENTERED_COMPARE "\x65\x48\x3b\x24\x25"

/* Displacements from the GS base, as woven code writes them. */
#define PLANE_FIELD(field)    ((int32_t)offsetof(struct plane_header, field) - PLANE_SKEW)
#define PLANE_WRITE_TAG       PLANE_FIELD(write_tag)
#define PLANE_READ_TAG        PLANE_FIELD(read_tag)
#define PLANE_GENERATION_MASK PLANE_FIELD(generations)
#define PLANE_MASK            PLANE_FIELD(window)
#define PLANE_SPILL(i)        (PLANE_FIELD(spill) + 8 * (int32_t)(i))
#define PLANE_CONTEXT_CHANGED PLANE_FIELD(context_changed)
#define PLANE_ENTERED         PLANE_FIELD(entered)
#define PLANE_SAVED_RDI       PLANE_FIELD(saved_rdi)
#define PLANE_SAVED_RSI       PLANE_FIELD(saved_rsi)
#define PLANE_LANES_MASK      PLANE_FIELD(lanes.mask)
#define PLANE_LANES_INDEX     PLANE_FIELD(lanes.index)
#define PLANE_ROUTINE(n)      (PLANE_FIELD(routine) + 8 * (int32_t)(n))

#endif
