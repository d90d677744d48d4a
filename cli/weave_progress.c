/* weave_progress.c: how far weaving is. */
#include "cli/weave_progress.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS   UINT64_C(1000000000)
#define INTERVAL_NS (SECOND_NS / 10)

static uint64_t now_ns(void)
{
    struct timespec now = {0};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* Programs that draw on the whole screen read single keys. */
static bool shows_lines(void)
{
    struct termios terminal;
    return tcgetattr(STDERR_FILENO, &terminal) == 0 && (terminal.c_lflag & ICANON) != 0;
}

void weave_progress_begin(struct weave_progress *progress, size_t files)
{
    *progress = (struct weave_progress){.files = files, .start_ns = now_ns(), .is_wanted = shows_lines()};
}

void weave_progress_file(struct weave_progress *progress, const char *path)
{
    const char *slash = strrchr(path, '/');
    progress->name = slash ? slash + 1 : path;
    progress->file++;
    weave_progress_step(progress, 0, 1);
}

void weave_progress_step(void *arg, size_t done, size_t total)
{
    struct weave_progress *progress = arg;
    uint64_t now = progress->is_wanted ? now_ns() : 0;
    bool is_due = now >= progress->start_ns + SECOND_NS && now >= progress->told_ns + INTERVAL_NS;
    /* Whoever writes from the background may be stopped for it. */
    if (!progress->is_wanted || !is_due || tcgetpgrp(STDERR_FILENO) != getpgrp())
        return;
    progress->told_ns = now;
    progress->is_shown = true;
    fprintf(stderr, "\rlockhound: weaving %s (%zu of %zu): %zu %%\033[K", progress->name, progress->file,
            progress->files, done * 100 / (total ? total : 1));
}

void weave_progress_erase(struct weave_progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
    progress->is_shown = false;
}
