/* command_weave.c: `lockhound weave FILE...`: makes, explains and checks the woven images of programs and libraries.
 * The library starts it for the modules that have none. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/weave_progress.h"
#include "cli/woven_cache.h"
#include "cli/woven_prune.h"
#include "weaver/undescribed.h"

struct weave_request {
    bool explains, checks, forces, narrow, is_silent;
    const char *output;
    const char *made_in; /* the cache's folder, once an image was made there; NULL */
    time_t start;
    struct weave_progress progress;
    struct pool pool;
};

/* ---- what is said --------------------------------------------------------------------------------------------------- */

static const char *string_at(const struct woven_file *file, uint32_t offset)
{
    return (const char *)file->header + file->header->strings.offset + offset;
}

static const struct image_left *left_of(const struct woven_file *file)
{
    return (const void *)((const char *)file->header + file->header->left.offset);
}

static void say_image(const char *path, const struct woven_file *file)
{
    const struct image_header *header = file->header;
    const uint64_t *counts = header->counts;
    if (header->flags & IMAGE_REFUSED) {
        printf("%s: left: %s\n", path, header->left.count ? string_at(file, left_of(file)->reason) : "no reason given");
    } else if (header->flags & IMAGE_EMPTY) {
        printf("%s: nothing needs weaving\n", path);
    } else {
        printf("%s: woven %" PRIu64 " of %" PRIu64 " functions: %" PRIu64 " checks, %" PRIu64 " atomics, %" PRIu64
               " of %" PRIu64 " accesses left\n",
               path, counts[IMAGE_FUNCTIONS_WOVEN], counts[IMAGE_FUNCTIONS], counts[IMAGE_CHECKS],
               counts[IMAGE_ATOMICS], counts[IMAGE_LEFT_ACCESSES], counts[IMAGE_ACCESSES]);
    }
}

static void explain_image(const struct woven_file *file)
{
    const struct image_header *header = file->header;
    const uint64_t *counts = header->counts;
    const struct image_left *left = left_of(file);
    printf("  instructions %" PRIu64 ", code %" PRIu64 " bytes, entries %" PRIu64 ", direct calls %" PRIu64 "\n",
           counts[IMAGE_INSTRUCTIONS], header->code_size, header->entries.count, header->calls.count);
    printf("  skipped: %" PRIu64 " of stack slots, %" PRIu64 " of constants; spin loops %" PRIu64
           ", counted loops %" PRIu64 "\n",
           counts[IMAGE_STACK_SKIPPED], counts[IMAGE_READONLY_SKIPPED], counts[IMAGE_SPIN_LOOPS],
           counts[IMAGE_COUNTED_LOOPS]);
    printf("  checks with a spilled register %" PRIu64 ", with saved flags %" PRIu64 "\n",
           counts[IMAGE_SPILLED_REGISTERS], counts[IMAGE_SAVED_FLAGS]);
    if (counts[IMAGE_UNDESCRIBED] || counts[IMAGE_ATOMICS_LEFT]) {
        printf("  code without unwinding information %" PRIu64
               " bytes; atomics there and in functions left alone %" PRIu64 "%s\n",
               counts[IMAGE_UNDESCRIBED], counts[IMAGE_ATOMICS_LEFT],
               counts[IMAGE_ATOMICS_LEFT] < UNDESCRIBED_ATOMICS_MOST ? "" : " or more");
    }
    if (header->gates.count) {
        printf("  gates of its allocator %" PRIu64 ", %" PRIu64 " left\n", header->gates.count,
               counts[IMAGE_GATES_LEFT]);
    }
    for (uint64_t i = 0; i < header->left.count; i++) {
        const char *name = string_at(file, left[i].name);
        printf("  left at %#" PRIx32 " %s: %" PRIu32 " %s: %s\n", left[i].module, *name ? name : "(no name)",
               left[i].accesses, left[i].accesses == 1 ? "access" : "accesses", string_at(file, left[i].reason));
    }
}

/* ---- one module ----------------------------------------------------------------------------------------------------- */

