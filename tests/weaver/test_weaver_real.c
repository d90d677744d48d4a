/* test_weaver_real.c: clones of real functions do what the functions do.
 *
 *     test_weaver_real [--seed N] [--seconds N] [--most N] [--function ADDRESS] [--files LIST] [FILE...]
 *
 * Of each file (see files.h) about N functions are tried, chosen by the seed.  --seconds ends it early.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cpu.h"
#include "files.h"
#include "trial.h"

enum { STARTS_MOST = 6, DESCRIPTION_SIZE = 8192, DIFFERENCES_MOST = 20 };

static struct {
    uint64_t seed, seconds, most, function;
    const char *files;
    bool narrow;
} options = {.seed = 1, .most = 400};

static struct trial_count count;
static uint64_t functions_tried, functions_left, differences;
static time_t began;

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * 0xff51afd7ed558ccd;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53;
    return x ^ x >> 33;
}

static bool is_time_up(void)
{
    return options.seconds && (uint64_t)(time(NULL) - began) >= options.seconds;
}

static void try_function(struct stage *stage, const char *path)
{
    static char text[DESCRIPTION_SIZE];
    size_t starts = stage->function.insn_count < STARTS_MOST ? stage->function.insn_count : STARTS_MOST;
    for (size_t i = 0; i < starts && !is_time_up(); i++) {
        uint64_t seed = mix(options.seed ^ mix(stage->function.range.low + i));
        size_t first = i == 0 ? 0 : seed % stage->function.insn_count;
        if (stage->function.insns[first].role == ROLE_TRAP)
            continue;
        const char *different = trial_run(stage, first, seed, &count, text, sizeof text);
        if (!different)
            continue;
        printf("%s: function %#" PRIx64 " %s from %#" PRIx64 " with --seed %" PRIu64 ": different: %s\n  %s", path,
               stage->function.range.low, stage->function.name ? stage->function.name : "",
               stage->function.insns[first].address, options.seed, different, text);
        differences++;
        return;
    }
}

static void try_file(struct stage *stage, const char *path)
{
    const char *reason = stage_open(stage, path);
    if (reason)
        return; /* no module, or one that is not to be woven: test_weaver_modules.c looks at those */
    uint64_t wanted = options.most * UINT32_MAX / (stage->module.function_count + 1);
    for (size_t i = 0; i < stage->module.function_count && !is_time_up() && differences < DIFFERENCES_MOST; i++) {
        uint64_t low = stage->module.functions[i].low;
        if (options.function ? low != options.function : (uint32_t)mix(low ^ options.seed) > wanted)
            continue;
        reason = stage_function(stage, i);
        functions_left += reason != NULL;
        if (reason)
            continue;
        functions_tried++;
        try_function(stage, path);
        stage_function_end(stage);
    }
    stage_close(stage);
}

static bool read_options(int argc, char **argv)
{
    static const struct option known[] = {{"seed", required_argument, NULL, 's'},
                                          {"seconds", required_argument, NULL, 't'},
                                          {"most", required_argument, NULL, 'm'},
                                          {"function", required_argument, NULL, 'f'},
                                          {"files", required_argument, NULL, 'l'},
                                          {"narrow", no_argument, NULL, 'n'},
                                          {0}};
    for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        uint64_t value = optarg ? strtoull(optarg, NULL, 0) : 0;
        switch (option) {
        case 's':
            options.seed = value;
            break;
        case 't':
            options.seconds = value;
            break;
        case 'm':
            options.most = value;
            break;
        case 'f':
            options.function = value;
            break;
        case 'l':
            options.files = optarg;
            break;
        case 'n':
            options.narrow = true;
            break;
        default:
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct stage stage;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!read_options(argc, argv))
        return 2;
    if (!stage_begin(&stage) || !cpu_begin()) {
        printf("no address space, or no signals\n");
        return 1;
    }
    stage.is_narrow = options.narrow;
    began = time(NULL);
    struct files files = files_take(argv + optind, (size_t)(argc - optind), options.files);
    for (size_t i = 0; i < files.count && !is_time_up() && differences < DIFFERENCES_MOST; i++)
        try_file(&stage, files.names[i]);
    printf("seed %" PRIu64 ": %" PRIu64 " functions (%" PRIu64 " left alone), %" PRIu64 " trials, %" PRIu64
           " stops, %" PRIu64 " calls of routines, %" PRIu64 " without an end; %" PRIu64 " differ\n",
           options.seed, functions_tried, functions_left, count.trials, count.stops, count.calls, count.timeouts,
           differences);
    files_free(&files);
    return differences || functions_tried == 0;
}
