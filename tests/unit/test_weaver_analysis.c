/* test_weaver_analysis.c: what the weaver learns of real binaries holds together, and of this program's own functions, whose
 * instructions are known. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "weaver/atomic_source.h"
#include "weaver/emit.h"
#include "weaver/image.h"
#include "weaver/model.h"
#include "weaver_subjects.h"

/* ---- functions that are looked at, never called ------------------------------------------------------------------- */

SUBJECT(subject_kills, "mov $1, %eax\n mov $2, %cl\n cmovz %ecx, %edx\n xor %esi, %esi\n ret");
SUBJECT(subject_flags,
        "cmp %rax, %rbx\n mov (%rdi), %rcx\n jz 1f\n shl %cl, %rdx\n 1: shl $1, %rdx\n mov (%rdi), %rcx\n"
        " sub %rcx, %rdx\n ret");
SUBJECT(subject_loop,
        "1: mov (%rdi), %eax\n add $4, %rdi\n add %r10d, %ecx\n dec %rdx\n jnz 1b\n xor %r10d, %r10d\n ret");
SUBJECT(subject_accesses,
        "mov %rax, (%rdi)\n mov (%rdi), %rcx\n mov 4(%rdi), %ecx\n addl $1, 8(%rdi)\n lock incl (%rdi)\n"
        " mov (%rdi), %rcx\n lock orl $0, (%rsp)\n mfence\n rep stosb\n movsb\n prefetcht0 (%rsi)\n"
        " mov %fs:0x28, %rax\n bt %rax, (%rdi)\n fstpt (%rdi)\n ret");
SUBJECT(subject_ways,
        "mov %rax, (%rdi)\n test %esi, %esi\n jz 1f\n mov 4(%rdi), %ecx\n mov 6(%rdi), %ecx\n 1: mov (%rdi), %rdx\n"
        " inc %rdi\n mov (%rdi), %dl\n ret");
#define REQUEST(last) "rol $3, %rdi\n rol $13, %rdi\n rol $" last ", %rdi\n rol $51, %rdi\n xchg %rbx, %rbx\n"
SUBJECT(subject_request,
        "lea 8(%rsp), %rax\n mov %rsi, (%rcx)\n " REQUEST("61") " xor %eax, %eax\n xor %edx, %edx\n ret");
SUBJECT(subject_no_request, "lea 8(%rsp), %rax\n " REQUEST(
                                "60") " xor %eax, %eax\n jz 1f\n rol $3, %rdi\n "
                                      "rol $13, %rdi\n 1: rol $61, %rdi\n rol $51, %rdi\n xchg %rbx, %rbx\n ret");
SUBJECT(subject_frame, "sub $40, %rsp\n .cfi_adjust_cfa_offset 40\n mov %rax, 8(%rsp)\n mov %rax, 24(%rsp)\n"
                       " lea 16(%rsp), %rdi\n call subject_kills\n add $40, %rsp\n .cfi_adjust_cfa_offset -40\n ret");
SUBJECT(subject_downwards, "std\n rep movsb\n cld\n ret");
SUBJECT(subject_midst, "mov %rax, (%rdi)\n 1: mov (%rdi), %rcx\n ret\n call 1b\n ret");
SUBJECT(subject_spin, "jmp 2f\n 1: pause\n 2: mov (%rdi), %eax\n test %eax, %eax\n jnz 1b\n ret");
SUBJECT(subject_spin_entry, "mov 8(%rdi), %edx\n mov (%rdi), %eax\n test %eax, %eax\n jnz 2f\n mov %edx, %ecx\n "
                            "1: pause\n mov (%rdi), %eax\n test %eax, %eax\n jz 1b\n 2: ret");
SUBJECT(subject_no_spin, "1: mov (%rdi), %eax\n add $8, %rdi\n test %eax, %eax\n jnz 1b\n ret");
/* A state machine: no state but 0 and 1 has a case. */
SUBJECT(subject_states, ".pushsection .rodata\n .balign 4\n 3: .long 1f - 3b, 2f - 3b\n .popsection\n"
                        " 4: cmpl $1, (%rdi)\n ja 4b\n mov (%rdi), %eax\n lea 3b(%rip), %rcx\n"
                        " movslq (%rcx,%rax,4), %rax\n add %rcx, %rax\n jmp *%rax\n"
                        " 1: movl $1, (%rdi)\n jmp 4b\n 2: ret");
