/* weave.c: a module into its woven image: which functions, and what is said of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "weaver/check.h"
#include "weaver/emit.h"
#include "weaver/gates.h"
#include "weaver/image_writer.h"
#include "weaver/model.h"
#include "weaver/passes.h"
#include "weaver/system_call.h"
#include "weaver/undescribed.h"

struct weaving {
    struct image_draft draft;
    const struct elf_module *module;
    const struct weave_options *options;
};

/* What one function holds. */
struct tally {
    uint32_t accesses, wanted, left, requests;
};

static struct tally tally_function(const struct function *function)
{
    struct tally tally = {0};
    for (size_t i = 0; i < function->insn_count; i++) {
        const struct insn *insn = &function->insns[i];
        for (size_t k = 0; k < insn->access_count; k++) {
            bool is_wanted = check_is_wanted(insn, &insn->access[k]);
            tally.accesses++;
            tally.wanted += is_wanted;
            tally.requests += insn->access[k].role == ACCESS_REQUEST;
            tally.left += !is_wanted && !insn->access[k].is_redundant;
        }
    }
    return tally;
}

/* Direct calls of exactly E8 rel32 can be led to the clone of what they call. */
static void note_calls(struct weaving *weaving, const struct function *function)
{
    for (size_t i = 0; i < function->insn_count; i++) {
        const struct insn *insn = &function->insns[i];
        if (insn->role != ROLE_CALL || !insn->target || insn->length != 5)
            continue;
        struct draft_branch *call = draft_add(&weaving->draft, &weaving->draft.direct_calls);
        if (call)
            *call = (struct draft_branch){insn->target, (uint32_t)insn->address};
    }
}

static void explain(const struct weaving *weaving, const struct function *function, const struct tally *tally,
                    const char *refusal)
{
    if (!weaving->options || !weaving->options->explain)
        return;
    const char *name = function->name ? function->name : "(no name)";
    if (refusal) {
        dprintf(weaving->options->output_fd, "  %#10" PRIx64 " %s: left, accesses %" PRIu32 ": %s\n",
                function->range.low, name, tally->accesses, refusal);
    } else if (tally->accesses) {
        dprintf(weaving->options->output_fd,
                "  %#10" PRIx64 " %s: accesses %" PRIu32 ", checked %" PRIu32 ", left %" PRIu32 "\n",
                function->range.low, name, tally->accesses, tally->wanted, tally->left);
    }
}

static void explain_left(struct weaving *weaving, const struct function *function)
{
    for (size_t i = 0; i < function->insn_count; i++) {
        const struct insn *insn = &function->insns[i];
        if (insn->refusal && insn->access_count)
            draft_leave(&weaving->draft, insn->address, insn->access_count, function->name, insn->refusal);
    }
}

static uint64_t atomics_in(const struct elf_module *module, const struct function *function)
{
    size_t size = function->range.high - function->range.low;
    const uint8_t *code = elf_bytes_at(module, function->range.low, size);
    return code ? undescribed_atomics_in(code, size) : 0;
}

static void note_container(struct image_draft *draft, const struct function *function)
{
    struct image_range *range = function->is_of_container ? draft_add(draft, &draft->containers) : NULL;
    if (range)
        *range = (struct image_range){(uint32_t)function->range.low, (uint32_t)function->range.high};
}

