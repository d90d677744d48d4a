/* short_entry.c: a race behind an entry that is too short for a jump: three bytes between two calls.  The function is aligned,
 * so that there is filling near it. */
/* expect: data-race */
#include <pthread.h>

void add_between_calls(long *total, void (*nothing)(void));

__asm__(".text\n.p2align 4\n.globl add_between_calls\n.type add_between_calls,@function\nadd_between_calls:\n"
        ".cfi_startproc\n"
        "push %rbx\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset rbx, 0\n"
        "push %r12\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset r12, 0\n"
        "push %rax\n.cfi_adjust_cfa_offset 8\n"
        "mov %rdi, %rbx\nmov %rsi, %r12\n"
        "call *%r12\n"
        "incq (%rbx)\n"
        "call *%r12\n"
        "pop %rax\n.cfi_adjust_cfa_offset -8\n"
        "pop %r12\n.cfi_adjust_cfa_offset -8\n.cfi_restore r12\n"
        "pop %rbx\n.cfi_adjust_cfa_offset -8\n.cfi_restore rbx\n"
        "ret\n.cfi_endproc\n.size add_between_calls,.-add_between_calls\n.p2align 5\n");

static long total;

__attribute__((noinline)) static void nothing(void)
{
    __asm__ volatile("");
}

static void *add(void *unused)
{
    add_between_calls(&total, nothing);
    return unused;
}

int main(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, add, NULL);
    add_between_calls(&total, nothing);
    pthread_join(thread, NULL);
    return total == 2 ? 0 : 1;
}