SUBJECT(subject_counts,
        "1: add $1, %rax\n cmp 8(%rdi), %rax\n jae 2f\n mov (%rdi), %edx\n test %edx, %edx\n je 1b\n 2: ret");
SUBJECT(subject_counts_pauses,
        "1: add $1, %rax\n cmp %rcx, %rax\n jae 2f\n pause\n mov (%rdi), %edx\n test %edx, %edx\n je 1b\n 2: ret");
SUBJECT(subject_counts_waiting,
        "1: add $1, %rax\n xor %edx, %edx\n cmpl $1, (%rdi)\n sete %dl\n test %edx, %edx\n je 1b\n ret");
SUBJECT(subject_advances, "1: add $8, %rax\n add $4, %rcx\n mov (%rdi), %edx\n test %edx, %edx\n je 1b\n ret");
SUBJECT(subject_two_rounds,
        "xor %eax, %eax\n jmp 2f\n 1: mov $1, %eax\n 2: mov (%rdi, %rax, 8), %rdx\n test %rdx, %rdx\n jne 3f\n"
        " test %rax, %rax\n je 1b\n 3: ret");
SUBJECT(subject_waits_above, "1: cmpl $1, (%rdi)\n ja 1b\n mov (%rdi), %eax\n ret");

SUBJECT(subject_switch, ".pushsection .rodata\n .balign 4\n 3: .long 1f - 3b, 2f - 3b\n .popsection\n"
                        " lea 3b(%rip), %rax\n movslq (%rax,%rdi,4), %rcx\n add %rax, %rcx\n jmp *%rcx\n"
                        " 1: nop\n ret\n 2: lea 4f(%rip), %rax\n ret\n 4: nop\n ret");

/* Cases 1 to 8 cannot happen: they lead behind the function. */
SUBJECT(subject_cases, ".pushsection .rodata\n .balign 4\n 3: .long 1f - 3b\n .rept 8\n .long 4f - 3b\n .endr\n"
                       " .long 2f - 3b\n .popsection\n"
                       " lea 3b(%rip), %rax\n movslq (%rax,%rdi,4), %rcx\n add %rax, %rcx\n jmp *%rcx\n"
                       " 1: nop\n ret\n 2: nop\n ret\n 4:");

static _Atomic int atomic_cell;
static int plain_cell;

__attribute__((noinline, used)) static void subject_atomic(void)
{
    atomic_store_explicit(&atomic_cell, 1, memory_order_release);
}

__attribute__((noinline, used)) static void subject_plain(void)
{
    plain_cell = 1;
}

enum { RAX = 1 << 0, RCX = 1 << 1, RDX = 1 << 2, RSI = 1 << 6, RDI = 1 << 7, R10 = 1 << 10 };

/* ---- liveness ----------------------------------------------------------------------------------------------------- */

static void liveness_ends_with_whole_registers_only(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_kills", &function);
    assert_int_equal(function.insn_count, 5);
    assert_false(function.insns[0].live & RAX);                    /* mov $1, %eax writes all of it */
    assert_true(function.insns[1].live & RCX);                     /* mov $2, %cl does not */
    assert_true(function.insns[2].live & RDX);                     /* cmovz may not write */
    assert_true(function.insns[2].live & REGISTER_FLAGS);          /* it reads the flags */
    assert_false(function.insns[3].live & (RSI | REGISTER_FLAGS)); /* xor %esi, %esi reads nothing */
    assert_int_equal(function.insns[4].live, REGISTER_GPRS);
    function_model_free(&function);
}

static void flags_live_across_shifts_by_a_register(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_flags", &function);
    assert_false(function.insns[0].live & REGISTER_FLAGS);
    assert_true(function.insns[1].live & REGISTER_FLAGS);
    assert_false(function.insns[4].live & REGISTER_FLAGS); /* shl $1 */
    assert_false(function.insns[5].live & REGISTER_FLAGS); /* sub comes */
    function_model_free(&function);
}

