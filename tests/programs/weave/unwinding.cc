// unwinding.cc: what goes up through woven frames and past them: exceptions, cancellation, backtraces, the end by terminate.
//
// Prints the same whether its code is woven or not; each part by its name.  terminate ends the process.
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <pthread.h>
#include <unistd.h>
#include <unwind.h>

namespace
{

constexpr int threads_count = 4, rounds = 300, cells = 256, frames_max = 64;

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
long shared_cells[cells]; // under the mutex

void must(bool is_so, const char *what)
{
    if (is_so)
        return;
    std::fprintf(stderr, "not so: %s\n", what);
    std::abort();
}

struct guard {
    guard()
    {
        pthread_mutex_lock(&mutex);
    }
    ~guard()
    {
        pthread_mutex_unlock(&mutex);
    }
    guard(const guard &) = delete;
    guard &operator=(const guard &) = delete;
};

using routine = void *(*)(void *);

void run_on_threads(routine run)
{
    std::array<pthread_t, threads_count> threads{};
    std::array<long, threads_count> results{};
    for (size_t i = 0; i < threads.size(); i++) {
        results[i] = static_cast<long>(i);
        must(pthread_create(&threads[i], nullptr, run, &results[i]) == 0, "pthread_create");
    }
    for (size_t i = 0; i < threads.size(); i++) {
        must(pthread_join(threads[i], nullptr) == 0, "pthread_join");
        std::printf("  %zu: %ld\n", i, results[i]);
    }
}

// ---- exceptions ------------------------------------------------------------------------------------------------------

struct trouble : std::runtime_error {
    explicit trouble(long depth) : std::runtime_error("trouble"), depth(depth)
    {
    }
    long depth;
};

// The destructor must find its members where the frame left them.
struct mark {
    mark(long *count, long step) : count(count), step(step)
    {
        *count += step;
    }
    ~mark()
    {
        *count -= step;
    }
    mark(const mark &) = delete;
    mark &operator=(const mark &) = delete;
    long *count, step;
};

__attribute__((noinline)) long descend(long depth, long *open, long seed)
{
    mark here(open, depth);
    {
        guard held;
        shared_cells[(seed + depth) % cells] += depth;
        if (depth == 0 && seed % 3 == 0)
            throw trouble(seed);
        if (depth == 0 && seed % 3 == 1)
            throw static_cast<int>(seed);
    }
    return depth == 0 ? seed : descend(depth - 1, open, seed) + here.step;
}

__attribute__((noinline)) long rethrow(long seed, long *open)
{
    try {
        return descend(7, open, seed);
    } catch (const trouble &caught) {
        guard held;
        shared_cells[seed % cells] -= caught.depth;
        throw; // to the frame above
    }
}

void *throw_often(void *slot)
{
    long &sum = *static_cast<long *>(slot), open = 0;
    for (long round = 0; round < rounds; round++) {
        try {
            sum += rethrow(round, &open);
        } catch (const std::exception &caught) {
            sum += static_cast<long>(std::strlen(caught.what())) * 1000;
        } catch (int number) {
            sum -= number;
        }
        must(open == 0, "all destructors ran");
    }
    return nullptr;
}

void exceptions()
{
    run_on_threads(throw_often);
}

// ---- from thread to thread -------------------------------------------------------------------------------------------

std::exception_ptr handed_on[threads_count];

void *catch_and_keep(void *slot)
{
    long number = *static_cast<long *>(slot), open = 0;
    try {
        descend(5, &open, number * 3);
    } catch (...) {
        handed_on[number] = std::current_exception();
    }
    return nullptr;
}

void exception_pointers()
{
    run_on_threads(catch_and_keep);
    for (std::exception_ptr &kept : handed_on)
        try {
            std::rethrow_exception(kept);
        } catch (const trouble &caught) {
            std::printf("  %s at %ld\n", caught.what(), caught.depth);
        }
}

// ---- cancellation ----------------------------------------------------------------------------------------------------

int ready_pipe[2], never_pipe[2];

void undo(void *count)
{
    *static_cast<long *>(count) += 1000;
}

__attribute__((noinline)) void wait_below(long depth, long *open)
{
    mark here(open, depth);
    pthread_cleanup_push(undo, open);
    if (depth == 0) {
        char byte = 0;
        must(write(ready_pipe[1], &byte, 1) == 1, "write");
        while (read(never_pipe[0], &byte, 1) <= 0) // the point of cancellation
            ;
    }
    if (depth > 0)
        wait_below(depth - 1, open);
    open[0] += here.step;
    pthread_cleanup_pop(0);
}

void *be_cancelled(void *slot)
{
    auto *open = static_cast<long *>(slot);
    try {
        wait_below(6, open);
    } catch (...) {
        *open += 7; // a forced unwind comes by, and must go on
        throw;
    }
    return nullptr;
}

void *leave_by_exit(void *slot)
{
    mark here(static_cast<long *>(slot), 12);
    pthread_cleanup_push(undo, slot);
    pthread_exit(slot);
    pthread_cleanup_pop(0);
}

void cancellation()
{
    must(pipe(ready_pipe) == 0 && pipe(never_pipe) == 0, "pipe");
    long open = 0;
    void *result = nullptr;
    pthread_t thread;
    char byte = 0;
    must(pthread_create(&thread, nullptr, be_cancelled, &open) == 0, "pthread_create");
    must(read(ready_pipe[0], &byte, 1) == 1, "read");
    must(pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0, "cancel and join");
    std::printf("  %s, %ld\n", result == PTHREAD_CANCELED ? "cancelled" : "not cancelled", open);
    open = 0;
    must(pthread_create(&thread, nullptr, leave_by_exit, &open) == 0 && pthread_join(thread, &result) == 0, "join");
    std::printf("  %s, %ld\n", result == &open ? "left" : "not left", open);
}

// ---- backtraces ------------------------------------------------------------------------------------------------------

struct frames {
    std::array<void *, frames_max> at{};
    int count = 0;
};

frames by_backtrace, by_unwinder;

_Unwind_Reason_Code take_frame(_Unwind_Context *context, void *memory)
{
    auto *taken = static_cast<frames *>(memory);
    if (taken->count < frames_max)
        taken->at[static_cast<size_t>(taken->count++)] = reinterpret_cast<void *>(_Unwind_GetIP(context));
    return _URC_NO_REASON;
}

__attribute__((noinline)) long look_up(long depth)
{
    {
        guard held;
        shared_cells[depth] += depth;
    }
    if (depth == 0) {
        by_backtrace.count = backtrace(by_backtrace.at.data(), frames_max);
        by_unwinder.count = 0;
        _Unwind_Backtrace(take_frame, &by_unwinder);
        return 1;
    }
    return look_up(depth - 1) + shared_cells[depth] % 2;
}

// Offsets in this program only; what libc and the library of threads look like above is theirs.
void print_own(const frames &taken)
{
    Dl_info own, each;
    must(dladdr(reinterpret_cast<void *>(print_own), &own) != 0, "dladdr");
    for (int i = 0; i < taken.count; i++) {
        void *at = taken.at[static_cast<size_t>(i)];
        if (dladdr(at, &each) != 0 && each.dli_fbase == own.dli_fbase)
            std::printf("  +%#zx\n", static_cast<size_t>(static_cast<char *>(at) - static_cast<char *>(own.dli_fbase)));
    }
}

void *take_backtraces(void *)
{
    look_up(9);
    return nullptr;
}

void backtraces()
{
    pthread_t thread;
    must(pthread_create(&thread, nullptr, take_backtraces, nullptr) == 0 && pthread_join(thread, nullptr) == 0, "join");
    print_own(by_backtrace);
    print_own(by_unwinder);
}

// ---- terminate -------------------------------------------------------------------------------------------------------

__attribute__((noinline)) long promise(long depth, long *open) noexcept
{
    return descend(depth, open, 3);
}

void *break_promise(void *slot)
{
    long open = 0;
    *static_cast<long *>(slot) = promise(4, &open);
    return nullptr;
}

void terminate()
{
    pthread_t thread;
    long result = 0;
    must(pthread_create(&thread, nullptr, break_promise, &result) == 0 && pthread_join(thread, nullptr) == 0, "join");
}

} // namespace

int main(int argc, char **argv)
{
    const struct {
        const char *name;
        void (*run)();
    } parts[] = {{"exceptions", exceptions},
                 {"exception_pointers", exception_pointers},
                 {"cancellation", cancellation},
                 {"backtraces", backtraces},
                 {"terminate", terminate}};
    for (const auto &part : parts)
        if (argc == 2 && std::strcmp(argv[1], part.name) == 0)
            part.run();
    return 0;
}
