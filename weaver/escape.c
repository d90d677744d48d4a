/* escape.c: which places of a frame only the function itself can reach.
 *
 * Model:  an address taken (lea, mov from RSP or the frame pointer) leads to the place it points to and to those above, for
 *         objects extend upwards; what lies below all of them is private.  A mistake costs a race unseen, nothing else.
 */
#include "weaver/passes.h"

static bool is_frame_pointer(const struct insn *insn, ZydisRegister reg)
{
    return reg == ZYDIS_REGISTER_RBP && insn->cfa == IMAGE_CFA_RBP;
}

static void take(struct frame *frame, const struct insn *insn, ZydisRegister base, int64_t offset)
{
    bool is_known = (base == ZYDIS_REGISTER_RSP && insn->cfa == IMAGE_CFA_RSP) || is_frame_pointer(insn, base);
    if (is_known) {
        if (offset - insn->cfa_offset < frame->taken_from_cfa)
            frame->taken_from_cfa = offset - insn->cfa_offset;
        return;
    }
    if (offset < frame->taken_from_rsp)
        frame->taken_from_rsp = offset;
    if (insn->cfa != IMAGE_CFA_RBP) /* nothing is known */
        frame->taken_from_cfa = INT64_MIN;
}

/* Returns: whether what is written is the stack pointer or becomes the frame pointer. */
static bool sets_up_frame(const struct insn *insn, const struct insn *next)
{
    const ZydisDecodedOperand *to = &insn->operands[0];
    if (to->type != ZYDIS_OPERAND_TYPE_REGISTER)
        return false;
    return to->reg.value == ZYDIS_REGISTER_RSP ||
           (to->reg.value == ZYDIS_REGISTER_RBP && next && next->cfa == IMAGE_CFA_RBP);
}

static void look_at(struct frame *frame, const struct insn *insn, const struct insn *next)
{
    ZydisMnemonic mnemonic = insn->decoded.mnemonic;
    if (mnemonic == ZYDIS_MNEMONIC_CMP || mnemonic == ZYDIS_MNEMONIC_TEST || sets_up_frame(insn, next))
        return;
    if (mnemonic == ZYDIS_MNEMONIC_LEA) {
        const ZydisDecodedOperand *from = &insn->operands[1];
        if (from->mem.base == ZYDIS_REGISTER_RSP || is_frame_pointer(insn, from->mem.base))
            take(frame, insn, from->mem.base, from->mem.disp.value);
        return;
    }
    for (size_t i = 0; i < insn->decoded.operand_count_visible; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER || !(operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ))
            continue;
        if (operand->reg.value == ZYDIS_REGISTER_RSP)
            take(frame, insn, ZYDIS_REGISTER_RSP, 0);
        else if (is_frame_pointer(insn, operand->reg.value)) /* whatever it adds, all of the frame is in reach */
            frame->taken_from_cfa = INT64_MIN;
    }
}

struct frame frame_find(const struct function *function)
{
    struct frame frame = {INT64_MAX, INT64_MAX};
    for (size_t i = 0; i < function->insn_count; i++)
        look_at(&frame, &function->insns[i], i + 1 < function->insn_count ? &function->insns[i + 1] : NULL);
    return frame;
}

bool frame_is_private(const struct frame *frame, const struct insn *insn, const ZydisDecodedOperand *operand)
{
    int64_t end = operand->mem.disp.value + operand->size / 8;
    if (operand->mem.base == ZYDIS_REGISTER_RSP && insn->cfa != IMAGE_CFA_RSP)
        return end <= frame->taken_from_rsp;
    if (operand->mem.base == ZYDIS_REGISTER_RSP || is_frame_pointer(insn, operand->mem.base))
        return frame->taken_from_cfa == INT64_MAX || end - insn->cfa_offset <= frame->taken_from_cfa;
    return false;
}