static void liveness_goes_round_loops(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_loop", &function);
    assert_true(function.insns[0].is_block_start);
    assert_false(function.insns[0].live & RAX);
    assert_true(function.insns[4].live & R10); /* at the branch back */
    assert_false(function.insns[5].live & R10);
    assert_int_equal(function.insns[4].target_index, 0);
    function_model_free(&function);
}

static void a_request_reads_its_registers(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_request", &function);
    assert_int_equal(function.insns[6].access_count, 1);
    assert_int_equal(function.insns[6].access[0].role, ACCESS_REQUEST);
    assert_int_equal(function.insns[1].live & (RAX | RDX), RAX | RDX); /* a check there must not use them */
    function_model_free(&function);
    subject_make("subject_no_request", &function);
    for (size_t i = 0; i < function.insn_count; i++)
        assert_int_equal(function.insns[i].access_count, 0);
    function_model_free(&function);
}

/* ---- accesses ----------------------------------------------------------------------------------------------------- */

static void accesses_are_what_the_instructions_do(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_accesses", &function);
    const struct insn *insns = function.insns;
    assert_true(insns[0].access_count == 1 && insns[0].access[0].is_write && insns[0].access[0].size == 8);
    assert_true(insns[1].access[0].is_redundant); /* the write covers it */
    assert_true(insns[2].access[0].is_redundant); /* and a part of it */
    assert_true(insns[3].access[0].is_write && insns[3].access[0].read_modify && !insns[3].access[0].is_redundant);
    assert_int_equal(insns[4].access[0].role, ACCESS_ATOMIC);
    assert_false(insns[5].access[0].is_redundant); /* time has passed */
    assert_int_equal(insns[6].access[0].role, ACCESS_FENCE);
    assert_true(insns[7].access[0].role == ACCESS_FENCE && insns[7].access[0].operand == -1);
    assert_true(insns[8].access_count == 1 && insns[8].access[0].is_range && insns[8].access[0].is_write);
    assert_int_equal(insns[9].access_count, 2);
    assert_int_equal(insns[10].access_count, 0); /* prefetch */
    assert_int_equal(insns[11].access_count, 0); /* thread-private */
    assert_non_null(insns[12].refusal);          /* a bit anywhere */
    assert_int_equal(insns[13].access[0].size, 8);
    function_model_free(&function);
}

static void what_was_checked_is_known_along_the_only_way(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_ways", &function);
    const struct insn *insns = function.insns;
    assert_false(insns[0].access[0].is_redundant);
    assert_true(insns[3].access[0].is_redundant);  /* behind a branch that was not taken */
    assert_false(insns[4].access[0].is_redundant); /* two bytes more than were checked */
    assert_false(insns[5].access[0].is_redundant); /* the branch leads here */
    assert_false(insns[7].access[0].is_redundant); /* another address */
    assert_int_equal(insns[0].soon & (RAX | RDI | RSI | RCX | RDX), RAX | RDI | RSI | RCX | RDX);
    assert_false(insns[0].soon & R10);
    assert_false(insns[7].soon & RCX);
    function_model_free(&function);
}

static void frame_places_below_an_address_taken_are_private(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_frame", &function);
    assert_int_equal(function.insns[1].cfa, IMAGE_CFA_RSP);
    assert_int_equal(function.insns[1].cfa_offset, 48);
    assert_int_equal(function.insns[1].access_count, 0);
    assert_int_equal(function.insns[2].access_count, 1);
    assert_int_equal(function.stack_skipped, 1);
    assert_true(function.insns[5].is_entry);
    function_model_free(&function);
}

static void loads_that_wait_are_atomic(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_spin", &function);
    assert_int_equal(function.spin_loops, 1);
    assert_int_equal(function.insns[2].access[0].role, ACCESS_ATOMIC_LOAD);
    function_model_free(&function);
    subject_make("subject_no_spin", &function);
    assert_int_equal(function.spin_loops, 0);
    assert_int_equal(function.insns[0].access[0].role, ACCESS_PLAIN);
    function_model_free(&function);
}

static uint32_t spin_loops_of(const char *name)
{
    struct function function;
    subject_make(name, &function);
    uint32_t loops = (uint32_t)function.spin_loops;
    function_model_free(&function);
    return loops;
}

