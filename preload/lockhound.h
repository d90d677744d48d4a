/* lockhound.h: the library's one instance in this process, and its start.
 *
 *   loader --> bootstrap() --> real_resolve, arena, options, detector, first thread, sink --> ready
 *
 * A hook that is called before the constructor (another library's constructor, an early allocator) starts the library
 * itself; until then, and if it cannot start, every hook passes through.
 */
#ifndef LOCKHOUND_PRELOAD_LOCKHOUND_H
#define LOCKHOUND_PRELOAD_LOCKHOUND_H

#include "detector/detector.h"
#include "preload/options.h"

struct lockhound {
    struct detector *detector;
    struct options options;
    const char *options_text; /* LOCKHOUND_OPTIONS as it was, or "" */
    bool followed;            /* the command reads the run file and prints what it finds there itself */
    bool tracing;             /* --trace: emit.h hands every event to trace.h as well */
    bool observed;            /* tracing or --contention: a lock's events have a second reader */
    bool ready;
};

extern struct lockhound lockhound;

/* Starts the library once; `envp` as the kernel gave it, or NULL to find it.  Context: early, reentrant. */
void bootstrap(char **envp);

#endif