static void weave_function(struct weaving *weaving, const struct function *function)
{
    struct image_draft *draft = &weaving->draft;
    struct tally tally = tally_function(function);
    const char *refusal = emit_refusal(function);
    enum image_gate_kind gate = gate_of(weaving->module, function->range.low);
    draft->counts[IMAGE_FUNCTIONS]++;
    draft->counts[IMAGE_INSTRUCTIONS] += function->insn_count;
    draft->counts[IMAGE_ACCESSES] += tally.accesses;
    draft->counts[IMAGE_REQUESTS] += tally.requests;
    draft->counts[IMAGE_SPIN_LOOPS] += function->spin_loops;
    draft->counts[IMAGE_STACK_SKIPPED] += function->stack_skipped;
    draft->counts[IMAGE_READONLY_SKIPPED] += function->readonly_skipped;
    explain(weaving, function, &tally, refusal);
    if (refusal) {
        draft->counts[IMAGE_LEFT_ACCESSES] += tally.accesses;
        draft->counts[IMAGE_GATES_LEFT] += gate != IMAGE_GATE_NONE;
        draft->counts[IMAGE_ATOMICS_LEFT] += atomics_in(weaving->module, function);
        if (tally.accesses)
            draft_leave(draft, function->range.low, tally.accesses, function->name, refusal);
        return;
    }
    note_calls(weaving, function);
    if (!tally.wanted && gate == IMAGE_GATE_NONE && !system_call_is_in(function)) {
        draft->counts[IMAGE_LEFT_ACCESSES] += tally.left;
        return;
    }
    draft->counts[IMAGE_LEFT_ACCESSES] += tally.left;
    draft->counts[IMAGE_FUNCTIONS_WOVEN]++;
    explain_left(weaving, function);
    note_container(draft, function);
    emit_function(draft, weaving->module, function, gate);
}

/* Returns: where its instructions end, when control does not go on from there; else 0. */
static uint64_t function_end(const struct function *function)
{
    const struct insn *last = function->insn_count ? &function->insns[function->insn_count - 1] : NULL;
    return !last || function->refusal || insn_falls_through(last) ? 0 : last->address + last->length;
}

static int weave_functions(struct weaving *weaving, const char **message)
{
    for (size_t i = 0; i < weaving->module->function_count && !weaving->draft.is_too_large; i++) {
        struct function function;
        if (!function_model_make(weaving->module, i, &function)) {
            *message = "is too large: no memory for its functions";
            return -ENOMEM;
        }
        weave_function(weaving, &function);
        if (weaving->options && weaving->options->progress)
            weaving->options->progress(weaving->options->progress_of, i, weaving->module->function_count);
        weaving->draft.end = function_end(&function);
        function_model_free(&function);
    }
    if (!weaving->draft.is_too_large)
        draft_settle(&weaving->draft);
    return 0;
}

static void begin_draft(struct weaving *weaving)
{
    draft_begin(&weaving->draft);
    weaving->draft.is_narrow = weaving->options && weaving->options->narrow;
    if (weaving->options && weaving->options->code_limit)
        weaving->draft.code_limit = weaving->options->code_limit;
}

/* Returns: the flags of an image that says why there is no woven code. */
static uint32_t refuse(struct weaving *weaving, const char *reason)
{
    draft_end(&weaving->draft);
    begin_draft(weaving);
    draft_leave(&weaving->draft, 0, 0, NULL, reason);
    return IMAGE_REFUSED;
}

int weave_open_module(const struct elf_module *module, const char *output, const struct weave_options *options,
                      const char **message)
{
    struct weaving weaving = {.module = module, .options = options};
    int status = 0;
    uint32_t flags = 0;
    begin_draft(&weaving);
    if (module->refusal) {
        flags = refuse(&weaving, module->refusal);
    } else {
        status = weave_functions(&weaving, message);
        flags = weaving.draft.counts[IMAGE_FUNCTIONS_WOVEN] == 0 ? IMAGE_EMPTY : 0;
    }
    if (status == 0 && weaving.draft.is_too_large)
        flags = refuse(&weaving, "its woven code would not fit beside it");
    if (status == 0) {
        struct undescribed undescribed = undescribed_find(module, (flags & IMAGE_REFUSED) != 0);
        weaving.draft.counts[IMAGE_UNDESCRIBED] = undescribed.size;
        weaving.draft.counts[IMAGE_ATOMICS_LEFT] += undescribed.atomics;
        flags |= (weaving.draft.is_narrow ? IMAGE_NARROW : 0) | (module->uses_gs ? IMAGE_USES_GS : 0) |
                 (module->has_debug_info ? IMAGE_DESCRIBED : 0);
        status = image_write(&weaving.draft, module, output, flags, message);
    }
    draft_end(&weaving.draft);
    return status;
}

int weave_module(const char *path, const char *output, const struct weave_options *options, const char **message)
{
    struct elf_module module;
    int status = elf_module_open(&module, path, message);
    if (status != 0)
        return status;
    status = weave_open_module(&module, output, options, message);
    elf_module_close(&module);
    return status;
}