static void states_without_a_case_are_not_waited_for(void **state)
{
    (void)state;
    assert_int_equal(spin_loops_of("subject_states"), 0);
    assert_int_equal(spin_loops_of("subject_waits_above"), 1);
}

static void a_loop_at_work_does_not_wait(void **state)
{
    (void)state;
    assert_int_equal(spin_loops_of("subject_counts"), 0);
    assert_int_equal(spin_loops_of("subject_counts_pauses"), 1);
    assert_int_equal(spin_loops_of("subject_counts_waiting"), 1);
    assert_int_equal(spin_loops_of("subject_advances"), 0);
    assert_int_equal(spin_loops_of("subject_two_rounds"), 0);
}

static void loads_that_test_before_a_loop_wait_as_well(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_spin_entry", &function);
    assert_int_equal(function.spin_loops, 1);
    assert_int_equal(function.insns[0].access[0].role, ACCESS_PLAIN); /* another place */
    assert_int_equal(function.insns[1].access[0].role, ACCESS_ATOMIC_LOAD);
    assert_int_equal(function.insns[6].access[0].role, ACCESS_ATOMIC_LOAD);
    function_model_free(&function);
}

#ifdef __has_feature
#define SANITIZED __has_feature(address_sanitizer)
#else
#define SANITIZED 0
#endif

static void debug_information_tells_atomic_variables(void **state)
{
    (void)state;
    struct function function;
#if !SANITIZED /* otherwise its own code stands between */
    if (!own_module.has_debug_info)
        skip();
#else
    skip();
#endif
    size_t atomics = 0;
    subject_make("subject_atomic", &function);
    for (size_t i = 0; i < function.insn_count; i++)
        atomics += function.insns[i].access_count && function.insns[i].access[0].role == ACCESS_ATOMIC_STORE;
    assert_int_equal(atomics, 1);
    function_model_free(&function);
    subject_make("subject_plain", &function);
    for (size_t i = 0; i < function.insn_count; i++)
        assert_true(!function.insns[i].access_count || function.insns[i].access[0].role == ACCESS_PLAIN);
    function_model_free(&function);
}

/* ---- entries ------------------------------------------------------------------------------------------------------ */

static uint8_t kinds_of(const struct insn *insn)
{
    return own_module.entry_kinds[insn->address - own_module.text_low];
}

static void jump_tables_and_addresses_are_entries(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_switch", &function);
    assert_int_equal(function.insn_count, 10);
    assert_true(kinds_of(&function.insns[0]) & ENTRY_FUNCTION);
    for (size_t i = 1; i < 4; i++)
        assert_int_equal(kinds_of(&function.insns[i]), 0);
    assert_true(kinds_of(&function.insns[4]) & ENTRY_JUMP_TABLE);
    assert_int_equal(kinds_of(&function.insns[5]), 0);
    assert_true(kinds_of(&function.insns[6]) & ENTRY_JUMP_TABLE);
    assert_true(kinds_of(&function.insns[8]) & ENTRY_ADDRESS);
    assert_int_equal(function.insns[3].role, ROLE_INDIRECT_JUMP);
    function_model_free(&function);
}

static void what_is_called_in_the_midst_is_an_entry(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_midst", &function);
    assert_true(kinds_of(&function.insns[1]) & ENTRY_CALLED);
    assert_int_equal(kinds_of(&function.insns[2]), 0);
    function_model_free(&function);
}

static void who_sets_the_direction_flag_is_left_alone(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_downwards", &function);
    assert_non_null(emit_refusal(&function));
    function_model_free(&function);
    subject_make("subject_midst", &function);
    assert_null(emit_refusal(&function));
    function_model_free(&function);
}

static void cases_that_cannot_happen_end_no_table(void **state)
{
    (void)state;
    struct function function;
    subject_make("subject_cases", &function);
    assert_int_equal(function.insn_count, 8);
    assert_true(kinds_of(&function.insns[4]) & ENTRY_JUMP_TABLE);
    assert_true(kinds_of(&function.insns[6]) & ENTRY_JUMP_TABLE);
    function_model_free(&function);
}

/* ---- whole modules ------------------------------------------------------------------------------------------------ */

