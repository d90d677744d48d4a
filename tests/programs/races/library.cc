/* library.cc: what the C++ library offers to threads, used correctly: nothing may be reported of any case.
 *
 *   PROGRAM         prints the cases' names
 *   PROGRAM CASE    runs the case
 *
 * Most objects are on the stack, as in programs: what orders threads is then reached by the stack pointer on one side.
 */
#include <array>
#include <atomic>
#include <barrier>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <functional>
#include <future>
#include <iomanip>
#include <iostream>
#include <latch>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <numeric>
#include <regex>
#include <semaphore>
#include <shared_mutex>
#include <sstream>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

static void must(bool holds)
{
    if (!holds)
        std::abort();
}

template <class Body> static void run_many(int count, Body body)
{
    std::vector<std::thread> threads;
    for (int i = 0; i < count; i++)
        threads.emplace_back(body, i);
    for (auto &thread : threads)
        thread.join();
}

/* ---- text: facets of the classic locale fill their tables at first use ------------------------------------------------- */

static void streams()
{
    std::vector<std::string> lines(4);
    run_many(4, [&](int i) {
        std::ostringstream out;
        std::istringstream in("1 2");
        int first = 0, second = 0;
        in >> first >> second;
        out << std::hex << std::setw(8) << std::setfill('0') << first + second << ' ' << 3.5 << std::endl;
        lines[i] = out.str();
    });
    must(lines[0] == "00000003 3.5\n" && lines[3] == lines[0]);
}

static void expressions()
{
    run_many(
        4,
        [](int i) {
            std::smatch match;
            std::string text = "abc" + std::to_string(i);
            must(std::regex_match(text, match, std::regex("([a-z]+)([0-9]+)")));
        });
}

static void standard_streams()
{
    run_many(
        3,
        [](int) {
            for (int i = 0; i < 20; i++) {
                std::clog << "";
                std::cout << "" << std::flush;
            }
        });
}

/* ---- results that are handed over -------------------------------------------------------------------------------------- */

static void futures()
{
    std::vector<std::future<int>> squares;
    for (int i = 0; i < 8; i++)
        squares.push_back(std::async(std::launch::async, [i] { return i * i; }));
    int sum = 0;
    for (auto &square : squares)
        sum += square.get();
    must(sum == 140);
    std::packaged_task<int(int)> task([](int x) { return x + 1; });
    auto result = task.get_future();
    std::thread thread(std::move(task), 4);
    must(result.get() == 5);
    thread.join();
}

static void promises()
{
    std::promise<std::string> promise;
    auto text = promise.get_future().share();
    std::thread sender([&] { promise.set_value("text"); });
    run_many(3, [text](int) { must(text.get() == "text"); });
    sender.join();
}

static void exceptions()
{
    std::promise<void> promise;
    auto outcome = promise.get_future();
    std::thread thread([&] {
        try {
            throw std::runtime_error("reason");
        } catch (...) {
            promise.set_exception(std::current_exception());
        }
    });
    try {
        outcome.get();
        must(false);
    } catch (const std::runtime_error &error) {
        must(std::strcmp(error.what(), "reason") == 0);
    }
    thread.join();
}

/* ---- once, and for each thread ----------------------------------------------------------------------------------------- */

static void once()
{
    std::once_flag flag;
    int value = 0;
    run_many(4, [&](int) {
        static const std::string fixed = "fixed " + std::to_string(3);
        std::call_once(flag, [&] { value = 7; });
        must(value == 7 && fixed == "fixed 3");
    });
}

static void thread_locals()
{
    run_many(
        4,
        [](int i) {
            static thread_local std::string own = "own";
            own += std::to_string(i);
            must(own.size() == 4);
        });
}

/* ---- owners ------------------------------------------------------------------------------------------------------------- */

static void shared_pointers()
{
    auto values = std::make_shared<std::vector<int>>(10, 1);
    std::weak_ptr<std::vector<int>> weak = values;
    run_many(4, [values, weak](int) {
        for (int i = 0; i < 100; i++) {
            auto locked = weak.lock();
            must(locked && locked->size() == 10);
        }
    });
    std::vector<std::thread> threads; /* whoever comes last frees what the others have read */
    auto last = std::make_shared<std::string>("last");
    for (int i = 0; i < 3; i++)
        threads.emplace_back([last] { must(last->size() == 4); });
    last.reset();
    for (auto &thread : threads)
        thread.join();
}

