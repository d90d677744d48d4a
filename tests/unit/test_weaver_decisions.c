/* test_weaver_decisions.c: which loads the weaver takes for those that decide something. */
#include "weaver_subjects.h"

SUBJECT(subject_chosen, "mov (%rdi), %rax\n mov %rax, %rcx\n and $-2, %rcx\n cmpq $0, 32(%rsi)\n cmovne %rax, %rcx\n "
                        "xor %eax, %eax\n cmp 48(%rsi), %rcx\n sete %al\n ret");
SUBJECT(subject_kept,
        "mov (%rdi), %ebx\n mov (%rdi), %r8d\n mov (%rdi), %r10d\n mov (%rdi), %r12d\n call subject_chosen\n "
        "test %ebx, %ebx\n jz 1f\n cmp %r10d, %ecx\n 1: ret");
SUBJECT(subject_copies,
        "mov (%rdi), %rax\n mov %rax, (%r12)\n mov 8(%rdi), %rax\n mov %rax, 8(%r12)\n mov 16(%rdi), %rax\n "
        "mov %rax, 16(%r12)\n mov (%r12), %rax\n cmp $-1, %rax\n cmp 16(%r12), %rcx\n mov %rbx, %r12\n "
        "cmp 8(%r12), %rcx\n ret");

/* As a compiler makes it of four values that are loaded together and then looked for in an array: the last lies on the frame. */
SUBJECT(subject_compared_last,
        "mov (%rdi), %r14\n mov 8(%rdi), %r15\n mov 16(%rdi), %r12\n mov 24(%rdi), %rax\n mov %rax, (%rsp)\n "
        "mov (%rsi), %eax\n test %eax, %eax\n jle 4f\n xor %r13d, %r13d\n xor %ebp, %ebp\n jmp 3f\n "
        "1: movslq %ebp, %rcx\n add $1, %ebp\n mov %rdi, (%rbx,%rcx,8)\n "
        "2: add $1, %r13\n movslq %eax, %rcx\n cmp %rcx, %r13\n jge 5f\n "
        "3: mov (%rbx,%r13,8), %rdi\n cmp %r14, %rdi\n je 1b\n cmp %r15, %rdi\n je 1b\n cmp %r12, %rdi\n je 1b\n "
        "cmp (%rsp), %rdi\n je 1b\n call subject_chosen\n mov (%rsi), %eax\n jmp 2b\n "
        "4: xor %ebp, %ebp\n 5: mov %ebp, (%rsi)\n add $8, %rsp\n pop %rbx\n pop %r12\n pop %r13\n pop %r14\n "
        "pop %r15\n pop %rbp\n ret");
SUBJECT(subject_vector, "mov (%rdi), %ecx\n movd %ecx, %xmm1\n mov (%rdi), %rdx\n vpinsrq $1, %rdx, %xmm1, %xmm2\n "
                        "mov (%rdi), %r8d\n mov %r9d, %r8d\n ret");

static void loads_decide_what_is_compared_later(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_chosen", &function);
    assert_true(function.insns[0].access[0].decides);
    function_model_free(&function);
    subject_make("subject_kept", &function);
    /* Compared, an argument, lost in the call, never looked at. */
    static const bool decides[] = {true, true, false, false};
    for (size_t i = 0; i < sizeof decides; i++)
        assert_int_equal(function.insns[i].access[0].decides, decides[i]);
    function_model_free(&function);
}

static void loads_decide_what_is_compared_in_a_copy(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_copies", &function);
    assert_true(function.insns[0].access[0].decides);
    assert_true(function.insns[2].access[0].decides); /* a pointer that is kept, where nobody here looks at it again */
    assert_true(function.insns[4].access[0].decides);
    function_model_free(&function);
}

static void loads_decide_what_a_loop_compares_last(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_compared_last", &function);
    for (size_t i = 0; i < 4; i++)
        assert_true(function.insns[i].access[0].decides);
    function_model_free(&function);
}

static void loads_decide_what_becomes_part_of_a_vector(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_vector", &function);
    assert_true(function.insns[0].access[0].decides);
    assert_true(function.insns[2].access[0].decides);
    assert_false(function.insns[4].access[0].decides);
    function_model_free(&function);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_decide_what_is_compared_later),
        cmocka_unit_test(loads_decide_what_is_compared_in_a_copy),
        cmocka_unit_test(loads_decide_what_a_loop_compares_last),
        cmocka_unit_test(loads_decide_what_becomes_part_of_a_vector),
    };
    return cmocka_run_group_tests(tests, subjects_open, subjects_close);
}