static void check_function(const struct elf_module *module, const struct function *function)
{
    uint64_t address = function->range.low;
    for (size_t i = 0; i < function->insn_count; i++) {
        const struct insn *insn = &function->insns[i];
        assert_true(insn->address == address);
        address += insn->length;
        bool is_inside = insn->target >= function->range.low && insn->target < function->range.high;
        if ((insn->role == ROLE_JUMP || insn->role == ROLE_BRANCH) && is_inside) {
            assert_true(insn->target_index < function->insn_count);
            assert_true(function->insns[insn->target_index].address == insn->target);
            assert_true(function->insns[insn->target_index].is_block_start);
        }
        assert_true(insn->is_entry == (module->entry_kinds[insn->address - module->text_low] != 0));
        assert_true(!insn->is_entry || insn->is_block_start);
        assert_true(insn->access_count <= 2 && !(insn->refusal && insn->access_count));
    }
    assert_true(address <= function->range.high);
}

static void check_module(const char *path)
{
    struct elf_module module;
    const char *message = NULL;
    if (elf_module_open(&module, path, &message) == -ENOENT) {
        print_message("%s is not here\n", path);
        return;
    }
    assert_null(module.refusal);
    assert_true(module.function_count > 10);
    size_t refused = 0;
    for (size_t i = 0; i < module.function_count; i++) {
        struct function function;
        assert_true(i == 0 || module.functions[i - 1].high <= module.functions[i].low);
        assert_true(function_model_make(&module, i, &function));
        refused += function.refusal != NULL;
        if (!function.refusal)
            check_function(&module, &function);
        function_model_free(&function);
    }
    assert_int_equal(refused, 0);
    elf_module_close(&module);
}

static void lines_that_call_atomics_are_known(void **state)
{
    static const char text[] = "x = __atomic_load_n(&y, __ATOMIC_ACQUIRE);\n"
                               "atomic_store_explicit (&x, 1, memory_order_relaxed);\n"
                               "x++; // not atomic_fetch_add(&x, 1)\n"
                               "x++; /* atomic_load(\n"
                               "&x) */ x = READ_ONCE(y);\n"
                               "puts(\"\\\"atomic_load(\"); x = y;\n"
                               "int atomic_count = 3;\n"
                               "case '\"': g_atomic_int_get(&x);\n"
                               "pthread_once(&x, y); __WRITE_ONCE(y, 1);\n"
                               "pthread_once(&x, y);";
    static const uint8_t expected[] = {SOURCE_ATOMIC, SOURCE_RELAXED, SOURCE_PLAIN,  SOURCE_PLAIN,  SOURCE_ATOMIC,
                                       SOURCE_PLAIN,  SOURCE_PLAIN,   SOURCE_ATOMIC, SOURCE_ATOMIC, SOURCE_PLAIN};
    uint8_t lines[16] = {0};
    bool calls_fences;
    (void)state;
    assert_int_equal(atomic_source_scan(NULL, text, sizeof text - 1, lines, 15, &calls_fences), sizeof expected);
    assert_memory_equal(lines + 1, expected, sizeof expected);
    struct atomic_sources sources = {0};
    assert_int_equal(atomic_source_line(atomic_source_find(&sources, "/nonexistent"), 1), SOURCE_UNREAD);
    assert_int_equal(atomic_source_line(atomic_source_find(&sources, "/dev/null"), 1), SOURCE_UNREAD);
    atomic_sources_free(&sources);
}

