/* check_call.c: calls of the routines of plane.h. */
#include "weaver/check_call.h"

#include "weaver/encode.h"
#include "weaver/lanes.h"
#include "weaver/passes.h"

enum { OPCODE_CALL_MEMORY = 0xff, CALL_FIELD = 2 };

static void add_mark(struct image_draft *draft, uint32_t mark)
{
    draft_bytes(draft, IMAGE_MARK_OPCODE, IMAGE_MARK_AT);
    draft_u32(draft, mark);
}

/* `here`: where the call stands among the program's instructions. */
static void add_site(struct image_draft *draft, const struct insn *here, const struct insn *insn,
                     const struct access *access)
{
    struct image_site *site = draft_add(draft, &draft->sites);
    if (!site)
        return;
    bool is_atomic = !access_is_plain(access) && access->role != ACCESS_REQUEST;
    site->code = draft_offset(draft);
    site->module = (uint32_t)insn->address;
    site->size = access->is_range || access->role == ACCESS_FENCE ? 0 : access->size;
    site->flags =
        (uint8_t)((access->is_write ? IMAGE_SITE_WRITE : 0) | (is_atomic ? IMAGE_SITE_ATOMIC : 0) |
                  (access->is_guess ? IMAGE_SITE_GUESS : 0) | (access->decides ? IMAGE_SITE_DECIDES : 0) |
                  (access->read_modify ? IMAGE_SITE_READ_MODIFY : 0) | (access->untold ? IMAGE_SITE_UNTOLD : 0) |
                  (access->adds ? IMAGE_SITE_ADDS : 0) | (access->looks ? IMAGE_SITE_LOOKS : 0));
    site->cfa = here->cfa;
    site->cfa_offset = here->cfa_offset;
    add_mark(draft, image_mark(site));
}

void check_move_stack(struct image_draft *draft, int bytes)
{
    if (bytes < 0)
        draft_bytes(draft, "\x48\x83\xc4\x80", 4); /* add rsp,-128 */
    else
        draft_bytes(draft, "\x48\x83\xec\x80", 4); /* sub rsp,-128 */
}

void check_call_begin(struct image_draft *draft)
{
    check_move_stack(draft, -CHECK_RED_ZONE);
    encode_store(draft, ENCODE_RDI, PLANE_SAVED_RDI);
}

/* What the routine needs besides. */
static void add_further_marks(struct image_draft *draft, enum plane_routine routine, const struct insn *insn,
                              const struct access *access)
{
    struct lanes lanes;
    if (access->choice.count != 0) {
        add_mark(draft, image_lanes_mark(lanes_of_choice(access)) | (uint32_t)access->choice.lanes << 16);
        add_mark(draft, (uint32_t)access->choice.order);
        add_mark(draft, (uint32_t)(access->choice.order >> 32));
    } else if (access->role == ACCESS_LANES && lanes_of(&lanes, insn, &insn->operands[access->operand])) {
        add_mark(draft, image_lanes_mark(lanes.told));
    } else if (routine == PLANE_READ_GAPS) {
        add_mark(draft, (uint32_t)access->used);
        if (access->size > IMAGE_GAPS_SIZE)
            add_mark(draft, (uint32_t)(access->used >> IMAGE_GAPS_SIZE));
    }
}

void check_call_end(struct image_draft *draft, enum plane_routine routine, const struct insn *here,
                    const struct insn *insn, const struct access *access)
{
    encode_field(draft, 0, OPCODE_CALL_MEMORY, CALL_FIELD, PLANE_ROUTINE(routine), 0);
    add_site(draft, here, insn, access);
    add_further_marks(draft, routine, insn, access);
    encode_load(draft, ENCODE_RDI, PLANE_SAVED_RDI);
}

void check_call_run(struct image_draft *draft, const struct insn *first, const struct insn *insn,
                    const struct access *access)
{
    enum plane_routine routine = access->is_write ? PLANE_WRITE_RUN : PLANE_READ_RUN;
    encode_field(draft, 0, OPCODE_CALL_MEMORY, CALL_FIELD, PLANE_ROUTINE(routine), 0);
    add_site(draft, first, insn, access);
    add_mark(draft, image_run_mark((struct image_run){(int16_t)access->stride, access->uncovered}));
}
