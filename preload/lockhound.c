#include "preload/lockhound.h"

#include <stdatomic.h>
#include <string.h>

#include "detector/thread.h"
#include "preload/alarm.h"
#include "preload/arena.h"
#include "preload/asleep.h"
#include "preload/clock.h"
#include "preload/commons_file.h"
#include "preload/dump.h"
#include "preload/environment.h"
#include "preload/grace.h"
#include "preload/helper_command.h"
#include "preload/hook.h"
#include "preload/intercept/memory.h"
#include "preload/intercept/process.h"
#include "preload/intercept/signals.h"
#include "preload/intercept/thread.h"
#include "preload/libunwind_walk.h"
#include "preload/mapping.h"
#include "preload/modules.h"
#include "preload/ranks.h"
#include "preload/real.h"
#include "preload/run_file.h"
#include "preload/self.h"
#include "preload/sharing_rest.h"
#include "preload/sink.h"
#include "preload/trace.h"
#include "preload/weave/early.h"
#include "preload/weave/weave.h"

struct lockhound lockhound;

/* ---- the detector's host ------------------------------------------------------------------------------------------ */

static void *host_alloc(void *ctx, size_t size)
{
    (void)ctx;
    return arena_alloc(size);
}

static void host_free(void *ctx, void *memory, size_t size)
{
    (void)ctx;
    arena_free(memory, size);
}

static void host_enter(void *ctx, enum rank rank)
{
    (void)ctx;
    rank_enter(rank);
}

static void host_leave(void *ctx, enum rank rank)
{
    (void)ctx;
    rank_leave(rank);
}

static void host_report(void *ctx, const struct finding *finding)
{
    (void)ctx;
    sink_finding(finding);
}

static uint64_t host_now_ns(void *ctx)
{
    (void)ctx;
    return clock_monotonic_ns();
}

/* Returns: false when the calling thread is about to sleep on a futex, and the kernel will not let it. */
static bool own_word_is_expected(void)
{
    const struct self *self = self_current;
    struct wait_record wait;
    if (self == NULL || self == SELF_GONE || seat_read_wait(self->thread->seat, &wait) == 0 || wait.kind != WAIT_FUTEX)
        return true;
    uint64_t address = relaxed_load(&wait.wanted->address);
    return address != (uint64_t)self->futex_word.address || futex_word_is_expected(&self->futex_word);
}

/* What a thread of clone() has done is not known, even when it has ended. */
static bool host_all_asleep(void *ctx)
{
    (void)ctx;
    return !weave_has_raw_threads() && all_asleep() && own_word_is_expected();
}

static bool host_memory_is_shared(void *ctx, const void *place)
{
    (void)ctx;
    return mapping_is_shared((uintptr_t)place);
}

static bool host_alarm_is_set(void *ctx)
{
    (void)ctx;
    return alarm_is_set();
}

static void host_asleep_for_others(void *ctx)
{
    (void)ctx;
    if (!weave_has_raw_threads())
        sharing_rest_begin();
}

static uint64_t host_signals_blocked(void *ctx)
{
    (void)ctx;
    return signals_blocked();
}

static void host_hung(void *ctx)
{
    (void)ctx;
    sink_hung();
}

static const struct detector_host host = {
    .alloc = host_alloc,
    .free = host_free,
    .enter = host_enter,
    .leave = host_leave,
    .report = host_report,
    .now_ns = host_now_ns,
    .all_asleep = host_all_asleep,
    .memory_is_shared = host_memory_is_shared,
    .alarm_is_set = host_alarm_is_set,
    .signals_blocked = host_signals_blocked,
    .hung = host_hung,
    .asleep_for_others = host_asleep_for_others,
};

/* ---- start -------------------------------------------------------------------------------------------------------- */

/* Returns: a copy, for a program may write its title over its environment. */
static const char *keep(const char *string)
{
    size_t size = strlen(string) + 1;
    char *copy = arena_alloc(size);
    return copy == NULL ? "" : memcpy(copy, string, size);
}

static bool start_detector(void)
{
    struct detector_options options;
    detector_options_default(&options);
    memcpy(options.enabled, lockhound.options.checks, sizeof options.enabled);
    options.hybrid_races = lockhound.options.memory == MEMORY_WEAVE && lockhound.options.races == RACES_HYBRID;
    options.lock_held_threshold_ms = lockhound.options.lock_held_ms;
    lockhound.detector = detector_new(&host, &options);
    return lockhound.detector != NULL;
}

static void start(char **envp)
{
    real_resolve();
    modules_init();
    options_default(&lockhound.options);
    lockhound.options_text = keep(environment_value(envp, RUN_ENVIRONMENT_OPTIONS));
    lockhound.followed = environment_value(envp, RUN_ENVIRONMENT_FOLLOWED)[0] == '1';
    options_parse(&lockhound.options, lockhound.options_text, sink_complain);
    arena_set_limit((size_t)lockhound.options.memory_limit << 20);
    lockhound.ready = start_detector();
    struct self *self = lockhound.ready ? self_new(NULL, false, (struct stack_id){0}) : NULL;
    if (self == NULL) {
        lockhound.ready = false;
        sink_complain("has no memory to start; the program runs unchecked", "it", 2);
        return;
    }
    self->inside = true;
    self_start(self);
    /* The first thread's own stack ends where its environment stands. */
    self->stack_high = envp != NULL ? (uintptr_t)envp : (uintptr_t)__builtin_frame_address(0);
    self->stack_low = self->stack_high - FIRST_STACK_SURE;
    sink_init();
    commons_file_init();
    trace_init();
    lockhound.observed = lockhound.tracing || lockhound.options.contention;
    helper_init();
    weave_init(envp);
    memory_init();
    process_init(envp);
    signals_init();
    dump_init();
    thread_init();
    self->inside = false;
}

void bootstrap(char **envp)
{
    static atomic_bool begun;
    /* One thread starts the library; whoever comes meanwhile, this thread included, passes through. */
    if (!atomic_exchange_explicit(&begun, true, memory_order_acq_rel))
        start(envp != NULL ? envp : environ);
}

__attribute__((constructor)) static void construct(int argc, char **argv, char **envp)
{
    (void)argc;
    (void)argv;
    environment_lend(envp);
    bootstrap(envp);
    libunwind_walk_init();
    struct self *self = hook_enter();
    if (self != NULL) {
        weave_early(self);
        hook_leave(self);
    }
}

__attribute__((destructor)) static void destruct(void)
{
    grace_give();
    process_about_to_end();
}