static void memory_pools()
{
    std::pmr::synchronized_pool_resource pool;
    run_many(3, [&](int) {
        std::pmr::vector<int> values(&pool);
        for (int i = 0; i < 1000; i++)
            values.push_back(i);
    });
}

/* ---- locks -------------------------------------------------------------------------------------------------------------- */

static void conditions()
{
    std::mutex mutex;
    std::condition_variable_any changed;
    std::deque<int> queue;
    bool is_over = false;
    std::thread consumer([&] {
        int count = 0;
        for (;; count++) {
            std::unique_lock lock(mutex);
            changed.wait(lock, [&] { return !queue.empty() || is_over; });
            if (queue.empty())
                break;
            queue.pop_front();
        }
        must(count == 100);
    });
    for (int i = 0; i < 100; i++) {
        std::lock_guard lock(mutex);
        queue.push_back(i);
        changed.notify_one();
    }
    {
        std::lock_guard lock(mutex);
        is_over = true;
    }
    changed.notify_all();
    consumer.join();
}

static void other_locks()
{
    std::shared_mutex shared;
    std::timed_mutex timed;
    std::recursive_mutex recursive;
    std::map<int, std::string> names;
    int count = 0, tries = 0;
    run_many(4, [&](int i) {
        for (int k = 0; k < 50; k++) {
            {
                std::shared_lock lock(shared);
                auto found = names.find(k);
                must(found == names.end() || !found->second.empty());
            }
            std::unique_lock lock(shared);
            names[k] = std::to_string(i);
        }
        if (timed.try_lock_for(std::chrono::seconds(60))) {
            tries++;
            timed.unlock();
        }
        std::lock_guard outer(recursive);
        std::lock_guard inner(recursive);
        count++;
    });
    must(count == 4 && tries == 4);
}

/* ---- since C++20 -------------------------------------------------------------------------------------------------------- */

static void latches_and_barriers()
{
    std::latch begun(4);
    std::barrier round(4);
    std::array<int, 4> values{};
    run_many(4, [&](int i) {
        values[i] = i;
        begun.arrive_and_wait();
        must(std::accumulate(values.begin(), values.end(), 0) == 6);
        for (int k = 0; k < 5; k++) {
            round.arrive_and_wait();
            if (i == k % 4)
                values[0] = k;
            round.arrive_and_wait();
            must(values[0] == k);
        }
        round.arrive_and_wait();
    });
}

static void semaphores()
{
    std::binary_semaphore there(0), back(0);
    std::counting_semaphore<4> one(1);
    int value = 0, count = 0;
    std::thread other([&] {
        there.acquire();
        value++;
        back.release();
    });
    value = 1;
    there.release();
    back.acquire();
    must(value == 2);
    other.join();
    run_many(4, [&](int) {
        one.acquire();
        count++;
        one.release();
    });
    must(count == 4);
}

static void waits_for_values()
{
    std::atomic<int> state = 0;
    int message = 0;
    std::thread waiter([&] {
        state.wait(0);
        must(message == 5);
    });
    message = 5;
    state = 1;
    state.notify_one();
    waiter.join();
}

static void stops()
{
    std::mutex mutex;
    std::condition_variable_any changed;
    bool has_stopped = false;
    std::jthread thread([&](std::stop_token token) {
        std::unique_lock lock(mutex);
        changed.wait(lock, token, [] { return false; });
        has_stopped = true;
    });
    thread.request_stop();
    thread.join();
    must(has_stopped);
}

/* ---- atomics ------------------------------------------------------------------------------------------------------------ */

static void flags()
{
    std::atomic_flag flag = ATOMIC_FLAG_INIT;
    std::atomic<bool> ready = false;
    int value = 0;
    std::vector<int> list;
    std::thread first([&] {
        while (!flag.test(std::memory_order_acquire))
            std::this_thread::yield();
        must(value == 3);
    });
    std::thread second([&] {
        while (!ready)
            std::this_thread::yield();
        must(list.size() == 3);
    });
    value = 3;
    flag.test_and_set(std::memory_order_release);
    list = {1, 2, 3};
    ready = true;
    first.join();
    second.join();
}

