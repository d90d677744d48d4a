/* image_audit.c: a woven image's code, instruction by instruction. */
#include "image_audit.h"

#include <stdlib.h>
#include <string.h>

#include "weaver/elf_private.h"

enum { IS_BOUNDARY = 1, HAS_FIXUP = 2, FIXUP_SEEN = 4 };

struct auditing {
    const struct image_header *header;
    const uint8_t *code;
    uint8_t *marks; /* one byte for each of the code */
    const struct elf_module *module;
    uint8_t *module_marks; /* boundaries, one for each byte of the text */
    struct audit result;
};

static const void *table(const struct auditing *auditing, const struct image_table *where)
{
    return (const uint8_t *)auditing->header + where->offset;
}

static void refuse(struct auditing *auditing, uint64_t code, const char *wrong)
{
    if (!auditing->result.wrong) {
        auditing->result.wrong = wrong;
        auditing->result.code = code;
    }
}

static bool is_boundary(const struct auditing *auditing, uint64_t code)
{
    return code < auditing->header->code_size && (auditing->marks[code] & IS_BOUNDARY);
}

/* ---- the module's own instructions ----------------------------------------------------------------------------------- */

static void mark_module(struct auditing *auditing, const ZydisDecoder *decoder)
{
    const struct elf_module *module = auditing->module;
    for (size_t i = 0; i < module->function_count; i++) {
        struct function_range range = module->functions[i];
        const uint8_t *bytes = elf_bytes_at(module, range.low, range.high - range.low);
        ZydisDecodedInstruction decoded;
        for (uint64_t at = range.low; bytes && at < range.high; at += decoded.length) {
            if (ZYAN_FAILED(
                    ZydisDecoderDecodeInstruction(decoder, NULL, bytes + (at - range.low), range.high - at, &decoded)))
                break;
            auditing->module_marks[at - module->text_low] = IS_BOUNDARY;
        }
    }
}

static bool is_of_function(const struct auditing *auditing, uint64_t address)
{
    const struct elf_module *module = auditing->module;
    return address >= module->text_low && address < module->text_high &&
           auditing->module_marks[address - module->text_low];
}

/* Code between the functions that are known (stubs of the PLT, assembly) has no boundaries that are known. */
static bool may_be_entered(const struct auditing *auditing, uint64_t address)
{
    const struct elf_module *module = auditing->module;
    return is_of_function(auditing, address) ||
           (elf_is_text(module, address) && function_at(module, address) == SIZE_MAX);
}

/* ---- the code ----------------------------------------------------------------------------------------------------------- */

static void mark_fixups(struct auditing *auditing)
{
    const uint32_t *fixups = table(auditing, &auditing->header->fixups);
    for (uint64_t i = 0; i < auditing->header->fixups.count; i++)
        auditing->marks[fixups[i]] |= HAS_FIXUP;
}

static void mark_code(struct auditing *auditing, const ZydisDecoder *decoder)
{
    ZydisDecodedInstruction decoded;
    for (uint64_t at = 0; at < auditing->header->code_size && !auditing->result.wrong; at += decoded.length) {
        if (ZYAN_FAILED(ZydisDecoderDecodeInstruction(decoder, NULL, auditing->code + at,
                                                      auditing->header->code_size - at, &decoded))) {
            refuse(auditing, at, "bytes that are no instruction");
            return;
        }
        auditing->marks[at] |= IS_BOUNDARY;
        auditing->result.instructions++;
    }
}

static bool is_relative_to_pc(const ZydisDecodedInstruction *decoded)
{
    return decoded->raw.modrm.offset && decoded->raw.modrm.mod == 0 && decoded->raw.modrm.rm == 5 &&
           decoded->raw.disp.size == 32;
}

/* Returns: what the field refers to in the module, when the code is at home. */
static uint64_t target_of(const struct auditing *auditing, uint64_t field, uint64_t next)
{
    int32_t value;
    memcpy(&value, auditing->code + field, sizeof value);
    return (uint32_t)(next + (uint64_t)(int64_t)value + (uint64_t)auditing->header->home);
}

static void audit_branch(struct auditing *auditing, uint64_t at, const ZydisDecodedInstruction *decoded)
{
    uint64_t field = at + decoded->raw.imm[0].offset, next = at + decoded->length;
    if (!(auditing->marks[field] & HAS_FIXUP)) {
        if (!is_boundary(auditing, next + decoded->raw.imm[0].value.u))
            refuse(auditing, at, "a branch into the middle of an instruction, or out of the code");
        return;
    }
    auditing->marks[field] |= FIXUP_SEEN;
    if (decoded->raw.imm[0].size != 32)
        refuse(auditing, at, "a fix-up of a short branch");
    else
        auditing->result.strays += !may_be_entered(auditing, target_of(auditing, field, next));
}

