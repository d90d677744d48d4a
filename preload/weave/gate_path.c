/* gate_path.c: from a gate in woven code to gate.h and on to the function's body; a plain function to whoever unwinds.
 *
 *   clone: call gs:[PLANE_GATE] --> plane_gate: gate_enter() --> body --> gate_leave() --> caller
 *                                                  \--false--> ret to the body    \--exception--> gate_abandon()
 */
#include "preload/weave/gate.h"

/* On entry the body's address lies on the stack, and above it the caller's.  The body is returned to, or called. */
#define LINE(text)      "\t" text "\n"
#define LABEL(name)     name ":\n"
#define CFA_MOVES(by)   LINE(".cfi_adjust_cfa_offset " by)
#define GATE_PUSH(reg)  LINE("pushq %" reg) CFA_MOVES("8")
#define GATE_POP(reg)   LINE("popq %" reg) CFA_MOVES("-8")
#define GATE_ROOM       LINE("leaq -8(%rsp), %rsp") CFA_MOVES("8")
#define GATE_ROOM_BACK  LINE("leaq 8(%rsp), %rsp") CFA_MOVES("-8")
#define GATE_PUSH_FIVE  GATE_PUSH("rax") GATE_PUSH("rcx") GATE_PUSH("rdx") GATE_PUSH("rsi") GATE_PUSH("rdi")
#define GATE_PUSH_FRAME GATE_PUSH_FIVE GATE_PUSH("r8") GATE_PUSH("r9") GATE_PUSH("r10") GATE_PUSH("r11")
#define GATE_POP_FOUR   GATE_POP("r11") GATE_POP("r10") GATE_POP("r9") GATE_POP("r8")
#define GATE_POP_FRAME  GATE_POP_FOUR GATE_POP("rdi") GATE_POP("rsi") GATE_POP("rdx") GATE_POP("rcx") GATE_POP("rax")
#define GATE_CALL(text) GATE_ROOM LINE("call " text) GATE_ROOM_BACK LINE("testb %al, %al")

/* With struct gate_frame in RDI; what it returns is in the flags. */
#define WITH_GATE_FRAME(function) GATE_PUSH_FRAME LINE("movq %rsp, %rdi") GATE_CALL(function) GATE_POP_FRAME

#define GATE_BEGIN                                                                                                     \
    LINE(".pushsection .text")                                                                                         \
    LINE(".globl plane_gate")                                                                                          \
    LINE(".hidden plane_gate")                                                                                         \
    LINE(".type plane_gate,@function")                                                                                 \
    LINE(".p2align 4")                                                                                                 \
    LABEL("plane_gate")                                                                                                \
    LINE(".cfi_startproc")                                                                                             \
    LINE(".cfi_personality 0x9b, DW.ref.__gcc_personality_v0")                                                         \
    LINE(".cfi_lsda 0x1b, plane_gate_pads")                                                                            \
    LINE(".cfi_def_cfa_offset 16")

/* The first return is the body's caller's; the second leads to the body, for which nothing is to be done behind it. */
#define GATE_PASS                                                                                                      \
    WITH_GATE_FRAME("gate_enter")                                                                                      \
    LINE("jz 1f")                                                                                                      \
    LABEL("plane_gate_call")                                                                                           \
    LINE("call *(%rsp)")                                                                                               \
    LABEL("plane_gate_called")                                                                                         \
    WITH_GATE_FRAME("gate_leave")                                                                                      \
    GATE_ROOM_BACK                                                                                                     \
    LINE("ret")                                                                                                        \
    LABEL("1")                                                                                                         \
    LINE(".cfi_def_cfa_offset 16")                                                                                     \
    LINE("ret")

/* An exception of the body goes on through the landing pad.
 * Source: Itanium C++ ABI, Exception Handling Tables; gcc's unwind-c.c, which __gcc_personality_v0 is. */
#define GATE_LANDING_PAD                                                                                               \
    LABEL("plane_gate_left")                                                                                           \
    GATE_PUSH("rax")                                                                                                   \
    LINE("subq $8, %rsp")                                                                                              \
    CFA_MOVES("8")                                                                                                     \
    LINE("call gate_abandon")                                                                                          \
    LINE("addq $8, %rsp")                                                                                              \
    CFA_MOVES("-8")                                                                                                    \
    GATE_POP("rdi")                                                                                                    \
    LINE("call _Unwind_Resume@PLT")                                                                                    \
    LINE("hlt")

#define GATE_END                                                                                                       \
    LINE(".cfi_endproc")                                                                                               \
    LINE(".size plane_gate, . - plane_gate")                                                                           \
    LINE(".popsection")

#define GATE_PADS                                                                                                      \
    LINE(".pushsection .gcc_except_table,\"a\",@progbits")                                                             \
    LINE(".p2align 2")                                                                                                 \
    LABEL("plane_gate_pads")                                                                                           \
    LINE(".byte 0xff, 0xff, 0x01")                                                                                     \
    LINE(".uleb128 3f - 2f")                                                                                           \
    LABEL("2")                                                                                                         \
    LINE(".uleb128 plane_gate_call - plane_gate")                                                                      \
    LINE(".uleb128 plane_gate_called - plane_gate_call")                                                               \
    LINE(".uleb128 plane_gate_left - plane_gate")                                                                      \
    LINE(".uleb128 0")                                                                                                 \
    LABEL("3")                                                                                                         \
    LINE(".popsection")

__asm__(GATE_BEGIN GATE_PASS GATE_LANDING_PAD GATE_END GATE_PADS);