static void stacks_without_locks()
{
    struct node {
        int value;
        node *next;
    };
    std::atomic<node *> head = nullptr;
    run_many(4, [&](int i) {
        for (int k = 0; k < 100; k++) {
            auto *added = new node{i, head.load()};
            while (!head.compare_exchange_weak(added->next, added))
                ;
        }
    });
    int count = 0;
    for (node *at = head.load(), *next; at != nullptr; at = next, count++) {
        next = at->next;
        delete at;
    }
    must(count == 400);
}

/* The orders are in the fences, which leave no instruction. */
static void fences()
{
    static struct {
        std::atomic<unsigned> taken = 0;
        alignas(64) std::atomic<unsigned> put = 0;
        int slots[8] = {};
    } ring;
    run_many(2, [](int which) {
        for (int i = 0; i < 1000 && which == 0; i++) {
            unsigned put = ring.put.load(std::memory_order_relaxed);
            while (put - ring.taken.load(std::memory_order_relaxed) == 8)
                std::this_thread::yield();
            std::atomic_thread_fence(std::memory_order_acquire);
            ring.slots[put % 8] = i;
            std::atomic_thread_fence(std::memory_order_release);
            ring.put.store(put + 1, std::memory_order_relaxed);
        }
        for (int i = 0; i < 1000 && which == 1; i++) {
            unsigned taken = ring.taken.load(std::memory_order_relaxed);
            while (ring.put.load(std::memory_order_relaxed) == taken)
                std::this_thread::yield();
            std::atomic_thread_fence(std::memory_order_acquire);
            must(ring.slots[taken % 8] == i);
            std::atomic_thread_fence(std::memory_order_release);
            ring.taken.store(taken + 1, std::memory_order_relaxed);
        }
    });
}

/* By libatomic, which other code calls for what is wider than a register. */
static void wide_atomics()
{
    struct head {
        struct node {
            int value;
            node *next;
        } * first;
        long changes;
    };
    std::atomic<head> list = head{nullptr, 0};
    run_many(3, [&](int which) {
        for (int i = 0; i < 100; i++) {
            auto *added = new head::node{which, nullptr};
            head old = list.load(), changed;
            do {
                added->next = old.first;
                changed = {added, old.changes + 1};
            } while (!list.compare_exchange_weak(old, changed));
            head now = list.load();
            must(now.first->value >= 0 && now.changes > 0);
        }
    });
    must(list.load().changes == 300);
    for (head::node *at = list.load().first, *next; at != nullptr; at = next) {
        next = at->next;
        delete at;
    }
}

static void counts_by_reference()
{
    int plain = 0;
    run_many(4, [&](int) {
        for (int i = 0; i < 100; i++)
            std::atomic_ref<int>(plain).fetch_add(1);
    });
    must(plain == 400);
}

int main(int argc, char **argv)
{
    static const std::pair<const char *, void (*)()> cases[] = {
        {"streams", streams},
        {"expressions", expressions},
        {"standard_streams", standard_streams},
        {"futures", futures},
        {"promises", promises},
        {"exceptions", exceptions},
        {"once", once},
        {"thread_locals", thread_locals},
        {"shared_pointers", shared_pointers},
        {"memory_pools", memory_pools},
        {"conditions", conditions},
        {"other_locks", other_locks},
        {"latches_and_barriers", latches_and_barriers},
        {"semaphores", semaphores},
        {"waits_for_values", waits_for_values},
        {"stops", stops},
        {"flags", flags},
        {"stacks_without_locks", stacks_without_locks},
        {"fences", fences},
        {"wide_atomics", wide_atomics},
        {"counts_by_reference", counts_by_reference},
    };
    for (const auto &[name, run] : cases) {
        if (argc < 2) {
            std::puts(name);
        } else if (std::strcmp(name, argv[1]) == 0) {
            run();
            std::puts("done");
        }
    }
    return 0;
}
