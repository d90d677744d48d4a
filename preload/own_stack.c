#include "preload/own_stack.h"

/* The frame pointer keeps the way back, for debuggers and unwinders too. */
__asm__(".text\n"
        ".p2align 4\n"
        ".hidden own_stack_switch\n"
        ".type own_stack_switch, @function\n"
        "own_stack_switch:\n"
        ".cfi_startproc\n"
        "endbr64\n"
        "push %rbp\n"
        ".cfi_adjust_cfa_offset 8\n"
        ".cfi_rel_offset rbp, 0\n"
        "mov %rsp, %rbp\n"
        ".cfi_def_cfa_register rbp\n"
        "mov %rdx, %rsp\n"
        "call *%rsi\n"
        "mov %rbp, %rsp\n"
        "pop %rbp\n"
        ".cfi_def_cfa rsp, 8\n"
        "ret\n"
        ".cfi_endproc\n"
        ".size own_stack_switch, . - own_stack_switch\n");

/* Calls work(arg) with the stack pointer `top`. */
__attribute__((visibility("hidden"))) void own_stack_switch(void *arg, void (*work)(void *arg), char *top);

void own_stack_call(struct own_stack *stack, void (*work)(void *arg), void *arg)
{
    own_stack_switch(arg, work, stack->bytes + OWN_STACK_SIZE);
}
