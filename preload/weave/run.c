#include "preload/weave/run.h"

#include "detector/race_run.h"
#include "preload/weave/access_trace.h"
#include "preload/weave/miss.h"
#include "preload/weave/pc_map.h"
#include "preload/weave/plane.h"

enum { RUN_BYTES_MOST = 1 << 28 };

/* Elements side by side. */
static void record_run(struct plane *plane, struct race_run run)
{
    struct race_run stretch;
    while (race_run_next(&plane->race, &run, HISTORY_SIZE_MAX, &stretch)) {
        miss_note(plane, stretch.address, stretch.count * stretch.element, stretch.flags);
        race_run(plane_engine(), &plane->race, &stretch);
    }
}

bool run_take(struct plane *plane, uint64_t address, const struct image_site *site, const struct routine_frame *frame)
{
    struct image_run what = image_run_read(routine_mark(frame, 1));
    bool is_down = what.stride < 0;
    uint64_t distance = (uint64_t)(is_down ? -what.stride : what.stride), rounds = distance == 0 ? 1 : frame->rsi;
    uint64_t uncovered = (uint64_t)(what.uncovered < 0 ? -what.uncovered : what.uncovered);
    if (what.uncovered != IMAGE_RUN_ALL && uncovered < rounds) {
        uint64_t passed = what.uncovered > 0 ? (rounds - uncovered) * distance : 0;
        address += is_down ? -passed : passed;
        rounds = uncovered;
    }
    uint64_t low = is_down ? address - (rounds - 1) * distance : address;
    uint64_t size = (rounds - 1) * distance + site->size;
    struct race_run run = {.address = low, .count = rounds, .element = site->size, .flags = pc_map_site_flags(site)};
    if (access_trace_is_on() || size > RUN_BYTES_MOST || !race_run_may(plane_engine(), low, size))
        return false;
    record_run(plane, run);
    return true;
}
