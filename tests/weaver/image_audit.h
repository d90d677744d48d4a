/* image_audit.h: whether a woven image's code is what it says it is, instruction by instruction.
 *
 *   image --image_check--> bounds --decode from the first byte to the last--> boundaries --> branches, fix-ups, tables
 *
 * Invariant: every byte of the code belongs to an instruction; a branch inside the code leads to where one begins, and so do
 *            entries, places and sites; a branch that leads out has a fix-up; a fix-up is a displacement; nothing refers to the
 *            module without one.
 */
#ifndef LOCKHOUND_TESTS_IMAGE_AUDIT_H
#define LOCKHOUND_TESTS_IMAGE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weaver/model.h"

struct audit {
    const char *wrong; /* NULL: nothing is */
    uint64_t code;     /* offset of what is wrong */
    uint64_t instructions;
    uint64_t strays; /* branches out to where no instruction of the module begins: none, unless the module has such */
};

/* `image` passes image_check(). */
struct audit image_audit(const void *image, const struct elf_module *module);

#endif
