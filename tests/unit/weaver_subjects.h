/* weaver_subjects.h: functions of a test's own program that are looked at and never called, whose instructions are known.
 *
 *   SUBJECT(name, assembly)  -->  subjects_open()  -->  subject_make(name, &function)  -->  what the weaver learns of it
 */
#ifndef LOCKHOUND_TESTS_UNIT_WEAVER_SUBJECTS_H
#define LOCKHOUND_TESTS_UNIT_WEAVER_SUBJECTS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "weaver/model.h"

#define SUBJECT(name, body)                                                                                            \
    void name(void);                                                                                                   \
    __asm__(".text\n.globl " #name "\n.type " #name ",@function\n" #name ":\n.cfi_startproc\n" body                    \
            "\n.cfi_endproc\n.size " #name ", . - " #name "\n")

static struct elf_module own_module;

/* For cmocka. */
static inline int subjects_open(void **state)
{
    (void)state;
    const char *message = NULL;
    return elf_module_open(&own_module, "/proc/self/exe", &message);
}

static inline int subjects_close(void **state)
{
    (void)state;
    elf_module_close(&own_module);
    return 0;
}

static inline void subject_make(const char *name, struct function *function)
{
    for (size_t i = 0; i < own_module.function_count; i++) {
        assert_true(function_model_make(&own_module, i, function));
        if (function->name && strcmp(function->name, name) == 0) {
            assert_null(function->refusal);
            return;
        }
        function_model_free(function);
    }
    fail_msg("no function %s", name);
}

#endif