static void complain(const struct weave_request *request, const char *path, const char *message)
{
    if (!request->is_silent)
        fprintf(stderr, "lockhound: %s %s\n", path, message);
}

/* Returns: false when it could not be woven, after a complaint. */
static bool make_image(struct weave_request *request, const char *path, const struct elf_module *module,
                       const char *output)
{
    struct weave_options options = {.narrow = request->narrow,
                                    .explain = request->explains,
                                    .output_fd = STDOUT_FILENO,
                                    .progress = weave_progress_step,
                                    .progress_of = &request->progress};
    const char *message = "cannot be woven";
    fflush(stdout);
    bool is_made = weave_open_module(module, output, &options, &message) == 0;
    weave_progress_erase(&request->progress);
    if (!is_made)
        complain(request, path, message);
    return is_made;
}

static bool weave_module_to(struct weave_request *request, const char *path, const struct elf_module *module,
                            const char *output)
{
    struct woven_file file;
    const char *wrong = woven_file_open(&file, output, module, request->narrow);
    bool is_remade = !request->checks && (wrong || request->forces || request->explains || request->output);
    if (is_remade) {
        woven_file_close(&file);
        if (!make_image(request, path, module, output))
            return false;
        wrong = woven_file_open(&file, output, module, request->narrow);
        if (!request->output)
            request->made_in = pool_copy(&request->pool, output, (size_t)(strrchr(output, '/') - output));
    }
    if (wrong && !request->is_silent)
        fprintf(stderr, "lockhound: %s, the image of %s, %s\n", output, path, wrong);
    if (wrong)
        return false;
    if (!request->is_silent)
        say_image(path, &file);
    if (request->explains)
        explain_image(&file);
    woven_file_close(&file);
    return true;
}

static bool weave_file(struct weave_request *request, const char *path)
{
    struct elf_module module;
    const char *message = "cannot be read";
    weave_progress_file(&request->progress, path);
    int status = elf_module_open(&module, path, &message);
    weave_progress_erase(&request->progress);
    if (status != 0) {
        complain(request, path, message);
        return false;
    }
    const char *output = request->output ? request->output
                                         : woven_cache_path(&request->pool, &module, request->narrow, !request->checks);
    bool is_done = output && weave_module_to(request, path, &module, output);
    elf_module_close(&module);
    return is_done;
}

/* ---- all ------------------------------------------------------------------------------------------------------------ */

/* Returns: an exit status. */
static int weave_files(struct weave_request *request, char **paths)
{
    int status = EXIT_OK;
    size_t count = 0;
    while (paths[count])
        count++;
    weave_progress_begin(&request->progress, count);
    for (size_t i = 0; i < count; i++)
        if (!weave_file(request, paths[i]))
            status = EXIT_FAILED;
    if (request->made_in)
        woven_prune(request->made_in, woven_prune_limit(), request->start);
    return status;
}

int command_weave_main(int argc, char **argv)
{
    struct settings settings = {0};
    int first = settings_parse(&settings, argc, argv, FOR_WEAVE, true);
    if (first < 0)
        return EXIT_USAGE;
    if (settings.wants_help)
        return command_print_help(command_find("weave"));
    struct weave_request request = {.explains = settings_flag(&settings, OPTION_ID_explain),
                                    .checks = settings_flag(&settings, OPTION_ID_check),
                                    .forces = settings_flag(&settings, OPTION_ID_force),
                                    .is_silent = settings_flag(&settings, OPTION_ID_silent),
                                    .narrow = settings_flag(&settings, OPTION_ID_narrow),
                                    .output = settings.values[OPTION_ID_output],
                                    .start = time(NULL)};
    if (!argv[first] || (request.output && argv[first + 1])) {
        fputs(argv[first] ? "lockhound: weave --output takes one program or library\n"
                          : "lockhound: weave needs a program or a library\n",
              stderr);
        return EXIT_USAGE;
    }
    int status = weave_files(&request, argv + first);
    pool_free(&request.pool);
    pool_free(&settings.pool);
    if (fflush(stdout) != 0) {
        perror("lockhound: cannot write to stdout");
        status = EXIT_FAILED;
    }
    return status;
}