static void lines_of_macros_that_are_atomic_are_known(void **state)
{
    static const char header[] =
        "#define TWICE(x, y) get(x); ONCE(y)\n"
        "#define ONCE(x) \\\n  __extension__({ __atomic_load_n(&(x), 2); /* log( */ smp_rmb(); })\n"
        "#define AGAIN(x) if (ONCE(x)) { typeof(x) y = (x); }\n"
        "#define SAY(x) do { if (ONCE(level)) printf(\"%d\", x); } while (0)\n"
        "#  define other AGAIN\n"
        "#define MAKE(s, T) T load_##s(T *p) { T r; asm volatile(\"mov %1, %0\" : \"=r\"(r) : "
        "\"m\"(*p) : \"memory\"); return (r); }\n"
        "#define KEEP(x) asm volatile(\"\" : \"+m\"(x) : : \"memory\")\n"
        "#define CALLED(x) CALLED(x)\n";
    static const char text[] =
        "ONCE(x);\nTWICE(x, y);\nAGAIN (x);\nSAY(x);\nother(x);\nMAKE(int, int)\nKEEP(x);\nCALLED(x);\n"
        "asm(\"mov %1, %0\" : \"=r\"(r) : \"m\"(x) : \"memory\");\n"
        "asm(\"mul %1\" : \"=a\"(r) : \"m\"(x)); asm(\"pause\" ::: \"memory\");\nONCE = x;";
    static const uint8_t expected[] = {SOURCE_ATOMIC, SOURCE_PLAIN,  SOURCE_ATOMIC, SOURCE_PLAIN,
                                       SOURCE_ATOMIC, SOURCE_ATOMIC, SOURCE_PLAIN,  SOURCE_PLAIN,
                                       SOURCE_ATOMIC, SOURCE_PLAIN,  SOURCE_PLAIN};
    uint8_t lines[16] = {0};
    bool calls_fences;
    struct atomic_headers headers = {0};
    (void)state;
    atomic_headers_scan(&headers, "/nonexistent/header.h", header, sizeof header - 1);
    assert_int_equal(atomic_source_scan(&headers.macros, text, sizeof text - 1, lines, 15, &calls_fences),
                     sizeof expected);
    assert_memory_equal(lines + 1, expected, sizeof expected);
    atomic_headers_free(&headers);
}

static void a_header_is_read_once_by_whatever_path(void **state)
{
    static const char text[] =
        "#include \"../unit/header.h\"\n#include <header.h>\n#define ONCE(x) __atomic_load_n(&(x), 2)\n";
    char folder[] = "/tmp/lockhound-unit-XXXXXX", inner[64], header[96];
    struct atomic_headers headers = {0};
    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(inner, sizeof inner, "%s/unit", folder);
    (void)snprintf(header, sizeof header, "%s/header.h", inner);
    assert_int_equal(mkdir(inner, 0700), 0);
    FILE *file = fopen(header, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
    atomic_headers_read(&headers, header);
    assert_int_equal(headers.file_count, 1);
    assert_true(atomic_macros_has(&headers.macros, "ONCE", 4));
    atomic_headers_free(&headers);
    assert_true(unlink(header) == 0 && rmdir(inner) == 0 && rmdir(folder) == 0);
}

static void a_line_is_relaxed_when_all_its_calls_are(void **state)
{
    static const char text[] = "store(&x, atomic_load_explicit(&y, memory_order_relaxed), memory_order_release);\n"
                               "atomic_store(&x, atomic_load_explicit(&y, memory_order_relaxed));\n"
                               "x.atomic_set(y.atomic_get(relaxed), relaxed);\n"
                               "while (!atomic_compare_exchange_weak_explicit(&x, &y, 1, acquire, relaxed)) y = 0;";
    static const uint8_t expected[] = {SOURCE_ATOMIC, SOURCE_ATOMIC, SOURCE_RELAXED, SOURCE_ATOMIC};
    uint8_t lines[16] = {0};
    bool calls_fences;
    (void)state;
    (void)atomic_source_scan(NULL, text, sizeof text - 1, lines, 15, &calls_fences);
    assert_memory_equal(lines + 1, expected, sizeof expected);
}

static void fences_are_known_by_their_names(void **state)
{
    static const struct {
        const char *text;
        bool calls_fences;
    } cases[] = {{"atomic_thread_fence(memory_order_release);", true},
                 {"  smp_wmb ();", true},
                 {"Memory_Barrier();", true},
                 {"if (x) mb();", true},
                 {"extern int wctomb (char *__s, wchar_t __wchar);", false},
                 {"pthread_barrier_wait(&b); // smp_wmb()", false},
                 {"int fence = mb + barrier;", false}};
    uint8_t lines[4];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool calls_fences;
        (void)atomic_source_scan(NULL, cases[i].text, strlen(cases[i].text), lines, 3, &calls_fences);
        assert_int_equal(calls_fences, cases[i].calls_fences);
    }
}

