/* cfi_opcodes.h: the numbers of call frame instructions and of the registers in them.  Source: DWARF 5, 6.4.2 and 7.24; System V
 * ABI for x86-64, figure 3.36. */
#ifndef LOCKHOUND_WEAVER_CFI_OPCODES_H
#define LOCKHOUND_WEAVER_CFI_OPCODES_H

enum { DWARF_RBP = 6, DWARF_RSP = 7, DWARF_RIP = 16 };

enum {
    CFA_ADVANCE = 1, /* the top two bits; the rest is an operand */
    CFA_OFFSET = 2,
    CFA_RESTORE = 3,
    CFA_NOP = 0x00,
    CFA_SET_LOC = 0x01,
    CFA_ADVANCE_1 = 0x02,
    CFA_ADVANCE_2 = 0x03,
    CFA_ADVANCE_4 = 0x04,
    CFA_OFFSET_EXTENDED = 0x05,
    CFA_RESTORE_EXTENDED = 0x06,
    CFA_UNDEFINED = 0x07,
    CFA_SAME_VALUE = 0x08,
    CFA_REGISTER = 0x09,
    CFA_REMEMBER = 0x0a,
    CFA_RESTORE_STATE = 0x0b,
    CFA_DEF_CFA = 0x0c,
    CFA_DEF_CFA_REGISTER = 0x0d,
    CFA_DEF_CFA_OFFSET = 0x0e,
    CFA_DEF_CFA_EXPRESSION = 0x0f,
    CFA_EXPRESSION = 0x10,
    CFA_OFFSET_EXTENDED_SF = 0x11,
    CFA_DEF_CFA_SF = 0x12,
    CFA_DEF_CFA_OFFSET_SF = 0x13,
    CFA_VAL_OFFSET = 0x14,
    CFA_VAL_OFFSET_SF = 0x15,
    CFA_VAL_EXPRESSION = 0x16,
    CFA_GNU_ARGS_SIZE = 0x2e
};

/* Of expressions. */
enum { OP_DEREF = 0x06, OP_BREG_RBP = 0x76 };

#endif