static void audit_code(struct auditing *auditing, const ZydisDecoder *decoder)
{
    ZydisDecodedInstruction decoded;
    for (uint64_t at = 0; at < auditing->header->code_size && !auditing->result.wrong; at += decoded.length) {
        ZydisDecoderDecodeInstruction(decoder, NULL, auditing->code + at, auditing->header->code_size - at, &decoded);
        if (decoded.raw.imm[0].is_relative)
            audit_branch(auditing, at, &decoded);
        if (!is_relative_to_pc(&decoded))
            continue;
        uint8_t *mark = &auditing->marks[at + decoded.raw.disp.offset];
        if (!(*mark & HAS_FIXUP))
            refuse(auditing, at, "an operand relative to the pc without a fix-up");
        *mark |= FIXUP_SEEN;
    }
    for (uint64_t at = 0; at < auditing->header->code_size; at++)
        if ((auditing->marks[at] & HAS_FIXUP) && !(auditing->marks[at] & FIXUP_SEEN))
            refuse(auditing, at, "a fix-up of what is no displacement");
}

/* ---- tables ------------------------------------------------------------------------------------------------------------- */

/* The bytes of a hole are, or are part of, NOP and INT3: a decoder comes out of the longest of them. */
static bool is_filling(const struct auditing *auditing, uint64_t address)
{
    const uint8_t *bytes = elf_bytes_at(auditing->module, address, IMAGE_JUMP);
    const uint8_t filling[] = {0x00, 0x0f, 0x1f, 0x2e, 0x40, 0x44, 0x66, 0x80, 0x84, 0x90, 0xcc};
    for (size_t i = 0; bytes && i < IMAGE_JUMP; i++)
        if (!memchr(filling, bytes[i], sizeof filling))
            return false;
    return bytes != NULL;
}

static void audit_tables(struct auditing *auditing)
{
    const struct image_header *header = auditing->header;
    const struct image_entry *entries = table(auditing, &header->entries);
    const struct image_call *calls = table(auditing, &header->calls);
    const struct image_pad *pads = table(auditing, &header->pads);
    const struct image_place *places = table(auditing, &header->places);
    const struct image_site *sites = table(auditing, &header->sites);
    for (uint64_t i = 0; i < header->entries.count; i++)
        if (!is_boundary(auditing, entries[i].code) || !is_of_function(auditing, entries[i].module))
            refuse(auditing, entries[i].code, "an entry that begins no instruction");
    for (uint64_t i = 0; i < header->pads.count; i++)
        if (!is_boundary(auditing, pads[i].code) || !is_of_function(auditing, pads[i].entry) ||
            !is_filling(auditing, pads[i].module))
            refuse(auditing, pads[i].code, "a hole that is none, or an entry that begins no instruction");
    for (uint64_t i = 0; i < header->calls.count; i++)
        if (!is_boundary(auditing, calls[i].code) || !is_of_function(auditing, calls[i].module))
            refuse(auditing, calls[i].code, "a call that is none, or leads to no instruction");
    for (uint64_t i = 0; i < header->places.count; i++)
        /* behind a function's last instruction, when control goes on from there */
        if (!is_boundary(auditing, places[i].code) || !may_be_entered(auditing, places[i].module))
            refuse(auditing, places[i].code, "a place that begins no instruction");
    for (uint64_t i = 0; i < header->sites.count; i++)
        if (!is_boundary(auditing, sites[i].code) || !is_of_function(auditing, sites[i].module))
            refuse(auditing, sites[i].code, "a site that returns to no instruction");
}

struct audit image_audit(const void *image, const struct elf_module *module)
{
    const struct image_header *header = image;
    struct auditing auditing = {.header = header, .module = module};
    ZydisDecoder decoder;
    auditing.code = (const uint8_t *)image + header->code_offset;
    auditing.marks = calloc(1, header->code_size + 1);
    auditing.module_marks = calloc(1, module->text_high - module->text_low + 1);
    ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_MINIMAL, ZYAN_TRUE);
    if (auditing.marks && auditing.module_marks) {
        mark_module(&auditing, &decoder);
        mark_fixups(&auditing);
        mark_code(&auditing, &decoder);
        if (!auditing.result.wrong)
            audit_code(&auditing, &decoder);
        audit_tables(&auditing);
    } else {
        refuse(&auditing, 0, "no memory");
    }
    free(auditing.marks);
    free(auditing.module_marks);
    return auditing.result;
}