static void a_directive_of_openmp_makes_its_line_and_the_next_atomic(void **state)
{
    static const char text[] = "#pragma omp atomic write\n"
                               "  flag = 1;\n"
                               "  data = 2;\n"
                               "# pragma omp parallel // atomic\n"
                               "  data = 3;\n"
                               "#pragma omp atomic read acquire\n"
                               "\n"
                               "  { seen = flag; }\n"
                               "#pragma omp critical(atomic)\n"
                               "  data = 4;";
    static const uint8_t expected[] = {SOURCE_ATOMIC, SOURCE_ATOMIC, SOURCE_PLAIN,  SOURCE_PLAIN, SOURCE_PLAIN,
                                       SOURCE_ATOMIC, SOURCE_PLAIN,  SOURCE_ATOMIC, SOURCE_PLAIN, SOURCE_PLAIN};
    uint8_t lines[16] = {0};
    bool calls_fences;
    (void)state;
    (void)atomic_source_scan(NULL, text, sizeof text - 1, lines, 15, &calls_fences);
    assert_memory_equal(lines + 1, expected, sizeof expected);
}

static void real_modules_hold_together(void **state)
{
    (void)state;
    check_module("/usr/bin/pigz");
    check_module("/lib/x86_64-linux-gnu/libz.so.1");
    check_module("/lib/x86_64-linux-gnu/libstdc++.so.6");
}

static void what_is_no_module_is_refused(void **state)
{
    (void)state;
    struct elf_module module;
    const char *message = NULL;
    assert_int_equal(elf_module_open(&module, "/etc/passwd", &message), -EINVAL);
    assert_non_null(message);
    assert_int_equal(elf_module_open(&module, "/nonexistent", &message), -ENOENT);
}

/* Else every run of a program would try again. */
static void what_is_too_large_has_an_image_that_says_so(void **state)
{
    (void)state;
    char path[] = "/tmp/lockhound-test-XXXXXX";
    const char *message = NULL;
    struct image_header header;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(weave_module("/proc/self/exe", path, &(struct weave_options){.code_limit = 4096}, &message), 0);
    close(fd);
    fd = open(path, O_RDONLY);
    assert_int_equal(read(fd, &header, sizeof header), sizeof header);
    close(fd);
    unlink(path);
    assert_true(header.flags & IMAGE_REFUSED);
    assert_int_equal(header.code_size, 0);
    assert_int_equal(header.left.count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(liveness_ends_with_whole_registers_only),
        cmocka_unit_test(a_request_reads_its_registers),
        cmocka_unit_test(flags_live_across_shifts_by_a_register),
        cmocka_unit_test(liveness_goes_round_loops),
        cmocka_unit_test(accesses_are_what_the_instructions_do),
        cmocka_unit_test(what_was_checked_is_known_along_the_only_way),
        cmocka_unit_test(frame_places_below_an_address_taken_are_private),
        cmocka_unit_test(loads_that_wait_are_atomic),
        cmocka_unit_test(states_without_a_case_are_not_waited_for),
        cmocka_unit_test(a_loop_at_work_does_not_wait),
        cmocka_unit_test(loads_that_test_before_a_loop_wait_as_well),
        cmocka_unit_test(debug_information_tells_atomic_variables),
        cmocka_unit_test(lines_that_call_atomics_are_known),
        cmocka_unit_test(lines_of_macros_that_are_atomic_are_known),
        cmocka_unit_test(a_header_is_read_once_by_whatever_path),
        cmocka_unit_test(jump_tables_and_addresses_are_entries),
        cmocka_unit_test(what_is_called_in_the_midst_is_an_entry),
        cmocka_unit_test(who_sets_the_direction_flag_is_left_alone),
        cmocka_unit_test(cases_that_cannot_happen_end_no_table),
        cmocka_unit_test(a_line_is_relaxed_when_all_its_calls_are),
        cmocka_unit_test(fences_are_known_by_their_names),
        cmocka_unit_test(a_directive_of_openmp_makes_its_line_and_the_next_atomic),
        cmocka_unit_test(real_modules_hold_together),
        cmocka_unit_test(what_is_no_module_is_refused),
        cmocka_unit_test(what_is_too_large_has_an_image_that_says_so),
    };
    return cmocka_run_group_tests(tests, subjects_open, subjects_close);
}
